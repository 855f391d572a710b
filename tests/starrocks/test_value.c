/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "value.h"

#include "tabletest.h"

enum { LONG = 1048576 };

/*
 * A field by its form; `type` as a server writes it. NULL for what is expected: the state
 * tells why there is nothing.
 */
static const struct conversion {
	enum value_form form;
	const char *type, *source, *csv, *json;
	enum value_state csv_state;
} CONVERSIONS[] = {
	{ FORM_BOOL, "boolean", "t", "1", "true", VALUE_OK },
	{ FORM_BOOL, "boolean", "f", "0", "false", VALUE_OK },
	{ FORM_BOOL, "boolean", "maybe", "maybe", "\"maybe\"", VALUE_OK },
	{ FORM_INT, "int", "-12", "-12", "-12", VALUE_OK },
	{ FORM_INT, "int", "007", "007", "\"007\"", VALUE_OK },
	{ FORM_INT, "largeint", "340282366920938463463374607431768211455",
	  "340282366920938463463374607431768211455",
	  "\"340282366920938463463374607431768211455\"", VALUE_OK },
	{ FORM_INT, "bigint", "NaN", NULL, NULL, VALUE_OUT },
	{ FORM_INT, "bigint", "-Infinity", NULL, NULL, VALUE_OUT },
	{ FORM_FLOAT, "double", "0.1", "0.1e0", "0.1", VALUE_OK },
	{ FORM_FLOAT, "double", "12", "12e0", "12", VALUE_OK },
	{ FORM_FLOAT, "double", "1e+20", "1e+20", "1e+20", VALUE_OK },
	{ FORM_FLOAT, "double", "-0", "-0e0", "-0", VALUE_OK },
	{ FORM_FLOAT, "double", "NaN", "NaN", "\"NaN\"", VALUE_OK },
	{ FORM_FLOAT, "double", "-Infinity", "-Infinity", "\"-Infinity\"", VALUE_OK },
	{ FORM_DECIMAL, "decimal(10,2)", "1234.50", "1234.50", "\"1234.50\"", VALUE_OK },
	{ FORM_DECIMAL, "decimal(10,2)", "-0.5", "-0.5", "\"-0.5\"", VALUE_OK },
	{ FORM_DECIMAL, "decimal(2,2)", "0.55", "0.55", "\"0.55\"", VALUE_OK },
	{ FORM_DECIMAL, "decimal(10,2)", "99999999.99", "99999999.99", "\"99999999.99\"",
	  VALUE_OK },
	{ FORM_DECIMAL, "decimal(10,2)", "100000000", NULL, NULL, VALUE_OUT },
	{ FORM_DECIMAL, "decimal(10,2)", "1.505", NULL, NULL, VALUE_OUT },
	{ FORM_DECIMAL, "decimal(10,2)", "NaN", NULL, NULL, VALUE_OUT },
	{ FORM_DECIMAL, "decimal(10,2)", "1e5", NULL, NULL, VALUE_BAD },
	{ FORM_DECIMAL, "decimal(10,2)", "12x", NULL, NULL, VALUE_BAD },
	{ FORM_DECIMAL, "decimal(10,2)", "1.2.3", NULL, NULL, VALUE_BAD },
	{ FORM_DECIMAL, "decimal(10,2)", "", NULL, NULL, VALUE_BAD },
	{ FORM_MONEY, "decimal(20,2)", "$1,234.56", "1234.56", "\"1234.56\"", VALUE_OK },
	{ FORM_MONEY, "decimal(20,2)", "-$92,233,720,368,547,758.08",
	  "-92233720368547758.08", "\"-92233720368547758.08\"", VALUE_OK },
	{ FORM_MONEY, "decimal(20,2)", "1 234 EUR", NULL, NULL, VALUE_BAD },
	{ FORM_TEXT, "varchar(10)", "abc", "abc", "\"abc\"", VALUE_OK },
	{ FORM_TEXT, "varchar(10)", "", "", "\"\"", VALUE_OK },
	{ FORM_TEXT, "varchar(10)", "a\tb\n\"c\\", "a\tb\n\"c\\", "\"a\\tb\\n\\\"c\\\\\"",
	  VALUE_OK },
	{ FORM_TEXT, "varchar(10)", "12345678901", NULL, NULL, VALUE_OUT },
	{ FORM_TEXT, "varchar(10)", "\xc3\xbc\xc3\xbc\xc3\xbc",
	  "\xc3\xbc\xc3\xbc\xc3\xbc", "\"\xc3\xbc\xc3\xbc\xc3\xbc\"", VALUE_OK },
	{ FORM_TEXT, "varchar(10)", "\\N", NULL, "\"\\\\N\"", VALUE_UNSAFE },
	{ FORM_TEXT, "varchar(10)", "\\Na", "\\Na", "\"\\\\Na\"", VALUE_OK },
	{ FORM_TEXT, "varchar(10)", "a\x01", NULL, "\"a\\u0001\"", VALUE_UNSAFE },
	{ FORM_TEXT, "varchar(10)", "\x02", NULL, "\"\\u0002\"", VALUE_UNSAFE },
	{ FORM_TEXT, "varchar(10)", "a\x03", "a\x03", "\"a\\u0003\"", VALUE_OK },
	{ FORM_TEXT, "varchar(40)", "infinity", "infinity", "\"infinity\"", VALUE_OK },
	{ FORM_TEXT, "varchar(15)", "24:00:00", "24:00:00", "\"24:00:00\"", VALUE_OK },
	{ FORM_HEX, "varchar(8)", "\\x00ff1a2b", "00ff1a2b", "\"00ff1a2b\"", VALUE_OK },
	{ FORM_HEX, "varchar(8)", "\\x00ff1a2b3c", NULL, NULL, VALUE_OUT },
	{ FORM_HEX, "varchar(8)", "\\x", "", "\"\"", VALUE_OK },
	{ FORM_BYTES, "varbinary", "\\x0102", "0102", "\"0102\"", VALUE_OK },
	{ FORM_BYTES, "varbinary", "\\x010", NULL, NULL, VALUE_BAD },
	{ FORM_BYTES, "varbinary", "\\x01zz", NULL, NULL, VALUE_BAD },
	{ FORM_BYTES, "varbinary", "0102", NULL, NULL, VALUE_BAD },
	{ FORM_DATE, "date", "2024-02-29", "2024-02-29", "\"2024-02-29\"", VALUE_OK },
	{ FORM_DATE, "date", "0001-01-01", "0001-01-01", "\"0001-01-01\"", VALUE_OK },
	{ FORM_DATE, "date", "9999-12-31", "9999-12-31", "\"9999-12-31\"", VALUE_OK },
	{ FORM_DATE, "date", "10000-01-01", NULL, NULL, VALUE_OUT },
	{ FORM_DATE, "date", "5874897-12-31", NULL, NULL, VALUE_OUT },
	{ FORM_DATE, "date", "0044-03-15 BC", NULL, NULL, VALUE_OUT },
	{ FORM_DATE, "date", "infinity", NULL, NULL, VALUE_OUT },
	{ FORM_DATE, "date", "-infinity", NULL, NULL, VALUE_OUT },
	{ FORM_DATE, "date", "29.02.2024", NULL, NULL, VALUE_BAD },
	{ FORM_DATETIME, "datetime", "2024-02-29 12:00:00", "2024-02-29 12:00:00",
	  "\"2024-02-29 12:00:00\"", VALUE_OK },
	{ FORM_DATETIME, "datetime", "2024-02-29 12:00:00.123456",
	  "2024-02-29 12:00:00.123456", "\"2024-02-29 12:00:00.123456\"", VALUE_OK },
	{ FORM_DATETIME, "datetime", "2024-02-29 12:00:00.5", "2024-02-29 12:00:00.5",
	  "\"2024-02-29 12:00:00.5\"", VALUE_OK },
	{ FORM_DATETIME, "datetime", "2024-02-29 12:00:00.", NULL, NULL, VALUE_BAD },
	{ FORM_DATETIME, "datetime", "2024-02-29T12:00:00", NULL, NULL, VALUE_BAD },
	{ FORM_DATETIME, "datetime", "294276-12-31 23:59:59.999999", NULL, NULL,
	  VALUE_OUT },
	{ FORM_DATETIME, "datetime", "4713-01-01 00:00:00 BC", NULL, NULL, VALUE_OUT },
	{ FORM_DATETIME_UTC, "datetime", "2024-02-29 12:00:00.5+00",
	  "2024-02-29 12:00:00.5", "\"2024-02-29 12:00:00.5\"", VALUE_OK },
	{ FORM_DATETIME_UTC, "datetime", "2024-02-29 12:00:00+00", "2024-02-29 12:00:00",
	  "\"2024-02-29 12:00:00\"", VALUE_OK },
	{ FORM_DATETIME_UTC, "datetime", "2024-02-29 12:00:00+02", NULL, NULL,
	  VALUE_BAD },
	{ FORM_DATETIME_UTC, "datetime", "2024-02-29 12:00:00", NULL, NULL, VALUE_BAD },
	{ FORM_DATETIME_UTC, "datetime", "4713-01-01 00:00:00+00 BC", NULL, NULL,
	  VALUE_OUT },
	{ FORM_DATETIME_UTC, "datetime", "infinity", NULL, NULL, VALUE_OUT },
	{ FORM_JSON, "json", "{\"a\": [1, null, \"x\\u0001\"]}",
	  "{\"a\": [1, null, \"x\\u0001\"]}", "{\"a\": [1, null, \"x\\u0001\"]}",
	  VALUE_OK },
	{ FORM_JSON, "json", "{\"a\":\n1}", "{\"a\":\n1}", "{\"a\": 1}", VALUE_OK },
	{ FORM_JSON, "json", "7", "7", "7", VALUE_OK },
	{ FORM_JSON, "json", "null", "null", "null", VALUE_OK },
	{ FORM_JSON, "json", "\"\\\\N\"", "\"\\\\N\"", "\"\\\\N\"", VALUE_OK },
	{ FORM_JSON, "json", "{\"a\":}", NULL, NULL, VALUE_BAD },
	{ FORM_JSON, "json", "1 2", NULL, NULL, VALUE_BAD },
	{ FORM_FLOATS, "array<float>", "[1,2.5,-3]", "[1,2.5,-3]", "[1,2.5,-3]",
	  VALUE_OK },
};

