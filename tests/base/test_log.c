/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "common.h"

/* These tests set the log of their process, so each leaves it as it found it. */
static void tear_down(void)
{
	log_set_level(EZL_INFO);
	log_set_format(LOG_TEXT);
	log_set_name(VIEW(""));
}

/* A record without its time: text has it up to the first space. */
static const char *after_time(const char *text)
{
	ck_assert_uint_ge(strlen(text), strlen("2024-02-29T12:00:00.123456Z "));
	ck_assert_int_eq(text[10], 'T');
	ck_assert_int_eq(text[26], 'Z');
	return text + 28;
}

START_TEST(a_text_record_has_time_level_name_and_message)
{
	char *said;

	capture_stderr_begin();
	log_msg(EZL_WARNING, "slot lags bytes=%d", 7);
	said = capture_stderr_end();
	ck_assert_str_eq(after_time(said), "warning slot lags bytes=7\n");
	free(said);
	log_set_name(VIEW("shop"));
	capture_stderr_begin();
	log_msg(EZL_ERROR, "stopped");
	said = capture_stderr_end();
	ck_assert_str_eq(after_time(said), "error [shop] stopped\n");
	free(said);
}
END_TEST

START_TEST(a_json_record_is_one_object)
{
	char *said;

	log_set_format(LOG_JSON);
	capture_stderr_begin();
	log_msg(EZL_NOTICE, "a \"quoted\" back\\slash");
	said = capture_stderr_end();
	ck_assert_ptr_nonnull(strstr(said, "Z\",\"level\":\"notice\",\"message\":"
					   "\"a \\\"quoted\\\" back\\\\slash\"}\n"));
	ck_assert_int_eq(strncmp(said, "{\"time\":\"2", 10), 0);
	free(said);
	log_set_name(VIEW("a\"b"));
	capture_stderr_begin();
	log_msg(EZL_INFO, "x");
	log_hint("y");
	said = capture_stderr_end();
	ck_assert_ptr_nonnull(strstr(
		said, "\"level\":\"info\",\"job\":\"a\\\"b\",\"message\":\"x\"}\n"));
	ck_assert_ptr_nonnull(
		strstr(said, "\"level\":\"info\",\"job\":\"a\\\"b\",\"hint\":\"y\"}\n"));
	free(said);
}
END_TEST

START_TEST(records_over_the_level_are_dropped_with_their_hints)
{
	char *said;

	capture_stderr_begin();
	log_msg(EZL_DEBUG, "dropped");
	log_hint("dropped as well");
	log_msg(EZL_ERROR, "shown");
	log_hint("do %s", "this");
	said = capture_stderr_end();
	ck_assert_ptr_null(strstr(said, "dropped"));
	ck_assert_ptr_nonnull(strstr(said, "error shown\n"));
	ck_assert_ptr_nonnull(strstr(said, "error hint: do this\n"));
	free(said);
	log_set_level(EZL_DEBUG);
	ck_assert_int_eq(log_get_level(), EZL_DEBUG);
	ck_assert(log_is_shown(EZL_DEBUG));
	log_set_level(EZL_ERROR);
	ck_assert(!log_is_shown(EZL_WARNING));
}
END_TEST

START_TEST(data_can_neither_forge_a_line_nor_speak_to_a_terminal)
{
	char *said;

	capture_stderr_begin();
	log_msg(EZL_INFO, "%s", "a\nb\tc\x1b[31m\x7f\xc2\x9b\xff\xe2\x82\xac!");
	said = capture_stderr_end();
	ck_assert_str_eq(after_time(said),
			 "info a\\nb\\tc\\x1b[31m\\x7f\\x9b\\xff\xe2\x82\xac!\n");
	free(said);
	log_set_format(LOG_JSON);
	capture_stderr_begin();
	log_msg(EZL_INFO, "%s", "a\nb\tc\x1b[31m\x7f\xc2\x9b\xff\xe2\x82\xac!");
	said = capture_stderr_end();
	ck_assert_ptr_nonnull(strstr(said, "\"a\\nb\\tc\\u001b[31m\\u007f\\u009b\\ufffd"
					   "\xe2\x82\xac!\"}\n"));
	free(said);
}
END_TEST

