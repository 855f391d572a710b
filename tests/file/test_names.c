/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#include "names.h"
#include "sinktest.h"

/* Names of files: what they look like, how they sort, and that no others are taken for them. */

static const char *table_name(const char *schema, const char *name)
{
	static char text[NAMES_MAX];
	_cleanup_(buf_release) struct buf b = BUF_INIT(4096);

	names_add_table(&b, view_str(schema), view_str(name));
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	return text;
}

START_TEST(names_are_percent_encoded)
{
	ck_assert_str_eq(table_name("public", "orders"), "public.orders");
	ck_assert_str_eq(table_name("A_b-9", "x"), "A_b-9.x");
	ck_assert_str_eq(table_name("a.b", "c/d"), "a%2Eb.c%2Fd");
	ck_assert_str_eq(table_name("..", "\xf0\x9f\x98\x80"), "%2E%2E.%F0%9F%98%80");
	ck_assert_str_eq(table_name("sp ace", "100%"), "sp%20ace.100%25");
	ck_assert_str_eq(table_name("", ""), ".");
}
END_TEST

START_TEST(long_names_are_cut_and_stay_different)
{
	char a[64], b[64], first[NAMES_MAX];

	memset(a, '\xc3', 62);
	a[62] = '1';
	a[63] = '\0';
	memcpy(b, a, sizeof(b));
	b[62] = '2';
	snprintf(first, sizeof(first), "%s", table_name("public", a));
	ck_assert_uint_le(strlen(first), 160);
	ck_assert_str_ne(first, table_name("public", b));
	ck_assert_str_eq(first, table_name("public", a));
	/* No %XX is cut: after each percent sign come two digits. */
	for (const char *p = first; (p = strchr(p, '%')) != NULL; p++)
		ck_assert_int_eq(strncmp(p, "%C3", 3), 0);
	/* The border between schema and name counts. */
	snprintf(first, sizeof(first), "%s", table_name(a, "xy"));
	ck_assert_str_ne(first, table_name(b, "xy"));
}
END_TEST

static void stream(char *to, size_t size, uint64_t seq)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(4096);

	names_add_stream(&b, "shop", seq, ".jsonl");
	snprintf(to, size, "%s", buf_cstr(&b));
}

START_TEST(names_sort_in_order)
{
	const struct names_snapshot n = {
		.number = 1, .table = "public.a", .part = 2, .seq = 3
	};
	_cleanup_(buf_release) struct buf b = BUF_INIT(4096);
	char before[64], after[64];

	for (uint64_t seq = 1; seq < 2000000000; seq = seq * 3 + 1) {
		stream(before, sizeof(before), seq - 1);
		stream(after, sizeof(after), seq);
		ck_assert_int_lt(strcmp(before, after), 0);
	}
	names_add_snapshot(&b, "shop", &n, ".jsonl.zst");
	ck_assert_str_eq(buf_cstr(&b), "shop-s0001-public.a-00002-000003.jsonl.zst");
	stream(after, sizeof(after), 0);
	ck_assert_int_lt(strcmp(buf_cstr(&b), after), 0);
}
END_TEST

static const struct {
	const char *name;
	bool ours, part;
	uint64_t seq, snapshot;
	const char *table;
} parsed[] = {
	{ "shop-t0000000012.jsonl", true, false, 12, 0, NULL },
	{ "shop-t0000000012.jsonl.gz", true, false, 12, 0, NULL },
	{ "shop-t0000000012.csv.zst.part", true, true, 12, 0, NULL },
	{ "shop-t12345678901.jsonl", true, false, 12345678901, 0, NULL },
	{ "shop-s0002-public.a-b-00003-000004.jsonl", true, false, 0, 2, "public.a-b" },
	{ "shop-s0002-public.a-00003-000004.jsonl.part", true, true, 0, 2, "public.a" },
	{ "shop-s12345-p%2E.a-123456-000004.csv", true, false, 0, 12345, "p%2E.a" },
	{ "shop-t000000012.jsonl", false, false, 0, 0, NULL },
	{ "shop-t0000000012", false, false, 0, 0, NULL },
	{ "shop-t0000000012.jsonl.bak", false, false, 0, 0, NULL },
	{ "shop-t0000000012.txt", false, false, 0, 0, NULL },
	{ "shop-t0000000012.part", false, false, 0, 0, NULL },
	{ "shop2-t0000000012.jsonl", false, false, 0, 0, NULL },
	{ "shop_t-t0000000012.jsonl", false, false, 0, 0, NULL },
	{ "shop-u0000000012.jsonl", false, false, 0, 0, NULL },
	{ "shop-s0000-a.b-00003-000004.jsonl", false, false, 0, 0, NULL },
	{ "shop-s0002-a.b-3-4.jsonl", false, false, 0, 0, NULL },
	{ "shop-s0002-a.b-00003-000004.txt", false, false, 0, 0, NULL },
	{ "shop-s0002--00003-000004.jsonl", false, false, 0, 0, NULL },
	{ "shop-s0002", false, false, 0, 0, NULL },
	{ "shop-", false, false, 0, 0, NULL },
	{ "shop", false, false, 0, 0, NULL },
	{ ".part", false, false, 0, 0, NULL },
	{ "shop.part", false, false, 0, 0, NULL },
	{ "shop-t.part", false, false, 0, 0, NULL },
	{ "shop-t99999999999999999999999.jsonl", false, false, 0, 0, NULL },
};

START_TEST(only_own_names_are_taken_for_own)
{
	struct names_parsed p;
	bool ours = names_parse(view_str(parsed[_i].name), "shop", &p);

	ck_assert_msg(ours == parsed[_i].ours, "%s", parsed[_i].name);
	if (!ours)
		return;
	ck_assert_int_eq(p.is_part, parsed[_i].part);
	ck_assert_uint_eq(p.snapshot, parsed[_i].snapshot);
	if (parsed[_i].table)
		ck_assert(view_eq_str(p.table, parsed[_i].table));
	else
		ck_assert_uint_eq(p.seq, parsed[_i].seq);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_names");
	TCase *c = tcase_create("names");

	tcase_add_test(c, names_are_percent_encoded);
	tcase_add_test(c, long_names_are_cut_and_stay_different);
	tcase_add_test(c, names_sort_in_order);
	tcase_add_loop_test(c, only_own_names_are_taken_for_own, 0,
			    (int)(sizeof(parsed) / sizeof(parsed[0])));
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
