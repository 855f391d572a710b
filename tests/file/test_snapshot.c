/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

#include "host.h"
#include "sinktest.h"

/* The copy at a job's beginning: hidden until it is complete, shown once. */

enum {
	READERS = 3,
	CRASH_EXIT = 42,
};

static const char columns[] = "id:int8:key, note:text";

static struct sinktest t;
static const char *folder;
static _Atomic int points_left;

static void setup(void)
{
	folder = test_folder();
	sink_start(&t, folder);
}

static struct ez_snapshot attempt(uint64_t order, bool restart)
{
	static char text[32];

	snprintf(text, sizeof(text), "0/%lX", (unsigned long)order);
	return (struct ez_snapshot){
		.size = sizeof(struct ez_snapshot),
		.number = 1,
		.position = { .bytes = { text, strlen(text) }, .order = order },
		.restart = restart,
	};
}

static int begin(const struct ez_snapshot *s, const char *name)
{
	return t.ops->snapshot_begin(
		t.inst, s, fake_table(t.fake, "public", name, columns), &t.fake->err);
}

static int end(const struct ez_snapshot *s)
{
	return t.ops->snapshot_end(t.inst, s, &t.fake->err);
}

/* A writer of its own copies `rows` rows of a part, in batches of ten. */
static void open_reader(struct sinktest *r)
{
	*r = t;
	r->number = 0;
	r->inst = NULL;
	ck_assert_int_eq(sink_open(r, EZ_ROLE_READER), EZ_OK);
}

static int copy_rows(struct sinktest *r, const struct ez_table *table, uint32_t part,
		     int first, int n)
{
	struct fake_batch *b = fake_batch(r->fake, r->number + 1, EZ_BATCH_SNAPSHOT);
	char id[16];

	fake_part(b, part);
	fake_begin(b, 0xABC, 0, 1732270000119123, (uint64_t)first);
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%d", first + i);
		fake_event(b, EZ_OP_SNAPSHOT, table, NULL, FAKE_ROW(id, "copied"));
	}
	return sink_write(r, fake_finish(b));
}

static int copy_part(struct sinktest *r, const char *name, uint32_t part, int rows)
{
	const struct ez_table *table = fake_table(r->fake, "public", name, columns);
	int rc = EZ_OK;

	for (int at = 0; at < rows && rc == EZ_OK; at += 10)
		rc = copy_rows(r, table, part, at, rows - at < 10 ? rows - at : 10);
	return rc == EZ_OK ? sink_settle(r) : rc;
}

static void copy_one(const char *name, uint32_t part, int rows)
{
	struct sinktest r;

	open_reader(&r);
	ck_assert_int_eq(copy_part(&r, name, part, rows), EZ_OK);
	sink_close(&r);
}

START_TEST(copy_is_hidden_until_it_ends)
{
	struct ez_snapshot s = attempt(0x2000, false);
	_cleanup_(freep) char *text = NULL;
	struct ez_position p;

	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&s, "orders"), EZ_OK);
	copy_one("orders", 3, 2);
	ck_assert_str_eq(list_names(folder),
			 "shop-s0001-public.orders-00003-000000.jsonl.part ");
	ck_assert_int_eq(end(&s), EZ_OK);
	ck_assert_str_eq(list_names(folder),
			 "shop-s0001-public.orders-00003-000000.jsonl ");
	text = read_file(folder, "shop-s0001-public.orders-00003-000000.jsonl", NULL);
	ck_assert_ptr_nonnull(strstr(
		text, "\"lsn\":\"0/ABC\",\"commit_lsn\":\"0/ABC\",\"xid\":null,\"seq\":1,"
		      "\"ts_us\":1732270000119123,\"snapshot\":true,\"part\":3},\"key\":"
		      "{\"id\":1},\"after\":{\"id\":1,\"note\":\"copied\"}}\n"));
	/* Safe to repeat. */
	ck_assert_int_eq(end(&s), EZ_OK);
	sink_close(&t);
	/* The stream goes on from the copy's position. */
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_OK);
	ck_assert_str_eq(sink_position(&t), "0/2000");
	ck_assert_int_eq(end(&s), EZ_OK);
	(void)p;
	sink_close(&t);
}
END_TEST

START_TEST(parts_make_files_of_their_own_and_rotate)
{
	struct ez_snapshot s = attempt(0x2000, false);
	struct sinktest r;

	sink_set(&t, "rotate_bytes", "2KiB");
	sink_set(&t, "layout", _i ? "per-table" : "stream");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	ck_assert_int_eq(begin(&s, "b"), EZ_OK);
	open_reader(&r);
	ck_assert_int_eq(copy_part(&r, "a", 1, 20), EZ_OK);
	ck_assert_int_eq(copy_part(&r, "b", 2, 5), EZ_OK);
	sink_close(&r);
	ck_assert_int_eq(end(&s), EZ_OK);
	ck_assert_str_eq(list_names(folder),
			 _i ? "public.a/shop-s0001-public.a-00001-000000.jsonl "
			      "public.a/shop-s0001-public.a-00001-000001.jsonl "
			      "public.b/shop-s0001-public.b-00002-000000.jsonl "
			    : "shop-s0001-public.a-00001-000000.jsonl "
			      "shop-s0001-public.a-00001-000001.jsonl "
			      "shop-s0001-public.b-00002-000000.jsonl ");
	sink_close(&t);
}
END_TEST

