/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

#include "host.h"
#include "manifest.h"
#include "sinktest.h"

/* What the disk and others may do to the sink: full disks, locks, missing files. */

static const char columns[] = "id:int8:key, note:text";

static struct sinktest t;
static const char *folder;
static const struct ez_table *table;

static const char *const compressions[] = { "none", "gzip", "zstd" };

static void reopen(int want)
{
	int rc = sink_open(&t, EZ_ROLE_MAIN);

	ck_assert_msg(rc == want, "recover: %d %s", rc, t.fake->err.text);
	table = fake_table(t.fake, "public", "orders", columns);
	t.number = 0;
}

static void setup(void)
{
	folder = test_folder();
	sink_start(&t, folder);
}

/* A folder that something is mounted on cannot be removed. */
static void teardown(void)
{
	(void)umount2(folder, MNT_DETACH);
}

static void write_ids(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

/* A file system of 1 MiB in the folder, in a mount namespace of this test; false: not here. */
static bool mount_small(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return false;
		write_ids("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		write_ids("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		write_ids("/proc/self/gid_map", map);
	}
	/* The type counts for nothing here, but valgrind looks at it. */
	return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", folder, "tmpfs", 0, "size=1m") == 0;
}

static bool skip_without_mount(void)
{
	if (mount_small())
		return false;
	printf("skip - full disk: no file system can be mounted here: %s\n",
	       strerrordesc_np(errno));
	return true;
}

/* Takes all room but `keep` bytes, in a file named "ballast". */
static void fill(size_t keep)
{
	_cleanup_(freep) char *path = xasprintf("%s/ballast", folder);
	struct statvfs v;
	int fd;

	ck_assert_int_eq(statvfs(folder, &v), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, (off_t)(v.f_bavail * v.f_frsize - keep)),
			 0);
	close(fd);
}

static void empty(void)
{
	_cleanup_(freep) char *path = xasprintf("%s/ballast", folder);

	ck_assert_int_eq(unlink(path), 0);
}

/* A batch of rows that do not compress, in two tables. */
static const struct ez_batch *noise(uint64_t number, int first_id, int n)
{
	struct fake_batch *b = fake_batch(t.fake, number, 0);
	const struct ez_table *other = fake_table(t.fake, "public", "other", columns);
	char id[16], note[2001];
	unsigned x = (unsigned)first_id + 1;

	fake_begin(b, 0x1000 * number, 1, 1, 0);
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%d", first_id + i);
		for (size_t at = 0; at < sizeof(note) - 1; at++) {
			x = x * 1664525 + 1013904223;
			note[at] = "0123456789abcdefghijklmnopqrstuv"[x >> 27];
		}
		note[sizeof(note) - 1] = '\0';
		fake_event(b, EZ_OP_INSERT, i % 2 ? table : other, NULL,
			   FAKE_ROW(id, note));
	}
	fake_commit(b, 0x1000 * number + 8);
	return fake_finish(b);
}

