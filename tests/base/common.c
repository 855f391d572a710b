/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "common.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ABORTED = 42,
	RETURNED = 43,
};

static int saved_stderr = -1;
static int captured = -1;

int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int n_failed;

	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void add_properties(Suite *suite, const char *name, const TTest *const *tests, size_t n,
		    int n_loops)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 120);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tc, tests[i], 0, n_loops);
	suite_add_tcase(suite, tc);
}

void add_case(Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
	add_properties(suite, name, tests, n, 1);
}

static void on_abort(int signal)
{
	(void)signal;
	/*
	 * Not _exit: an exit handler writes the counts of a coverage build. Safe here,
	 * because abort() itself sent the signal and interrupted nothing.
	 */
	exit(ABORTED); /* NOLINT(bugprone-signal-handler) */
}

static void read_back(int fd, char *said, size_t size)
{
	ssize_t n = pread(fd, said, size - 1, 0);

	ck_assert_int_ge(n, 0);
	said[n] = '\0';
}

bool aborts(void (*f)(void), char *said, size_t size)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC), status;
	pid_t pid;

	ck_assert_int_ge(fd, 0);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGABRT, on_abort);
		dup2(fd, STDERR_FILENO);
		f();
		_exit(RETURNED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	read_back(fd, said, size);
	close(fd);
	return WIFEXITED(status) && WEXITSTATUS(status) == ABORTED;
}

void capture_stderr_begin(void)
{
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	captured = memfd_create("stderr", MFD_CLOEXEC);
	ck_assert_int_ge(captured, 0);
	/* As on a pipe or terminal, each record goes to the end. */
	ck_assert_int_eq(fcntl(captured, F_SETFL, O_APPEND), 0);
	dup2(captured, STDERR_FILENO);
}

char *capture_stderr_end(void)
{
	struct stat st;
	char *text;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ck_assert_int_eq(fstat(captured, &st), 0);
	text = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(text);
	read_back(captured, text, (size_t)st.st_size + 1);
	close(captured);
	return text;
}

char *folder_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/ezcdc-base-XXXXXX", tmp ? tmp : "/tmp"), 0);
	ck_assert_ptr_nonnull(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_remove(char *path)
{
	ck_assert_int_eq(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(path);
}

uint64_t seed_of(int i)
{
	const char *text = getenv("EZ_SEED");
	uint64_t base = text ? strtoull(text, NULL, 0) : 1;

	return random_mix(base) + (uint64_t)i;
}

void fill_random(struct prng *p, char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t r = prng_next(p);

		data[i] = (char)(r & 256 ? r & 255 : ' ' + (r & 255) % 95);
	}
}
