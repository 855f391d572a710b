/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include <check.h>

#include "base/attr.h"
#include "base/buf.h"
#include "plugins/pgoutput/literal.h"
#include "plugins/pgoutput/plan.h"
#include "plugins/pgoutput/quote.h"
#include "plugins/pgoutput/types.h"

static struct buf b = { .cap = 4096 };

static void teardown(void)
{
	buf_release(&b);
}

static const char *const literals[][2] = {
	{ "'abc'::text", "abc" },
	{ "'it''s'::character varying(20)", "it's" },
	{ "''::text", "" },
	{ "0", "0" },
	{ "'-1'::integer", "-1" },
	{ "1.50", "1.50" },
	{ "(0)::numeric(10,2)", "0" },
	{ "(-5)::bigint", "-5" },
	{ "true", "t" },
	{ "false", "f" },
	{ "'{}'::public.\"My Type\"[]", "{}" },
	{ "NULL::text", "" },
	{ "now()", "" },
	{ "nextval('s'::regclass)", "" },
	{ "('a'::text || 'b'::text)", "" },
	{ "'a'::text || now()", "" },
	{ "(1 + 2)", "" },
	{ "1 + 2", "" },
	{ "'open", "" },
	{ "-", "" },
	{ "(1", "" },
	{ "", "" },
};

START_TEST(a_constant_default_is_its_value)
{
	literal_add(&b, view_str(literals[_i][0]));
	ck_assert_msg(strcmp(buf_cstr(&b), literals[_i][1]) == 0, "%s gives \"%s\"",
		      literals[_i][0], buf_cstr(&b));
}
END_TEST

START_TEST(names_are_quoted)
{
	quote_table(&b, VIEW("a\"b"), VIEW("select"));
	ck_assert_str_eq(buf_cstr(&b), "\"a\"\"b\".\"select\"");
	buf_reset(&b);
	quote_literal(&b, VIEW("it's \\"));
	ck_assert_str_eq(buf_cstr(&b), "'it''s \\'");
	buf_reset(&b);
	quote_array_item(&b, VIEW("a\"b\\c,d"));
	ck_assert_str_eq(buf_cstr(&b), "\"a\\\"b\\\\c,d\"");
}
END_TEST

START_TEST(types_without_a_table_entry_go_by_kind)
{
	struct pg_type t = { .oid = 99999, .kind = 'e', .name = VIEW("x") };

	ck_assert_uint_eq(pg_type_to_ez(&t), EZ_TYPE_ENUM);
	t.kind = 'm';
	ck_assert_uint_eq(pg_type_to_ez(&t), EZ_TYPE_RANGE);
	t.kind = 'b';
	ck_assert_uint_eq(pg_type_to_ez(&t), EZ_TYPE_OTHER);
	t.name = VIEW("citext");
	ck_assert_uint_eq(pg_type_to_ez(&t), EZ_TYPE_TEXT);
	t.kind = 0;
	t.name = VIEW("");
	ck_assert_uint_eq(pg_type_to_ez(&t), EZ_TYPE_OTHER);
}
END_TEST

START_TEST(parts_are_many_enough_and_not_too_many)
{
	const int64_t mib = 1 << 20;

	ck_assert_uint_eq(pg_plan_count(0, 0, 128 * mib, 2), 1);
	ck_assert_uint_eq(pg_plan_count(10 * mib, 1280, 128 * mib, 2), 1);
	ck_assert_uint_eq(pg_plan_count(100 * mib, 12800, 128 * mib, 2), 8);
	ck_assert_uint_eq(pg_plan_count(100 * mib, 12800, 128 * mib, 1), 1);
	ck_assert_uint_eq(pg_plan_count(129 * mib, 16512, 128 * mib, 1), 2);
	ck_assert_uint_eq(pg_plan_count(10240 * mib, 1310720, 128 * mib, 2), 80);
	/* Most of it may be TOAST: no more parts than blocks. */
	ck_assert_uint_eq(pg_plan_count(10240 * mib, 3, 128 * mib, 2), 3);
	ck_assert_uint_eq(pg_plan_count(INT64_MAX, INT64_MAX, 1, 2), 100000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shape");
	TCase *c = tcase_create("shape");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, a_constant_default_is_its_value, 0, ARRAY_LEN(literals));
	tcase_add_test(c, names_are_quoted);
	tcase_add_test(c, types_without_a_table_entry_go_by_kind);
	tcase_add_test(c, parts_are_many_enough_and_not_too_many);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