START_TEST(restart_forgets_the_attempt_before)
{
	struct ez_snapshot first = attempt(0x2000, false), second = attempt(0x3000, true);

	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&first, "a"), EZ_OK);
	ck_assert_int_eq(begin(&first, "dropped"), EZ_OK);
	copy_one("a", 1, 3);
	copy_one("dropped", 2, 3);
	if (_i) {
		/* In another run of the program. */
		sink_close(&t);
		ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
		ck_assert_str_eq(list_names(folder),
				 "shop-s0001-public.a-00001-000000.jsonl.part "
				 "shop-s0001-public.dropped-00002-000000.jsonl.part ");
	}
	ck_assert_int_eq(begin(&second, "a"), EZ_OK);
	ck_assert_str_eq(list_names(folder), "");
	copy_one("a", 1, 2);
	/* The second table of the same attempt takes nothing away. */
	ck_assert_int_eq(begin(&second, "b"), EZ_OK);
	copy_one("b", 2, 1);
	ck_assert_int_eq(end(&second), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-s0001-public.a-00001-000000.jsonl "
					     "shop-s0001-public.b-00002-000000.jsonl ");
	sink_close(&t);
}
END_TEST

START_TEST(table_that_begins_again_loses_its_own_copy)
{
	struct ez_snapshot s = attempt(0x2000, false);

	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	ck_assert_int_eq(begin(&s, "a-b"), EZ_OK);
	copy_one("a", 1, 3);
	copy_one("a-b", 2, 3);
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	ck_assert_str_eq(list_names(folder),
			 "shop-s0001-public.a-b-00002-000000.jsonl.part ");
	sink_close(&t);
}
END_TEST

START_TEST(target_with_files_is_refused_unless_told_to_append)
{
	struct ez_snapshot s = attempt(0x2000, false);

	write_file(folder, "shop-t0000000003.jsonl", "{}\n");
	write_file(folder, "shop-s0001-public.a-00001-000000.jsonl", "{}\n");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&s, "a"), EZ_E_CONFIG);
	ck_assert_ptr_nonnull(strstr(t.fake->err.hint, "append"));
	s.append = 1;
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	copy_one("a", 1, 1);
	ck_assert_int_eq(end(&s), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-s0001-public.a-00001-000000.jsonl "
					     "shop-s0001-public.a-00001-000001.jsonl "
					     "shop-t0000000003.jsonl ");
	sink_close(&t);
}
END_TEST

START_TEST(own_files_are_no_reason_to_refuse)
{
	struct ez_snapshot s = attempt(0x2000, false);
	const struct ez_table *table;

	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	table = fake_table(t.fake, "public", "a", columns);
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	copy_one("a", 1, 1);
	ck_assert_int_eq(end(&s), EZ_OK);
	t.end_lsn = 0x4000;
	ck_assert_int_eq(sink_insert(&t, table, 1, 1), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_OK);
	s.number = 2;
	s.position.order = 0x5000;
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	copy_one("a", 1, 1);
	ck_assert_int_eq(end(&s), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-s0001-public.a-00001-000000.jsonl "
					     "shop-s0002-public.a-00001-000000.jsonl "
					     "shop-t0000000000.jsonl ");
}
END_TEST

START_TEST(shown_copy_is_not_made_again)
{
	struct ez_snapshot s = attempt(0x2000, false), again = attempt(0x3000, true);

	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	copy_one("a", 1, 1);
	ck_assert_int_eq(end(&s), EZ_OK);
	ck_assert_int_eq(begin(&again, "a"), EZ_E_FATAL);
	sink_close(&t);
}
END_TEST

START_TEST(copy_that_is_not_durable_is_not_shown)
{
	struct ez_snapshot s = attempt(0x2000, false);
	struct sinktest r;

	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	open_reader(&r);
	ck_assert_int_eq(
		copy_rows(&r, fake_table(r.fake, "public", "a", columns), 1, 0, 1),
		EZ_OK);
	ck_assert_int_eq(end(&s), EZ_E_FATAL);
	ck_assert_int_eq(sink_settle(&r), EZ_OK);
	ck_assert_int_eq(end(&s), EZ_OK);
	sink_close(&r);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-s0001-public.a-00001-000000.jsonl ");
}
END_TEST

START_TEST(rows_without_a_snapshot_are_refused)
{
	struct sinktest r;

	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	open_reader(&r);
	ck_assert_int_eq(copy_part(&r, "a", 1, 1), EZ_E_FATAL);
	sink_close(&r);
	sink_close(&t);
}
END_TEST

/* ------------------------------------------------------------------ threads */

struct reader {
	pthread_t thread;
	struct sinktest sink;
	uint32_t first;
	int rc;
};

static void *read_parts(void *arg)
{
	struct reader *r = arg;

	for (uint32_t i = 0; i < 5 && r->rc == EZ_OK; i++)
		r->rc = copy_part(&r->sink, "a", r->first + i * READERS, 200);
	return NULL;
}