static void check_cut(enum log_format format, char fill, const char *mark)
{
	static char text[20000];
	char *said;
	size_t n;

	memset(text, fill, sizeof(text) - 1);
	log_set_format(format);
	capture_stderr_begin();
	log_msg(EZL_INFO, "%s", text);
	said = capture_stderr_end();
	n = strlen(said);
	ck_assert_uint_le(n, LOG_RECORD_MAX);
	ck_assert_uint_gt(n, 3000);
	ck_assert_str_eq(said + n - strlen(mark), mark);
	ck_assert_ptr_eq(strchr(said, '\n'), said + n - 1);
	free(said);
}

START_TEST(a_record_too_long_is_cut_with_a_mark)
{
	check_cut(LOG_TEXT, 'x', "xx...\n");
	check_cut(LOG_TEXT, '\x01', "\\x01...\n");
	check_cut(LOG_JSON, 'x', "xx...\"}\n");
	check_cut(LOG_JSON, '\x01', "\\u0001...\"}\n");
	check_cut(LOG_JSON, '"', "\\\"...\"}\n");
}
END_TEST

START_TEST(errno_is_printed_and_left_alone)
{
	char *said;

	capture_stderr_begin();
	errno = ENOENT;
	log_msg(EZL_INFO, "open failed: %m");
	ck_assert_int_eq(errno, ENOENT);
	log_hint("%m");
	ck_assert_int_eq(errno, ENOENT);
	said = capture_stderr_end();
	ck_assert_ptr_nonnull(strstr(said, "open failed: No such file or directory\n"));
	free(said);
}
END_TEST

START_TEST(levels_and_formats_have_names)
{
	enum log_format format;
	int level;

	ck_assert_str_eq(log_level_to_str(EZL_ERROR), "error");
	ck_assert_str_eq(log_level_to_str(EZL_DEBUG), "debug");
	ck_assert_str_eq(log_level_to_str(0), "error");
	ck_assert_str_eq(log_level_to_str(99), "debug");
	for (int i = EZL_ERROR; i <= EZL_DEBUG; i++)
		ck_assert(log_level_parse(view_str(log_level_to_str(i)), &level) &&
			  level == i);
	ck_assert(!log_level_parse(VIEW("loud"), &level));
	ck_assert(log_format_parse(VIEW("text"), &format) && format == LOG_TEXT);
	ck_assert(log_format_parse(VIEW("json"), &format) && format == LOG_JSON);
	ck_assert(!log_format_parse(VIEW("xml"), &format));
}
END_TEST

START_TEST(a_name_too_long_is_cut)
{
	char name[100], *said;

	memset(name, 'n', sizeof(name));
	log_set_name(view_of(name, sizeof(name)));
	capture_stderr_begin();
	log_msg(EZL_INFO, "x");
	said = capture_stderr_end();
	ck_assert_uint_eq(strspn(strchr(said, '[') + 1, "n"), 63);
	free(said);
}
END_TEST

/* In a child, because whether stderr is the journal is asked only once. */
static void say_to_journal(void)
{
	char stream[64];
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_msg(EZL_ERROR, "to the journal");
	log_set_name(VIEW("shop"));
	log_msg(EZL_DEBUG - 1, "x");
	abort();
}

static void say_to_a_redirected_stderr(void)
{
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_msg(EZL_ERROR, "not to the journal");
	abort();
}

static void say_with_a_broken_variable(void)
{
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_msg(EZL_ERROR, "not to the journal");
	abort();
}

START_TEST(the_journal_gets_a_priority_and_no_time)
{
	char said[512];

	ck_assert(aborts(say_to_journal, said, sizeof(said)));
	ck_assert_str_eq(said, "<3>to the journal\n<6>[shop] x\n");
	ck_assert(aborts(say_to_a_redirected_stderr, said, sizeof(said)));
	ck_assert_str_eq(after_time(said), "error not to the journal\n");
	ck_assert(aborts(say_with_a_broken_variable, said, sizeof(said)));
	ck_assert_str_eq(after_time(said), "error not to the journal\n");
}
END_TEST

enum {
	N_THREADS = 4,
	N_RECORDS = 500,
};

static void *log_much(void *arg)
{
	for (int i = 0; i < N_RECORDS; i++) {
		log_msg(EZL_INFO, "thread %d record %04d of the same length", *(int *)arg,
			i);
		if (i % 100 == 0)
			log_set_level(EZL_INFO);
	}
	return NULL;
}

