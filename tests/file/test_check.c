/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

#include "sinktest.h"

/* check() changes nothing, forget() leaves nothing but finished files. */

static struct sinktest t;
static const char *folder;

static void setup(void)
{
	folder = test_folder();
	sink_start(&t, folder);
}

/* Opens an instance for check() and runs it; the report is in t.fake. */
static void check_it(void)
{
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_CHECK), EZ_OK);
	ck_assert_int_eq(t.ops->check(t.inst, &t.fake->report, &t.fake->err), EZ_OK);
}

static bool found(const char *what, int status, const char *text)
{
	for (unsigned i = 0; i < t.fake->report.n_findings; i++)
		if (strcmp(t.fake->report.findings[i].what, what) == 0 &&
		    t.fake->report.findings[i].status == status &&
		    strstr(t.fake->report.findings[i].text, text))
			return true;
	return false;
}

static void run_job(bool leave_part)
{
	const struct ez_table *table;

	ck_assert_int_ge(sink_open(&t, EZ_ROLE_MAIN), EZ_OK);
	table = fake_table(t.fake, "public", "orders", "id:int8:key, note:text");
	t.number = 0;
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	if (leave_part)
		ck_assert_int_eq(sink_insert(&t, table, 2, 1), EZ_OK);
	sink_close(&t);
}

START_TEST(missing_folder_can_be_made_and_is_not)
{
	_cleanup_(freep) char *path = xasprintf("%s/a/b", folder);

	sink_set(&t, "path", path);
	check_it();
	ck_assert(found("folder", EZ_FINDING_OK, "can be made"));
	ck_assert_uint_eq(t.fake->report.n_failed, 0);
	ck_assert_str_eq(list_names(folder), "");
	ck_assert(!file_exists(folder, "a"));
	sink_close(&t);
}
END_TEST

START_TEST(empty_folder_is_fine_and_stays_empty)
{
	check_it();
	ck_assert(found("folder", EZ_FINDING_OK, "is writable"));
	ck_assert_uint_eq(t.fake->report.n_failed, 0);
	ck_assert(!file_exists(folder, ".ezcdc"));
	sink_close(&t);
}
END_TEST

START_TEST(file_in_place_of_the_folder_fails)
{
	_cleanup_(freep) char *path = xasprintf("%s/file", folder);

	write_file(folder, "file", "x");
	sink_set(&t, "path", path);
	check_it();
	ck_assert(found("folder", EZ_FINDING_FAILED, "is not a folder"));
	sink_close(&t);
}
END_TEST

START_TEST(folder_without_rights_fails)
{
	int status;
	pid_t pid;

	ck_assert_int_eq(chmod(folder, 0555), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0))
			_exit(77);
		check_it();
		_exit(found("folder", EZ_FINDING_FAILED, "is not writable") ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
	ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

START_TEST(position_is_shown)
{
	run_job(false);
	check_it();
	ck_assert(found("position", EZ_FINDING_OK, "0/1100"));
	sink_close(&t);
}
END_TEST

START_TEST(damaged_manifest_fails)
{
	run_job(false);
	write_file(folder, ".ezcdc/shop.json", "{}");
	check_it();
	ck_assert(found("position", EZ_FINDING_FAILED, "damaged"));
	sink_close(&t);
}
END_TEST

START_TEST(running_job_is_noticed_and_not_disturbed)
{
	int ready[2], done[2], status;
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(done, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (sink_open(&t, EZ_ROLE_MAIN) != EZ_EOF ||
		    write(ready[1], "x", 1) != 1 || read(done[0], &c, 1) != 1)
			_exit(1);
		sink_close(&t);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	check_it();
	ck_assert(found("lock", EZ_FINDING_WARNING, "now"));
	/* It may not be forgotten either. */
	ck_assert_int_eq(t.ops->forget(t.inst, &t.fake->err), EZ_E_BUSY);
	sink_close(&t);
	ck_assert_int_eq(write(done[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(little_space_is_a_warning)
{
	sink_set(&t, "rotate_bytes", "1000000TiB");
	check_it();
	ck_assert(found("space", EZ_FINDING_WARNING, "left"));
	sink_close(&t);
}
END_TEST

START_TEST(forget_leaves_finished_files_alone)
{
	run_job(false);
	run_job(true);
	write_file(folder, "unrelated.part", "x");
	ck_assert_str_eq(list_names(folder),
			 "shop-t0000000000.jsonl "
			 "shop-t0000000001.jsonl.part unrelated.part ");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_CHECK), EZ_OK);
	ck_assert_int_eq(t.ops->forget(t.inst, &t.fake->err), EZ_OK);
	/* Twice is as good as once. */
	ck_assert_int_eq(t.ops->forget(t.inst, &t.fake->err), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl unrelated.part ");
	ck_assert(!file_exists(folder, ".ezcdc"));
	/* The next run begins from nothing, behind what is there. */
	run_job(false);
	ck_assert_str_eq(list_names(folder),
			 "shop-t0000000000.jsonl shop-t0000000001.jsonl "
			 "unrelated.part ");
}
END_TEST

START_TEST(probe_touches_nothing)
{
	sink_set(&t, "path", "/nonexistent/folder");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_PROBE), EZ_OK);
	sink_close(&t);
	ck_assert_int_ne(access("/nonexistent", F_OK), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_check");
	TCase *c = tcase_create("check");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, missing_folder_can_be_made_and_is_not);
	tcase_add_test(c, empty_folder_is_fine_and_stays_empty);
	tcase_add_test(c, file_in_place_of_the_folder_fails);
	tcase_add_test(c, folder_without_rights_fails);
	tcase_add_test(c, position_is_shown);
	tcase_add_test(c, damaged_manifest_fails);
	tcase_add_test(c, running_job_is_noticed_and_not_disturbed);
	tcase_add_test(c, little_space_is_a_warning);
	tcase_add_test(c, forget_leaves_finished_files_alone);
	tcase_add_test(c, probe_touches_nothing);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
