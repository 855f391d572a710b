/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "encode.h"

#include <string.h>

#include "base/view.h"

#include "tabletest.h"

/* What becomes of events: the bodies of loads, by the text in them. */

static struct tabletest t;

static void open_test(void)
{
	tabletest_open(&t);
	tabletest_begin(&t);
}

static void close_test(void)
{
	tabletest_close(&t);
}

static const struct ez_table *orders(void)
{
	return fake_table(t.fake, "public", "orders",
			  "id:int8:key, state:text, note:text");
}

#define EVENT(op, table, before, after) tabletest_event(&t, op, table, before, after)

static void encode_ok(void)
{
	int rc = tabletest_encode(&t);

	ck_assert_msg(rc == EZ_OK, "%s", t.fake->err.text);
}

START_TEST(rows_are_fields_between_separators)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1", "new", NULL));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("2", "", "a\nb"));
	encode_ok();
	ck_assert_uint_eq(t.loads.n, 1);
	ck_assert_int_eq(t.loads.items[0]->format, LOAD_CSV);
	ck_assert_str_eq(t.loads.items[0]->columns, "`id`,`state`,`note`,__op");
	ck_assert_str_eq(body_text(&t, 0), "1|new|\\N|0\n2||a\nb|0\n");
	ck_assert_uint_eq(t.loads.items[0]->n_rows, 2);
	ck_assert_uint_eq(t.loads.items[0]->rows[1], 1);
	ck_assert(!t.loads.items[0]->is_partial);
	ck_assert_str_eq(target_name(t.loads.items[0]->target), "orders");
}
END_TEST

START_TEST(the_last_operation_on_a_key_wins)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1", "new", "x"));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("1", "paid", "y"));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("2", "new", "z"));
	EVENT(EZ_OP_DELETE, o, FAKE_ROW("2", FAKE_ABSENT, FAKE_ABSENT), NULL);
	EVENT(EZ_OP_DELETE, o, FAKE_ROW("3", FAKE_ABSENT, FAKE_ABSENT), NULL);
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("3", "again", "w"));
	encode_ok();
	ck_assert_str_eq(body_text(&t, 0), "1|paid|y|0\n2|\\N|\\N|1\n3|again|w|0\n");
	ck_assert_uint_eq(t.loads.items[0]->rows[0], 1);
	ck_assert_uint_eq(t.loads.items[0]->rows[2], 5);
}
END_TEST

START_TEST(a_new_key_is_a_delete_and_an_upsert)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_UPDATE, o, FAKE_ROW("1", FAKE_ABSENT, FAKE_ABSENT),
	      FAKE_ROW("2", "a", "b"))
		->flags |= EZ_EV_KEY_CHANGED;
	encode_ok();
	ck_assert_str_eq(body_text(&t, 0), "1|\\N|\\N|1\n2|a|b|0\n");
}
END_TEST

START_TEST(keys_that_change_places_do)
{
	const struct ez_table *o = orders();
	const char *const *const old[] = { FAKE_ROW("1", FAKE_ABSENT, FAKE_ABSENT),
					   FAKE_ROW("2", FAKE_ABSENT, FAKE_ABSENT),
					   FAKE_ROW("3", FAKE_ABSENT, FAKE_ABSENT) };

	EVENT(EZ_OP_UPDATE, o, old[0], FAKE_ROW("3", "a", "a"))->flags |=
		EZ_EV_KEY_CHANGED;
	EVENT(EZ_OP_UPDATE, o, old[1], FAKE_ROW("1", "b", "b"))->flags |=
		EZ_EV_KEY_CHANGED;
	EVENT(EZ_OP_UPDATE, o, old[2], FAKE_ROW("2", "a", "a"))->flags |=
		EZ_EV_KEY_CHANGED;
	encode_ok();
	ck_assert_str_eq(body_text(&t, 0), "1|b|b|0\n3|\\N|\\N|1\n2|a|a|0\n");
}
END_TEST

START_TEST(unsent_values_come_from_the_batch)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1", "new", "large"));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("1", "paid", FAKE_UNCHANGED));
	EVENT(EZ_OP_UPDATE, o, FAKE_ROW("1", FAKE_ABSENT, FAKE_ABSENT),
	      FAKE_ROW("9", "sent", FAKE_UNCHANGED))
		->flags |= EZ_EV_KEY_CHANGED;
	encode_ok();
	ck_assert_uint_eq(t.loads.n, 1);
	ck_assert_str_eq(body_text(&t, 0), "1|\\N|\\N|1\n9|sent|large|0\n");
	ck_assert_uint_eq(t.n_settled, 0);
}
END_TEST

