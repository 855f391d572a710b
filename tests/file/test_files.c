/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#include "sinktest.h"

/* Files: when they begin, when they end, what they hold, and which names they have. */

static const char columns[] = "id:int8:key, note:text";

static struct sinktest t;
static const char *folder;
static const struct ez_table *table;

static void reopen(int want)
{
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), want);
	table = fake_table(t.fake, "public", "orders", columns);
	t.number = 0;
}

static void setup(void)
{
	folder = test_folder();
	sink_start(&t, folder);
}

static void insert(int id, int n)
{
	ck_assert_int_eq(sink_insert(&t, table, id, n), EZ_OK);
}

/* A batch with one event of a transaction that began before, or goes on, or both. */
static void insert_split(int id, uint32_t flags, uint64_t end_lsn)
{
	struct fake_batch *b = fake_batch(t.fake, t.number + 1, flags);
	char text[16];

	snprintf(text, sizeof(text), "%d", id);
	fake_begin(b, 0x5000, 1, 1, 0);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW(text, "split"));
	fake_commit(b, end_lsn);
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
}

static size_t lines_in(const char *name)
{
	_cleanup_(freep) char *text = read_file(folder, name, NULL);

	return count_lines(text, "\"op\"");
}

START_TEST(line_is_in_the_file_when_write_returns)
{
	reopen(EZ_EOF);
	insert(1, 1);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl.part"), 1);
	sink_close(&t);
}
END_TEST

START_TEST(file_gets_its_name_when_the_job_ends)
{
	reopen(EZ_EOF);
	insert(1, 3);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl"), 3);
}
END_TEST

START_TEST(what_was_not_flushed_gets_no_name)
{
	reopen(EZ_EOF);
	insert(1, 3);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	insert(4, 1);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
	/* It is cut off at the next start, and the file goes on. */
	reopen(EZ_OK);
	ck_assert_str_eq(sink_position(&t), "0/1100");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl.part"), 3);
	insert(4, 2);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl"), 5);
}
END_TEST

START_TEST(job_without_changes_leaves_no_file)
{
	reopen(EZ_EOF);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "");
}
END_TEST

START_TEST(position_moves_without_events)
{
	struct fake_batch *b;

	reopen(EZ_EOF);
	b = fake_batch(t.fake, 1, 0);
	fake_begin(b, 0x7000, 1, 1, 0);
	fake_commit(b, 0x7008);
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	reopen(EZ_OK);
	ck_assert_str_eq(sink_position(&t), "0/7008");
	sink_close(&t);
}
END_TEST

START_TEST(numbers_go_on_although_readers_take_files_away)
{
	_cleanup_(freep) char *taken = xasprintf("%s/shop-t0000000000.jsonl", folder);

	reopen(EZ_EOF);
	insert(1, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_int_eq(unlink(taken), 0);
	reopen(EZ_OK);
	insert(2, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "shop-t0000000001.jsonl ");
}
END_TEST

START_TEST(full_file_is_complete_at_the_next_durable_point)
{
	sink_set(&t, "rotate_bytes", "1KiB");
	reopen(EZ_EOF);
	insert(1, 10);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
	insert(11, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder),
			 "shop-t0000000000.jsonl shop-t0000000001.jsonl.part ");
	sink_close(&t);
}
END_TEST

START_TEST(one_batch_fills_many_files_at_ends_of_transactions)
{
	struct fake_batch *b;
	char id[16], name[64];

	sink_set(&t, "rotate_bytes", "600B");
	reopen(EZ_EOF);
	b = fake_batch(t.fake, 1, 0);
	for (int tx = 0; tx < 6; tx++) {
		fake_begin(b, 0x1000 + (uint64_t)tx, 1, 1, 0);
		for (int i = 0; i < 4; i++) {
			snprintf(id, sizeof(id), "%d", tx * 4 + i);
			fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW(id, "x"));
		}
		fake_commit(b, 0x2000 + (uint64_t)tx);
	}
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	for (int tx = 0; tx < 6; tx++) {
		snprintf(name, sizeof(name), "shop-t%010d.jsonl", tx);
		ck_assert_uint_eq(lines_in(name), 4);
	}
	sink_close(&t);
}
END_TEST

