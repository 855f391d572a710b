/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/view.h"
#include "transforms/transform_host.h"

#define FROM(v)                \
 {                             \
  .name = "from", .value = (v) \
 }
#define TO(v)                \
 {                           \
  .name = "to", .value = (v) \
 }
#define SCHEMA(v)                \
 {                               \
  .name = "schema", .value = (v) \
 }
#define TABLE(v)                \
 {                              \
  .name = "table", .value = (v) \
 }
#define MERGE                      \
 {                                 \
  .name = "merge", .value = "true" \
 }

static struct bench *open_or_fail(const struct fake_setting *set)
{
	struct bench *b = bench_open(&ez_plugin, set);

	ck_assert_msg(b->rc == EZ_OK, "%s", bench_text(b));
	return b;
}

static int route(struct bench *b, const char *schema, const char *name)
{
	return bench_table(b, schema, name, "id:int4:key, note:text");
}

static void assert_name(const struct bench *b, const char *schema, const char *name)
{
	ck_assert(view_eq_str(b->out->schema, schema));
	ck_assert(view_eq_str(b->out->name, name));
}

static const struct {
	const char *from, *to, *schema, *table;
	const char *new_schema, *new_table; /* NULL: not routed; of shop.orders_2024 */
} cases[] = {
	{ "shop.(.*)", "copy.$1", NULL, NULL, "copy", "orders_2024" },
	{ "(.*)\\.(.*)", "$2.$1", NULL, NULL, "orders_2024", "shop" },
	{ "(.*)\\.(.*)_([0-9]{4})", "$1.$2", NULL, NULL, "shop", "orders" },
	{ "shop\\.(.*)", "$1_$1", NULL, NULL, "shop", "orders_2024_orders_2024" },
	{ "shop\\..*", NULL, "copy", NULL, "copy", "orders_2024" },
	{ "shop\\.([a-z]*).*", NULL, NULL, "x$1$$", "shop", "xorders$" },
	{ "(shop)\\..*", NULL, "$1$1", "t", "shopshop", "t" },
	{ "shop\\.(x)?.*", "a.b$1c", NULL, NULL, "a", "bc" },
	{ ".*", "a.b.c", NULL, NULL, "a", "b.c" },
	{ "shop", "a.b", NULL, NULL, NULL, NULL },
	{ "hop.*", "a.b", NULL, NULL, NULL, NULL },
	{ "shop\\.orders", "a.b", NULL, NULL, NULL, NULL },
	{ "SHOP.*", "a.b", NULL, NULL, NULL, NULL },
	{ "shop\\.orders|shop\\.orders_2024", "a.b", NULL, NULL, "a", "b" },
	{ "a|shop\\.(.*)|b", "c.$1", NULL, NULL, "c", "orders_2024" },
	{ "(.*)\\.(.*)", "$1.$2", NULL, NULL, NULL, NULL }, /* the same name */
};

START_TEST(names_follow_the_expression)
{
	struct fake_setting set[5] = { FROM(cases[_i].from) };
	size_t n = 1;
	struct bench *b;

	if (cases[_i].to)
		set[n++] = (struct fake_setting)TO(cases[_i].to);
	if (cases[_i].schema)
		set[n++] = (struct fake_setting)SCHEMA(cases[_i].schema);
	if (cases[_i].table)
		set[n++] = (struct fake_setting)TABLE(cases[_i].table);
	b = open_or_fail(set);
	if (cases[_i].new_schema) {
		ck_assert_int_eq(route(b, "shop", "orders_2024"), EZ_OK);
		assert_name(b, cases[_i].new_schema, cases[_i].new_table);
	} else {
		ck_assert_int_eq(route(b, "shop", "orders_2024"), EZ_SKIP);
		ck_assert_ptr_null(b->host->shape.table);
	}
	bench_close(b);
}
END_TEST

