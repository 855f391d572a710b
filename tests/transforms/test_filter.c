/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "transforms/transform_host.h"

#define TABLES(v)                \
 {                               \
  .name = "tables", .value = (v) \
 }
#define KEEP(v)                      \
 {                                   \
  .name = "operations", .value = (v) \
 }
#define WHERE(v)                \
 {                              \
  .name = "where", .value = (v) \
 }
#define LEAVING                        \
 {                                     \
  .name = "leaving", .value = "delete" \
 }
#define ORDERS "id:int8:key, total:numeric, note:text"

static struct bench *open_or_fail(const struct fake_setting *set)
{
	struct bench *b = bench_open(&ez_plugin, set);

	ck_assert_msg(b->rc == EZ_OK, "%s", bench_text(b));
	return b;
}

static struct bench *open_orders(const struct fake_setting *set)
{
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "orders", ORDERS), EZ_OK);
	ck_assert_ptr_null(b->host->shape.table);
	return b;
}

static int message(struct bench *b)
{
	struct ez_cell cells[2] = { { "p", 1, EZ_CELL_TEXT }, { "x", 1, EZ_CELL_BYTES } };

	b->ev = (struct ez_event){ .size = sizeof(b->ev), .op = 'm', .after = cells };
	return b->ops->apply(b->inst, NULL, &b->ev, &b->host->out, &b->host->err);
}

START_TEST(operations_that_are_not_named_are_dropped)
{
	static const struct {
		const char *name;
		char op;
	} ops[] = { { "insert", 'c' },   { "update", 'u' },   { "delete", 'd' },
		    { "truncate", 't' }, { "snapshot", 'r' }, { "message", 'm' } };
	const struct fake_setting set[] = { KEEP(ops[_i].name), {} };
	struct bench *b = open_orders(set);

	for (int i = 0; i < 6; i++) {
		const char *const *row = FAKE_ROW("1", "2", "3");
		char op = ops[i].op;
		int rc = op == 'm' ? message(b)
				   : bench_event(b, (uint32_t)op, op == 'd' ? row : NULL,
						 op == 'd' || op == 't' ? NULL : row);

		ck_assert_int_eq(rc, i == _i ? EZ_OK : EZ_SKIP);
	}
	bench_close(b);
}
END_TEST

START_TEST(tables_say_for_whom_it_holds)
{
	const struct fake_setting set[] = {
		TABLES("public.*"), TABLES("!public.audit_*"), KEEP("insert"), {}
	};
	struct bench *b = open_orders(set);

	ck_assert_int_eq(bench_table(b, "public", "audit_log", ORDERS), EZ_SKIP);
	ck_assert_int_eq(bench_table(b, "other", "orders", ORDERS), EZ_SKIP);
	ck_assert_int_eq(message(b), EZ_OK); /* belongs to no table */
	bench_close(b);
}
END_TEST

START_TEST(rows_are_held_against_where)
{
	const struct fake_setting set[] = { WHERE("total >= 100 and note is not null"),
					    {} };
	struct bench *b = open_orders(set);

	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", "100.00", "x")), EZ_OK);
	ck_assert_int_eq(bench_event(b, 'r', NULL, FAKE_ROW("1", "99.99", "x")), EZ_SKIP);
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", "100", NULL)), EZ_SKIP);
	ck_assert_int_eq(bench_event(b, 'u', NULL, FAKE_ROW("1", "99", "x")), EZ_SKIP);
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", NULL, "x")), EZ_SKIP);
	ck_assert_int_eq(bench_event(b, 't', NULL, NULL), EZ_OK);
	bench_close(b);
}
END_TEST

START_TEST(what_cannot_be_decided_is_kept)
{
	const struct fake_setting set[] = { WHERE("id > 10 and note = 'x'"), {} };
	struct bench *b = open_orders(set);

	ck_assert_int_eq(bench_event(b, 'u', NULL, FAKE_ROW("11", "1", FAKE_UNCHANGED)),
			 EZ_OK);
	ck_assert_int_eq(bench_event(b, 'u', NULL, FAKE_ROW("9", "1", FAKE_UNCHANGED)),
			 EZ_SKIP);
	ck_assert_int_eq(
		bench_event(b, 'd', FAKE_ROW("11", FAKE_ABSENT, FAKE_ABSENT), NULL),
		EZ_OK);
	ck_assert_int_eq(
		bench_event(b, 'd', FAKE_ROW("9", FAKE_ABSENT, FAKE_ABSENT), NULL),
		EZ_SKIP);
	ck_assert_int_eq(bench_event(b, 'd', NULL, NULL), EZ_OK);
	/* The whole old row knows the value that did not change. */
	ck_assert_int_eq(bench_event_flags(b, 'u', EZ_EV_BEFORE_FULL,
					   FAKE_ROW("11", "1", "y"),
					   FAKE_ROW("11", "2", FAKE_UNCHANGED)),
			 EZ_SKIP);
	ck_assert_int_eq(bench_event_flags(b, 'u', 0, FAKE_ROW("12", "1", "y"),
					   FAKE_ROW("11", "2", FAKE_UNCHANGED)),
			 EZ_OK);
	bench_close(b);
}
END_TEST