START_TEST(split_transaction_is_never_cut_by_a_rotation)
{
	sink_set(&t, "rotate_bytes", "300B");
	reopen(EZ_EOF);
	insert_split(1, EZ_BATCH_OPEN, 0);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	insert_split(2, EZ_BATCH_OPEN | EZ_BATCH_CONTINUED, 0);
	insert_split(3, EZ_BATCH_OPEN | EZ_BATCH_CONTINUED, 0);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
	insert_split(4, EZ_BATCH_CONTINUED, 0x5008);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl"), 4);
	sink_close(&t);
}
END_TEST

START_TEST(open_transaction_is_durable_by_number_but_not_by_position)
{
	uint64_t number = 0;

	reopen(EZ_EOF);
	insert(1, 2);
	insert_split(3, EZ_BATCH_OPEN, 0);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_eq(t.ops->durable(t.inst, 0, &number, &t.fake->err), EZ_OK);
	ck_assert_uint_eq(number, 2);
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl.part"), 3);
	sink_close(&t);
	reopen(EZ_OK);
	ck_assert_str_eq(sink_position(&t), "0/1100");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl.part"), 2);
	sink_close(&t);
}
END_TEST

START_TEST(batch_may_end_a_transaction_and_leave_the_next_one_open)
{
	struct fake_batch *b;

	reopen(EZ_EOF);
	insert_split(1, EZ_BATCH_OPEN, 0);
	b = fake_batch(t.fake, t.number + 1, EZ_BATCH_OPEN | EZ_BATCH_CONTINUED);
	fake_begin(b, 0x5000, 1, 1, 1);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW("2", "split"));
	fake_commit(b, 0x5008);
	fake_begin(b, 0x6000, 2, 1, 0);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW("3", "open"));
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	reopen(EZ_OK);
	ck_assert_str_eq(sink_position(&t), "0/5008");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl.part"), 2);
	sink_close(&t);
}
END_TEST

START_TEST(old_file_is_complete_although_nothing_comes)
{
	uint64_t number = 0;

	sink_set(&t, "rotate_age", "10m");
	fake_host_set_now(1000000000);
	reopen(EZ_EOF);
	insert(1, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	fake_host_set_now(1000000000 + 599 * INT64_C(1000000));
	ck_assert_int_eq(t.ops->durable(t.inst, 100, &number, &t.fake->err), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl.part ");
	fake_host_set_now(1000000000 + 600 * INT64_C(1000000));
	for (int i = 0; i < 1000 && !file_exists(folder, "shop-t0000000000.jsonl"); i++) {
		ck_assert_int_eq(t.ops->durable(t.inst, 10, &number, &t.fake->err),
				 EZ_OK);
		usleep(10000);
	}
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
	sink_close(&t);
}
END_TEST

static void await_file(const char *name)
{
	for (int i = 0; i < 3000 && !file_exists(folder, name); i++)
		usleep(10000);
	ck_assert(file_exists(folder, name));
}

START_TEST(old_file_is_complete_although_nobody_asks)
{
	static const char *const compressions[] = { "none", "gzip" };
	const char *suffix = _i % 2 ? ".gz" : "", *where = _i < 2 ? "" : "public.orders/";
	char name[80];

	sink_set(&t, "compression", compressions[_i % 2]);
	sink_set(&t, "layout", _i < 2 ? "stream" : "per-table");
	sink_set(&t, "rotate_age", "100ms");
	fake_host_set_now(0);
	reopen(EZ_EOF);
	for (int i = 0; i < 4; i++) {
		insert(i, 1);
		/* A file of which something is not flushed must wait. */
		usleep(i == 2 ? 150000 : 0);
		ck_assert_int_eq(sink_settle(&t), EZ_OK);
		snprintf(name, sizeof(name), "%sshop-t%010d.jsonl%s", where, i, suffix);
		await_file(name);
		ck_assert_uint_eq(lines_in(name), 1);
	}
	sink_close(&t);
	ck_assert_ptr_null(strstr(list_names(folder), ".part"));
}
END_TEST

START_TEST(age_counts_over_a_restart)
{
	sink_set(&t, "rotate_age", "10m");
	fake_host_set_now(1000000000);
	reopen(EZ_EOF);
	insert(1, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	insert(2, 1);
	sink_close(&t);
	fake_host_set_now(1000000000 + 601 * INT64_C(1000000));
	reopen(EZ_OK);
	insert(2, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder), "shop-t0000000000.jsonl ");
	sink_close(&t);
}
END_TEST

START_TEST(file_of_another_format_is_finished_at_the_start)
{
	reopen(EZ_EOF);
	insert(1, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	insert(2, 1);
	sink_close(&t);
	sink_set(&t, "compression", "zstd");
	reopen(EZ_OK);
	insert(2, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder),
			 "shop-t0000000000.jsonl shop-t0000000001.jsonl.zst ");
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl"), 1);
	ck_assert_uint_eq(lines_in("shop-t0000000001.jsonl.zst"), 1);
}
END_TEST

START_TEST(tables_have_their_own_folders_and_numbers)
{
	const struct ez_table *other;

	sink_set(&t, "layout", "per-table");
	reopen(EZ_EOF);
	other = fake_table(t.fake, "we.ird", "ta/b%le \xc3\xbc", columns);
	insert(1, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	reopen(EZ_OK);
	other = fake_table(t.fake, "we.ird", "ta/b%le \xc3\xbc", columns);
	insert(2, 1);
	ck_assert_int_eq(sink_insert(&t, other, 7, 2), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder),
			 "public.orders/shop-t0000000000.jsonl "
			 "public.orders/shop-t0000000001.jsonl "
			 "we%2Eird.ta%2Fb%25le%20%C3%BC/shop-t0000000000.jsonl ");
	ck_assert_uint_eq(
		lines_in("we%2Eird.ta%2Fb%25le%20%C3%BC/shop-t0000000000.jsonl"), 2);
}
END_TEST

START_TEST(messages_have_a_folder_of_their_own)
{
	struct fake_batch *b;

	sink_set(&t, "layout", "per-table");
	reopen(EZ_EOF);
	b = fake_batch(t.fake, 1, 0);
	fake_begin(b, 0x1000, 1, 1, 0);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW("1", "x"));
	fake_message(b, "p", "c", 1);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW("2", "x"));
	fake_commit(b, 0x1008);
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "_messages/shop-t0000000000.jsonl "
					     "public.orders/shop-t0000000000.jsonl ");
	ck_assert_uint_eq(lines_in("public.orders/shop-t0000000000.jsonl"), 2);
}
END_TEST