START_TEST(what_stays_unsent_is_a_partial_update_for_each_set)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("1", "a", FAKE_UNCHANGED));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("2", "b", "whole"));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("3", FAKE_UNCHANGED, "c"));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("4", "d", FAKE_UNCHANGED));
	encode_ok();
	ck_assert_uint_eq(t.loads.n, 3);
	ck_assert_str_eq(t.loads.items[0]->columns, "`id`,`state`,__op");
	ck_assert(t.loads.items[0]->is_partial);
	ck_assert_str_eq(body_text(&t, 0), "1|a|0\n4|d|0\n");
	ck_assert_uint_eq(t.loads.items[0]->rows[1], 3);
	ck_assert(!t.loads.items[1]->is_partial);
	ck_assert_str_eq(body_text(&t, 1), "2|b|whole|0\n");
	ck_assert_str_eq(t.loads.items[2]->columns, "`id`,`note`,__op");
	ck_assert_str_eq(body_text(&t, 2), "3|c|0\n");
}
END_TEST

START_TEST(two_updates_together_may_make_a_whole_row)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("1", "a", FAKE_UNCHANGED));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("1", FAKE_UNCHANGED, "b"));
	encode_ok();
	ck_assert_uint_eq(t.loads.n, 1);
	ck_assert_str_eq(body_text(&t, 0), "1|a|b|0\n");
}
END_TEST

START_TEST(a_moved_row_without_its_values_cannot_be_guessed)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_UPDATE, o, FAKE_ROW("1", FAKE_ABSENT, FAKE_ABSENT),
	      FAKE_ROW("2", "a", FAKE_UNCHANGED))
		->flags |= EZ_EV_KEY_CHANGED;
	ck_assert_int_eq(tabletest_encode(&t), EZ_E_CONFIG);
	ck_assert(strstr(t.fake->err.hint, "REPLICA IDENTITY FULL") != NULL);
}
END_TEST

START_TEST(a_separator_in_the_data_makes_the_table_json)
{
	const struct ez_table *o = orders();
	const struct ez_table *other =
		fake_table(t.fake, "public", "other", "id:int4:key");

	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1", "a", NULL));
	EVENT(EZ_OP_INSERT, other, NULL, FAKE_ROW("1"));
	EVENT(EZ_OP_DELETE, o, FAKE_ROW("2", FAKE_ABSENT, FAKE_ABSENT), NULL);
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("3", "\\N", "x\x01y"));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("4", "q\"", "\n"));
	encode_ok();
	ck_assert_uint_eq(t.loads.n, 2);
	ck_assert_int_eq(t.loads.items[0]->format, LOAD_JSON);
	ck_assert_ptr_null(t.loads.items[0]->columns);
	ck_assert_str_eq(
		body_text(&t, 0),
		"[{\"id\":1,\"state\":\"a\",\"note\":null,\"__op\":0},\n"
		"{\"id\":2,\"state\":null,\"note\":null,\"__op\":1},\n"
		"{\"id\":3,\"state\":\"\\\\N\",\"note\":\"x\\u0001y\",\"__op\":0},\n"
		"{\"id\":4,\"state\":\"q\\\"\",\"note\":\"\\n\",\"__op\":0}\n]");
	ck_assert_int_eq(t.loads.items[1]->format, LOAD_CSV);
	ck_assert_uint_eq(t.loads.items[0]->n_rows, 4);
	ck_assert_uint_eq(t.loads.items[0]->rows[3], 4);
}
END_TEST

START_TEST(bytes_go_through_an_expression)
{
	const struct ez_table *b =
		fake_table(t.fake, "public", "b", "id:int4:key, data:bytes, `x:text");

	EVENT(EZ_OP_INSERT, b, NULL, FAKE_ROW("1", "\\x00ff", "a"));
	EVENT(EZ_OP_INSERT, b, NULL, FAKE_ROW("2", NULL, "b"));
	encode_ok();
	ck_assert_str_eq(
		t.loads.items[0]->columns,
		"`id`,`_ez_tmp_1`,```x`,__op,`data`=to_binary(`_ez_tmp_1`,'hex')");
	ck_assert_str_eq(body_text(&t, 0), "1|00ff|a|0\n2|\\N|b|0\n");
}
END_TEST

