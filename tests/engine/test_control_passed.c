/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/control.h"
#include "engine/host.h"

enum { TEXT_MAX = 1024, FDS = 64 };

/* Descriptors at the control socket: those that come along, and none being left. */
static char dir[64], path[96];
static struct control *control;
static pthread_t server;
static _Atomic bool ending;
static _Atomic unsigned rounds;

static void on_command(void *arg, struct ez_view cmd, struct ez_view json, struct buf *answer)
{
	(void)arg;
	(void)json;
	buf_addf(answer, "{\"cmd\":\"%.*s\"}", VIEW_ARG(cmd));
}

static void on_metrics(void *arg, struct buf *text)
{
	(void)arg;
	buf_add_str(text, "ezcdc_up 1\n");
}

/* Says what the descriptor holds. */
static void on_reload(void *arg, struct ez_view json, int fd, struct buf *answer)
{
	char text[32] = "";

	(void)arg;
	if (json.len == 0 || (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) < 0))
		abort();
	buf_addf(answer, "{\"text\":\"%s\",\"passed\":%s}", text, fd >= 0 ? "true" : "false");
}

static const struct control_ops ops = { on_command, on_metrics, on_reload };

static void *serve(void *arg)
{
	struct pollfd fds[FDS];

	(void)arg;
	while (!ending) {
		size_t n = control_fds(control, fds, FDS);

		rounds++;
		if (poll(fds, n, 20) > 0)
			control_step(control, fds, n);
	}
	return NULL;
}

static void start(void)
{
	struct ez_error err = ERROR_INIT;

	ck_assert(str_format(dir, sizeof(dir), "/tmp/ezcdc-test-control-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(str_format(path, sizeof(path), "%s/control.sock", dir));
	ck_assert_msg(control_new(path, NULL, &ops, NULL, &control, &err) == EZ_OK, "%s", err.text);
	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

static void stop(void)
{
	ending = true;
	ck_assert_int_eq(pthread_join(server, NULL), 0);
	control_free(control);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void connect_with(int fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	ck_assert(str_copy(at.sun_path, sizeof(at.sun_path), view_str(path)));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
}

static int connect_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	connect_with(fd);
	return fd;
}

static void put_str(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* One line, without its end. */
static void get_line(int fd, struct buf *text)
{
	char c;

	buf_reset(text);
	while (recv(fd, &c, 1, 0) == 1 && c != '\n')
		buf_add_char(text, c);
}

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The first byte brings all descriptors. */
static void put_with(int to, const char *text, const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} along = { .bytes = "" };
	struct iovec v = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = along.bytes,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	along.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)),
				       .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&along.head), fds, n * sizeof(int));
	ck_assert_int_eq(sendmsg(to, &m, MSG_NOSIGNAL), (ssize_t)v.iov_len);
}

START_TEST(test_a_descriptor_comes_with_reload)
{
	_cleanup_(buf_release) struct buf line = BUF_INIT(TEXT_MAX);
	int fd, before, files[2];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		files[i] = memfd_create("text", MFD_CLOEXEC);
		ck_assert_int_eq(write(files[i], i ? "new" : "old", 3), 3);
	}
	fd = connect_unix();
	put_str(fd, "{\"cmd\":\"reload\"}\n");
	get_line(fd, &line);
	ck_assert_str_eq(buf_cstr(&line), "{\"text\":\"\",\"passed\":false}");
	before = open_descriptors();
	put_with(fd, "{\"cmd\":\"reload\"}\n", files, 2);
	get_line(fd, &line);
	ck_assert_str_eq(buf_cstr(&line), "{\"text\":\"new\",\"passed\":true}");
	/* What nobody asked for is closed as well. */
	put_with(fd, "{\"cmd\":\"pause\"}\n", files, 2);
	get_line(fd, &line);
	put_str(fd, "{\"cmd\":\"reload\"}\n");
	get_line(fd, &line);
	ck_assert_str_eq(buf_cstr(&line), "{\"text\":\"\",\"passed\":false}");
	ck_assert_int_eq(open_descriptors(), before);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		close(files[i]);
	close(fd);
}
END_TEST

START_TEST(test_without_descriptors_the_listener_rests)
{
	_cleanup_(buf_release) struct buf line = BUF_INIT(TEXT_MAX);
	int first = connect_unix(), fd;
	struct rlimit old, none;
	unsigned before;

	put_str(first, "{\"cmd\":\"x\"}\n");
	get_line(first, &line);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	none = (struct rlimit){ (rlim_t)fd + 1, old.rlim_max }; /* it was the lowest free one */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	before = rounds;
	connect_with(fd);
	sleep_us(500 * US_PER_MS);
	ck_assert_uint_lt(rounds - before, 100);
	put_str(first, "{\"cmd\":\"x\"}\n"); /* others are served meanwhile */
	get_line(first, &line);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&line), "\"cmd\":\"x\""));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	put_str(fd, "{\"cmd\":\"y\"}\n");
	get_line(fd, &line);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&line), "\"cmd\":\"y\""));
	close(fd);
	close(first);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control_passed");
	TCase *c = tcase_create("descriptors");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, test_a_descriptor_comes_with_reload);
	tcase_add_test(c, test_without_descriptors_the_listener_rests);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