START_TEST(small_batches_share_a_frame_until_they_are_flushed)
{
	_cleanup_(freep) char *part =
		xasprintf("%s/shop-t0000000000.jsonl.zst.part", folder);
	struct stat st;

	sink_set(&t, "compression", "zstd");
	reopen(EZ_EOF);
	for (int i = 0; i < 100; i++)
		insert(i, 1);
	ck_assert_int_eq(stat(part, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_eq(stat(part, &st), 0);
	ck_assert_int_gt(st.st_size, 0);
	ck_assert_int_lt(st.st_size, 6000);
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl.zst.part"), 100);
	sink_close(&t);
}
END_TEST

START_TEST(permissions_are_those_of_the_option)
{
	_cleanup_(freep) char *file =
		xasprintf("%s/public.orders/shop-t0000000000.jsonl", folder);
	_cleanup_(freep) char *dir = xasprintf("%s/public.orders", folder);
	struct stat st;

	umask(077);
	sink_set(&t, "layout", "per-table");
	sink_set(&t, "mode", "0664");
	reopen(EZ_EOF);
	insert(1, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0664);
	ck_assert_int_eq(stat(dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0775);
}
END_TEST

START_TEST(relative_path_means_the_folder_at_open)
{
	ck_assert_int_eq(chdir(folder), 0);
	sink_set(&t, "path", "a/b/");
	reopen(EZ_EOF);
	ck_assert_int_eq(chdir("/"), 0);
	insert(1, 1);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_str_eq(list_names(folder), "a/b/shop-t0000000000.jsonl ");
}
END_TEST

START_TEST(large_value_costs_no_memory)
{
	const size_t size = 24 << 20;
	struct fake_batch *b;
	char *value = xmalloc(size + 1), *text;
	size_t len, breaks = 0;

	/* Characters of two bytes lie across the pieces that it is cut into. */
	for (size_t i = 0; i < size; i++) {
		value[i] = i % 1001 < 2 ? "\xc3\xbc"[i % 1001] : i % 3 == 2 ? '\n' : 'x';
		breaks += value[i] == '\n';
	}
	value[size - 1] = 'x';
	value[size] = '\0';
	sink_set(&t, "compression", _i == 0 ? "none" : "zstd");
	reopen(EZ_EOF);
	b = fake_batch(t.fake, 1, 0);
	fake_begin(b, 0x1000, 1, 1, 0);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW("1", value));
	fake_commit(b, 0x1008);
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_lt(atomic_load(&t.fake->ctx.mem_peak), 3 << 20);
	sink_close(&t);
	text = read_file(
		folder, _i == 0 ? "shop-t0000000000.jsonl" : "shop-t0000000000.jsonl.zst",
		&len);
	ck_assert_uint_gt(len, size + breaks);
	ck_assert_uint_lt(len, size + breaks + 1000);
	ck_assert_str_eq(text + len - 4, "\"}}\n");
	free(text);
	free(value);
}
END_TEST

START_TEST(engine_is_woken_and_gets_its_memory_back)
{
	reopen(EZ_EOF);
	insert(1, 1);
	ck_assert_int_gt(atomic_load(&t.fake->ctx.mem_bytes), 200000);
	ck_assert_uint_eq(atomic_load(&t.fake->ctx.wakes), 0);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	for (int i = 0; i < 1000 && atomic_load(&t.fake->ctx.wakes) == 0; i++)
		usleep(10000);
	ck_assert_uint_eq(atomic_load(&t.fake->ctx.wakes), 1);
	sink_close(&t);
}
END_TEST

START_TEST(pieces_of_a_batch_count_when_the_last_one_is_in)
{
	struct fake_batch *b;
	uint64_t number = 7;

	reopen(EZ_EOF);
	b = fake_batch(t.fake, 1, EZ_BATCH_PIECE);
	fake_begin(b, 0x1000, 1, 1, 0);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW("1", "x"));
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_flush(&t), EZ_OK);
	ck_assert_int_eq(t.ops->durable(t.inst, 200, &number, &t.fake->err), EZ_OK);
	ck_assert_uint_eq(number, 0);
	b = fake_batch(t.fake, 1, 0);
	fake_begin(b, 0x1000, 1, 1, 1);
	fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW("2", "x"));
	fake_commit(b, 0x1008);
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
	ck_assert_uint_eq(lines_in("shop-t0000000000.jsonl"), 2);
}
END_TEST

