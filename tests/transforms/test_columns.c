/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/view.h"
#include "transforms/transform_host.h"

#define TABLES(v)                \
 {                               \
  .name = "tables", .value = (v) \
 }
#define DROP(v)                \
 {                             \
  .name = "drop", .value = (v) \
 }
#define RENAME(v)                \
 {                               \
  .name = "rename", .value = (v) \
 }
#define ADD(v)                \
 {                            \
  .name = "add", .value = (v) \
 }
#define USERS "a:text, id:int8:key, mail:text:notnull, note:text"

static struct bench *open_or_fail(const struct fake_setting *set)
{
	struct bench *b = bench_open(&ez_plugin, set);

	ck_assert_msg(b->rc == EZ_OK, "%s", bench_text(b));
	return b;
}

static struct bench *open_users(const struct fake_setting *set)
{
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	return b;
}

/* ------------------------------------------------------------------ drop, rename */

START_TEST(drop_moves_the_rest_up_in_place)
{
	const struct fake_setting set[] = { DROP("public.users.a"),
					    DROP("*.*.mail"),
					    {} };
	struct bench *b = open_users(set);

	ck_assert_str_eq(bench_shape(b), "id:int8 key notnull, note:text");
	bench_event(b, 'u', FAKE_ROW("x", "1", "m", "n"),
		    FAKE_ROW("x", "2", "m", FAKE_UNCHANGED));
	ck_assert_row(b, before, "1, n");
	ck_assert_row(b, after, "2, unchanged");
	ck_assert_uint_eq(b->host->out.allocated, 0);
	bench_event(b, 'd', FAKE_ROW(FAKE_ABSENT, "1", FAKE_ABSENT, FAKE_ABSENT), NULL);
	ck_assert_row(b, before, "1, absent");
	ck_assert_ptr_null(b->ev.after);
	ck_assert_int_eq(bench_event(b, 't', NULL, NULL), EZ_OK);
	bench_close(b);
}
END_TEST

START_TEST(drop_of_a_key_is_refused)
{
	const struct fake_setting set[] = { DROP("public.users.*"),
					    DROP("!*.*.note"),
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "public.users.id is part of the key");
	bench_close(b);
}
END_TEST

START_TEST(drop_of_everything_is_refused)
{
	const struct fake_setting set[] = { DROP("*.*.*"), {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "log", "a:text, b:text"), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "nothing would be left");
	bench_close(b);
}
END_TEST

START_TEST(rename_touches_no_event)
{
	const struct fake_setting set[] = { RENAME("public.users.mail=email"),
					    RENAME("*.*.id = \"the \"\"id\"\"\""),
					    {} };
	struct bench *b = open_users(set);

	ck_assert_str_eq(bench_shape(b), "a:text, the \"id\":int8 key notnull, "
					 "email:text notnull, note:text");
	ck_assert_uint_eq(b->out->columns[2]->id, b->in->columns[2]->id);
	bench_event(b, 'c', NULL, FAKE_ROW("x", "1", "m", "n"));
	ck_assert_row(b, after, "x, 1, m, n");
	ck_assert_uint_eq(b->host->out.allocated, 0);
	bench_close(b);
}
END_TEST

START_TEST(rename_may_swap_names)
{
	const struct fake_setting set[] = { RENAME("*.*.a=note"),
					    RENAME("*.*.note=a"),
					    {} };
	struct bench *b = open_users(set);

	ck_assert_str_eq(bench_shape(b), "note:text, id:int8 key notnull, "
					 "mail:text notnull, a:text");
	bench_close(b);
}
END_TEST

START_TEST(names_that_are_not_there_are_refused)
{
	static const struct fake_setting sets[][2] = {
		{ DROP("public.users.mial") }, { RENAME("public.users.mial=x") }
	};
	struct bench *b = open_or_fail(sets[_i]);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "public.users.mial");
	ck_assert_int_eq(bench_table(b, "public", "orders", USERS), EZ_SKIP);
	bench_close(b);
}
END_TEST

START_TEST(two_columns_of_one_name_are_refused)
{
	static const struct fake_setting sets[][3] = {
		{ RENAME("*.*.a=note") },
		{ ADD("note=x") },
		{ ADD("x=1"), ADD("x=2") },
		{ RENAME("*.*.a=b"), RENAME("*.*.note=b") },
		{ RENAME("*.*.a=op"), ADD("op=$op") },
	};
	struct bench *b = open_or_fail(sets[_i]);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "two columns");
	bench_close(b);
}
END_TEST

