/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "common.h"

static char *dir;

static void set_up(void)
{
	dir = folder_make();
}

static void tear_down(void)
{
	folder_remove(dir);
}

/* A path in the folder of this test; lives until the next call but three. */
static const char *in_dir(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void check_content(const char *path, const char *expected)
{
	struct buf b = BUF_INIT(1000);

	ck_assert_int_eq(fs_read_file(path, 1000, &b), 0);
	ck_assert_str_eq(buf_cstr(&b), expected);
	buf_release(&b);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(a_file_is_replaced_whole_with_its_mode)
{
	const char *path = in_dir("state");

	umask(022);
	ck_assert_int_eq(fs_write_atomic(path, "one", 3, 0644), 0);
	check_content(path, "one");
	ck_assert_uint_eq(mode_of(path), 0644);
	ck_assert_int_eq(fs_write_atomic(path, "second", 6, 0600), 0);
	check_content(path, "second");
	ck_assert_uint_eq(mode_of(path), 0600);
	ck_assert_int_eq(fs_write_atomic(path, NULL, 0, 0600), 0);
	check_content(path, "");
	ck_assert_int_ne(access(in_dir("state.tmp"), F_OK), 0);
}
END_TEST

START_TEST(what_a_crash_left_beside_is_made_anew)
{
	const char *path = in_dir("state"), *beside = in_dir("state.tmp");
	int fd = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	ck_assert_int_eq(fs_write_all(fd, "half of an old file", 19), 0);
	close(fd);
	ck_assert_int_eq(fs_write_atomic(path, "new", 3, 0600), 0);
	check_content(path, "new");
	ck_assert_uint_eq(mode_of(path), 0600);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file_and_no_litter)
{
	const char *path = in_dir("state"), *beside = in_dir("state.tmp");
	struct rlimit before, narrow;
	static char large[4096];
	int r;

	ck_assert_int_eq(fs_write_atomic(path, "old", 3, 0600), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	narrow = before;
	narrow.rlim_cur = 100;
	/* Check writes files too: it must not be called in between. */
	setrlimit(RLIMIT_FSIZE, &narrow);
	r = fs_write_atomic(path, large, sizeof(large), 0600);
	setrlimit(RLIMIT_FSIZE, &before);
	ck_assert_int_eq(r, -EFBIG);
	check_content(path, "old");
	ck_assert_int_ne(access(beside, F_OK), 0);
}
END_TEST

START_TEST(a_rename_that_fails_leaves_no_litter)
{
	const char *path = in_dir("folder"), *beside = in_dir("folder.tmp");

	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(fs_write_atomic(path, "x", 1, 0600), -EISDIR);
	ck_assert_int_ne(access(beside, F_OK), 0);
	ck_assert_int_eq(fs_write_atomic(in_dir("missing/x"), "x", 1, 0600), -ENOENT);
}
END_TEST

START_TEST(folders_are_synced_or_the_reason_is_told)
{
	ck_assert_int_eq(fs_sync_dir(dir), 0);
	ck_assert_int_eq(fs_sync_dir(in_dir("missing")), -ENOENT);
	ck_assert_int_eq(fs_sync_parent(in_dir("anything")), 0);
	ck_assert_int_eq(fs_sync_parent(in_dir("missing/anything")), -ENOENT);
	ck_assert_int_eq(fs_sync_parent("bare-name"), 0);
	ck_assert_int_eq(fs_sync_parent("/name-at-the-root"), 0);
	ck_assert_int_eq(fs_sync_parent("/"), 0);
}
END_TEST

START_TEST(folders_are_made_with_their_parents)
{
	ck_assert_int_eq(fs_mkdirs(in_dir("a/b/c"), 0700), 0);
	ck_assert_uint_eq(mode_of(in_dir("a/b")), 0700);
	ck_assert_int_eq(fs_mkdirs(in_dir("a/b/c"), 0700), 0);
	ck_assert_int_eq(fs_mkdirs(in_dir("a//b/./d///"), 0700), 0);
	ck_assert_uint_eq(mode_of(in_dir("a/b/d")), 0700);
	ck_assert_int_eq(fs_mkdirs("/", 0700), 0);
	ck_assert_int_eq(fs_mkdirs(".", 0700), 0);
	ck_assert_int_eq(fs_mkdirs("", 0700), -ENOENT);
}
END_TEST

START_TEST(a_file_in_the_way_of_a_folder_is_told)
{
	ck_assert_int_eq(fs_write_atomic(in_dir("file"), "x", 1, 0600), 0);
	ck_assert_int_eq(fs_mkdirs(in_dir("file"), 0700), -ENOTDIR);
	ck_assert_int_eq(fs_mkdirs(in_dir("file/sub/sub"), 0700), -ENOTDIR);
	ck_assert_int_eq(symlink("nowhere", in_dir("link")), 0);
	ck_assert_int_eq(fs_mkdirs(in_dir("link"), 0700), -ENOENT);
}
END_TEST

START_TEST(relative_folders_are_made_too)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(fs_mkdirs("x/y", 0700), 0);
	ck_assert_int_eq(access("x/y", F_OK), 0);
	ck_assert_int_eq(fchdir(here), 0);
	close(here);
}
END_TEST

START_TEST(a_file_is_read_up_to_the_cap_and_not_beyond)
{
	const char *path = in_dir("file");
	struct buf b = BUF_INIT(1000), narrow = BUF_INIT(8);

	ck_assert_int_eq(fs_write_atomic(path, "0123456789", 10, 0600), 0);
	buf_add_str(&b, ">");
	ck_assert_int_eq(fs_read_file(path, 10, &b), 0);
	ck_assert_str_eq(buf_cstr(&b), ">0123456789");
	ck_assert_int_eq(fs_read_file(path, 9, &b), -EFBIG);
	ck_assert_str_eq(buf_cstr(&b), ">0123456789");
	ck_assert_int_eq(fs_read_file(path, 100, &narrow), -EFBIG);
	ck_assert_uint_eq(narrow.len, 0);
	ck_assert_int_eq(fs_read_file(in_dir("missing"), 10, &b), -ENOENT);
	ck_assert_int_eq(fs_read_file(dir, 10, &b), -EISDIR);
	ck_assert_int_eq(fs_read_fd(-1, 0, &b), -EBADF);
	alloc_fail_nth(1);
	ck_assert_int_eq(fs_read_file(path, 100, &narrow), -ENOMEM);
	buf_release(&b);
	buf_release(&narrow);
}
END_TEST

START_TEST(a_large_file_comes_back_as_it_was)
{
	enum { LARGE = 300000 };
	struct prng p = PRNG_INIT(1);
	char *data = xmalloc(LARGE);
	struct buf b = BUF_INIT(LARGE);

	fill_random(&p, data, LARGE);
	ck_assert_int_eq(fs_write_atomic(in_dir("large"), data, LARGE, 0600), 0);
	ck_assert_int_eq(fs_read_file(in_dir("large"), SIZE_MAX, &b), 0);
	ck_assert(view_eq(buf_view(&b), view_of(data, LARGE)));
	buf_release(&b);
	free(data);
}
END_TEST

START_TEST(a_write_that_fails_tells_why)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(fs_write_all(full, "x", 1), -ENOSPC);
	ck_assert_int_eq(fs_write_all(-1, "x", 1), -EBADF);
	ck_assert_int_eq(fs_write_all(-1, NULL, 0), 0);
	close(full);
}
END_TEST

struct slow_reader {
	int fd;
	pthread_t writer;
	size_t n;
};

static void ignore_signal(int signal)
{
	(void)signal;
}

/* Disturbs the writer with signals, reading a little each time. */
static void *read_slowly(void *arg)
{
	struct slow_reader *r = arg;
	static char data[50000];
	ssize_t n;

	for (int i = 0; i < 20; i++) {
		pthread_kill(r->writer, SIGUSR1);
		sleep_us(1000);
	}
	while ((n = read(r->fd, data, sizeof(data))) > 0)
		r->n += (size_t)n;
	return NULL;
}

START_TEST(writes_that_stop_short_or_are_interrupted_go_on)
{
	enum { LARGE = 1000000 };
	struct sigaction action = { .sa_handler = ignore_signal };
	struct slow_reader r = { .writer = pthread_self() };
	char *data = xcalloc(1, LARGE);
	pthread_t thread;
	int fds[2];

	sigaction(SIGUSR1, &action, NULL);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	r.fd = fds[0];
	ck_assert_int_eq(pthread_create(&thread, NULL, read_slowly, &r), 0);
	ck_assert_int_eq(fs_write_all(fds[1], data, LARGE), 0);
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
	ck_assert_uint_eq(r.n, LARGE);
	free(data);
}
END_TEST

static void *write_late(void *arg)
{
	struct slow_reader *r = arg;

	for (int i = 0; i < 20; i++) {
		pthread_kill(r->writer, SIGUSR1);
		sleep_us(1000);
	}
	ck_assert_int_eq(fs_write_all(r->fd, "late", 4), 0);
	close(r->fd);
	return NULL;
}

START_TEST(reads_that_are_interrupted_go_on)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct slow_reader r = { .writer = pthread_self() };
	struct buf b = BUF_INIT(100);
	pthread_t thread;
	int fds[2];

	sigaction(SIGUSR1, &action, NULL);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	r.fd = fds[1];
	ck_assert_int_eq(pthread_create(&thread, NULL, write_late, &r), 0);
	ck_assert_int_eq(fs_read_fd(fds[0], 100, &b), 0);
	pthread_join(thread, NULL);
	close(fds[0]);
	ck_assert_str_eq(buf_cstr(&b), "late");
	buf_release(&b);
}
END_TEST