static struct field field_for(const struct conversion *c)
{
	return (struct field){ .kind = FIELD_SOURCE,
			       .form = c->form,
			       .delimiter = ',',
			       .type = type_parse(view_str(c->type)) };
}

static void check_text(const char *what, const struct conversion *c, struct buf *b,
		       enum value_state state, const char *expected)
{
	if (expected) {
		ck_assert_msg(state == VALUE_OK, "%s of \"%s\": state %d", what,
			      c->source, (int)state);
		ck_assert_msg(view_eq_str(buf_view(b), expected), "%s of \"%s\": %s",
			      what, c->source, buf_cstr(b));
	} else {
		ck_assert_msg(state != VALUE_OK, "%s of \"%s\" should fail: %s", what,
			      c->source, buf_cstr(b));
	}
}

START_TEST(values_become_what_the_target_reads)
{
	const struct conversion *c = &CONVERSIONS[_i];
	struct field f = field_for(c);
	struct buf b = BUF_INIT(LONG);
	char text[256], *end;
	enum value_state state = value_csv(&b, &f, view_str(c->source));

	check_text("CSV", c, &b, state, c->csv);
	ck_assert_int_eq(state, c->csv_state);
	/* The short way says the same, or nothing; broken JSON is for the server to find. */
	end = value_put(text, &f, view_str(c->source));
	if (end && (c->form != FORM_JSON || c->csv))
		ck_assert_msg(c->csv && view_eq_str(view_of(text, (size_t)(end - text)),
						    c->csv),
			      "short way of \"%s\"", c->source);
	buf_reset(&b);
	state = value_json(&b, &f, view_str(c->source));
	check_text("JSON", c, &b, state, c->json);
	if (c->json)
		ck_assert(value_is_json(buf_view(&b)));
	buf_release(&b);
}
END_TEST

