/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/random.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/control.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/json.h"

enum { TEXT_MAX = 1024 * 1024, LINE_MAX_BYTES = 64 * 1024, BIG = 3 * 1024 * 1024, FDS = 64 };

/* A daemon: a thread that serves the two listeners until it is told to end. */
static char dir[64], path[96];
static struct control *control;
static pthread_t server;
static _Atomic bool ending;
static bool paused;

static void on_command(void *arg, struct ez_view cmd, struct ez_view json, struct buf *answer)
{
	if (arg != &paused)
		abort();
	if (view_eq_str(cmd, "pause"))
		paused = true;
	if (view_eq_str(cmd, "big")) {
		buf_add_str(answer, "{\"x\":\"");
		for (int i = 0; i < BIG; i++)
			buf_add_char(answer, 'x');
		buf_add_str(answer, "\"}");
		return;
	}
	buf_addf(answer, "{\"cmd\":\"%.*s\",\"paused\":%s,\"bytes\":%zu}", VIEW_ARG(cmd),
		 paused ? "true" : "false", json.len);
}

static void on_metrics(void *arg, struct buf *text)
{
	if (arg != &paused)
		abort();
	buf_add_str(text, "ezcdc_up 1\n");
}

static const struct control_ops ops = { .command = on_command, .metrics = on_metrics };

static void *serve(void *arg)
{
	struct pollfd fds[FDS];

	(void)arg;
	while (!ending) {
		size_t n = control_fds(control, fds, FDS);

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
	paused = false;
	ending = false;
	ck_assert_msg(control_new(path, "127.0.0.1:0", &ops, &paused, &control, &err) == EZ_OK,
		      "%s", err.text);
	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

static void stop(void)
{
	ending = true;
	ck_assert_int_eq(pthread_join(server, NULL), 0);
	control_free(control);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ------------------------------------------------------------------------- control socket */

static int connect_unix(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(str_copy(at.sun_path, sizeof(at.sun_path), view_str(path)));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void put(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* dropped: what comes back tells */
		p += n;
		len -= (size_t)n;
	}
}

static void put_str(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

/* All until the other side hangs up. */
static void get_all(int fd, struct buf *text)
{
	char chunk[4096];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buf_add(text, chunk, (size_t)n);
}

/* One line, without its end; "" when the other side hung up. */
static void get_line(int fd, struct buf *text)
{
	char c;

	buf_reset(text);
	while (recv(fd, &c, 1, 0) == 1 && c != '\n')
		buf_add_char(text, c);
}

static void ask(const char *request, const char *wanted)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(TEXT_MAX);
	struct ez_error err = ERROR_INIT;

	ck_assert_msg(control_ask(path, view_str(request), 10000, &answer, &err) == EZ_OK, "%s",
		      err.text);
	ck_assert_str_eq(buf_cstr(&answer), wanted);
}

static void require_error(const char *line)
{
	_cleanup_(json_freep) struct json *j = json_parse(view_str(line), NULL);

	ck_assert_msg(j != NULL, "%s", line);
	ck_assert_uint_gt(json_str(j, "error").len, 0);
}

START_TEST(test_ask)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ask("{\"cmd\":\"status\"}", "{\"cmd\":\"status\",\"paused\":false,\"bytes\":16}");
	ask("{\"cmd\":\"pause\", \"x\": [1]}", "{\"cmd\":\"pause\",\"paused\":true,\"bytes\":25}");
	ask("{\"cmd\":\"status\"}", "{\"cmd\":\"status\",\"paused\":true,\"bytes\":16}");
}
END_TEST

START_TEST(test_answer_of_many_megabytes)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(2 * BIG), small = BUF_INIT(1000);
	struct ez_error err = ERROR_INIT;
	const struct ez_view request = VIEW("{\"cmd\":\"big\"}");

	ck_assert_int_eq(control_ask(path, request, 30000, &answer, &err), EZ_OK);
	ck_assert_uint_eq(answer.len, BIG + 8);
	ck_assert_int_eq(control_ask(path, request, 30000, &small, &err), EZ_E_FATAL);
}
END_TEST

START_TEST(test_garbage_is_answered)
{
	static const char *const lines[] = {
		"", "x", "{", "[]", "7", "{\"cmd\":7}", "{\"cmd\":\"\"}", "{\"CMD\":\"status\"}",
		"{\"cmd\":\"a\",\"cmd\":\"b\"}", "GET / HTTP/1.1\r", "\xff\xfe", "{\"cmd\":\"\xff\"}",
	};
	_cleanup_(buf_release) struct buf line = BUF_INIT(TEXT_MAX);
	int fd = connect_unix();

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		put_str(fd, lines[i]);
		put_str(fd, "\n");
		get_line(fd, &line);
		require_error(buf_cstr(&line));
	}
	/* And the connection still works. */
	put_str(fd, "{\"cmd\":\"status\"}\n");
	get_line(fd, &line);
	ck_assert_str_eq(buf_cstr(&line), "{\"cmd\":\"status\",\"paused\":false,\"bytes\":16}");
	close(fd);
}
END_TEST

