/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plugins/pgoutput/tables.h"

#include <string.h>

#include <check.h>

#include "base/attr.h"
#include "testkit/fake_host.h"

static struct pg_tables *tables;
static struct ez_error err = { .size = sizeof(err) };

static void compile(const char *const *items, size_t n)
{
	struct ez_view views[16];

	for (size_t i = 0; i < n; i++)
		views[i] = view_str(items[i]);
	pg_tables_free(tables);
	tables = pg_tables_new(fake_host_table(), views, n, &err);
}

#define COMPILE(...)                           \
 compile((const char *const[]){ __VA_ARGS__ }, \
	 ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

static bool matches(const char *schema, const char *name)
{
	return pg_tables_match(tables, view_str(schema), view_str(name));
}

static void teardown(void)
{
	pg_tables_free(tables);
	tables = NULL;
}

START_TEST(no_pattern_is_everything_but_our_own)
{
	compile(NULL, 0);
	ck_assert(pg_tables_is_all(tables));
	ck_assert(matches("public", "t") && matches("x", "y"));
	ck_assert(!matches("ezcdc", "state") && !matches("pg_catalog", "pg_class"));
	ck_assert(!matches("information_schema", "tables"));
	COMPILE("*.*");
	ck_assert(!matches("ezcdc", "state"));
}
END_TEST

START_TEST(the_last_pattern_that_matches_decides)
{
	COMPILE("public.*", "!public.audit_*", "public.audit_keep");
	ck_assert(matches("public", "orders"));
	ck_assert(!matches("public", "audit_x"));
	ck_assert(matches("public", "audit_keep"));
	ck_assert(!matches("other", "orders"));
}
END_TEST

START_TEST(exclusions_alone_begin_with_everything)
{
	COMPILE("!public.a*");
	ck_assert(!matches("public", "abc") && matches("public", "b") &&
		  matches("s", "abc"));
}
END_TEST

START_TEST(signs_match_what_they_should)
{
	COMPILE("public.a?c", "s*.*x*y");
	ck_assert(matches("public", "abc") && matches("public", "aüc"));
	ck_assert(!matches("public", "ac") && !matches("public", "abbc"));
	ck_assert(matches("s", "xy") && matches("sch", "axbxcy") &&
		  !matches("sch", "axb"));
	ck_assert(!matches("Public", "abc") && !matches("public", "ABC"));
}
END_TEST

START_TEST(quotes_make_everything_literal)
{
	COMPILE("\"my.schema\".\"a*b\"\"c\"", "lone", "public.with.dot");
	ck_assert(matches("my.schema", "a*b\"c") && !matches("my.schema", "axb\"c"));
	ck_assert(matches("public", "lone") && !matches("x", "lone"));
	ck_assert(matches("public", "with.dot"));
}
END_TEST

static const char *const bad[] = { "",   "!",      ".",        "a.",
				   ".b", "\"open", "a.\"open", "\"\".x" };

START_TEST(what_is_no_pattern_is_refused)
{
	COMPILE(bad[_i]);
	ck_assert_msg(tables == NULL, "\"%s\"", bad[_i]);
	ck_assert_int_eq(err.rc, EZ_E_CONFIG);
}
END_TEST

/* A matcher that goes back on every star takes for ever here. */
START_TEST(many_stars_are_no_trouble)
{
	COMPILE("public.*a*a*a*a*a*a*a*a*a*a*a*a*b");
	ck_assert(!matches(
		"public",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tables");
	TCase *c = tcase_create("tables");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_test(c, no_pattern_is_everything_but_our_own);
	tcase_add_test(c, the_last_pattern_that_matches_decides);
	tcase_add_test(c, exclusions_alone_begin_with_everything);
	tcase_add_test(c, signs_match_what_they_should);
	tcase_add_test(c, quotes_make_everything_literal);
	tcase_add_loop_test(c, what_is_no_pattern_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(c, many_stars_are_no_trouble);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
