/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/common.h"
#include "base/fs.h"
#include "scheduler/children.h"
#include "scheduler/limits.h"
#include "scheduler/process.h"
#include "scheduler/record.h"
#include "scheduler/ring.h"
#include "scheduler/want.h"

/* What a worker leaves for the next one: notes, logs, and processes. */

static char *folder;

static void set_up(void)
{
	folder = folder_make();
}

static void tear_down(void)
{
	folder_remove(folder);
}

/* ------------------------------------------------------------------------------- notes */

START_TEST(a_note_comes_back_as_it_was)
{
	char *path = xasprintf("%s/" RECORD_NAME, folder);
	struct record r = { .key = xstrdup("file:shop"), .name = xstrdup("shop"),
			    .path = xstrdup("/etc/x \"quoted\".conf"), .boot_id = xstrdup("b"),
			    .pid = 4711, .start_time = UINT64_MAX, .epoch = 1ULL << 62,
			    .revision = 3, .fingerprint = 0xfedcba9876543210ULL, .held = true };
	struct record back;
	struct stat st;

	ck_assert_int_eq(record_save(path, &r), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(record_load(path, &back), 0);
	ck_assert_str_eq(back.key, r.key);
	ck_assert_str_eq(back.name, r.name);
	ck_assert_str_eq(back.path, r.path);
	ck_assert_str_eq(back.boot_id, "b");
	ck_assert_int_eq(back.pid, 4711);
	ck_assert_uint_eq(back.start_time, UINT64_MAX);
	ck_assert_uint_eq(back.epoch, 1ULL << 62);
	ck_assert_uint_eq(back.fingerprint, r.fingerprint);
	ck_assert(back.held);
	record_release(&back);
	record_release(&r);
	free(path);
}
END_TEST

START_TEST(a_note_that_is_none_is_not_believed)
{
	const char *const texts[] = { "", "{}", "[1]", "{\"key\":\"file:x\",\"name\":\"x\",\"pid\":1}",
				      "{\"key\":\"\",\"name\":\"x\",\"pid\":1,\"start_time\":\"1\",\"epoch\":"
				      "\"0\",\"revision\":\"0\",\"fingerprint\":\"0\"}",
				      "{\"key\":\"k\",\"name\":\"x\",\"pid\":-5,\"start_time\":\"1\",\"epoch\":"
				      "\"0\",\"revision\":\"0\",\"fingerprint\":\"0\"}" };
	char *path = xasprintf("%s/" RECORD_NAME, folder);
	struct record r;

	ck_assert_int_eq(record_load(path, &r), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_int_eq(fs_write_atomic(path, texts[i], strlen(texts[i]), 0600), 0);
		ck_assert_int_eq(record_load(path, &r), -EPROTO);
	}
	free(path);
}
END_TEST

/* --------------------------------------------------------------------------- processes */

static struct process spawn(const char *script)
{
	char *argv[] = { xstrdup("sh"), xstrdup("-c"), xstrdup(script), NULL };
	struct process p = PROCESS_NONE;
	const struct spawn how = { .argv = argv, .envp = environ, .config_fd = -1,
				   .out_fd = STDOUT_FILENO, .err_fd = STDERR_FILENO,
				   .cgroup_fd = -1 };

	ck_assert_int_eq(process_spawn(&how, &p), 0);
	for (int i = 0; argv[i]; i++)
		free(argv[i]);
	return p;
}

static int wait_for(const struct process *p)
{
	int code;

	while ((code = process_poll(p)) == PROCESS_RUNS)
		usleep(1000);
	return code;
}

START_TEST(the_end_of_a_child_is_told_by_code_or_signal)
{
	struct process a = spawn("exit 78"), b = spawn("kill -KILL $$");

	ck_assert_int_eq(wait_for(&a), 78);
	ck_assert_int_eq(wait_for(&b), 128 + SIGKILL);
	process_release(&a);
	process_release(&b);
	ck_assert(!process_is_set(&a));
}
END_TEST

START_TEST(a_process_is_adopted_only_if_it_is_the_same)
{
	struct process p = spawn("sleep 60"), again = PROCESS_NONE;

	ck_assert_uint_gt(p.start_time, 0);
	ck_assert_int_eq(process_adopt(p.pid, p.start_time + 1, &again), -ESRCH);
	ck_assert_int_eq(process_adopt(1, 0, &again), -ESRCH);
	ck_assert_int_eq(process_adopt(p.pid, p.start_time, &again), 0);
	ck_assert_int_eq(process_poll(&again), PROCESS_RUNS);
	process_signal(&again, SIGKILL);
	ck_assert_int_eq(wait_for(&again), 128 + SIGKILL);
	ck_assert_int_eq(process_adopt(p.pid, p.start_time, &p), -ESRCH);
	process_release(&p);
	process_release(&again);
}
END_TEST

START_TEST(a_new_process_inherits_nothing_but_its_own)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct process p;

	ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
	p = spawn("for n in 3 4 5 6 7 8 9; do if { true >&$n; } 2>/dev/null; then exit 1; fi; done; "
		  "test \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$");
	ck_assert_int_eq(wait_for(&p), 0);
	process_release(&p);
	close(fd);
}
END_TEST