START_TEST(records_of_many_threads_stay_whole)
{
	pthread_t threads[N_THREADS];
	int numbers[N_THREADS];
	char *said, *line, *rest;
	int n_lines = 0;

	capture_stderr_begin();
	for (int i = 0; i < N_THREADS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, log_much, &numbers[i]),
				 0);
	}
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	said = capture_stderr_end();
	rest = said;
	while ((line = strsep(&rest, "\n")) && *line) {
		CHECK(fnmatch("info thread [0-3] record [0-9][0-9][0-9][0-9] of the same length",
			      after_time(line), 0) == 0);
		n_lines++;
	}
	ck_assert_int_eq(n_lines, N_THREADS * N_RECORDS);
	free(said);
}
END_TEST

static void ignore_signal(int signal)
{
	(void)signal;
}

struct disturbance {
	pthread_t logger;
	int fd;
};

/* Signals the logger while the pipe is full, then empties it. */
static void *disturb(void *arg)
{
	const struct disturbance *d = arg;
	char data[4096];

	for (int i = 0; i < 20; i++) {
		sleep_us(1000);
		pthread_kill(d->logger, SIGUSR1);
	}
	while (read(d->fd, data, sizeof(data)) > 0)
		;
	return NULL;
}

START_TEST(a_write_that_is_interrupted_goes_on)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct disturbance d = { .logger = pthread_self() };
	int fds[2], saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	pthread_t thread;
	char kib[1024];

	memset(kib, 'x', sizeof(kib));
	sigaction(SIGUSR1, &action, NULL);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	d.fd = fds[0];
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	while (write(fds[1], kib, sizeof(kib)) > 0)
		;
	fcntl(fds[1], F_SETFL, 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	ck_assert_int_eq(pthread_create(&thread, NULL, disturb, &d), 0);
	log_msg(EZL_INFO, "waits for room");
	dup2(saved, STDERR_FILENO);
	close(saved);
	pthread_join(thread, NULL);
	close(fds[0]);
}
END_TEST

START_TEST(any_data_gives_one_line_of_clean_utf8)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	char text[2000], *said;
	size_t n = prng_below(&p, sizeof(text));

	fill_random(&p, text, n);
	text[n] = '\0';
	log_set_format(_i % 2 ? LOG_JSON : LOG_TEXT);
	capture_stderr_begin();
	log_msg(EZL_INFO, "%s", text);
	said = capture_stderr_end();
	n = strlen(said);
	CHECK_SEEDED(n > 0 && n <= LOG_RECORD_MAX, seed);
	CHECK_SEEDED(strchr(said, '\n') == said + n - 1, seed);
	CHECK_SEEDED(utf8_is_valid(view_of(said, n)), seed);
	for (size_t i = 0; i + 1 < n; i++)
		CHECK_SEEDED((unsigned char)said[i] >= 0x20 && said[i] != 0x7f, seed);
	free(said);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("records"), *properties = tcase_create("properties");

	unsetenv("JOURNAL_STREAM");
	tcase_add_checked_fixture(tc, NULL, tear_down);
	/* First: without forks the answer to "is it the journal" would be known already. */
	tcase_add_test(tc, the_journal_gets_a_priority_and_no_time);
	tcase_add_test(tc, a_text_record_has_time_level_name_and_message);
	tcase_add_test(tc, a_json_record_is_one_object);
	tcase_add_test(tc, records_over_the_level_are_dropped_with_their_hints);
	tcase_add_test(tc, data_can_neither_forge_a_line_nor_speak_to_a_terminal);
	tcase_add_test(tc, a_record_too_long_is_cut_with_a_mark);
	tcase_add_test(tc, errno_is_printed_and_left_alone);
	tcase_add_test(tc, levels_and_formats_have_names);
	tcase_add_test(tc, a_name_too_long_is_cut);
	tcase_add_test(tc, records_of_many_threads_stay_whole);
	tcase_add_test(tc, a_write_that_is_interrupted_goes_on);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(properties, NULL, tear_down);
	tcase_add_loop_test(properties, any_data_gives_one_line_of_clean_utf8, 0, 100);
	suite_add_tcase(s, properties);
	return run_suite(s);
}
