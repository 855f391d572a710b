/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/notify.h"

enum { MESSAGE_MAX = 2048 };

static char dir[64], path[96];
static int fd = -1;

/* Listens on a path, or with a leading "@" in the abstract namespace. */
static void listen_on(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval limit = { 10, 0 };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert(str_copy(at.sun_path, sizeof(at.sun_path), view_str(name)));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void start(void)
{
	ck_assert(str_format(dir, sizeof(dir), "/tmp/ezcdc-test-notify-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(str_format(path, sizeof(path), "%s/socket", dir));
}

static void stop(void)
{
	close(fd);
	(void)!unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static const char *next_message(void)
{
	static char text[MESSAGE_MAX + 1];
	ssize_t n = recv(fd, text, MESSAGE_MAX, 0);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return text;
}

static void expect_nothing(void)
{
	char c;

	ck_assert_int_eq(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void expect_messages(void)
{
	int64_t before = mono_us();
	uint64_t at;
	const char *text;
	char longer[2 * MESSAGE_MAX];

	notify_ready();
	ck_assert_str_eq(next_message(), "READY=1");
	notify_stopping();
	ck_assert_str_eq(next_message(), "STOPPING=1");
	notify_watchdog();
	ck_assert_str_eq(next_message(), "WATCHDOG=1");
	notify_status("%d rows of %s", 7, "many");
	ck_assert_str_eq(next_message(), "STATUS=7 rows of many");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	notify_status("%s", longer);
	ck_assert_int_eq(strncmp(next_message(), "STATUS=xxx", 10), 0);
	notify_reloading();
	text = next_message();
	ck_assert_int_eq(strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	ck_assert(parse_u64(view_str(text + 27), &at));
	ck_assert(at >= (uint64_t)before && at <= (uint64_t)mono_us());
	expect_nothing();
}

START_TEST(test_path)
{
	listen_on(path);
	expect_messages();
}
END_TEST

START_TEST(test_abstract)
{
	char name[96];

	ck_assert(str_format(name, sizeof(name), "@%s", dir + 1));
	listen_on(name);
	expect_messages();
}
END_TEST

START_TEST(test_without_a_listener)
{
	char longer[300];

	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	listen_on(path);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "", 1), 0);
	notify_ready();
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	notify_ready();
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1), 0);
	notify_ready();
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", longer, 1), 0);
	notify_ready();
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	notify_ready();
	notify_status("%s", "x");
	expect_nothing();
}
END_TEST

START_TEST(test_the_watchdog_of_another_process)
{
	char pid[32];

	ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	ck_assert(str_format(pid, sizeof(pid), "%ld", (long)getpid()));
	ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
	ck_assert_int_eq(notify_watchdog_us(), 15000000);
	ck_assert(str_format(pid, sizeof(pid), "%ld", (long)getppid()));
	ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
	ck_assert_int_eq(notify_watchdog_us(), 0);
	ck_assert_int_eq(setenv("WATCHDOG_PID", "", 1), 0);
	ck_assert_int_eq(notify_watchdog_us(), 0);
	ck_assert_int_eq(unsetenv("WATCHDOG_PID"), 0);
	ck_assert_int_eq(notify_watchdog_us(), 15000000);
}
END_TEST

START_TEST(test_watchdog)
{
	static const struct {
		const char *text;
		int64_t us;
	} wanted[] = { { "30000000", 15000000 },       { "", 0 },  { "abc", 0 }, { "-5", 0 },
		       { "18446744073709551615", 0 }, { "0", 0 }, { "1", 0 } };

	ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
	ck_assert_int_eq(notify_watchdog_us(), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		ck_assert_int_eq(setenv("WATCHDOG_USEC", wanted[i].text, 1), 0);
		ck_assert_int_eq(notify_watchdog_us(), wanted[i].us);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("notify");
	TCase *c = tcase_create("messages");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, test_path);
	tcase_add_test(c, test_abstract);
	tcase_add_test(c, test_without_a_listener);
	tcase_add_test(c, test_watchdog);
	tcase_add_test(c, test_the_watchdog_of_another_process);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