START_TEST(a_new_process_has_its_limits)
{
	const struct limits limits = { .open_files = 64, .memory_bytes = 512U << 20, .nice = 3 };
	char *argv[] = { xstrdup("sh"), xstrdup("-c"),
			 xstrdup("test $(ulimit -n) = 64 && test $(ulimit -d) = 524288 && "
				 "test $(nice) -ge 3"), NULL };
	struct process p = PROCESS_NONE;
	const struct spawn how = { .argv = argv, .envp = environ, .config_fd = -1,
				   .out_fd = STDOUT_FILENO, .err_fd = STDERR_FILENO,
				   .limits = &limits, .cgroup_fd = -1 };

	ck_assert_int_eq(process_spawn(&how, &p), 0);
	ck_assert_int_eq(wait_for(&p), 0);
	process_release(&p);
	for (int i = 0; argv[i]; i++)
		free(argv[i]);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told_by_its_code)
{
	char *argv[] = { xstrdup("/nowhere/dbmazz"), NULL };
	const struct spawn how = { .argv = argv, .envp = environ, .config_fd = -1,
				   .out_fd = STDOUT_FILENO, .err_fd = STDOUT_FILENO,
				   .cgroup_fd = -1 };
	struct process p = PROCESS_NONE;

	ck_assert_int_eq(process_spawn(&how, &p), 0);
	ck_assert_int_eq(wait_for(&p), 127);
	process_release(&p);
	free(argv[0]);
}
END_TEST

static char *said;
static int code;
static bool timed_out;

static void on_done(void *arg, const struct child_result *r)
{
	ck_assert_ptr_null(arg);
	code = r->code;
	timed_out = r->timed_out;
	said = xasprintf("%.*s|%.*s", VIEW_ARG(r->out), VIEW_ARG(r->err));
}

static void run_child(const char *script, const char *config, unsigned timeout_ms)
{
	char *argv[] = { xstrdup("sh"), xstrdup("-c"), xstrdup(script), NULL };
	const struct child_job job = { argv, NULL, view_str(config), timeout_ms, on_done, NULL };
	struct children c;

	children_init(&c);
	ck_assert_int_eq(children_start(&c, &job), 0);
	while (children_count(&c) > 0) {
		children_step(&c);
		usleep(1000);
	}
	children_release(&c);
	for (int i = 0; argv[i]; i++)
		free(argv[i]);
}

START_TEST(a_child_gets_its_text_and_gives_its_output)
{
	run_child("cat <&3; echo oops >&2; exit 3", "secret text", 10000);
	ck_assert_int_eq(code, 3);
	ck_assert_str_eq(said, "secret text|oops\n");
	ck_assert(!timed_out);
	free(said);
	run_child("echo fine", NULL, 10000);
	ck_assert_int_eq(code, 0);
	ck_assert_str_eq(said, "fine\n|");
	free(said);
}
END_TEST

START_TEST(a_child_that_takes_too_long_is_killed)
{
	run_child("exec sleep 60", NULL, 20);
	ck_assert(timed_out);
	ck_assert_int_eq(code, 128 + SIGKILL);
	free(said);
}
END_TEST

START_TEST(children_that_are_given_up_are_reaped)
{
	char *argv[] = { xstrdup("sleep"), xstrdup("60"), NULL };
	const struct child_job job = { .argv = argv, .timeout_ms = 60000, .done = on_done };
	struct children c;

	children_init(&c);
	ck_assert_int_eq(children_start(&c, &job), 0);
	ck_assert_uint_eq(children_count(&c), 1);
	children_release(&c);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	free(argv[0]);
	free(argv[1]);
}
END_TEST

/* --------------------------------------------------------------------------------- log */

static void collect(void *arg, struct ez_view line)
{
	buf_add_view(arg, line);
	buf_add_char(arg, '|');
}

START_TEST(only_whole_lines_are_forwarded)
{
	struct ring r = RING_INIT;
	struct buf seen = BUF_INIT(1000);
	int fd;

	ck_assert_int_eq(ring_open(&r, folder), 0);
	fd = ring_writer(&r);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fs_write_all(fd, "one\ntw", 6), 0);
	ring_pump(&r, collect, &seen);
	ck_assert_str_eq(buf_cstr(&seen), "one|");
	ck_assert_int_eq(fs_write_all(fd, "o\n\nthree\n", 9), 0);
	ring_pump(&r, collect, &seen);
	ck_assert_str_eq(buf_cstr(&seen), "one|two|three|");
	close(fd);
	ring_close(&r);
	/* Another worker begins at the end. */
	ck_assert_int_eq(ring_open(&r, folder), 0);
	ring_pump(&r, collect, &seen);
	ck_assert_str_eq(buf_cstr(&seen), "one|two|three|");
	ring_close(&r);
	buf_release(&seen);
}
END_TEST

