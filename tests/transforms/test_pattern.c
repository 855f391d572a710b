/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "common/pattern.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/view.h"
#include "testkit/fake_host.h"

static const struct {
	const char *pattern, *schema, *table;
	bool matches;
} cases[] = {
	{ "public.orders", "public", "orders", true },
	{ "public.orders", "public", "orders2", false },
	{ "public.orders", "publi", "orders", false },
	{ "public.orders", "Public", "orders", false },
	{ " public.orders ", "public", "orders", true },
	{ "*.*", "a", "b", true },
	{ "public.*", "public", "x", true },
	{ "public.*", "publica", "x", false },
	{ "public.a*", "public", "a", true },
	{ "public.*a", "public", "ba", true },
	{ "public.a*a", "public", "a", false },
	{ "public.a*a", "public", "aa", true },
	{ "public.a*b*c", "public", "a_b_b_c", true },
	{ "public.a*b*c", "public", "a_c_b", false },
	{ "public.**", "public", "x", true },
	{ "public.*aab", "public", "aaab", true },
	{ "public.*ab*", "public", "aab", true },
	{ "public.ab*bc", "public", "abc", false },
	{ "\"my.schema\".t", "my.schema", "t", true },
	{ "public.\"a*\"", "public", "a*", true },
	{ "public.\"a*\"", "public", "ab", false },
	{ "public.\"say \"\"x\"\"\"", "public", "say \"x\"", true },
	{ "öf*.ü", "öffentlich", "ü", true },
	{ "public.a b", "public", "a b", true },
	{ "orders", "public", "orders", true },
	{ "orders", "shop", "orders", false },
	{ "\"a.b\"", "public", "a.b", true },
	{ "*", "public", "x", true },
	{ "*", "shop", "x", false },
	{ "public.t?", "public", "t1", true },
	{ "public.t?", "public", "t", false },
	{ "public.t?", "public", "t12", false },
	{ "public.t?x", "public", "täx", true },
	{ "public.*?x", "public", "ax", true },
	{ "public.*?x", "public", "x", false },
	{ "public.\"t?\"", "public", "t1", false },
	{ "public.a\"*\"b*", "public", "a*bc", true },
	{ "public.a\"*\"b*", "public", "axbc", false },
};

START_TEST(a_pattern_matches_what_it_says)
{
	const struct ez_view names[] = { view_str(cases[_i].schema),
					 view_str(cases[_i].table) };
	struct pattern p;
	const char *why = "";

	ck_assert_msg(pattern_parse(view_str(cases[_i].pattern), 2, &p, &why), "%s", why);
	ck_assert_msg(pattern_matches(&p, names, 2) == cases[_i].matches, "%s",
		      cases[_i].pattern);
	pattern_release(&p);
}
END_TEST

START_TEST(what_is_no_pattern_is_refused)
{
	static const char *const texts[] = { "",  "a.",  ".a",    "a.b.c",  "a..b",
					     "!", "!.a", "\"a.b", "\"\".a", "a.\"\"" };
	struct pattern p;
	const char *why = NULL;

	ck_assert_msg(!pattern_parse(view_str(texts[_i]), 2, &p, &why), "%s", texts[_i]);
	ck_assert_ptr_nonnull(why);
}
END_TEST

static const struct ez_option option = { .size = sizeof(option),
					 .type = EZ_OPT_LIST,
					 .name = "tables" };
static const struct ez_option *const options[] = { &option, NULL };

static bool list_has(const struct fake_setting *set, const char *schema, const char *name)
{
	struct fake_host *f = fake_host_new(options, set);
	struct pattern_list l;
	bool has;

	ck_assert_int_eq(pattern_list_load(&l, fake_host_table(), &f->config, "tables", 2,
					   &f->err),
			 EZ_OK);
	has = pattern_list_has_table(&l, fake_table(f, schema, name, "a:int4"));
	pattern_list_release(&l);
	fake_host_free(f);
	return has;
}

START_TEST(the_last_pattern_that_matches_decides)
{
	static const struct {
		struct fake_setting set[4];
		bool orders, audit_x, audit_y;
	} lists[] = {
		{ { { "tables", "public.*", NULL },
		    { "tables", "!public.audit_*", NULL } },
		  true,
		  false,
		  false },
		{ { { "tables", "!public.audit_*", NULL },
		    { "tables", "public.*", NULL } },
		  true,
		  true,
		  true },
		{ { { "tables", "*", NULL },
		    { "tables", "! public.audit_*", NULL },
		    { "tables", "audit_x", NULL } },
		  true,
		  true,
		  false },
	};

	ck_assert_int_eq(list_has(lists[_i].set, "public", "orders"), lists[_i].orders);
	ck_assert_int_eq(list_has(lists[_i].set, "public", "audit_x"), lists[_i].audit_x);
	ck_assert_int_eq(list_has(lists[_i].set, "public", "audit_y"), lists[_i].audit_y);
	ck_assert(!list_has(lists[_i].set, "other", "orders"));
}
END_TEST

START_TEST(a_list_without_patterns_has_everything_else)
{
	static const struct fake_setting none[] = { {} };
	static const struct fake_setting only[] = { { "tables", "!public.a", NULL }, {} };

	ck_assert(list_has(none, "public", "a"));
	ck_assert(list_has(only, "public", "b"));
	ck_assert(!list_has(only, "public", "a"));
}
END_TEST

START_TEST(a_bad_item_is_named)
{
	static const struct fake_setting set[] = { { "tables", "a.b", NULL },
						   { "tables", "wrong.", NULL },
						   {} };
	struct fake_host *f = fake_host_new(options, set);
	struct pattern_list l;

	ck_assert_int_eq(pattern_list_load(&l, fake_host_table(), &f->config, "tables", 2,
					   &f->err),
			 EZ_E_CONFIG);
	ck_assert_ptr_nonnull(strstr(f->err.text, "tables: \"wrong.\": a part is empty"));
	fake_host_free(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pattern");
	TCase *t = tcase_create("pattern");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_pattern_matches_what_it_says, 0, (int)ARRAY_LEN(cases));
	tcase_add_loop_test(t, what_is_no_pattern_is_refused, 0, 10);
	tcase_add_loop_test(t, the_last_pattern_that_matches_decides, 0, 3);
	tcase_add_test(t, a_list_without_patterns_has_everything_else);
	tcase_add_test(t, a_bad_item_is_named);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