START_TEST(readers_write_at_the_same_time)
{
	struct ez_snapshot s = attempt(0x2000, false);
	struct reader readers[READERS];
	_cleanup_(freep) char *all = NULL;

	sink_set(&t, "compression", _i ? "zstd" : "none");
	sink_set(&t, "rotate_bytes", "8KiB");
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	ck_assert_int_eq(begin(&s, "a"), EZ_OK);
	for (uint32_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .first = i };
		open_reader(&readers[i].sink);
		ck_assert_int_eq(
			pthread_create(&readers[i].thread, NULL, read_parts, &readers[i]),
			0);
	}
	for (uint32_t i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		ck_assert_int_eq(readers[i].rc, EZ_OK);
		sink_close(&readers[i].sink);
	}
	ck_assert_int_eq(end(&s), EZ_OK);
	sink_close(&t);
	ck_assert_ptr_null(strstr(list_names(folder), ".part"));
	all = read_finished(folder);
	ck_assert_uint_eq(count_lines(all, "\"op\":\"r\""), 15 * 200);
	for (int part = 0; part < 15; part++) {
		char text[32];

		snprintf(text, sizeof(text), "\"part\":%d}", part);
		ck_assert_uint_eq(count_lines(all, text), 200);
	}
}
END_TEST

/* ------------------------------------------------------------------ crashes */

static void die_here(const char *place)
{
	if (atomic_fetch_sub(&points_left, 1) == 1) {
		if (getenv("EZ_TEST_LOG"))
			fprintf(stderr, "dies at: %s\n", place);
		_exit(CRASH_EXIT);
	}
}

/*
 * One run of a job as the engine would do it: `copied` is its checkpoint, a file that says
 * that the copy is complete.
 */
static void live(int crash_after, int life)
{
	struct ez_snapshot s = attempt(0x2000 + (uint64_t)life, life > 0);
	int rc;

	atomic_store(&points_left, crash_after);
	crash_hook = die_here;
	rc = sink_open(&t, EZ_ROLE_MAIN);
	if (rc != EZ_OK && rc != EZ_EOF)
		_exit(1);
	if (!file_exists(folder, "../copied")) {
		if (begin(&s, "a") != EZ_OK || begin(&s, "b") != EZ_OK)
			_exit(2);
		copy_one("a", 1, 25);
		copy_one("a", 2, 5);
		copy_one("b", 3, 12);
		write_file(folder, "../copied", "yes");
	}
	if (end(&s) != EZ_OK)
		_exit(3);
	sink_close(&t);
	_exit(0);
}

START_TEST(copy_is_shown_whole_and_once_whatever_dies)
{
	_cleanup_(freep) char *parent = xstrdup(folder), *all = NULL;
	int status = 0, life = 0;

	/* The checkpoint stands beside the sink's folder. */
	folder = xasprintf("%s/out", parent);
	sink_set(&t, "path", folder);
	sink_set(&t, "rotate_bytes", "2KiB");
	do {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			live(_i + 1 + life * 7, life);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
						    WEXITSTATUS(status) == CRASH_EXIT),
			      "status %d in life %d", status, life);
		if (!file_exists(folder, "../copied") && life > 0) {
			free(all);
			all = read_finished(folder);
			ck_assert_str_eq(all, "");
		}
		ck_assert_int_lt(++life, 60);
	} while (WEXITSTATUS(status) != 0);
	free(all);
	all = read_finished(folder);
	ck_assert_uint_eq(count_lines(all, "\"op\":\"r\""), 42);
	ck_assert_uint_eq(count_lines(all, "\"part\":1}"), 25);
	ck_assert_uint_eq(count_lines(all, "\"part\":2}"), 5);
	ck_assert_uint_eq(count_lines(all, "\"part\":3}"), 12);
	ck_assert_ptr_null(strstr(list_names(folder), ".part"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_snapshot");
	TCase *c = tcase_create("copy"), *crash = tcase_create("crash");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, copy_is_hidden_until_it_ends);
	tcase_add_loop_test(c, parts_make_files_of_their_own_and_rotate, 0, 2);
	tcase_add_loop_test(c, restart_forgets_the_attempt_before, 0, 2);
	tcase_add_test(c, table_that_begins_again_loses_its_own_copy);
	tcase_add_test(c, target_with_files_is_refused_unless_told_to_append);
	tcase_add_test(c, own_files_are_no_reason_to_refuse);
	tcase_add_test(c, shown_copy_is_not_made_again);
	tcase_add_test(c, copy_that_is_not_durable_is_not_shown);
	tcase_add_test(c, rows_without_a_snapshot_are_refused);
	tcase_add_loop_test(c, readers_write_at_the_same_time, 0, 2);
	suite_add_tcase(s, c);
	tcase_set_timeout(crash, 60);
	tcase_add_checked_fixture(crash, setup, NULL);
	tcase_add_loop_test(crash, copy_is_shown_whole_and_once_whatever_dies, 0, 40);
	suite_add_tcase(s, crash);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