START_TEST(deletes_are_held_against_the_old_row)
{
	const struct fake_setting set[] = { WHERE("note = 'x'"), {} };
	struct bench *b = open_orders(set);

	ck_assert_int_eq(bench_event_flags(b, 'd', EZ_EV_BEFORE_FULL,
					   FAKE_ROW("1", "1", "x"), NULL),
			 EZ_OK);
	ck_assert_int_eq(bench_event_flags(b, 'd', EZ_EV_BEFORE_FULL,
					   FAKE_ROW("1", "1", "y"), NULL),
			 EZ_SKIP);
	bench_close(b);
}
END_TEST

START_TEST(a_row_that_leaves_may_become_a_delete)
{
	const struct fake_setting set[] = { WHERE("total > 5"), LEAVING, {} };
	struct bench *b = open_orders(set);

	ck_assert_int_eq(bench_event(b, 'u', NULL, FAKE_ROW("1", "6", "x")), EZ_OK);
	ck_assert_int_eq((int)b->ev.op, 'u');
	ck_assert_int_eq(bench_event(b, 'u', NULL, FAKE_ROW("1", "5", "x")), EZ_OK);
	ck_assert_int_eq((int)b->ev.op, 'd');
	ck_assert_ptr_null(b->ev.after);
	ck_assert_row(b, before, "1, absent, absent");
	/* The key changed: the row that goes is the one with the old key. */
	ck_assert_int_eq(bench_event_flags(b, 'u', EZ_EV_KEY_CHANGED,
					   FAKE_ROW("1", FAKE_ABSENT, FAKE_ABSENT),
					   FAKE_ROW("2", "5", "x")),
			 EZ_OK);
	ck_assert_int_eq((int)b->ev.op, 'd');
	ck_assert_uint_eq(b->ev.flags, 0);
	ck_assert_row(b, before, "1, absent, absent");
	/* The old row is known not to have been selected. */
	ck_assert_int_eq(bench_event_flags(b, 'u', EZ_EV_BEFORE_FULL,
					   FAKE_ROW("1", "4", "x"),
					   FAKE_ROW("1", "5", "x")),
			 EZ_SKIP);
	ck_assert_int_eq(bench_event_flags(b, 'u', EZ_EV_BEFORE_FULL,
					   FAKE_ROW("1", "9", "x"),
					   FAKE_ROW("1", "5", "x")),
			 EZ_OK);
	ck_assert_row(b, before, "1, 9, x");
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", "5", "x")), EZ_SKIP);
	bench_close(b);
}
END_TEST

START_TEST(no_delete_comes_where_deletes_are_dropped)
{
	const struct fake_setting set[] = {
		WHERE("total > 5"), LEAVING, KEEP("insert"), KEEP("update"), {}
	};
	struct bench *b = open_orders(set);

	ck_assert_int_eq(bench_event(b, 'u', NULL, FAKE_ROW("1", "5", "x")), EZ_SKIP);
	bench_close(b);
}
END_TEST

START_TEST(a_table_that_lacks_a_column_is_refused)
{
	const struct fake_setting set[] = { WHERE("total > 5"), {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", "id:int8:key"), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "at character 1:");
	ck_assert_has(bench_text(b), "public.users");
	ck_assert_has(bench_hint(b), "tables");
	bench_close(b);
}
END_TEST

START_TEST(a_new_shape_is_bound_anew)
{
	const struct fake_setting set[] = { WHERE("total > 5"), {} };
	struct bench *b = open_orders(set);

	ck_assert_int_eq(
		bench_table(b, "public", "orders", "id:int8:key, x:text, total:int4"),
		EZ_OK);
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", "9", "4")), EZ_SKIP);
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", "4", "9")), EZ_OK);
	bench_close(b);
}
END_TEST

static const struct {
	struct fake_setting set[3];
	const char *part;
} refused[] = {
	{ { TABLES("public.*") }, "drops nothing" },
	{ { KEEP("inserts") }, "inserts" },
	{ { WHERE("a = ") }, "where: at character 5: " },
	{ { WHERE("") }, "where: at character 1: " },
	{ { WHERE("a = 1"), TABLES("orders.") }, "empty" },
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
	Suite *s = suite_create("filter");
	TCase *t = tcase_create("events");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, operations_that_are_not_named_are_dropped, 0, 6);
	tcase_add_test(t, tables_say_for_whom_it_holds);
	tcase_add_test(t, rows_are_held_against_where);
	tcase_add_test(t, what_cannot_be_decided_is_kept);
	tcase_add_test(t, deletes_are_held_against_the_old_row);
	tcase_add_test(t, a_row_that_leaves_may_become_a_delete);
	tcase_add_test(t, no_delete_comes_where_deletes_are_dropped);
	suite_add_tcase(s, t);
	t = tcase_create("tables and options");
	tcase_add_test(t, a_table_that_lacks_a_column_is_refused);
	tcase_add_test(t, a_new_shape_is_bound_anew);
	tcase_add_loop_test(t, options_that_do_not_fit_are_refused, 0, 5);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