START_TEST(test_noise)
{
	struct prng p = PRNG_INIT(4);
	char noise[3000];

	for (int i = 0; i < 40; i++) {
		_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
		struct ez_view rest, line;
		int fd = connect_unix();

		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (char)prng_next(&p);
		put(fd, noise, prng_below(&p, sizeof(noise)));
		ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
		get_all(fd, &text);
		rest = buf_view(&text);
		while (rest.len > 0 && view_split(&rest, '\n', &line))
			if (line.len < 10 || memcmp(line.ptr, "{\"error\":", 9) != 0)
				ck_abort_msg("answer: %.*s", VIEW_ARG(line));
		close(fd);
	}
	ask("{\"cmd\":\"status\"}", "{\"cmd\":\"status\",\"paused\":false,\"bytes\":16}");
}
END_TEST

START_TEST(test_long_lines)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	char *line = xcalloc(1, 2 * LINE_MAX_BYTES);
	int fd = connect_unix();

	/* As long as allowed, in one piece and split. */
	memset(line, ' ', (size_t)2 * LINE_MAX_BYTES);
	memcpy(line, "{\"cmd\":\"status\"}", 16);
	line[LINE_MAX_BYTES - 1] = '\n';
	put(fd, line, LINE_MAX_BYTES);
	get_line(fd, &text);
	ck_assert_str_eq(buf_cstr(&text), "{\"cmd\":\"status\",\"paused\":false,\"bytes\":65535}");
	/* Longer: dropped without an answer. */
	line[LINE_MAX_BYTES - 1] = ' ';
	line[2 * LINE_MAX_BYTES - 1] = '\n';
	put(fd, line, (size_t)2 * LINE_MAX_BYTES);
	buf_reset(&text);
	get_all(fd, &text);
	ck_assert_uint_eq(text.len, 0);
	close(fd);
	free(line);
	ask("{\"cmd\":\"status\"}", "{\"cmd\":\"status\",\"paused\":false,\"bytes\":16}");
}
END_TEST

START_TEST(test_lines_in_pieces_and_together)
{
	static const char two[] = "{\"cmd\":\"a\"}\n{\"cmd\":\"b\"}\n{\"cmd\"";
	_cleanup_(buf_release) struct buf line = BUF_INIT(TEXT_MAX);
	int fd = connect_unix();

	put_str(fd, two);
	get_line(fd, &line);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&line), "{\"cmd\":\"a\""));
	get_line(fd, &line);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&line), "{\"cmd\":\"b\""));
	put_str(fd, ":\"c\"}");
	put_str(fd, "\n");
	get_line(fd, &line);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&line), "{\"cmd\":\"c\""));
	close(fd);
}
END_TEST

/* More clients than there are places for, all with half a request; none blocks the others. */
START_TEST(test_many_clients)
{
	_cleanup_(buf_release) struct buf line = BUF_INIT(TEXT_MAX);
	int fds[31], extra;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_unix();
		put_str(fds[i], "{\"cmd\":\"st");
	}
	ask("{\"cmd\":\"status\"}", "{\"cmd\":\"status\",\"paused\":false,\"bytes\":16}");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		put_str(fds[i], "atus\"}\n");
		get_line(fds[i], &line);
		ck_assert_ptr_nonnull(strstr(buf_cstr(&line), "\"bytes\":16"));
	}
	/* One takes the last place, the next finds none and is not left waiting. */
	extra = connect_unix();
	put_str(extra, "{\"cmd\":\"a\"}\n");
	get_line(extra, &line);
	ck_assert_uint_gt(line.len, 0);
	{
		struct ez_error err = ERROR_INIT;
		int over = connect_unix();

		get_line(over, &line);
		ck_assert_uint_eq(line.len, 0);
		close(over);
		/* The client's side takes being turned away for an outage and survives it. */
		ck_assert_int_eq(control_ask(path, VIEW("{}"), 10000, &line, &err), EZ_E_TRANSIENT);
	}
	close(extra);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}
END_TEST