static void ignore(void *arg, struct ez_view line)
{
	*(size_t *)arg += line.len + 1;
}

static off_t size_of(const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	struct stat st = { .st_size = -1 };

	(void)!stat(path, &st);
	free(path);
	return st.st_size;
}

START_TEST(a_log_stays_short_and_keeps_its_newest_lines)
{
	struct ring r = RING_INIT;
	struct buf tail = BUF_INIT(4 * RING_BYTES);
	size_t bytes = 0, written = 0;
	int fd;

	ck_assert_int_eq(ring_open(&r, folder), 0);
	fd = ring_writer(&r);
	for (int i = 0; i < 60000; i++) {
		char line[128];
		int n = snprintf(line, sizeof(line), "%06d %080d\n", i, 0);

		ck_assert_int_eq(fs_write_all(fd, line, (size_t)n), 0);
		written += (size_t)n;
		if (i % 100 == 0)
			ring_pump(&r, ignore, &bytes);
		ck_assert_int_le(size_of("log"), RING_BYTES + 100 * 128);
	}
	ring_pump(&r, ignore, &bytes);
	ck_assert_uint_eq(bytes, written);
	ck_assert_int_gt(size_of("log.1"), RING_BYTES / 2 - 4096);
	ck_assert_int_le(size_of("log.1"), RING_BYTES / 2);
	ring_tail(folder, 3, &tail);
	ck_assert_int_eq(strncmp(buf_cstr(&tail), "059997 ", 7), 0);
	ck_assert_uint_eq(tail.len, 3 * 88U);
	buf_reset(&tail);
	ring_tail(folder, 5000, &tail);
	ck_assert_int_eq(strncmp(buf_cstr(&tail), "055000 ", 7), 0);
	close(fd);
	ring_close(&r);
	buf_release(&tail);
}
END_TEST

START_TEST(the_tail_of_a_log_that_is_not_there_is_empty)
{
	struct buf tail = BUF_INIT(100);

	ring_tail(folder, 10, &tail);
	ck_assert_uint_eq(tail.len, 0);
	buf_release(&tail);
}
END_TEST

/* ------------------------------------------------------------------------------- names */

START_TEST(the_base_of_a_job_is_made_of_its_id)
{
	char *base = want_base_of(VIEW("0f3a9c51-77aa-4b0e-9d65-2b1c3d4e5f60"));

	ck_assert_str_eq(base, "ezcdc_0f3a9c5177aa");
	free(base);
	ck_assert_ptr_null(want_base_of(VIEW("")));
	ck_assert_ptr_null(want_base_of(VIEW("0f3a9c5")));
	ck_assert_ptr_null(want_base_of(VIEW("../../../../etc/passwd")));
}
END_TEST

START_TEST(the_fingerprint_is_that_of_all_builds)
{
	ck_assert_uint_eq(fingerprint_of(VIEW("")), 0xcbf29ce484222325ULL);
	ck_assert_uint_eq(fingerprint_of(VIEW("foobar")), 0x85944171f73967e8ULL);
}
END_TEST

static void add_tests(TCase *c)
{
	tcase_add_test(c, a_note_comes_back_as_it_was);
	tcase_add_test(c, a_note_that_is_none_is_not_believed);
	tcase_add_test(c, only_whole_lines_are_forwarded);
	tcase_add_test(c, a_log_stays_short_and_keeps_its_newest_lines);
	tcase_add_test(c, the_tail_of_a_log_that_is_not_there_is_empty);
}

int main(void)
{
	Suite *s = suite_create("notes");
	TCase *c = tcase_create("files");

	tcase_add_checked_fixture(c, set_up, tear_down);
	add_tests(c);
	suite_add_tcase(s, c);
	ADD_CASE(s, "processes", the_end_of_a_child_is_told_by_code_or_signal,
		 a_process_is_adopted_only_if_it_is_the_same,
		 a_new_process_inherits_nothing_but_its_own, a_new_process_has_its_limits,
		 a_program_that_is_not_there_is_told_by_its_code,
		 a_child_gets_its_text_and_gives_its_output, a_child_that_takes_too_long_is_killed,
		 children_that_are_given_up_are_reaped);
	ADD_CASE(s, "names", the_base_of_a_job_is_made_of_its_id,
		 the_fingerprint_is_that_of_all_builds);
	return run_suite(s);
}