START_TEST(full_disk_takes_nothing_of_a_batch_and_all_of_it_later)
{
	_cleanup_(freep) char *all = NULL, *before = NULL, *after = NULL;

	if (skip_without_mount())
		return;
	sink_set(&t, "compression", compressions[_i / 2]);
	sink_set(&t, "layout", _i % 2 ? "per-table" : "stream");
	sink_set(&t, "rotate_bytes", "64KiB");
	reopen(EZ_EOF);
	ck_assert_int_eq(sink_write(&t, noise(1, 0, 20)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	fill(96 << 10);
	before = xstrdup(list_names(folder));
	/* Small batches may wait in the buffer; they must survive what follows. */
	ck_assert_int_eq(sink_write(&t, noise(2, 20, 4)), EZ_OK);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sink_write(&t, noise(3, 24, 300)), EZ_E_TRANSIENT);
		ck_assert_str_eq(t.fake->err.code, "ENOSPC");
		ck_assert_ptr_nonnull(strstr(t.fake->err.text, "No space left"));
	}
	after = xstrdup(list_names(folder));
	ck_assert_str_eq(before, after);
	empty();
	ck_assert_int_eq(sink_write(&t, noise(3, 24, 300)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_eq(sink_write(&t, noise(4, 324, 1)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	all = read_finished(folder);
	ck_assert_uint_eq(count_lines(all, "\"op\":\"c\""), 325);
	for (int i = 0; i < 325; i++) {
		char key[32];

		snprintf(key, sizeof(key), "\"key\":{\"id\":%d}", i);
		ck_assert_uint_eq(count_lines(all, key), 1);
	}
}
END_TEST

START_TEST(full_disk_while_flushing_passes)
{
	uint64_t number = 0;

	if (skip_without_mount())
		return;
	reopen(EZ_EOF);
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_eq(sink_insert(&t, table, 2, 1), EZ_OK);
	fill(0);
	/* The manifest cannot be written. */
	ck_assert_int_eq(sink_settle(&t), EZ_E_TRANSIENT);
	ck_assert_str_eq(t.fake->err.code, "ENOSPC");
	/* Asking again tries again. */
	ck_assert_int_eq(t.ops->durable(t.inst, 10000, &number, &t.fake->err),
			 EZ_E_TRANSIENT);
	empty();
	ck_assert_int_eq(t.ops->durable(t.inst, 10000, &number, &t.fake->err), EZ_OK);
	ck_assert_uint_eq(number, 2);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
}
END_TEST

START_TEST(failure_that_was_overcome_is_not_told)
{
	if (skip_without_mount())
		return;
	reopen(EZ_EOF);
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_OK);
	fill(0);
	ck_assert_int_eq(sink_flush(&t), EZ_OK);
	for (int i = 0; i < 1000 && atomic_load(&t.fake->ctx.wakes) == 0; i++)
		usleep(10000);
	ck_assert_uint_eq(atomic_load(&t.fake->ctx.wakes), 1);
	empty();
	ck_assert_int_eq(sink_flush(&t), EZ_OK);
	for (int i = 0; i < 1000 && atomic_load(&t.fake->ctx.wakes) == 1; i++)
		usleep(10000);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
}
END_TEST

START_TEST(full_disk_while_a_buffer_is_flushed_passes)
{
	_cleanup_(freep) char *all = NULL;

	if (skip_without_mount())
		return;
	sink_set(&t, "compression", "gzip");
	reopen(EZ_EOF);
	ck_assert_int_eq(sink_write(&t, noise(1, 0, 20)), EZ_OK);
	fill(0);
	ck_assert_int_eq(sink_flush(&t), EZ_E_TRANSIENT);
	ck_assert_int_eq(sink_flush(&t), EZ_E_TRANSIENT);
	empty();
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	all = read_finished(folder);
	ck_assert_uint_eq(count_lines(all, "\"op\""), 20);
}
END_TEST

START_TEST(one_process_writes_and_others_are_told)
{
	int status;
	pid_t pid;

	reopen(EZ_EOF);
	pid = fork();
	if (pid == 0) {
		struct sinktest other;

		sink_start(&other, folder);
		/* The registry of this copy knows the first instance: use another path. */
		sink_set(&other, "path", xasprintf("%s/.", folder));
		_exit(sink_open(&other, EZ_ROLE_MAIN) == EZ_E_BUSY &&
				      strstr(other.fake->err.text, "another process")
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	sink_close(&t);
	reopen(EZ_EOF);
	sink_close(&t);
}
END_TEST

START_TEST(one_instance_of_a_process_writes)
{
	struct sinktest other;

	reopen(EZ_EOF);
	sink_start(&other, folder);
	ck_assert_int_eq(sink_open(&other, EZ_ROLE_MAIN), EZ_E_BUSY);
	sink_close(&other);
	/* It has not disturbed the first. */
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
}
END_TEST

START_TEST(jobs_of_other_names_share_a_folder)
{
	struct sinktest other;

	reopen(EZ_EOF);
	sink_start(&other, folder);
	other.ops = t.ops;
	other.fake = fake_host_new(ez_plugin.options, other.settings);
	other.fake->open.job = (struct ez_view){ "shop_t", 6 };
	ck_assert_int_eq(t.ops->open(&other.fake->open, &other.inst, &other.fake->err),
			 EZ_OK);
	ck_assert_int_eq(t.ops->recover(other.inst, &(struct ez_position){ .order = 0 },
					&other.fake->err),
			 EZ_EOF);
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_OK);
	ck_assert_int_eq(sink_insert(&other, table, 1, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_eq(sink_settle(&other), EZ_OK);
	sink_close(&t);
	sink_close(&other);
	ck_assert_str_eq(list_names(folder),
			 "shop-t0000000000.jsonl shop_t-t0000000000.jsonl ");
}
END_TEST

START_TEST(hundreds_of_tables_need_few_descriptors)
{
	struct rlimit few;
	const struct ez_table *tables[400];
	struct fake_batch *b;
	char name[64];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &few), 0);
	few.rlim_cur = 180; /* the other stays as it is: valgrind lets nobody touch it */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	sink_set(&t, "layout", "per-table");
	reopen(EZ_EOF);
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		tables[i] = fake_table(t.fake, "public", name, columns);
	}
	for (uint64_t round = 1; round <= 3; round++) {
		b = fake_batch(t.fake, round, 0);
		fake_begin(b, 0x1000 * round, 1, 1, 0);
		for (int i = 0; i < 400; i++)
			fake_event(b, EZ_OP_INSERT, tables[i], NULL, FAKE_ROW("1", "x"));
		fake_commit(b, 0x1000 * round + 8);
		ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
		ck_assert_int_eq(sink_settle(&t), EZ_OK);
	}
	sink_close(&t);
	for (int i = 0; i < 400; i++) {
		char *text;

		snprintf(name, sizeof(name), "public.t%d/shop-t0000000000.jsonl", i);
		text = read_file(folder, name, NULL);
		ck_assert_uint_eq(count_lines(text, "\"op\""), 3);
		free(text);
	}
}
END_TEST

/* ------------------------------------------------------------------ refusals */

/* A .part file with two rows in it, and a manifest that says so. */
static void leave_part(void)
{
	reopen(EZ_EOF);
	ck_assert_int_eq(sink_insert(&t, table, 1, 2), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_eq(sink_insert(&t, table, 3, 1), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
}

static void expect_refusal(int want, const char *text)
{
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), want);
	ck_assert_msg(strstr(t.fake->err.text, text) != NULL, "%s", t.fake->err.text);
	ck_assert_str_ne(t.fake->err.hint, "");
	sink_close(&t);
}

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

START_TEST(missing_file_is_refused)
{
	_cleanup_(freep) char *part = path_of("shop-t0000000000.jsonl.part");

	leave_part();
	ck_assert_int_eq(unlink(part), 0);
	expect_refusal(EZ_E_GONE, "is missing");
}
END_TEST

START_TEST(shortened_file_is_refused)
{
	_cleanup_(freep) char *part = path_of("shop-t0000000000.jsonl.part");

	leave_part();
	ck_assert_int_eq(truncate(part, 10), 0);
	expect_refusal(EZ_E_GONE, "shorter");
}
END_TEST

START_TEST(damaged_manifest_is_refused)
{
	_cleanup_(freep) char *text = NULL, *where = path_of(".ezcdc/shop.json");
	char *digit;

	leave_part();
	text = read_file(folder, ".ezcdc/shop.json", NULL);
	digit = strstr(text, "\"length\":") + strlen("\"length\":");
	*digit = (char)(*digit == '1' ? '2' : '1');
	write_file(folder, ".ezcdc/shop.json", text);
	expect_refusal(EZ_E_IO, "damaged");
	ck_assert_int_eq(truncate(where, 20), 0);
	expect_refusal(EZ_E_IO, "damaged");
	ck_assert_int_eq(truncate(where, 0), 0);
	expect_refusal(EZ_E_IO, "damaged");
	/* Nothing was touched. */
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
}
END_TEST

START_TEST(older_manifest_is_refused)
{
	_cleanup_(freep) char *old = NULL;

	leave_part();
	old = read_file(folder, ".ezcdc/shop.json", NULL);
	reopen(EZ_OK);
	sink_close(&t);
	reopen(EZ_OK);
	ck_assert_int_eq(sink_insert(&t, table, 3, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder),
			 "shop-t0000000000.jsonl shop-t0000000001.jsonl ");
	write_file(folder, ".ezcdc/shop.json", old);
	write_file(folder, "shop-t0000000000.jsonl.part", "");
	expect_refusal(EZ_E_GONE, "shorter");
}
END_TEST

START_TEST(finished_file_beyond_the_manifest_is_refused)
{
	leave_part();
	write_file(folder, "shop-t0000000005.jsonl", "{}\n");
	expect_refusal(EZ_E_CONFIG, "knows no such file");
}
END_TEST

START_TEST(nothing_is_renamed_onto_a_file)
{
	leave_part();
	write_file(folder, "shop-t0000000000.jsonl", "precious\n");
	reopen(EZ_OK);
	ck_assert_int_eq(sink_insert(&t, table, 3, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	{
		_cleanup_(freep) char *text =
			read_file(folder, "shop-t0000000000.jsonl", NULL);

		ck_assert_str_eq(text, "precious\n");
	}
	ck_assert(file_exists(folder, "shop-t0000000000.jsonl.part"));
}
END_TEST

START_TEST(link_in_place_of_a_file_is_not_followed)
{
	_cleanup_(freep) char *part = path_of("shop-t0000000000.jsonl.part");
	_cleanup_(freep) char *victim = path_of("victim");

	leave_part();
	write_file(folder, "victim",
		   "a file that is much longer than what the manifest says; "
		   "it must not be cut, whatever happens, nor written to. "
		   "So it has to be quite long, longer than two rows are: "
		   "a file that is much longer than what the manifest says; "
		   "it must not be cut, whatever happens, nor written to. "
		   "a file that is much longer than what the manifest says; "
		   "it must not be cut, whatever happens, nor written to. "
		   "a file that is much longer than what the manifest says; "
		   "it must not be cut, whatever happens, nor written to. ");
	ck_assert_int_eq(unlink(part), 0);
	ck_assert_int_eq(symlink(victim, part), 0);
	ck_assert_int_lt(sink_open(&t, EZ_ROLE_MAIN), 0);
	sink_close(&t);
	{
		_cleanup_(freep) char *text = read_file(folder, "victim", NULL);

		ck_assert_uint_gt(strlen(text), 400);
	}
}
END_TEST

START_TEST(lost_manifest_means_a_new_beginning_behind_what_is_there)
{
	_cleanup_(freep) char *manifest = path_of(".ezcdc/shop.json");

	leave_part();
	write_file(folder, "shop-t0000000007.jsonl", "{}\n");
	ck_assert_int_eq(unlink(manifest), 0);
	reopen(EZ_EOF);
	ck_assert_str_eq(list_names(folder), "shop-t0000000007.jsonl ");
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder),
			 "shop-t0000000007.jsonl shop-t0000000008.jsonl ");
}
END_TEST

START_TEST(write_without_recover_is_refused)
{
	ez_plugin.load(fake_host_table());
	t.fake = fake_host_new(ez_plugin.options, t.settings);
	ck_assert_int_eq(t.ops->open(&t.fake->open, &t.inst, &t.fake->err), EZ_OK);
	table = fake_table(t.fake, "public", "orders", columns);
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_E_FATAL);
	sink_close(&t);
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
	sink_set(&t, "format", "csv");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_E_CONFIG);
	ck_assert_ptr_nonnull(strstr(t.fake->err.hint, "per-table"));
	sink_close(&t);
	sink_set(&t, "format", "jsonl");
	sink_set(&t, "mode", "777");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_E_CONFIG);
	sink_close(&t);
	sink_set(&t, "mode", "0640");
	sink_set(&t, "path", "");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_E_CONFIG);
	sink_close(&t);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_disk");
	TCase *full = tcase_create("full"), *locks = tcase_create("locks"),
	      *refusals = tcase_create("refusals");

	tcase_set_timeout(full, 60);
	tcase_set_timeout(locks, 60);
	tcase_add_checked_fixture(full, setup, teardown);
	tcase_add_loop_test(full, full_disk_takes_nothing_of_a_batch_and_all_of_it_later,
			    0, 6);
	tcase_add_test(full, full_disk_while_flushing_passes);
	tcase_add_test(full, failure_that_was_overcome_is_not_told);
	tcase_add_test(full, full_disk_while_a_buffer_is_flushed_passes);
	suite_add_tcase(s, full);
	tcase_add_checked_fixture(locks, setup, NULL);
	tcase_add_test(locks, one_process_writes_and_others_are_told);
	tcase_add_test(locks, one_instance_of_a_process_writes);
	tcase_add_test(locks, jobs_of_other_names_share_a_folder);
	tcase_add_test(locks, hundreds_of_tables_need_few_descriptors);
	suite_add_tcase(s, locks);
	tcase_add_checked_fixture(refusals, setup, NULL);
	tcase_add_test(refusals, missing_file_is_refused);
	tcase_add_test(refusals, shortened_file_is_refused);
	tcase_add_test(refusals, damaged_manifest_is_refused);
	tcase_add_test(refusals, older_manifest_is_refused);
	tcase_add_test(refusals, finished_file_beyond_the_manifest_is_refused);
	tcase_add_test(refusals, nothing_is_renamed_onto_a_file);
	tcase_add_test(refusals, link_in_place_of_a_file_is_not_followed);
	tcase_add_test(refusals,
		       lost_manifest_means_a_new_beginning_behind_what_is_there);
	tcase_add_test(refusals, write_without_recover_is_refused);
	tcase_add_test(refusals, options_that_make_no_sense_are_refused);
	suite_add_tcase(s, refusals);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