static const struct {
	uint8_t element;
	char delimiter;
	const char *source, *is; /* NULL: malformed */
} ARRAYS[] = {
	{ EZ_TYPE_INT4, ',', "{}", "[]" },
	{ EZ_TYPE_INT4, ',', "{1,-2,NULL}", "[1,-2,null]" },
	{ EZ_TYPE_INT4, ',', "{{1,2},{3,4}}", "[[1,2],[3,4]]" },
	{ EZ_TYPE_INT4, ',', "[0:1]={1,2}", "[1,2]" },
	{ EZ_TYPE_INT4, ',', "[-1:0][2:3]={{1,2},{3,4}}", "[[1,2],[3,4]]" },
	{ EZ_TYPE_INT4, ',', "{{{1}},{{2}}}", "[[[1]],[[2]]]" },
	{ EZ_TYPE_BOOL, ',', "{t,f,NULL}", "[true,false,null]" },
	{ EZ_TYPE_TEXT, ',', "{a,\"b c\",\"\",\"NULL\",NULL}",
	  "[\"a\",\"b c\",\"\",\"NULL\",null]" },
	{ EZ_TYPE_TEXT, ',', "{\"a\\\"b\",\"c\\\\d\",\"{}\",\"x,y\"}",
	  "[\"a\\\"b\",\"c\\\\d\",\"{}\",\"x,y\"]" },
	{ EZ_TYPE_TEXT, ',', "{\"\x01\x02\"}", "[\"\\u0001\\u0002\"]" },
	{ EZ_TYPE_FLOAT8, ',', "{1.5,NaN,1e+20}", "[1.5,\"NaN\",1e+20]" },
	{ EZ_TYPE_NUMERIC, ',', "{1.50}", "[\"1.50\"]" },
	{ EZ_TYPE_JSON, ',', "{\"{\\\"a\\\": 1}\",7}", "[{\"a\": 1},7]" },
	{ EZ_TYPE_OTHER, ';', "{(1,1),(0,0);(2,2),(1,1)}",
	  "[\"(1,1),(0,0)\",\"(2,2),(1,1)\"]" },
	{ EZ_TYPE_INT4, ',', "", NULL },
	{ EZ_TYPE_INT4, ',', "{", NULL },
	{ EZ_TYPE_INT4, ',', "{1", NULL },
	{ EZ_TYPE_INT4, ',', "{1,}", NULL },
	{ EZ_TYPE_INT4, ',', "{1}}", NULL },
	{ EZ_TYPE_INT4, ',', "{1}x", NULL },
	{ EZ_TYPE_INT4, ',', "{{1},2", NULL },
	{ EZ_TYPE_TEXT, ',', "{\"a}", NULL },
	{ EZ_TYPE_TEXT, ',', "{\"a\\", NULL },
	{ EZ_TYPE_TEXT, ',', "a,b", NULL },
	{ EZ_TYPE_INT4, ',', "[0:1]{1}", NULL },
};

