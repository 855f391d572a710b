/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "sinktest.h"

/* CSV: one file per table and shape, RFC 4180, NULL is nothing and empty is "". */

#define FILE_0 "public.orders/shop-t0000000000.csv"
#define HEADER "_op,_commit_lsn,_seq,_ts_us,id,note,_unchanged\n"

static const char columns[] = "id:int8:key, note:text";

static struct sinktest t;
static const char *folder;
static const struct ez_table *table;
static struct fake_batch *batch;

static void begin(int want)
{
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), want);
	table = fake_table(t.fake, "public", "orders", columns);
	batch = fake_batch(t.fake, 1, 0);
	fake_begin(batch, 0x1A2B450, 742, 1732270000119123, 0);
}

static void setup(void)
{
	folder = test_folder();
	sink_start(&t, folder);
	sink_set(&t, "layout", "per-table");
	sink_set(&t, "format", "csv");
}

static void finish(void)
{
	fake_commit(batch, 0x1A2B458);
	ck_assert_int_eq(sink_write(&t, fake_finish(batch)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	sink_close(&t);
}

static void expect(const char *name, const char *want)
{
	_cleanup_(freep) char *got = read_file(folder, name, NULL);

	ck_assert_str_eq(got, want);
}

START_TEST(rows_stand_under_a_header)
{
	begin(EZ_EOF);
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("1", "plain"));
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("2", NULL));
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("3", ""));
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("4", "a,b"));
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("5", "say \"x\"\r\nnow"));
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("6", "\"\""));
	fake_event(batch, EZ_OP_TRUNCATE, table, NULL, NULL);
	finish();
	expect(FILE_0,
	       HEADER "c,0/1A2B450,0,1732270000119123,1,plain,\n"
		      "c,0/1A2B450,1,1732270000119123,2,,\n"
		      "c,0/1A2B450,2,1732270000119123,3,\"\",\n"
		      "c,0/1A2B450,3,1732270000119123,4,\"a,b\",\n"
		      "c,0/1A2B450,4,1732270000119123,5,\"say \"\"x\"\"\r\nnow\",\n"
		      "c,0/1A2B450,5,1732270000119123,6,\"\"\"\"\"\",\n"
		      "t,0/1A2B450,6,1732270000119123,,,\n");
}
END_TEST

START_TEST(old_keys_have_lines_of_their_own)
{
	struct ez_event *ev;

	begin(EZ_EOF);
	fake_event(batch, EZ_OP_UPDATE, table, NULL, FAKE_ROW("1", FAKE_UNCHANGED));
	ev = fake_event(batch, EZ_OP_UPDATE, table, FAKE_ROW("1", FAKE_ABSENT),
			FAKE_ROW("2", "x"));
	ev->flags = EZ_EV_KEY_CHANGED;
	fake_event(batch, EZ_OP_DELETE, table, FAKE_ROW("2", FAKE_ABSENT), NULL);
	finish();
	expect(FILE_0, HEADER "u,0/1A2B450,0,1732270000119123,1,,\"[\"\"note\"\"]\"\n"
			      "d,0/1A2B450,1,1732270000119123,1,,\n"
			      "u,0/1A2B450,1,1732270000119123,2,x,\n"
			      "d,0/1A2B450,2,1732270000119123,2,,\n");
}
END_TEST

START_TEST(values_are_those_of_json_without_quotes)
{
	begin(EZ_EOF);
	table = fake_table(
		t.fake, "public", "orders",
		"b:bool, f:float8, n:numeric, y:bytes, ts:timestamptz, j:json, e:bytes");
	fake_event(batch, EZ_OP_INSERT, table, NULL,
		   FAKE_ROW("t", "NaN", "1.50", "\\x00ff", "2024-02-29 12:00:00.5+00",
			    "{\"a\":1}", "\\x"));
	finish();
	expect(FILE_0,
	       "_op,_commit_lsn,_seq,_ts_us,b,f,n,y,ts,j,e,_unchanged\n"
	       "c,0/1A2B450,0,1732270000119123,true,NaN,1.50,AP8=,2024-02-29T12:00:00.5Z,"
	       "\"{\"\"a\"\":1}\",\"\",\n");
}
END_TEST