START_TEST(arrays_of_the_target_force_json)
{
	const struct ez_table *v =
		fake_table(t.fake, "public", "v", "id:int4:key, e:other");

	column_of(v, 1)->native = view_str("public.vector(2)");
	EVENT(EZ_OP_INSERT, v, NULL, FAKE_ROW("1", "[1,2.5]"));
	encode_ok();
	ck_assert_str_eq(body_text(&t, 0), "[{\"id\":1,\"e\":[1,2.5],\"__op\":0}\n]");
}
END_TEST

/* ------------------------------------------------------------------ out of range */

START_TEST(a_row_that_cannot_be_loaded_is_left_out_as_if_it_had_not_been)
{
	const struct ez_table *d =
		fake_table(t.fake, "public", "d", "id:int4:key, at:date");

	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("1", "2024-01-01"));
	EVENT(EZ_OP_UPDATE, d, NULL, FAKE_ROW("1", "infinity"));
	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("2", "10000-01-01"));
	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("3", "2024-01-03"));
	encode_ok();
	ck_assert_uint_eq(t.n_rejected, 2);
	ck_assert_uint_eq(t.rejected[0], 1);
	ck_assert_uint_eq(t.rejected[1], 2);
	/* The insert of row 1 had been folded away by the update that is gone. */
	ck_assert_str_eq(body_text(&t, 0), "1|2024-01-01|0\n3|2024-01-03|0\n");
}
END_TEST

START_TEST(the_event_that_brought_the_value_is_to_blame)
{
	const struct ez_table *d =
		fake_table(t.fake, "public", "d", "id:int4:key, at:date, n:int4");

	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("1", "infinity", "1"));
	EVENT(EZ_OP_UPDATE, d, NULL, FAKE_ROW("1", FAKE_UNCHANGED, "2"));
	encode_ok();
	ck_assert_uint_eq(t.n_rejected, 1);
	ck_assert_uint_eq(t.rejected[0], 0);
	ck_assert_str_eq(body_text(&t, 0), "1|2|0\n");
	ck_assert(t.loads.items[0]->is_partial);
}
END_TEST

START_TEST(without_a_way_to_reject_the_row_is_named)
{
	const struct ez_table *d =
		fake_table(t.fake, "public", "d", "id:int4:key, at:date");

	t.rules.reject = NULL;
	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("1", "2024-01-01"));
	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("2", "0044-03-15 BC"));
	ck_assert_int_eq(tabletest_encode(&t), EZ_E_DATA);
	ck_assert_uint_eq(t.fake->err.row, 1);
	ck_assert_ptr_null(strstr(t.fake->err.text, "0044"));
	ck_assert_ptr_nonnull(strstr(t.fake->err.text, "column at of table public.d"));
}
END_TEST

START_TEST(policies_decide_on_values_out_of_range)
{
	const struct ez_table *d;

	t.settings.out_of_range[RANGE_DATE] = RANGE_NULL;
	t.settings.out_of_range[RANGE_TIMESTAMP] = RANGE_CLAMP;
	t.settings.out_of_range[RANGE_STRING] = RANGE_CLAMP;
	d = fake_table(t.fake, "public", "d",
		       "id:int4:key, a:date, b:timestamptz, c:uuid");
	EVENT(EZ_OP_INSERT, d, NULL,
	      FAKE_ROW("1", "infinity", "-infinity",
		       "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-and-more"));
	encode_ok();
	ck_assert_str_eq(body_text(&t, 0), "1|\\N|0000-01-01 00:00:00|"
					   "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|0\n");
	ck_assert_uint_eq(t.n_rejected, 0);
	ck_assert_uint_eq(t.fake->ctx.n_metrics, 3);
}
END_TEST

START_TEST(keys_are_never_changed)
{
	const struct ez_table *d =
		fake_table(t.fake, "public", "d", "at:date:key, n:int4");

	t.settings.out_of_range[RANGE_DATE] = RANGE_CLAMP;
	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("infinity", "1"));
	EVENT(EZ_OP_INSERT, d, NULL, FAKE_ROW("2024-01-01", "2"));
	encode_ok();
	ck_assert_uint_eq(t.n_rejected, 1);
	ck_assert_str_eq(body_text(&t, 0), "2024-01-01|2|0\n");
}
END_TEST

START_TEST(a_key_that_is_missing_is_bad_data)
{
	const struct ez_table *o = orders();

	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW(NULL, "a", "b"));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW(FAKE_UNCHANGED, "a", "b"));
	EVENT(EZ_OP_UPDATE, o, FAKE_ROW("7", FAKE_ABSENT, FAKE_ABSENT),
	      FAKE_ROW(FAKE_UNCHANGED, "c", "d"));
	encode_ok();
	ck_assert_uint_eq(t.n_rejected, 2);
	ck_assert_str_eq(body_text(&t, 0), "7|c|d|0\n");
}
END_TEST

