/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "common.h"

START_TEST(a_secret_holds_a_copy_until_it_is_released)
{
	struct secret s = SECRET_INIT;
	char text[] = "pa\0ss";

	ck_assert(!secret_is_set(&s));
	ck_assert_str_eq(secret_cstr(&s), "");
	ck_assert_int_eq(secret_set(&s, view_of(text, 5)), 0);
	text[0] = 'x';
	ck_assert(secret_is_set(&s));
	ck_assert(view_eq(secret_view(&s), VIEW("pa\0ss")));
	ck_assert_str_eq(secret_cstr(&s), "pa");
	ck_assert_int_eq(secret_set(&s, VIEW("other")), 0);
	ck_assert_str_eq(secret_cstr(&s), "other");
	secret_release(&s);
	ck_assert(!secret_is_set(&s));
	secret_release(&s);
}
END_TEST

START_TEST(an_empty_secret_is_set_all_the_same)
{
	struct secret s = SECRET_INIT;

	ck_assert_int_eq(secret_set(&s, view_of(NULL, 0)), 0);
	ck_assert(secret_is_set(&s));
	ck_assert_uint_eq(secret_view(&s).len, 0);
	secret_release(&s);
}
END_TEST

START_TEST(a_secret_too_large_or_without_memory_leaves_the_old_one)
{
	struct secret s = SECRET_INIT;
	char *large = xcalloc(1, SECRET_MAX_BYTES + 1);

	ck_assert_int_eq(secret_set(&s, VIEW("old")), 0);
	ck_assert_int_eq(secret_set(&s, view_of(large, SECRET_MAX_BYTES + 1)), -EFBIG);
	alloc_fail_nth(1);
	ck_assert_int_eq(secret_set(&s, VIEW("new")), -ENOMEM);
	ck_assert_str_eq(secret_cstr(&s), "old");
	ck_assert_int_eq(secret_set(&s, view_of(large, SECRET_MAX_BYTES)), 0);
	ck_assert_uint_eq(secret_view(&s).len, SECRET_MAX_BYTES);
	secret_release(&s);
	free(large);
}
END_TEST

START_TEST(taking_moves_the_secret)
{
	struct secret s = SECRET_INIT, taken;

	ck_assert_int_eq(secret_set(&s, VIEW("x")), 0);
	taken = secret_take(&s);
	ck_assert(!secret_is_set(&s));
	ck_assert_str_eq(secret_cstr(&taken), "x");
	secret_release(&taken);
}
END_TEST

START_TEST(secrets_compare_by_bytes_and_length)
{
	struct secret s = SECRET_INIT;

	ck_assert(secret_eq(&s, VIEW("")));
	ck_assert_int_eq(secret_set(&s, VIEW("token")), 0);
	ck_assert(secret_eq(&s, VIEW("token")));
	ck_assert(!secret_eq(&s, VIEW("tokem")));
	ck_assert(!secret_eq(&s, VIEW("Token")));
	ck_assert(!secret_eq(&s, VIEW("toke")));
	secret_release(&s);
}
END_TEST

/* Whether the mapping at `p` is kept out of core dumps, by /proc/self/smaps. */
static bool is_left_out_of_dumps(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false, found = false;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		char *end;
		unsigned long from = strtoul(line, &end, 16);

		if (end > line && *end == '-')
			inside = (uintptr_t)p >= from &&
				 (uintptr_t)p < strtoul(end + 1, NULL, 16);
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(f);
	return found;
}

START_TEST(the_memory_is_left_out_of_core_dumps)
{
	struct secret s = SECRET_INIT;

	ck_assert_int_eq(secret_set(&s, VIEW("x")), 0);
	ck_assert(is_left_out_of_dumps(s.ptr));
	secret_release(&s);
}
END_TEST

START_TEST(a_mapping_that_the_system_refuses_is_an_error)
{
	struct rlimit before, none;
	struct secret s = SECRET_INIT;
	int r;

	ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	r = secret_set(&s, VIEW("x"));
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
	ck_assert_int_eq(r, -ENOMEM);
}
END_TEST

