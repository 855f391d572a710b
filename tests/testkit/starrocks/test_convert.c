/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "tests.h"

/* A type, a text, and what it becomes; NULL: it does not fit. */
struct conversion {
	const char *type, *in, *out;
};

static const struct conversion texts[] = {
	{ "boolean", "true", "1" },
	{ "boolean", "FALSE", "0" },
	{ "boolean", "0", "0" },
	{ "boolean", "7", "1" },
	{ "boolean", "t", NULL },
	{ "boolean", "f", NULL },
	{ "boolean", "", NULL },
	{ "tinyint", "-128", "-128" },
	{ "tinyint", "128", NULL },
	{ "tinyint", "127.9", "127" },
	{ "smallint", " +012 ", "12" },
	{ "smallint", "32768", NULL },
	{ "int", "-2147483648", "-2147483648" },
	{ "int", "2147483648", NULL },
	{ "int", "1e3", NULL },
	{ "int", "-0", "0" },
	{ "int", "", NULL },
	{ "bigint", "9223372036854775807", "9223372036854775807" },
	{ "bigint", "9223372036854775808", NULL },
	{ "largeint", "-170141183460469231731687303715884105728",
	  "-170141183460469231731687303715884105728" },
	{ "largeint", "170141183460469231731687303715884105728", NULL },
	{ "largeint", "1.5", NULL },
	{ "float", "1.1", "1.1" },
	{ "float", "16777217", "16777216" },
	{ "float", "1e39", NULL },
	{ "double", "0.1", "0.1" },
	{ "double", "1e400", NULL },
	{ "double", "-Infinity", "-inf" },
	{ "double", "NaN", "nan" },
	{ "double", "0x10", NULL },
	{ "double", "1 2", NULL },
	{ "double", "12345", "12345" },
	{ "decimal(5,2)", "1.005", "1.01" },
	{ "decimal(5,2)", "-1.005", "-1.01" },
	{ "decimal(5,2)", "999.994", "999.99" },
	{ "decimal(5,2)", "999.995", NULL },
	{ "decimal(5,2)", "1000", NULL },
	{ "decimal(5,2)", "-0.001", "0.00" },
	{ "decimal(5,2)", ".5", "0.50" },
	{ "decimal(5,2)", "99.999", "100.00" },
	{ "decimal(5,2)", "1e2", NULL },
	{ "decimal(5,2)", "NaN", NULL },
	{ "decimal(5,5)", "0.123456", "0.12346" },
	{ "decimal(38,0)", "99999999999999999999999999999999999999",
	  "99999999999999999999999999999999999999" },
	{ "decimal(38,0)", "99999999999999999999999999999999999999.5", NULL },
	{ "decimal(76,10)", "1.00000000005", "1.0000000001" },
	{ "date", "2024-02-29", "2024-02-29" },
	{ "date", "2023-02-29", NULL },
	{ "date", "0000-01-01", "0000-01-01" },
	{ "date", "10000-01-01", NULL },
	{ "date", "infinity", NULL },
	{ "datetime", "2024-02-29 23:59:59.123456", "2024-02-29 23:59:59.123456" },
	{ "datetime", "2024-02-29T23:59:59.5", "2024-02-29 23:59:59.500000" },
	{ "datetime", "2024-02-29 23:59:59.000000", "2024-02-29 23:59:59" },
	{ "datetime", "2024-02-29 24:00:00", NULL },
	{ "datetime", "2024-02-29 10:00:00+00", NULL },
	{ "datetime", "2024-02-29 10:00:00Z", NULL },
	{ "datetime", "0044-03-15 12:00:00 BC", NULL },
	{ "datetime", "2024-02-29 10:00:00.1234567", NULL },
	{ "char(2)", "ab", "ab" },
	{ "char(2)", "abc", NULL },
	{ "varchar(3)", "\xc3\xa4\xc3\xa4", NULL },
	{ "varchar(4)", "\xc3\xa4\xc3\xa4", "\xc3\xa4\xc3\xa4" },
	{ "varbinary", "aGVsbG8=", "hello" },
	{ "varbinary", "not base64!", "not base64!" },
	{ "varbinary(4)", "aGVsbG8=", NULL },
	{ "json", " { \"a\" : [1, \"x y\"] } ", "{\"a\":[1,\"x y\"]}" },
	{ "json", "{", NULL },
	{ "json", "text", NULL },
	{ "array<int>", "[1, null,-2]", "[1,null,-2]" },
	{ "array<int>", "[1,x]", NULL },
	{ "array<varchar(9)>", "[\"a,b\",c]", "[\"a,b\",\"c\"]" },
	{ "array<array<int>>", "[[1,2],[3]]", "[[1,2],[3]]" },
	{ "array<int>", "{}", NULL },
};

static void expect(const struct conversion *c, const char *profile, bool is_json)
{
	struct profile p = tests_profile(profile);
	struct column_type t = tests_type(c->type);
	struct buf out = BUF_INIT(1 << 20);
	bool fits = is_json ? convert_json(&p, &t, view_str(c->in), &out)
			    : convert_text(&p, &t, view_str(c->in), &out);

	ck_assert_msg(fits == (c->out != NULL), "%s of %s: %s", c->type, c->in,
		      fits ? buf_cstr(&out) : "refused");
	if (fits)
		ck_assert_str_eq(buf_cstr(&out), c->out);
	buf_release(&out);
	column_type_release(&t);
}