START_TEST(interrupted_instance_waits_no_more)
{
	uint64_t number;

	reopen(EZ_EOF);
	t.ops->interrupt(t.inst);
	ck_assert_int_eq(t.ops->durable(t.inst, 60000, &number, &t.fake->err),
			 EZ_E_CANCELLED);
	sink_close(&t);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_files");
	TCase *c = tcase_create("files");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, line_is_in_the_file_when_write_returns);
	tcase_add_test(c, file_gets_its_name_when_the_job_ends);
	tcase_add_test(c, what_was_not_flushed_gets_no_name);
	tcase_add_test(c, job_without_changes_leaves_no_file);
	tcase_add_test(c, position_moves_without_events);
	tcase_add_test(c, numbers_go_on_although_readers_take_files_away);
	tcase_add_test(c, full_file_is_complete_at_the_next_durable_point);
	tcase_add_test(c, one_batch_fills_many_files_at_ends_of_transactions);
	tcase_add_test(c, split_transaction_is_never_cut_by_a_rotation);
	tcase_add_test(c, open_transaction_is_durable_by_number_but_not_by_position);
	tcase_add_test(c, batch_may_end_a_transaction_and_leave_the_next_one_open);
	tcase_add_test(c, old_file_is_complete_although_nothing_comes);
	tcase_add_loop_test(c, old_file_is_complete_although_nobody_asks, 0, 4);
	tcase_add_test(c, age_counts_over_a_restart);
	tcase_add_test(c, file_of_another_format_is_finished_at_the_start);
	tcase_add_test(c, tables_have_their_own_folders_and_numbers);
	tcase_add_test(c, messages_have_a_folder_of_their_own);
	tcase_add_test(c, small_batches_share_a_frame_until_they_are_flushed);
	tcase_add_test(c, permissions_are_those_of_the_option);
	tcase_add_test(c, relative_path_means_the_folder_at_open);
	tcase_add_loop_test(c, large_value_costs_no_memory, 0, 2);
	tcase_add_test(c, engine_is_woken_and_gets_its_memory_back);
	tcase_add_test(c, pieces_of_a_batch_count_when_the_last_one_is_in);
	tcase_add_test(c, interrupted_instance_waits_no_more);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