/* Who asks much and reads nothing does not stop the daemon. */
START_TEST(test_slow_reader)
{
	int fd = connect_unix();

	put_str(fd, "{\"cmd\":\"big\"}\n{\"cmd\":\"big\"}\n");
	ask("{\"cmd\":\"status\"}", "{\"cmd\":\"status\",\"paused\":false,\"bytes\":16}");
	close(fd);
	ask("{\"cmd\":\"status\"}", "{\"cmd\":\"status\",\"paused\":false,\"bytes\":16}");
}
END_TEST

START_TEST(test_stale_socket_is_replaced)
{
	struct ez_error err = ERROR_INIT;
	struct control *c = NULL;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char *other = xasprintf("%s/stale", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(buf_release) struct buf answer = BUF_INIT(TEXT_MAX);

	ck_assert(str_copy(at.sun_path, sizeof(at.sun_path), view_str(other)));
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	ck_assert_int_eq(access(other, F_OK), 0);
	ck_assert_int_eq(control_ask(other, VIEW("{}"), 1000, &answer, &err), EZ_E_TRANSIENT);
	ck_assert_ptr_nonnull(strstr(err.text, "no daemon answers"));
	ck_assert_int_eq(control_new(other, NULL, &ops, &paused, &c, &err), EZ_OK);
	ck_assert_uint_eq(control_metrics_port(c), 0);
	control_free(c);
	ck_assert_int_ne(access(other, F_OK), 0);
	free(other);
}
END_TEST

START_TEST(test_addresses_that_cannot_be)
{
	static const char *const bad[] = { "9187", ":9187", "127.0.0.1:", "127.0.0.1:http:x",
					   "127.0.0.1:99999999", "192.0.2.1:1" };
	struct ez_error err = ERROR_INIT;
	struct control *c = NULL;
	char *other = xasprintf("%s/other", dir), *missing = xasprintf("%s/no/sock", dir), taken[32];
	char longest[300];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(control_new(other, bad[i], &ops, &paused, &c, &err) == EZ_E_CONFIG,
			      "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(err.text, bad[i]));
		ck_assert_str_ne(err.hint, "");
		ck_assert_int_ne(access(other, F_OK), 0);
	}
	ck_assert(str_format(taken, sizeof(taken), "127.0.0.1:%u", control_metrics_port(control)));
	ck_assert_int_eq(control_new(other, taken, &ops, &paused, &c, &err), EZ_E_CONFIG);
	ck_assert_int_eq(control_new(missing, NULL, &ops, &paused, &c, &err), EZ_E_IO);
	ck_assert_int_eq(exit_code_of(&err), EXIT_CANTCREAT);
	ck_assert_ptr_nonnull(strstr(err.text, strerror(ENOENT)));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(control_new(longest, NULL, &ops, &paused, &c, &err), EZ_E_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.hint, "--state-dir"));
	ck_assert_ptr_null(c);
	free(other);
	free(missing);
}
END_TEST

/* A daemon that is there but does not serve: the client gives up by itself. */
START_TEST(test_client_gives_up)
{
	struct ez_error err = ERROR_INIT;
	_cleanup_(buf_release) struct buf answer = BUF_INIT(TEXT_MAX);
	char *other = xasprintf("%s/hung", dir);
	struct control *c = NULL;
	int fds[200];
	size_t n = 0;
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	ck_assert_int_eq(control_new(other, NULL, &ops, &paused, &c, &err), EZ_OK);
	ck_assert_int_eq(control_ask(other, VIEW("{}"), 50, &answer, &err), EZ_E_TRANSIENT);
	ck_assert_ptr_nonnull(strstr(err.text, "does not answer"));
	/* Even when its queue of connections is full. */
	ck_assert(str_copy(at.sun_path, sizeof(at.sun_path), view_str(other)));
	for (; n < ARRAY_LEN(fds); n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(fds[n], (const struct sockaddr *)&at, sizeof(at)) != 0)
			break;
	}
	ck_assert_uint_lt(n, ARRAY_LEN(fds));
	ck_assert_int_eq(control_ask(other, VIEW("{}"), 50, &answer, &err), EZ_E_TRANSIENT);
	for (size_t i = 0; i <= n; i++)
		close(fds[i]);
	control_free(c);
	free(other);
}
END_TEST

/* ------------------------------------------------------------------------------------ HTTP */