START_TEST(closing_keeps_errno_and_forgets_the_number)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), none = -1;

	errno = ENOTTY;
	fs_closep(&fd);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_eq(fd, -1);
	fs_closep(&none);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fs");
	TCase *tc = tcase_create("fs");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_file_is_replaced_whole_with_its_mode);
	tcase_add_test(tc, what_a_crash_left_beside_is_made_anew);
	tcase_add_test(tc, a_failed_write_leaves_the_old_file_and_no_litter);
	tcase_add_test(tc, a_rename_that_fails_leaves_no_litter);
	tcase_add_test(tc, folders_are_synced_or_the_reason_is_told);
	tcase_add_test(tc, folders_are_made_with_their_parents);
	tcase_add_test(tc, a_file_in_the_way_of_a_folder_is_told);
	tcase_add_test(tc, relative_folders_are_made_too);
	tcase_add_test(tc, a_file_is_read_up_to_the_cap_and_not_beyond);
	tcase_add_test(tc, a_large_file_comes_back_as_it_was);
	tcase_add_test(tc, a_write_that_fails_tells_why);
	tcase_add_test(tc, writes_that_stop_short_or_are_interrupted_go_on);
	tcase_add_test(tc, reads_that_are_interrupted_go_on);
	tcase_add_test(tc, closing_keeps_errno_and_forgets_the_number);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
