/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/json.h"
#include "engine/problems.h"
#include "engine/state_dir.h"

static char root[64], dir[96];

static void make_root(void)
{
	ck_assert(str_format(root, sizeof(root), "/tmp/ezcdc-test-state-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert(str_format(dir, sizeof(dir), "%s/a/b", root));
}

static void remove_root(void)
{
	static const char *const names[] = { "a/b/lock", "a/b/exit.json", "a/b", "a", "file", "" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = xasprintf("%s/%s", root, names[i]);

		(void)!remove(path);
		free(path);
	}
	ck_assert_int_ne(access(root, F_OK), 0);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(test_open)
{
	struct state_dir d;
	struct ez_error err = ERROR_INIT;
	char *lock;

	ck_assert_int_eq(state_dir_open(dir, &d, &err), EZ_OK);
	ck_assert_str_eq(d.path, dir);
	ck_assert_uint_eq(mode_of(dir), 0700);
	lock = state_dir_file(&d, "lock");
	ck_assert_uint_eq(mode_of(lock), 0600);
	free(lock);
	state_dir_close(&d);
	ck_assert_int_eq(d.lock_fd, -1);
	ck_assert_int_eq(state_dir_open(dir, &d, &err), EZ_OK);
	state_dir_close(&d);
}
END_TEST

START_TEST(test_second_is_busy)
{
	struct state_dir d, other;
	struct ez_error err = ERROR_INIT;
	char pid[32];

	ck_assert_int_eq(state_dir_open(dir, &d, &err), EZ_OK);
	ck_assert_int_eq(state_dir_open(dir, &other, &err), EZ_E_BUSY);
	ck_assert_int_eq(exit_code_of(&err), EXIT_BUSY);
	ck_assert(str_format(pid, sizeof(pid), "pid %ld)", (long)getpid()));
	ck_assert_ptr_nonnull(strstr(err.text, pid));
	ck_assert_ptr_nonnull(strstr(err.text, dir));
	ck_assert_ptr_nonnull(strstr(err.hint, "ezcdc stop"));
	/* Being refused has not damaged the lock. */
	ck_assert_int_eq(state_dir_open(dir, &other, &err), EZ_E_BUSY);
	ck_assert_ptr_nonnull(strstr(err.text, pid));
	state_dir_close(&d);
}
END_TEST

/* A process that ends without closing leaves no lock behind. */
START_TEST(test_lock_ends_with_the_process)
{
	struct state_dir d;
	struct ez_error err = ERROR_INIT;
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(state_dir_open(dir, &d, &err) == EZ_OK ? 0 : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(state_dir_open(dir, &d, &err), EZ_OK);
	state_dir_close(&d);
}
END_TEST

START_TEST(test_cannot_be_made)
{
	struct state_dir d;
	struct ez_error err = ERROR_INIT;
	char *file = xasprintf("%s/file", root), *below = xasprintf("%s/file/x", root);
	const char *const paths[] = { file, below };

	ck_assert_int_eq(fs_write_atomic(file, "x", 1, 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		ck_assert_int_eq(state_dir_open(paths[i], &d, &err), EZ_E_IO);
		ck_assert_str_eq(err.code, "CANTCREAT");
		ck_assert_int_eq(exit_code_of(&err), EXIT_CANTCREAT);
		ck_assert_ptr_nonnull(strstr(err.text, paths[i]));
		ck_assert_ptr_nonnull(strstr(err.hint, "--state-dir"));
	}
	free(file);
	free(below);
}
END_TEST

START_TEST(test_unwritable)
{
	struct state_dir d;
	struct ez_error err = ERROR_INIT;

	if (geteuid() == 0) /* root may write anywhere: be nobody */
		ck_assert_int_eq(chmod(root, 0755), 0);
	ck_assert_int_eq(fs_mkdirs(dir, 0755), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	else
		ck_assert_int_eq(chmod(dir, 0500), 0);
	ck_assert_int_eq(state_dir_open(dir, &d, &err), EZ_E_IO);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert_int_eq(exit_code_of(&err), EXIT_CANTCREAT);
	ck_assert_ptr_nonnull(strstr(err.text, dir));
}
END_TEST

START_TEST(test_lock_is_no_link)
{
	struct state_dir d;
	struct ez_error err = ERROR_INIT;
	char *lock = xasprintf("%s/lock", dir), *file = xasprintf("%s/file", root);

	ck_assert_int_eq(fs_mkdirs(dir, 0700), 0);
	ck_assert_int_eq(symlink(file, lock), 0);
	ck_assert_int_eq(state_dir_open(dir, &d, &err), EZ_E_IO);
	ck_assert_int_eq(exit_code_of(&err), EXIT_IO);
	ck_assert_int_ne(access(file, F_OK), 0);
	free(lock);
	free(file);
}
END_TEST

START_TEST(test_paths)
{
	char *path;

	ck_assert_int_eq(setenv("STATE_DIRECTORY", "/s/one:/s/two", 1), 0);
	path = state_dir_path("/given", "job");
	ck_assert_str_eq(path, "/given");
	free(path);
	path = state_dir_path(NULL, "job");
	ck_assert_str_eq(path, "/s/one");
	free(path);
	ck_assert_int_eq(setenv("STATE_DIRECTORY", "", 1), 0);
	path = state_dir_path(NULL, "job");
	ck_assert_str_eq(path, "/var/lib/ezcdc/job");
	free(path);
	ck_assert_int_eq(unsetenv("STATE_DIRECTORY"), 0);
	path = state_dir_path(NULL, "job");
	ck_assert_str_eq(path, "/var/lib/ezcdc/job");
	free(path);
}
END_TEST

START_TEST(test_exit_json)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(4096);
	_cleanup_(json_freep) struct json *j = NULL;
	struct state_dir d;
	struct ez_error err = ERROR_INIT;
	char *path;

	ck_assert_int_eq(state_dir_open(dir, &d, &err), EZ_OK);
	path = state_dir_file(&d, "exit.json");
	state_dir_leave_exit(&d, 1, "older");
	state_dir_leave_exit(&d, 65, "bad \"row\"\n\x01");
	ck_assert_int_eq(fs_read_file(path, 4096, &text), 0);
	ck_assert_int_eq(text.ptr[text.len - 1], '\n');
	j = json_parse(buf_view(&text), NULL);
	ck_assert_ptr_nonnull(j);
	ck_assert_int_eq(json_i64(j, "code"), 65);
	ck_assert(view_eq_str(json_str(j, "sentence"), "bad \"row\"\n\x01"));
	ck_assert_uint_gt(json_str(j, "time").len, 0);
	ck_assert_uint_eq(mode_of(path), 0600);
	free(path);
	state_dir_close(&d);
}
END_TEST

/* contracts.md section 2, in the order of the classes. */
START_TEST(test_exit_codes)
{
	static const struct {
		int rc;
		const char *code;
		int exit;
	} wanted[] = {
		{ EZ_OK, "", 0 },
		{ EZ_AGAIN, "", 0 },
		{ EZ_EOF, "", 0 },
		{ EZ_SKIP, "", 0 },
		{ EZ_E_TRANSIENT, "", 69 },
		{ EZ_E_DATA, "", 65 },
		{ EZ_E_CONFIG, "", 78 },
		{ EZ_E_GONE, "", 78 },
		{ EZ_E_FATAL, "", 70 },
		{ EZ_E_CANCELLED, "", 0 },
		{ EZ_E_PERMISSION, "", 77 },
		{ EZ_E_BUSY, "", 75 },
		{ EZ_E_IO, "IOERR", 74 },
		{ EZ_E_IO, "", 74 },
		{ EZ_E_IO, "CANTCREAT", 73 },
		{ EZ_E_CONFIG, "CANTCREAT", 78 },
		{ -1000, "", 70 }, /* a plugin may say anything */
		{ 1000, "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct ez_error err = ERROR_INIT;

		error_fill(&err, wanted[i].rc, wanted[i].code, "x");
		ck_assert_msg(exit_code_of(&err) == wanted[i].exit, "class %d", wanted[i].rc);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state_dir");
	TCase *c = tcase_create("folder"), *codes = tcase_create("exit codes");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, make_root, remove_root);
	tcase_add_test(c, test_open);
	tcase_add_test(c, test_second_is_busy);
	tcase_add_test(c, test_lock_ends_with_the_process);
	tcase_add_test(c, test_cannot_be_made);
	tcase_add_test(c, test_unwritable);
	tcase_add_test(c, test_lock_is_no_link);
	tcase_add_test(c, test_paths);
	tcase_add_test(c, test_exit_json);
	suite_add_tcase(s, c);
	tcase_add_test(codes, test_exit_codes);
	suite_add_tcase(s, codes);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