static void check_file(const char *content, size_t len, mode_t mode, int expected_r,
		       const char *expected)
{
	struct secret s = SECRET_INIT;
	char *dir = folder_make();
	char path[256];

	snprintf(path, sizeof(path), "%s/password", dir);
	ck_assert_int_eq(fs_write_atomic(path, content, len, 0600), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	ck_assert_int_eq(secret_read_file(&s, path), expected_r);
	ck_assert_str_eq(secret_cstr(&s), expected);
	secret_release(&s);
	folder_remove(dir);
}

START_TEST(one_newline_at_the_end_of_a_file_is_not_part_of_it)
{
	check_file("pw", 2, 0600, 0, "pw");
	check_file("pw\n", 3, 0600, 0, "pw");
	check_file("pw\r\n", 4, 0600, 0, "pw");
	check_file("pw\n\n", 4, 0600, 0, "pw\n");
	check_file("\n", 1, 0600, 0, "");
	check_file("", 0, 0600, 0, "");
}
END_TEST

START_TEST(a_file_that_others_may_read_is_flagged)
{
	check_file("pw", 2, 0640, SECRET_EXPOSED, "pw");
	check_file("pw", 2, 0604, SECRET_EXPOSED, "pw");
	check_file("pw", 2, 0620, 0, "pw");
}
END_TEST

START_TEST(a_file_too_large_is_refused)
{
	char *large = xcalloc(1, SECRET_MAX_BYTES + 10);

	memset(large, 'x', SECRET_MAX_BYTES + 9);
	check_file(large, SECRET_MAX_BYTES + 9, 0600, -EFBIG, "");
	check_file(large, SECRET_MAX_BYTES + 1, 0600, -EFBIG, "");
	large[SECRET_MAX_BYTES] = '\0';
	check_file(large, SECRET_MAX_BYTES, 0600, 0, large);
	large[SECRET_MAX_BYTES] = '\n';
	check_file(large, SECRET_MAX_BYTES + 2, 0600, -EFBIG, "");
	free(large);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_tells_why)
{
	struct secret s = SECRET_INIT;

	ck_assert_int_eq(secret_read_file(&s, "/nowhere/at/all"), -ENOENT);
	ck_assert_int_eq(secret_read_file(&s, "/"), -EISDIR);
	ck_assert_int_eq(secret_read_fd(&s, -1), -EBADF);
	alloc_fail_nth(1);
	ck_assert_int_eq(secret_read_fd(&s, -1), -ENOMEM);
	ck_assert(!secret_is_set(&s));
}
END_TEST

struct late_writer {
	int fd;
	pthread_t reader;
};

static void ignore_signal(int signal)
{
	(void)signal;
}

static void *write_late(void *arg)
{
	const struct late_writer *l = arg;

	for (int i = 0; i < 20; i++) {
		pthread_kill(l->reader, SIGUSR1);
		sleep_us(1000);
	}
	ck_assert_int_eq(fs_write_all(l->fd, "to", 2), 0);
	sleep_us(1000);
	ck_assert_int_eq(fs_write_all(l->fd, "ken\n", 4), 0);
	close(l->fd);
	return NULL;
}

START_TEST(a_pipe_is_read_to_its_end_through_signals)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct late_writer l = { .reader = pthread_self() };
	struct secret s = SECRET_INIT;
	pthread_t thread;
	int fds[2];

	sigaction(SIGUSR1, &action, NULL);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	l.fd = fds[1];
	ck_assert_int_eq(pthread_create(&thread, NULL, write_late, &l), 0);
	ck_assert_int_eq(secret_read_fd(&s, fds[0]), 0);
	pthread_join(thread, NULL);
	close(fds[0]);
	ck_assert_str_eq(secret_cstr(&s), "token");
	secret_release(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secret");

	ADD_CASE(s, "memory", a_secret_holds_a_copy_until_it_is_released,
		 an_empty_secret_is_set_all_the_same,
		 a_secret_too_large_or_without_memory_leaves_the_old_one,
		 taking_moves_the_secret, secrets_compare_by_bytes_and_length,
		 the_memory_is_left_out_of_core_dumps,
		 a_mapping_that_the_system_refuses_is_an_error);
	ADD_CASE(s, "files", one_newline_at_the_end_of_a_file_is_not_part_of_it,
		 a_file_that_others_may_read_is_flagged, a_file_too_large_is_refused,
		 a_file_that_cannot_be_read_tells_why,
		 a_pipe_is_read_to_its_end_through_signals);
	return run_suite(s);
}