START_TEST(strange_column_names_are_quoted)
{
	static const struct fake_column strange[] = { { "a,b", EZ_TYPE_TEXT, 0 },
						      { "say \"x\"", EZ_TYPE_TEXT, 0 } };

	begin(EZ_EOF);
	table = fake_table_of(t.fake, "public", "orders", strange, 2);
	fake_event(batch, EZ_OP_UPDATE, table, NULL,
		   FAKE_ROW(FAKE_UNCHANGED, FAKE_UNCHANGED));
	finish();
	expect(FILE_0,
	       "_op,_commit_lsn,_seq,_ts_us,\"a,b\",\"say \"\"x\"\"\",_unchanged\n"
	       "u,0/1A2B450,0,1732270000119123,,,\"[\"\"a,b\"\",\"\"say \\\"\"x\\\"\"\"\"]\"\n");
}
END_TEST

START_TEST(another_shape_begins_another_file)
{
	const struct ez_table *wider, *same;

	begin(EZ_EOF);
	wider = fake_table(t.fake, "public", "orders",
			   "id:int8:key, note:text, more:int4");
	same = fake_table(t.fake, "public", "orders", columns);
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("1", "a"));
	fake_event(batch, EZ_OP_INSERT, same, NULL, FAKE_ROW("2", "b"));
	fake_event(batch, EZ_OP_INSERT, wider, NULL, FAKE_ROW("3", "c", "4"));
	finish();
	expect(FILE_0, HEADER "c,0/1A2B450,0,1732270000119123,1,a,\n"
			      "c,0/1A2B450,1,1732270000119123,2,b,\n");
	expect("public.orders/shop-t0000000001.csv",
	       "_op,_commit_lsn,_seq,_ts_us,id,note,more,_unchanged\n"
	       "c,0/1A2B450,2,1732270000119123,3,c,4,\n");
	ck_assert_str_eq(list_names(folder),
			 FILE_0 " public.orders/shop-t0000000001.csv ");
}
END_TEST

START_TEST(file_of_an_open_transaction_waits_for_its_end)
{
	const struct ez_table *wider;

	begin(EZ_EOF);
	wider = fake_table(t.fake, "public", "orders",
			   "id:int8:key, note:text, more:int4");
	batch = fake_batch(t.fake, 1, EZ_BATCH_OPEN);
	fake_begin(batch, 0x1A2B450, 742, 1732270000119123, 0);
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("1", "a"));
	fake_event(batch, EZ_OP_INSERT, wider, NULL, FAKE_ROW("2", "b", "3"));
	ck_assert_int_eq(sink_write(&t, fake_finish(batch)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder), "public.orders/shop-t0000000000.csv.part "
					     "public.orders/shop-t0000000001.csv.part ");
	batch = fake_batch(t.fake, 2, EZ_BATCH_CONTINUED);
	fake_begin(batch, 0x1A2B450, 742, 1732270000119123, 2);
	fake_event(batch, EZ_OP_INSERT, wider, NULL, FAKE_ROW("3", "b", "3"));
	fake_commit(batch, 0x1A2B458);
	ck_assert_int_eq(sink_write(&t, fake_finish(batch)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_str_eq(list_names(folder), "public.orders/shop-t0000000000.csv "
					     "public.orders/shop-t0000000001.csv.part ");
	sink_close(&t);
}
END_TEST

START_TEST(file_that_a_crash_left_is_finished_at_the_start)
{
	begin(EZ_EOF);
	fake_event(batch, EZ_OP_INSERT, table, NULL, FAKE_ROW("1", "a"));
	fake_commit(batch, 0x1A2B458);
	ck_assert_int_eq(sink_write(&t, fake_finish(batch)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	ck_assert_int_eq(sink_insert(&t, table, 2, 1), EZ_OK);
	sink_close(&t);
	begin(EZ_OK);
	expect(FILE_0, HEADER "c,0/1A2B450,0,1732270000119123,1,a,\n");
	sink_close(&t);
}
END_TEST

START_TEST(messages_have_two_columns)
{
	begin(EZ_EOF);
	fake_message(batch, "pre,fix", "\xff", 1);
	finish();
	expect("_messages/shop-t0000000000.csv",
	       "_op,_commit_lsn,_seq,_ts_us,prefix,content\n"
	       "m,0/1A2B450,0,1732270000119123,\"pre,fix\",\"/w==\"\n");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_csv");
	TCase *c = tcase_create("csv");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, rows_stand_under_a_header);
	tcase_add_test(c, old_keys_have_lines_of_their_own);
	tcase_add_test(c, values_are_those_of_json_without_quotes);
	tcase_add_test(c, strange_column_names_are_quoted);
	tcase_add_test(c, another_shape_begins_another_file);
	tcase_add_test(c, file_of_an_open_transaction_waits_for_its_end);
	tcase_add_test(c, file_that_a_crash_left_is_finished_at_the_start);
	tcase_add_test(c, messages_have_two_columns);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