START_TEST(arrays_become_json)
{
	struct field f = { .form = FORM_ARRAY,
			   .element = ARRAYS[_i].element,
			   .delimiter = ARRAYS[_i].delimiter,
			   .type = { .kind = TYPE_JSON } };
	struct buf b = BUF_INIT(LONG);
	bool ok = value_add_array(&b, &f, view_str(ARRAYS[_i].source));

	if (ARRAYS[_i].is) {
		ck_assert_msg(ok, "%s", ARRAYS[_i].source);
		ck_assert_str_eq(buf_cstr(&b), ARRAYS[_i].is);
		ck_assert(value_is_json(buf_view(&b)));
	} else {
		ck_assert_msg(!ok, "%s: %s", ARRAYS[_i].source, buf_cstr(&b));
	}
	buf_release(&b);
}
END_TEST

static const struct {
	enum value_form form;
	const char *type, *source, *is; /* NULL: no value is near */
} CLAMPS[] = {
	{ FORM_DATE, "date", "infinity", "9999-12-31" },
	{ FORM_DATE, "date", "-infinity", "0000-01-01" },
	{ FORM_DATE, "date", "10000-01-01", "9999-12-31" },
	{ FORM_DATE, "date", "0044-03-15 BC", "0000-01-01" },
	{ FORM_DATETIME, "datetime", "infinity", "9999-12-31 23:59:59.999999" },
	{ FORM_DATETIME_UTC, "datetime", "-infinity", "0000-01-01 00:00:00" },
	{ FORM_DECIMAL, "decimal(5,2)", "1234.5", "999.99" },
	{ FORM_DECIMAL, "decimal(5,2)", "-1234.5", "-999.99" },
	{ FORM_DECIMAL, "decimal(5,2)", "-Infinity", "-999.99" },
	{ FORM_DECIMAL, "decimal(5,2)", "12.345", "12.34" },
	{ FORM_DECIMAL, "decimal(2,2)", "3", "0.99" },
	{ FORM_DECIMAL, "decimal(5,0)", "12.345", "12" },
	{ FORM_DECIMAL, "decimal(5,2)", "NaN", NULL },
	{ FORM_INT, "bigint", "Infinity", "9223372036854775807" },
	{ FORM_INT, "bigint", "-Infinity", "-9223372036854775808" },
	{ FORM_INT, "bigint", "NaN", NULL },
	{ FORM_FLOAT, "float", "Infinity", "3.4028235e38" },
	{ FORM_FLOAT, "double", "-Infinity", "-1.7976931348623157e308" },
	{ FORM_FLOAT, "double", "NaN", NULL },
	{ FORM_TEXT, "varchar(4)", "abcdef", "abcd" },
	{ FORM_TEXT, "varchar(4)", "abc\xc3\xbc", "abc" },
	{ FORM_TEXT, "varchar(4)", "a\xe2\x82\xac\xe2\x82\xac", "a\xe2\x82\xac" },
	{ FORM_HEX, "varchar(4)", "\\x010203", "0102" },
	{ FORM_HEX, "varchar(5)", "\\x010203", "0102" },
	{ FORM_JSON, "json", "[]", NULL },
};