/* ------------------------------------------------------------------ add */

START_TEST(metadata_has_its_types_and_texts)
{
	const struct fake_setting set[] = { DROP("*.*.a"),
					    ADD("_op=$op"),
					    ADD("cl=$commit_lsn"),
					    ADD("ct=$commit_ts"),
					    ADD("l=$lsn"),
					    ADD("s=$schema"),
					    ADD("t=$table"),
					    ADD("x=$xid"),
					    ADD("n=$seq"),
					    ADD("c = const "),
					    ADD("d=$$op"),
					    ADD("\"e e\"=\" \"\"q\"\" \""),
					    ADD("z="),
					    {} };
	struct bench *b = open_users(set);

	ck_assert_str_eq(
		bench_shape(b),
		"id:int8 key notnull, mail:text notnull, note:text, _op:text, "
		"cl:text, ct:timestamptz, l:text, s:text, t:text, x:int8, n:int8, "
		"c:text, d:text, e e:text, z:text");
	bench_event(b, 'c', NULL, FAKE_ROW("x", "1", "m", "n"));
	ck_assert_row(b, after,
		      "1, m, n, c, 0/2000, 2024-02-29 12:00:00.5+00, 1/1A40, public, "
		      "users, 742, 3, const, $op,  \"q\" , ");
	bench_event(b, 'r', NULL, FAKE_ROW("x", "1", "m", "n"));
	ck_assert_int_eq(b->ev.after[3].ptr[0], 'r');
	bench_close(b);
}
END_TEST

START_TEST(times_are_canonical)
{
	static const struct {
		int64_t us;
		const char *text;
	} times[] = {
		{ 0, "1970-01-01 00:00:00+00" },
		{ INT64_C(1709208000000000), "2024-02-29 12:00:00+00" },
		{ INT64_C(1709208000123456), "2024-02-29 12:00:00.123456+00" },
		{ INT64_C(1709208010120000), "2024-02-29 12:00:10.12+00" },
	};
	const struct fake_setting set[] = { ADD("ct=$commit_ts"), {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "s", "t", "id:int4:key"), EZ_OK);
	b->tx.time_us = times[_i].us;
	bench_event(b, 'c', NULL, FAKE_ROW("1"));
	ck_assert_uint_eq(b->ev.after[1].len, strlen(times[_i].text));
	ck_assert_mem_eq(b->ev.after[1].ptr, times[_i].text, b->ev.after[1].len);
	bench_close(b);
}
END_TEST

START_TEST(old_rows_hold_what_is_known_of_them)
{
	const struct fake_setting set[] = {
		ADD("op=$op"), ADD("c=x"), ADD("t=$table"), {}
	};
	struct bench *b = open_users(set);
	const char *const *key = FAKE_ROW(FAKE_ABSENT, "1", FAKE_ABSENT, FAKE_ABSENT);
	const char *const *row = FAKE_ROW("x", "2", "m", "n");

	bench_event_flags(b, 'u', EZ_EV_KEY_CHANGED, key, row);
	ck_assert_row(b, before, "absent, 1, absent, absent, absent, absent, absent");
	ck_assert_row(b, after, "x, 2, m, n, u, x, users");
	bench_event_flags(b, 'u', EZ_EV_BEFORE_FULL, row, row);
	ck_assert_row(b, before, "x, 2, m, n, absent, x, users");
	bench_event(b, 'd', key, NULL);
	ck_assert_row(b, before, "absent, 1, absent, absent, d, x, users");
	bench_close(b);
}
END_TEST

START_TEST(an_event_without_a_commit_has_null)
{
	const struct fake_setting set[] = { ADD("x=$xid"), ADD("l=$lsn"), {} };
	struct bench *b = open_users(set);

	b->ops->apply(b->inst, b->state,
		      &(struct ez_event){ .size = sizeof(struct ez_event), .op = 't' },
		      &b->host->out, &b->host->err); /* no table: nothing to do */
	b->ev = (struct ez_event){
		.size = sizeof(b->ev),
		.op = 'c',
		.table = b->out,
		.after = fake_cells(b->host, b->in, FAKE_ROW("x", "1", "m", "n")),
	};
	ck_assert_int_eq(
		b->ops->apply(b->inst, b->state, &b->ev, &b->host->out, &b->host->err),
		EZ_OK);
	ck_assert_row(b, after, "x, 1, m, n, NULL, 0/0");
	bench_close(b);
}
END_TEST