START_TEST(text_becomes_canonical_or_is_refused)
{
	expect(&texts[_i], "4.0", false);
}
END_TEST

static const struct conversion values[] = {
	{ "boolean", "true", "1" },
	{ "boolean", "\"false\"", "0" },
	{ "int", "12", "12" },
	{ "int", "\"12\"", "12" },
	{ "int", "{}", NULL },
	{ "largeint", "12345678901234567890123", "12345678901234567890123" },
	{ "decimal(20,3)", "12345678901234567.125", "12345678901234567.125" },
	{ "double", "\"nan\"", "nan" },
	{ "varchar(20)", "\"a\\n\\u00e4\\ud83d\\ude00\"", "a\n\xc3\xa4\xf0\x9f\x98\x80" },
	{ "varchar(20)", "{\"a\": 1}", "{\"a\":1}" },
	{ "varchar(20)", "1.50", "1.50" },
	{ "varbinary", "\"aGVsbG8=\"", "aGVsbG8=" },
	{ "json", "\"[1]\"", "\"[1]\"" },
	{ "json", "[1, 2]", "[1,2]" },
	{ "array<int>", "[1, null]", "[1,null]" },
	{ "array<int>", "[\"x\"]", NULL },
	{ "array<varchar(3)>", "[\"a\\\"b\"]", "[\"a\\\"b\"]" },
	{ "map<int,int>", "{\"1\": 2}", "{\"1\":2}" },
	{ "map<int,int>", "3", NULL },
};

START_TEST(json_values_become_canonical_or_are_refused)
{
	expect(&values[_i], "4.0", true);
}
END_TEST

START_TEST(binary_is_hex_before_3_2)
{
	const struct conversion hex = { "varbinary", "68656c6c6f", "hello" };
	const struct conversion base64 = { "varbinary", "aGVsbG8=", NULL };

	expect(&hex, "3.1", false);
	expect(&base64, "3.1", false);
}
END_TEST

START_TEST(a_z_is_known_since_4_1)
{
	const struct conversion z = { "datetime", "2024-02-29 10:00:00Z",
				      "2024-02-29 10:00:00" };

	expect(&z, "4.1", false);
}
END_TEST

START_TEST(to_binary_of_strange_text_is_empty)
{
	struct buf out = BUF_INIT(100);

	convert_from_hex(VIEW("abc"), &out);
	ck_assert_uint_eq(out.len, 0);
	convert_from_hex(VIEW("\\x6162"), &out);
	ck_assert_uint_eq(out.len, 0);
	convert_from_hex(VIEW("6162"), &out);
	ck_assert_str_eq(buf_cstr(&out), "ab");
	ck_assert(!convert_from_base64(VIEW(""), &out));
	buf_release(&out);
}
END_TEST

/* What printf makes of the double: the fewest digits from fifteen on that read back as it. */
static void shortest(char *to, size_t size, double v)
{
	for (int n = 15; n <= 17; n++) {
		ck_assert_int_lt(snprintf(to, size, "%.*g", n, v), (int)size);
		if (strtod(to, NULL) == v)
			return;
	}
}

START_TEST(doubles_are_as_short_as_can_be)
{
	uint64_t x = 88172645463325252ULL;
	char in[64], out[64];

	for (int i = 0; i < 20000; i++) {
		double v;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v = (double)(x >> 11) / (double)(1ULL << (x % 54)) * (i % 2 ? 1 : -1);
		snprintf(in, sizeof(in), "%.*g%s", 12 + i % 7, v, i % 3 ? "" : "e0");
		if (strchr(in, 'e') != strrchr(in, 'e'))
			continue;
		shortest(out, sizeof(out), strtod(in, NULL));
		expect(&(struct conversion){ "double", in, out }, "4.0", false);
	}
}
END_TEST

START_TEST(types_are_read_and_written)
{
	static const char *const same[] = {
		"decimal(10, 2)", "varchar(20)", "array<int(11)>",
		"boolean",        "datetime",    "map<int,varchar(3)>",
	};
	struct buf out = BUF_INIT(1000);
	struct column_type t;

	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		t = tests_type(same[i]);
		buf_reset(&out);
		column_type_format(&out, &t);
		ck_assert_str_eq(buf_cstr(&out), same[i]);
		column_type_release(&t);
	}
	t = tests_type("STRING");
	ck_assert_int_eq(t.kind, TYPE_VARCHAR);
	ck_assert_int_eq(t.length, 65533);
	ck_assert(
		!column_type_parse(&(struct ez_view){ .ptr = "strange", .len = 7 }, &t));
	ck_assert(!column_type_parse(
		&VIEW("array<array<array<array<array<array<array<array<array<array<array<array<"
		      "array<array<array<int>>>>>>>>>>>>>>>"),
		&t));
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("convert");
	TCase *t = tcase_create("types");

	tcase_add_loop_test(t, text_becomes_canonical_or_is_refused, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(t, json_values_become_canonical_or_are_refused, 0,
			    ARRAY_LEN(values));
	tcase_add_test(t, binary_is_hex_before_3_2);
	tcase_add_test(t, a_z_is_known_since_4_1);
	tcase_add_test(t, to_binary_of_strange_text_is_empty);
	tcase_add_test(t, doubles_are_as_short_as_can_be);
	tcase_add_test(t, types_are_read_and_written);
	suite_add_tcase(s, t);
	return tests_run(s);
}