START_TEST(only_the_name_changes)
{
	const struct fake_setting set[] = { FROM("shop.(.*)"), TO("copy.$1"), {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(route(b, "shop", "orders"), EZ_OK);
	ck_assert_str_eq(bench_shape(b), "id:int4 key notnull, note:text");
	ck_assert_uint_eq(b->out->id, b->in->id);
	ck_assert_uint_eq(b->out->version, b->in->version);
	ck_assert_int_eq(bench_event(b, 'u', FAKE_ROW("1", FAKE_ABSENT),
				     FAKE_ROW("2", FAKE_UNCHANGED)),
			 EZ_OK);
	ck_assert_row(b, before, "1, absent");
	ck_assert_row(b, after, "2, unchanged");
	ck_assert_int_eq(bench_event(b, 't', NULL, NULL), EZ_OK);
	bench_close(b);
}
END_TEST

START_TEST(two_tables_under_one_name_are_refused)
{
	const struct fake_setting set[] = { FROM("shop.(.*)_[0-9]+"), TO("copy.$1"), {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(route(b, "shop", "orders_1"), EZ_OK);
	ck_assert_int_eq(route(b, "shop", "orders_2"), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "shop.orders_1");
	ck_assert_has(bench_text(b), "shop.orders_2");
	ck_assert_has(bench_text(b), "copy.orders");
	ck_assert_has(bench_hint(b), "merge");
	ck_assert_int_eq(route(b, "shop", "users_1"), EZ_OK);
	bench_close(b);
}
END_TEST

START_TEST(meeting_a_table_that_keeps_its_name_is_refused)
{
	const struct fake_setting set[] = { FROM("shop.a"), TO("shop.b"), {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(route(b, "shop", "b"), EZ_SKIP);
	ck_assert_int_eq(route(b, "shop", "a"), EZ_E_CONFIG);
	bench_close(b);
	b = open_or_fail(set);
	ck_assert_int_eq(route(b, "shop", "a"), EZ_OK);
	ck_assert_int_eq(route(b, "shop", "b"), EZ_E_CONFIG);
	bench_close(b);
}
END_TEST

START_TEST(merge_allows_it)
{
	const struct fake_setting set[] = {
		FROM("shop.(.*)_[0-9]+"), TO("copy.$1"), MERGE, {}
	};
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(route(b, "shop", "orders_1"), EZ_OK);
	ck_assert_int_eq(route(b, "shop", "orders_2"), EZ_OK);
	assert_name(b, "copy", "orders");
	bench_close(b);
}
END_TEST

START_TEST(a_table_made_again_meets_nobody)
{
	const struct fake_setting set[] = { FROM("shop.(.*)"), TO("copy.$1"), {} };
	struct bench *b = open_or_fail(set);
	uint64_t first;

	ck_assert_int_eq(route(b, "shop", "orders"), EZ_OK);
	first = b->in->id;
	ck_assert_int_eq(route(b, "shop", "orders"), EZ_OK);
	ck_assert_uint_ne(b->in->id, first);
	bench_close(b);
}
END_TEST

START_TEST(a_renamed_table_frees_its_old_name)
{
	const struct fake_setting set[] = { FROM("shop.(.*)_[0-9]+"), TO("copy.$1"), {} };
	struct bench *b = open_or_fail(set);
	struct ez_table *t = fake_table(b->host, "shop", "orders_1", "id:int4:key");

	ck_assert_int_eq(bench_table_of(b, t), EZ_OK);
	t->name = VIEW("old_1");
	t->version++;
	ck_assert_int_eq(bench_table_of(b, t), EZ_OK);
	assert_name(b, "copy", "old");
	ck_assert_int_eq(route(b, "shop", "orders_2"), EZ_OK);
	bench_close(b);
}
END_TEST

START_TEST(an_empty_name_is_refused)
{
	const struct fake_setting set[] = { FROM("shop.(x)?.*"), TO("copy.$1"), {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(route(b, "shop", "orders"), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "shop.orders");
	bench_close(b);
}
END_TEST

START_TEST(a_name_without_bounds_is_refused)
{
	const struct fake_setting set[] = { FROM("(.*)\\..*"),
					    TO("a.$1$1$1$1$1$1$1$1$1"),
					    {} };
	struct bench *b = open_or_fail(set);
	char schema[200];

	memset(schema, 'x', sizeof(schema) - 1);
	schema[sizeof(schema) - 1] = '\0';
	ck_assert_int_eq(route(b, schema, "t"), EZ_E_CONFIG);
	bench_close(b);
}
END_TEST

static const struct {
	struct fake_setting set[4];
	const char *part;
} refused[] = {
	{ { FROM("shop.("), TO("a.b") }, "from" },
	{ { FROM(".*"), TO("a.$1") }, "groups" },
	{ { FROM("(.*)"), TO("a.$0") }, "digit" },
	{ { FROM("(.*)"), TO("a.$") }, "digit" },
	{ { FROM("(.*)"), TO("a.") }, "name" },
	{ { FROM("(.*)"), TO(".b") }, "name" },
	{ { FROM("(.*)"), TO("") }, "name" },
	{ { FROM("(.*)") }, "to" },
	{ { FROM("(.*)"), TO("a.b"), SCHEMA("c") }, "either" },
	{ { FROM("(.*)"), TABLE("$2") }, "groups" },
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
	Suite *s = suite_create("route");
	TCase *t = tcase_create("names");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, names_follow_the_expression, 0,
			    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, only_the_name_changes);
	tcase_add_test(t, an_empty_name_is_refused);
	tcase_add_test(t, a_name_without_bounds_is_refused);
	suite_add_tcase(s, t);
	t = tcase_create("collisions");
	tcase_add_test(t, two_tables_under_one_name_are_refused);
	tcase_add_test(t, meeting_a_table_that_keeps_its_name_is_refused);
	tcase_add_test(t, merge_allows_it);
	tcase_add_test(t, a_table_made_again_meets_nobody);
	tcase_add_test(t, a_renamed_table_frees_its_old_name);
	suite_add_tcase(s, t);
	t = tcase_create("options");
	tcase_add_loop_test(t, options_that_do_not_fit_are_refused, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