/* ------------------------------------------------------------------ our own columns */

START_TEST(audit_columns_tell_of_the_last_change)
{
	const struct ez_table *o;

	t.settings.audit = AUDIT_OP | AUDIT_COMMIT_TS | AUDIT_LSN | AUDIT_LOADED_AT;
	fake_host_set_now(INT64_C(1732270001000000));
	o = fake_table(t.fake, "public", "o", "id:int8:key");
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1"));
	EVENT(EZ_OP_UPDATE, o, NULL, FAKE_ROW("1"));
	EVENT(EZ_OP_DELETE, o, FAKE_ROW("2"), NULL);
	encode_ok();
	ck_assert_str_eq(t.loads.items[0]->columns,
			 "`id`,`_ez_op`,`_ez_commit_ts`,`_ez_lsn`,`_ez_loaded_at`,__op");
	ck_assert_str_eq(
		body_text(&t, 0),
		"1|u|2024-11-22 10:06:40.119123|4096|2024-11-22 10:06:41.000000|0\n"
		"2|\\N|\\N|\\N|\\N|1\n");
	fake_host_set_now(0);
}
END_TEST

START_TEST(soft_deletes_keep_the_row)
{
	const struct ez_table *o;

	t.settings.delete_mode = DELETE_SOFT;
	o = orders();
	EVENT(EZ_OP_DELETE, o, FAKE_ROW("1", FAKE_ABSENT, FAKE_ABSENT), NULL);
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("2", "a", "b"));
	EVENT(EZ_OP_DELETE, o, FAKE_ROW("2", FAKE_ABSENT, FAKE_ABSENT), NULL);
	EVENT(EZ_OP_DELETE, o, FAKE_ROW("3", FAKE_ABSENT, FAKE_ABSENT), NULL);
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("3", "c", "d"));
	encode_ok();
	ck_assert_uint_eq(t.loads.n, 2);
	ck_assert_str_eq(t.loads.items[0]->columns, "`id`,`_ez_deleted`,__op");
	ck_assert_str_eq(body_text(&t, 0), "1|1|0\n");
	ck_assert_str_eq(t.loads.items[1]->columns,
			 "`id`,`state`,`note`,`_ez_deleted`,__op");
	ck_assert_str_eq(body_text(&t, 1), "2|a|b|1|0\n3|c|d|0|0\n");
}
END_TEST

START_TEST(rows_without_a_key_go_by_their_place)
{
	struct ez_table *l = fake_table(t.fake, "public", "l", "note:text");

	l->flags = EZ_TABLE_NO_IDENTITY;
	EVENT(EZ_OP_INSERT, l, NULL, FAKE_ROW("a"));
	EVENT(EZ_OP_INSERT, l, NULL, FAKE_ROW("a"));
	encode_ok();
	ck_assert_str_eq(t.loads.items[0]->columns,
			 "`_ez_row_lsn`,`_ez_row_part`,`_ez_row_seq`,`note`,__op");
	ck_assert_str_eq(body_text(&t, 0), "4096|0|0|a|0\n4096|0|1|a|0\n");
}
END_TEST

START_TEST(tables_without_any_identity_are_refused)
{
	const struct ez_table *l = fake_table(t.fake, "public", "l", "note:text");

	EVENT(EZ_OP_INSERT, l, NULL, FAKE_ROW("a"));
	ck_assert_int_eq(tabletest_encode(&t), EZ_E_CONFIG);
	ck_assert(strstr(t.fake->err.hint, "REPLICA IDENTITY USING INDEX") != NULL);
}
END_TEST

/* ------------------------------------------------------------------ keys and names */

START_TEST(keys_that_look_alike_are_told_apart)
{
	const struct ez_table *k =
		fake_table(t.fake, "public", "k", "a:text:key, b:text:key");
	const struct ez_table *m =
		fake_table(t.fake, "public", "m", "a:text:key, b:text:key");

	EVENT(EZ_OP_INSERT, k, NULL, FAKE_ROW("ab", "c"));
	EVENT(EZ_OP_INSERT, k, NULL, FAKE_ROW("a", "bc"));
	EVENT(EZ_OP_INSERT, k, NULL, FAKE_ROW("", "abc"));
	EVENT(EZ_OP_INSERT, m, NULL, FAKE_ROW("ab", "c"));
	EVENT(EZ_OP_DELETE, k, FAKE_ROW("a", "bc"), NULL);
	encode_ok();
	ck_assert_str_eq(body_text(&t, 0), "ab|c|0\na|bc|1\n|abc|0\n");
	ck_assert_str_eq(body_text(&t, 1), "ab|c|0\n");
}
END_TEST