START_TEST(a_swap_of_drop_and_add_under_one_name_is_seen)
{
	const struct fake_setting set[] = { DROP("*.*.note"), ADD("note=hidden"), {} };
	struct bench *b = open_users(set);

	bench_event(b, 'c', NULL, FAKE_ROW("x", "1", "m", "secret"));
	ck_assert_row(b, after, "x, 1, m, hidden");
	bench_close(b);
}
END_TEST

/* ------------------------------------------------------------------ tables, options */

START_TEST(other_tables_pass)
{
	const struct fake_setting set[] = {
		TABLES("public.*"), TABLES("!*.orders"), ADD("op=$op"), {}
	};
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	ck_assert_int_eq(bench_table(b, "public", "orders", USERS), EZ_SKIP);
	ck_assert_int_eq(bench_table(b, "other", "users", USERS), EZ_SKIP);
	bench_close(b);
}
END_TEST

START_TEST(newer_structs_keep_their_tail)
{
	struct newer {
		struct ez_column column;
		char tail[8];
	} newer = { .tail = "tail" };
	const struct fake_setting set[] = { RENAME("*.*.id=key"), {} };
	struct bench *b = open_or_fail(set);
	struct ez_table *t = fake_table(b->host, "s", "t", "id:int4:key");
	const struct ez_column *columns[] = { &newer.column };

	newer.column = *t->columns[0];
	newer.column.size = sizeof(newer);
	t->columns = columns;
	ck_assert_int_eq(bench_table_of(b, t), EZ_OK);
	ck_assert_uint_eq(b->out->columns[0]->size, sizeof(newer));
	ck_assert(view_eq_str(b->out->columns[0]->name, "key"));
	bench_close(b);
}
END_TEST

static const struct {
	struct fake_setting set[2];
	const char *part;
} refused[] = {
	{ { DROP("users.mail") }, "schema.table.column" },
	{ { DROP("a.b.c.d") }, "too many parts" },
	{ { DROP("!a.b.c") }, "nothing to drop" },
	{ { DROP("a..c") }, "empty" },
	{ { DROP("a.\"b.c") }, "not closed" },
	{ { RENAME("a.b.c") }, "=new" },
	{ { RENAME("a.b.*=x") }, "without" },
	{ { RENAME("!a.b.c=x") }, "without" },
	{ { RENAME("a.b.c=") }, "empty" },
	{ { RENAME("a.b.c=\"x") }, "quotes" },
	{ { RENAME("a.b.c=\"x\"y") }, "quotes" },
	{ { ADD("x") }, "name=value" },
	{ { ADD("=x") }, "empty" },
	{ { ADD("x=$nonsense") }, "$commit_lsn" },
	{ { ADD("x=\"y") }, "quotes" },
	{ { TABLES("a.b.c") }, "too many parts" },
};

START_TEST(options_that_do_not_fit_are_refused)
{
	struct bench *b = bench_open(&ez_plugin, refused[_i].set);

	ck_assert_int_eq(b->rc, EZ_E_CONFIG);
	ck_assert_has(bench_text(b), refused[_i].part);
	ck_assert_ptr_null(b->inst);
	bench_close(b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("columns");
	TCase *t = tcase_create("drop and rename");
	SRunner *r;
	int failed;

	tcase_add_test(t, drop_moves_the_rest_up_in_place);
	tcase_add_test(t, drop_of_a_key_is_refused);
	tcase_add_test(t, drop_of_everything_is_refused);
	tcase_add_test(t, rename_touches_no_event);
	tcase_add_test(t, rename_may_swap_names);
	tcase_add_loop_test(t, names_that_are_not_there_are_refused, 0, 2);
	tcase_add_loop_test(t, two_columns_of_one_name_are_refused, 0, 5);
	suite_add_tcase(s, t);
	t = tcase_create("add");
	tcase_add_test(t, metadata_has_its_types_and_texts);
	tcase_add_loop_test(t, times_are_canonical, 0, 4);
	tcase_add_test(t, old_rows_hold_what_is_known_of_them);
	tcase_add_test(t, an_event_without_a_commit_has_null);
	tcase_add_test(t, a_swap_of_drop_and_add_under_one_name_is_seen);
	suite_add_tcase(s, t);
	t = tcase_create("tables and options");
	tcase_add_test(t, other_tables_pass);
	tcase_add_test(t, newer_structs_keep_their_tail);
	tcase_add_loop_test(t, options_that_do_not_fit_are_refused, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