static int connect_http(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons((uint16_t)control_metrics_port(control)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_uint_ne(at.sin_port, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* status: "200 OK"; body NULL: do not look. Also: the length is told and the rest closes. */
static void check_response(struct buf *text, const char *status, const char *body, bool is_head)
{
	const char *p = buf_cstr(text), *end = strstr(p, "\r\n\r\n"), *length;

	ck_assert_msg(strncmp(p, "HTTP/1.1 ", 9) == 0 && strncmp(p + 9, status, strlen(status)) == 0,
		      "wanted %s: %s", status, p);
	ck_assert_ptr_nonnull(end);
	ck_assert_ptr_nonnull(strstr(p, "\r\nConnection: close\r\n"));
	ck_assert_ptr_nonnull(strstr(p, "\r\nContent-Type: text/plain"));
	length = strstr(p, "\r\nContent-Length: ");
	ck_assert_ptr_nonnull(length);
	if (is_head)
		ck_assert_str_eq(end + 4, "");
	else
		ck_assert_uint_eq(strtoul(length + 18, NULL, 10), strlen(end + 4));
	if (body)
		ck_assert_str_eq(end + 4, body);
}

static void request(const char *text, const char *status, const char *body)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(TEXT_MAX);
	int fd = connect_http();

	put_str(fd, text);
	get_all(fd, &answer);
	close(fd);
	check_response(&answer, status, body, strncmp(text, "HEAD ", 5) == 0);
}

START_TEST(test_http)
{
	request("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "ezcdc_up 1\n");
	request("GET /metrics HTTP/1.0\n\n", "200 OK", "ezcdc_up 1\n");
	request("GET /metrics?a=b&c HTTP/1.1\r\n\r\n", "200 OK", "ezcdc_up 1\n");
	request("HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK", "");
	request("GET /healthz HTTP/1.1\r\n\r\n", "200 OK", "200 OK\n");
	request("GET / HTTP/1.1\r\n\r\n", "404 Not Found", NULL);
	request("GET /metricsx HTTP/1.1\r\n\r\n", "404 Not Found", NULL);
	request("HEAD /x HTTP/1.1\r\n\r\n", "404 Not Found", "");
	request("POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", "405 Method", NULL);
	request("POST /metrics HTTP/1.1\n\nhi", "405 Method", NULL);
	request("get /metrics HTTP/1.1\r\n\r\n", "405 Method", NULL);
}
END_TEST

START_TEST(test_http_garbage)
{
	request("garbage\r\n\r\n", "400 Bad Request", NULL);
	request("\r\n\r\n", "400 Bad Request", NULL);
	request("\n\n", "400 Bad Request", NULL);
	request("GET /metrics\r\n\r\n", "400 Bad Request", NULL);
	request("GET  /metrics HTTP/1.1\r\n\r\n", "400 Bad Request", NULL);
	request("\xff \xfe \xfd\r\n\r\n", "400 Bad Request", NULL);
}
END_TEST

START_TEST(test_http_in_pieces)
{
	static const char text[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	_cleanup_(buf_release) struct buf answer = BUF_INIT(TEXT_MAX);
	int fd = connect_http(), other = connect_http();

	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		put(fd, &text[i], 1);
		if (i == 20) { /* half a request keeps nobody waiting */
			ask("{\"cmd\":\"a\"}", "{\"cmd\":\"a\",\"paused\":false,\"bytes\":11}");
			request(text, "200 OK", "ezcdc_up 1\n");
		}
	}
	get_all(fd, &answer);
	check_response(&answer, "200 OK", "ezcdc_up 1\n", false);
	close(fd);
	close(other);
}
END_TEST

/* The last byte is one too many: all was read by then, so the answer is not cut off. */
START_TEST(test_http_too_long)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(TEXT_MAX);
	char *text = xcalloc(1, LINE_MAX_BYTES);
	int fd = connect_http();

	memset(text, 'a', LINE_MAX_BYTES);
	put(fd, text, LINE_MAX_BYTES);
	put(fd, "b", 1);
	get_all(fd, &answer);
	check_response(&answer, "431 ", NULL, false);
	close(fd);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control");
	TCase *c = tcase_create("socket"), *http = tcase_create("http");
	SRunner *r;
	int failed;

	/* As in ezcdc, SIGPIPE stays what it is: the client's side must not raise it. */
	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, test_ask);
	tcase_add_test(c, test_answer_of_many_megabytes);
	tcase_add_test(c, test_garbage_is_answered);
	tcase_add_test(c, test_noise);
	tcase_add_test(c, test_long_lines);
	tcase_add_test(c, test_lines_in_pieces_and_together);
	tcase_add_test(c, test_many_clients);
	tcase_add_test(c, test_slow_reader);
	tcase_add_test(c, test_stale_socket_is_replaced);
	tcase_add_test(c, test_addresses_that_cannot_be);
	tcase_add_test(c, test_client_gives_up);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(http, start, stop);
	tcase_set_timeout(http, 60);
	tcase_add_test(http, test_http);
	tcase_add_test(http, test_http_garbage);
	tcase_add_test(http, test_http_in_pieces);
	tcase_add_test(http, test_http_too_long);
	suite_add_tcase(s, http);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