START_TEST(reserved_names_are_mapped)
{
	const struct ez_table *k = fake_table(
		t.fake, "public", "k", "id:int4:key, __op:text, a<b:text, _ez_x:text");

	EVENT(EZ_OP_INSERT, k, NULL, FAKE_ROW("1", "a", "b", "c"));
	encode_ok();
	ck_assert_str_eq(t.loads.items[0]->columns,
			 "`id`,`_src__op`,`a_b`,`_src_ez_x`,__op");
}
END_TEST

START_TEST(columns_that_differ_by_case_are_refused)
{
	const struct ez_table *k =
		fake_table(t.fake, "public", "k", "id:int4:key, Id:text");

	EVENT(EZ_OP_INSERT, k, NULL, FAKE_ROW("1", "a"));
	ck_assert_int_eq(tabletest_encode(&t), EZ_E_CONFIG);
	ck_assert(strstr(t.fake->err.text, "id and Id") != NULL);
}
END_TEST

START_TEST(two_tables_of_one_name_are_refused)
{
	const struct ez_table *a = fake_table(t.fake, "a", "orders", "id:int4:key");
	const struct ez_table *b = fake_table(t.fake, "b", "orders", "id:int4:key");

	EVENT(EZ_OP_INSERT, a, NULL, FAKE_ROW("1"));
	EVENT(EZ_OP_INSERT, b, NULL, FAKE_ROW("1"));
	ck_assert_int_eq(tabletest_encode(&t), EZ_E_CONFIG);
	ck_assert(strstr(t.fake->err.text, "a.orders and b.orders") != NULL);
	t.settings.table = view_str("{schema}_{table}");
	targets_free(t.targets);
	encoder_free(t.encoder);
	t.targets = targets_new(&t.settings, NULL, NULL);
	t.encoder = encoder_new(t.targets, NULL, NULL);
	ck_assert_int_eq(encode_batch(t.encoder, t.finished, 0, 2, &t.rules, &t.loads,
				      &t.fake->err),
			 EZ_OK);
	ck_assert_str_eq(target_name(t.loads.items[1]->target), "b_orders");
}
END_TEST

static TCase *a_case(Suite *s, const char *name)
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, open_test, close_test);
	suite_add_tcase(s, c);
	return c;
}

int main(void)
{
	Suite *s = suite_create("starrocks encoding");
	TCase *c = a_case(s, "rows");

	tcase_add_test(c, rows_are_fields_between_separators);
	tcase_add_test(c, the_last_operation_on_a_key_wins);
	tcase_add_test(c, a_new_key_is_a_delete_and_an_upsert);
	tcase_add_test(c, keys_that_change_places_do);
	tcase_add_test(c, unsent_values_come_from_the_batch);
	tcase_add_test(c, what_stays_unsent_is_a_partial_update_for_each_set);
	tcase_add_test(c, two_updates_together_may_make_a_whole_row);
	tcase_add_test(c, a_moved_row_without_its_values_cannot_be_guessed);
	tcase_add_test(c, a_separator_in_the_data_makes_the_table_json);
	tcase_add_test(c, bytes_go_through_an_expression);
	tcase_add_test(c, arrays_of_the_target_force_json);
	c = a_case(s, "out of range");
	tcase_add_test(c, a_row_that_cannot_be_loaded_is_left_out_as_if_it_had_not_been);
	tcase_add_test(c, the_event_that_brought_the_value_is_to_blame);
	tcase_add_test(c, without_a_way_to_reject_the_row_is_named);
	tcase_add_test(c, policies_decide_on_values_out_of_range);
	tcase_add_test(c, keys_are_never_changed);
	tcase_add_test(c, a_key_that_is_missing_is_bad_data);
	c = a_case(s, "own columns");
	tcase_add_test(c, audit_columns_tell_of_the_last_change);
	tcase_add_test(c, soft_deletes_keep_the_row);
	tcase_add_test(c, rows_without_a_key_go_by_their_place);
	tcase_add_test(c, tables_without_any_identity_are_refused);
	c = a_case(s, "keys and names");
	tcase_add_test(c, keys_that_look_alike_are_told_apart);
	tcase_add_test(c, reserved_names_are_mapped);
	tcase_add_test(c, columns_that_differ_by_case_are_refused);
	tcase_add_test(c, two_tables_of_one_name_are_refused);
	return run_suite(s);
}