START_TEST(clamping_gives_the_nearest_value)
{
	struct field f = { .form = CLAMPS[_i].form,
			   .policy = RANGE_CLAMP,
			   .type = type_parse(view_str(CLAMPS[_i].type)) };
	struct buf scratch = BUF_INIT(LONG), b = BUF_INIT(LONG);
	struct ez_view v = view_str(CLAMPS[_i].source);

	if (!CLAMPS[_i].is) {
		ck_assert(!value_clamp(&f, &v, &scratch));
	} else {
		ck_assert(value_clamp(&f, &v, &scratch));
		ck_assert_int_eq(value_csv(&b, &f, v), VALUE_OK);
		ck_assert_str_eq(buf_cstr(&b), CLAMPS[_i].is);
	}
	buf_release(&scratch);
	buf_release(&b);
}
END_TEST

START_TEST(separators_are_found_wherever_they_stand)
{
	struct field f = { .form = FORM_TEXT,
			   .type = { TYPE_VARCHAR, LONG, 0, 0, false } };
	char text[96], copy[96 + VALUE_FRAME];
	struct buf b = BUF_INIT(LONG);

	for (size_t n = 1; n <= 80; n++)
		for (size_t at = 0; at < n; at++)
			for (char c = 0; c <= 3; c++) {
				memset(text, at % 2 ? '\xff' : 'x', n);
				text[at] = c;
				ck_assert_int_eq(value_put(copy, &f, view_of(text, n)) !=
							 NULL,
						 c == 3);
				buf_reset(&b);
				ck_assert_int_eq(value_csv(&b, &f, view_of(text, n)) ==
							 VALUE_OK,
						 c == 3);
			}
	buf_release(&b);
}
END_TEST

START_TEST(limits_of_length_are_exact)
{
	static char text[2 * LONG + 4];
	struct field f = { .form = FORM_TEXT,
			   .type = { TYPE_VARCHAR, LONG, 0, 0, false } };
	struct buf b = BUF_INIT(4 * LONG);

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(value_csv(&b, &f, view_of(text, LONG)), VALUE_OK);
	ck_assert_int_eq(value_csv(&b, &f, view_of(text, LONG + 1)), VALUE_OUT);
	f.form = FORM_BYTES;
	f.type = (struct type){ .kind = TYPE_VARBINARY, .length = LONG };
	text[0] = '\\';
	text[1] = 'x';
	buf_reset(&b);
	ck_assert_int_eq(value_csv(&b, &f, view_of(text, 2 + LONG)), VALUE_OK);
	ck_assert_uint_eq(b.len, LONG);
	ck_assert_int_eq(value_csv(&b, &f, view_of(text, 2 + LONG + 2)), VALUE_OUT);
	buf_release(&b);
}
END_TEST

START_TEST(deep_json_is_no_danger)
{
	static char text[20000];

	memset(text, '[', sizeof(text) / 2);
	memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
	ck_assert(!value_is_json(view_of(text, sizeof(text))));
	ck_assert(value_is_json(view_of(text + sizeof(text) / 2 - 200, 400)));
	ck_assert(value_is_json(
		view_str("{\"a\":{\"b\":[{},[],{\"c\":1.5e-3}]},\"d\":true}")));
	ck_assert(!value_is_json(view_str("{\"a\":1,}")));
	ck_assert(!value_is_json(view_str("[1,]")));
	ck_assert(!value_is_json(view_str("{\"a\" 1}")));
	ck_assert(!value_is_json(view_str("[1}")));
	ck_assert(!value_is_json(view_str("\"a\nb\"")));
	ck_assert(!value_is_json(view_str("\"\\x\"")));
	ck_assert(!value_is_json(view_str("01")));
	ck_assert(!value_is_json(view_str("1.")));
	ck_assert(!value_is_json(view_str("\"\xff\"")));
	ck_assert(!value_is_json(view_str("")));
	ck_assert(!value_is_json(view_str("\"abc")));
	ck_assert(!value_is_json(view_str("\"abc\\")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("starrocks values");
	TCase *t = tcase_create("values");

	tcase_add_loop_test(t, values_become_what_the_target_reads, 0,
			    (int)ARRAY_LEN(CONVERSIONS));
	tcase_add_loop_test(t, arrays_become_json, 0, (int)ARRAY_LEN(ARRAYS));
	tcase_add_loop_test(t, clamping_gives_the_nearest_value, 0,
			    (int)ARRAY_LEN(CLAMPS));
	tcase_add_test(t, separators_are_found_wherever_they_stand);
	tcase_add_test(t, limits_of_length_are_exact);
	tcase_add_test(t, deep_json_is_no_danger);
	suite_add_tcase(s, t);
	return run_suite(s);
}
