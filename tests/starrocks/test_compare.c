/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "buckets.h"
#include "compare_sql.h"
#include "md5.h"
#include "render.h"
#include "tabletest.h"

/* ------------------------------------------------------------------ digests */

static const struct digest {
	const char *text, *hex;
} DIGESTS[] = {
	{ "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ "a", "0cc175b9c0f1b6a831c399e269772661" },
	{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	  "d174ab98d277d9f5a5611c2c9f419d9f" },
	{ "1234567890123456789012345678901234567890123456789012345678901234567890123456"
	  "7890",
	  "57edf4a22be3c955ac49da2e2107b67a" },
};

START_TEST(digests_are_those_of_the_standard)
{
	char hex[MD5_HEX + 1] = "";

	md5_hex(view_str(DIGESTS[_i].text), hex);
	ck_assert_str_eq(hex, DIGESTS[_i].hex);
}
END_TEST

/* ------------------------------------------------------------------ rendering */

/* A value of a column that is not in the key. NULL for what is expected: the row is skipped. */
static const struct rendering {
	uint32_t type;
	const char *native;
	int32_t precision, scale;
	const char *source;
	enum range_policy policy;
	const char *text;
} RENDERINGS[] = {
	{ EZ_TYPE_BOOL, "boolean", 0, 0, "t", RANGE_ERROR, "1" },
	{ EZ_TYPE_INT4, "integer", 0, 0, "-7", RANGE_ERROR, "-7" },
	{ EZ_TYPE_INT4, "integer", 0, 0, NULL, RANGE_ERROR, "-" },
	{ EZ_TYPE_NUMERIC, "numeric(10,2)", 10, 2, "12.5", RANGE_ERROR, "12.50" },
	{ EZ_TYPE_NUMERIC, "numeric(10,2)", 10, 2, "12", RANGE_ERROR, "12.00" },
	{ EZ_TYPE_NUMERIC, "numeric(10,2)", 10, 2, "NaN", RANGE_ERROR, NULL },
	{ EZ_TYPE_NUMERIC, "numeric(10,2)", 10, 2, "NaN", RANGE_NULL, "-" },
	{ EZ_TYPE_NUMERIC, "numeric(10,2)", 10, 2, "1e9", RANGE_ERROR, NULL },
	{ EZ_TYPE_FLOAT8, "double precision", 0, 0, "1.5", RANGE_ERROR,
	  "1_500000000000000" },
	{ EZ_TYPE_FLOAT8, "double precision", 0, 0, "-2.25", RANGE_ERROR,
	  "-2_-250000000000000" },
	{ EZ_TYPE_FLOAT8, "double precision", 0, 0, "-0", RANGE_ERROR, "0_0" },
	{ EZ_TYPE_FLOAT8, "double precision", 0, 0, "1e+300", RANGE_ERROR, "P" },
	{ EZ_TYPE_FLOAT8, "double precision", 0, 0, "-Infinity", RANGE_ERROR, "M" },
	{ EZ_TYPE_FLOAT8, "double precision", 0, 0, "NaN", RANGE_ERROR, "X" },
	{ EZ_TYPE_FLOAT4, "real", 0, 0, "0.5", RANGE_ERROR, "0_500000000000000" },
	{ EZ_TYPE_DATE, "date", 0, 0, "2024-02-29", RANGE_ERROR, "2024-02-29" },
	{ EZ_TYPE_DATE, "date", 0, 0, "infinity", RANGE_CLAMP, "9999-12-31" },
	{ EZ_TYPE_DATE, "date", 0, 0, "infinity", RANGE_ERROR, NULL },
	{ EZ_TYPE_TIMESTAMP, "timestamp", 0, 0, "2024-02-29 12:00:00", RANGE_ERROR,
	  "2024-02-29 12:00:00000000" },
	{ EZ_TYPE_TIMESTAMPTZ, "timestamptz", 0, 0, "2024-02-29 12:00:00.5+00",
	  RANGE_ERROR, "2024-02-29 12:00:00500000" },
	{ EZ_TYPE_TEXT, "text", 0, 0, "abc", RANGE_ERROR,
	  "900150983cd24fb0d6963f7d28e17f72" },
	{ EZ_TYPE_TEXT, "text", 0, 0, "", RANGE_ERROR,
	  "d41d8cd98f00b204e9800998ecf8427e" },
	/* The MD5 of "0AFF". */
	{ EZ_TYPE_BYTES, "bytea", 0, 0, "\\x0aff", RANGE_ERROR,
	  "e77d997c7675fa3fdb097e1a53fb1779" },
	{ EZ_TYPE_JSON, "jsonb", 0, 0, "{\"a\": 1}", RANGE_ERROR, "+" },
	{ EZ_TYPE_JSON, "jsonb", 0, 0, "null", RANGE_ERROR, "-" },
	{ EZ_TYPE_JSON, "jsonb", 0, 0, "\"null\"", RANGE_ERROR, "-" },
	{ EZ_TYPE_JSON, "jsonb", 0, 0, NULL, RANGE_ERROR, "-" },
};

/* A table with the key `id` and the column of the case. */
static struct target *target_for(struct tabletest *t, const struct rendering *r,
				 const struct ez_table **ret_table)
{
	const struct type_rules rules = { &t->settings, SQLC_VERSION(4, 0, 0) };
	struct ez_table *table =
		fake_table(t->fake, "public", "v", "id:int8:key, v:text");
	struct ez_column *c = column_of(table, 1);
	struct target *target;

	c->type = r->type;
	c->native = view_str(r->native);
	c->precision = r->precision ? r->precision : -1;
	c->scale = r->scale;
	for (size_t i = 0; i < ARRAY_LEN(t->settings.out_of_range); i++)
		t->settings.out_of_range[i] = r->policy;
	ck_assert_int_eq(target_make(&rules, table, &target, &t->fake->err), EZ_OK);
	*ret_table = table;
	return target;
}

START_TEST(values_are_rendered_as_the_target_has_them)
{
	const struct rendering *r = &RENDERINGS[_i];
	const struct ez_table *table;
	struct tabletest t;
	struct render render;
	struct target *target;
	int rc;

	tabletest_open(&t);
	render_init(&render);
	target = target_for(&t, r, &table);
	rc = render_row(&render, target,
			fake_cells(t.fake, table, FAKE_ROW("7", r->source)),
			&t.fake->err);
	ck_assert_int_eq(rc, r->text ? EZ_OK : EZ_SKIP);
	if (r->text) {
		ck_assert_str_eq(buf_cstr(&render.key), "7");
		ck_assert_int_eq(render.row.ptr[1], '|');
		ck_assert_str_eq(buf_cstr(&render.row) + 2, r->text);
	}
	target_unref(target);
	render_release(&render);
	tabletest_close(&t);
}
END_TEST

START_TEST(keys_are_shown_as_people_know_them)
{
	struct buf b = BUF_INIT(1000);
	struct tabletest t;
	struct render render;
	struct ez_table *table;
	struct target *target;

	tabletest_open(&t);
	render_init(&render);
	table = fake_table(t.fake, "public", "v", "a:int4:key, b:text:key, c:bool");
	ck_assert_int_eq(
		target_make(&(struct type_rules){ &t.settings, SQLC_VERSION(4, 0, 0) },
			    table, &target, &t.fake->err),
		EZ_OK);
	render_add_shown(&render, target,
			 fake_cells(t.fake, table, FAKE_ROW("1", "de", "t")), &b);
	ck_assert_str_eq(buf_cstr(&b), "1, de");
	buf_reset(&b);
	render_add_sql_shown(&b, target);
	ck_assert_str_eq(buf_cstr(&b),
			 "concat(cast(`a` as varchar),', ',cast(`b` as varchar))");
	target_unref(target);
	buf_release(&b);
	render_release(&render);
	tabletest_close(&t);
}
END_TEST

/* ------------------------------------------------------------------ buckets */

/* As a target would have summed up its rows. */
static void take_rows(struct buckets *b, const uint64_t (*rows)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		buckets_take(b, rows[i][0] >> (64 - 4 * b->digits), 1, rows[i][1] >> 32,
			     rows[i][1] & UINT32_MAX);
}

static const uint64_t ROWS[][2] = {
	{ UINT64_C(0x1234000000000000), UINT64_C(0xffffffff00000001) },
	{ UINT64_C(0x1fff000000000000), UINT64_C(0xffffffffffffffff) },
	{ UINT64_C(0xa000000000000000), UINT64_C(0x0000000100000002) },
};

START_TEST(order_does_not_matter_but_everything_else_does)
{
	const uint64_t turned[][2] = { { ROWS[2][0], ROWS[2][1] },
				       { ROWS[1][0], ROWS[1][1] },
				       { ROWS[0][0], ROWS[0][1] } };
	const uint64_t other[][2] = { { ROWS[0][0], ROWS[0][1] + 1 },
				      { ROWS[1][0], ROWS[1][1] - 1 },
				      { ROWS[2][0] + (UINT64_C(1) << 60), ROWS[2][1] } };
	unsigned char *chosen;
	struct buckets b;
	bool partial;

	buckets_init(&b);
	for (int pass = 0; pass < 2; pass++) {
		buckets_reset(&b);
		for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
			buckets_add(&b, ROWS[i][0], ROWS[i][1]);
		buckets_settle(&b);
		ck_assert_uint_eq(b.digits, 1);
		take_rows(&b, pass == 0 ? turned : other, 3);
		chosen = buckets_choose(&b, 1000, &partial);
		ck_assert(!partial);
		if (pass == 0) {
			ck_assert_ptr_null(chosen);
			continue;
		}
		/* The two in bucket 1 differ in the same sum by +1 and -1: their sums agree. */
		ck_assert_int_eq(chosen[0x1], 0);
		ck_assert_int_eq(chosen[0xa] && chosen[0xb], 1);
		free(chosen);
	}
	buckets_release(&b);
}
END_TEST

START_TEST(what_is_looked_into_is_bounded)
{
	unsigned char *chosen;
	struct buckets b;
	bool partial;
	int n = 0;

	buckets_init(&b);
	for (uint64_t i = 0; i < 100000; i++)
		buckets_add(&b, (i * UINT64_C(0x9e3779b97f4a7c15)), i);
	buckets_settle(&b);
	ck_assert_uint_eq(b.digits, 4);
	chosen = buckets_choose(&b, 1000, &partial);
	for (size_t i = 0; i < BUCKETS_MAX; i++)
		n += chosen[i];
	ck_assert_int_eq(partial, true);
	ck_assert_int_gt(n, 100);
	ck_assert_int_le(n, 1000);
	free(chosen);
	buckets_release(&b);
	ck_assert_uint_eq(buckets_digits(0), 1);
	ck_assert_uint_eq(buckets_digits(UINT64_MAX), 4);
}
END_TEST

START_TEST(digits_are_taken_exactly)
{
	uint64_t v = 7;

	ck_assert(compare_parse_hex(view_str("00ff"), 4, &v));
	ck_assert_uint_eq(v, 255);
	ck_assert(!compare_parse_hex(view_str("0ff"), 4, &v));
	ck_assert(!compare_parse_hex(view_str("00FF"), 4, &v));
	ck_assert(!compare_parse_hex(view_str("00fg"), 4, &v));
	ck_assert(!compare_parse_hex(view_of(NULL, 0), 4, &v));
	ck_assert_uint_eq(v, 255);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("starrocks compare");
	TCase *t = tcase_create("compare");

	tcase_add_loop_test(t, digests_are_those_of_the_standard, 0,
			    (int)ARRAY_LEN(DIGESTS));
	tcase_add_loop_test(t, values_are_rendered_as_the_target_has_them, 0,
			    (int)ARRAY_LEN(RENDERINGS));
	tcase_add_test(t, keys_are_shown_as_people_know_them);
	tcase_add_test(t, order_does_not_matter_but_everything_else_does);
	tcase_add_test(t, what_is_looked_into_is_bounded);
	tcase_add_test(t, digits_are_taken_exactly);
	suite_add_tcase(s, t);
	return run_suite(s);
}
