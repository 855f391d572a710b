/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinktest.h"

/* What a line of JSON looks like, against literal lines. */

#define NOW_US    1732270000123000
#define COMMIT_US 1732270000119123
#define LSN       0x1A2B450
#define SOURCE(lsn, seq)                                                              \
 "\"ts_ms\":1732270000123,\"source\":{\"name\":\"shop\",\"schema\":\"public\","       \
 "\"table\":\"orders\",\"lsn\":\"" lsn "\",\"commit_lsn\":\"0/1A2B450\",\"xid\":742," \
 "\"seq\":" seq ",\"ts_us\":1732270000119123,\"snapshot\":false}"

static struct sinktest t;
static const char *folder;
static struct fake_batch *batch;

static void begin(void)
{
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	batch = fake_batch(t.fake, 1, 0);
	fake_begin(batch, LSN, 742, COMMIT_US, 3);
}

static void setup(void)
{
	folder = test_folder();
	fake_host_set_now(NOW_US);
	sink_start(&t, folder);
}

/* Writes the batch and compares the file's content. */
static void expect(const char *want)
{
	char *got;

	fake_commit(batch, LSN + 8);
	ck_assert_int_eq(sink_write(&t, fake_finish(batch)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
	got = read_file(folder, "shop-t0000000000.jsonl.part", NULL);
	ck_assert_str_eq(got, want);
	free(got);
	sink_close(&t);
}

/* One insert into a table with one column of that type; the value as JSON. */
static void expect_value(const char *type, const char *value, const char *want)
{
	char columns[64], *got, *end;
	const char *start;

	snprintf(columns, sizeof(columns), "v:%s", type);
	folder = test_folder();
	sink_set(&t, "path", folder);
	begin();
	fake_event(batch, EZ_OP_INSERT, fake_table(t.fake, "public", "orders", columns),
		   NULL, FAKE_ROW(value));
	fake_commit(batch, LSN + 8);
	ck_assert_int_eq(sink_write(&t, fake_finish(batch)), EZ_OK);
	got = read_file(folder, "shop-t0000000000.jsonl.part", NULL);
	start = strstr(got, "\"after\":{\"v\":");
	ck_assert_ptr_nonnull(start);
	start += strlen("\"after\":{\"v\":");
	end = strstr(start, "}}\n");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	ck_assert_msg(strcmp(start, want) == 0, "%s '%s' became %s, not %s", type, value,
		      start, want);
	free(got);
	sink_close(&t);
}

static const char orders[] = "id:int8:key, total:numeric, note:text";

START_TEST(update_with_changed_key_is_the_line_of_the_contract)
{
	struct ez_event *ev;

	begin();
	ev = fake_event(batch, EZ_OP_UPDATE,
			fake_table(t.fake, "public", "orders", orders),
			FAKE_ROW("6", FAKE_ABSENT, FAKE_ABSENT),
			FAKE_ROW("7", "19.90", FAKE_UNCHANGED));
	ev->flags = EZ_EV_KEY_CHANGED;
	ev->lsn = 0x1A2B3C8;
	expect("{\"op\":\"u\"," SOURCE(
		"0/1A2B3C8", "3") ",\"key\":{\"id\":7},"
				  "\"before\":{\"id\":6},\"after\":{\"id\":7,"
				  "\"total\":\"19.90\"},\"unchanged\":[\"note\"]}\n");
}
END_TEST

START_TEST(insert_has_key_and_after)
{
	begin();
	fake_event(batch, EZ_OP_INSERT, fake_table(t.fake, "public", "orders", orders),
		   NULL, FAKE_ROW("7", NULL, "a\"b\n"));
	expect("{\"op\":\"c\"," SOURCE(
		"0/1A2B450", "3") ",\"key\":{\"id\":7},\"after\":{\"id\":"
				  "7,\"total\":null,\"note\":\"a\\\"b\\n\"}}\n");
}
END_TEST

START_TEST(table_without_key_has_no_member_key)
{
	begin();
	fake_event(batch, EZ_OP_INSERT, fake_table(t.fake, "public", "orders", "id:int4"),
		   NULL, FAKE_ROW("7"));
	expect("{\"op\":\"c\"," SOURCE("0/1A2B450", "3") ",\"after\":{\"id\":7}}\n");
}
END_TEST

START_TEST(table_without_columns_has_an_empty_row)
{
	begin();
	fake_event(batch, EZ_OP_INSERT, fake_table(t.fake, "public", "orders", ""), NULL,
		   FAKE_ROW(NULL));
	expect("{\"op\":\"c\"," SOURCE("0/1A2B450", "3") ",\"after\":{}}\n");
}
END_TEST

START_TEST(update_shows_before_only_when_it_says_something)
{
	const struct ez_table *table;
	struct ez_event *ev;

	begin();
	table = fake_table(t.fake, "public", "orders", orders);
	/* Same key: what the source sent of the old row is its key, and not news. */
	fake_event(batch, EZ_OP_UPDATE, table, FAKE_ROW("7", FAKE_ABSENT, FAKE_ABSENT),
		   FAKE_ROW("7", "1", "x"));
	ev = fake_event(batch, EZ_OP_UPDATE, table, FAKE_ROW("7", "1", "x"),
			FAKE_ROW("7", "2", "x"));
	ev->flags = EZ_EV_BEFORE_FULL;
	expect("{\"op\":\"u\"," SOURCE(
		"0/1A2B450",
		"3") ",\"key\":{\"id\":7},\"after\":{\"id\":7,\"total\":\"1\",\"note\":\"x\"}}\n"
		     "{\"op\":\"u\"," SOURCE(
			     "0/1A2B450",
			     "4") ",\"key\":{\"id\":7},\"before\":{\"id\":7,\"total\":\"1\",\"note\":\"x\"},"
				  "\"after\":{\"id\":7,\"total\":\"2\",\"note\":\"x\"}}\n");
}
END_TEST

START_TEST(delete_has_the_old_key_or_the_old_row)
{
	const struct ez_table *table;
	struct ez_event *ev;

	begin();
	table = fake_table(t.fake, "public", "orders", orders);
	fake_event(batch, EZ_OP_DELETE, table, FAKE_ROW("7", FAKE_ABSENT, FAKE_ABSENT),
		   NULL);
	ev = fake_event(batch, EZ_OP_DELETE, table, FAKE_ROW("8", NULL, "x"), NULL);
	ev->flags = EZ_EV_BEFORE_FULL;
	expect("{\"op\":\"d\"," SOURCE(
		"0/1A2B450",
		"3") ",\"key\":{\"id\":7},\"before\":{\"id\":7}}\n"
		     "{\"op\":\"d\"," SOURCE(
			     "0/1A2B450",
			     "4") ",\"key\":{\"id\":8},\"before\":{\"id\":8,\"total\":null,\"note\":\"x\"}}\n");
}
END_TEST

START_TEST(key_that_was_not_sent_comes_from_the_old_row)
{
	const struct ez_table *table;

	begin();
	table = fake_table(t.fake, "public", "orders", "id:text:key, n:int4");
	fake_event(batch, EZ_OP_UPDATE, table, FAKE_ROW("long", FAKE_ABSENT),
		   FAKE_ROW(FAKE_UNCHANGED, "2"));
	expect("{\"op\":\"u\"," SOURCE("0/1A2B450",
				       "3") ",\"key\":{\"id\":\"long\"},\"after\":{"
					    "\"n\":2},\"unchanged\":[\"id\"]}\n");
}
END_TEST

START_TEST(truncate_tells_its_flags)
{
	const struct ez_table *table;
	struct ez_event *ev;

	begin();
	table = fake_table(t.fake, "public", "orders", orders);
	fake_event(batch, EZ_OP_TRUNCATE, table, NULL, NULL);
	ev = fake_event(batch, EZ_OP_TRUNCATE, table, NULL, NULL);
	ev->flags = EZ_EV_CASCADE | EZ_EV_RESTART_IDENTITY;
	expect("{\"op\":\"t\"," SOURCE(
		"0/1A2B450",
		"3") ",\"truncate\":{\"cascade\":false,\"restart_identity\":false}}\n"
		     "{\"op\":\"t\"," SOURCE(
			     "0/1A2B450",
			     "4") ",\"truncate\":{\"cascade\":true,\"restart_identity\":true}}\n");
}
END_TEST

START_TEST(message_has_prefix_and_base64)
{
	begin();
	fake_message(batch, "my \"prefix\"", "\0\xff\x10hello", 8);
	expect("{\"op\":\"m\",\"ts_ms\":1732270000123,\"source\":{\"name\":\"shop\",\"schema\":"
	       "\"\",\"table\":\"\",\"lsn\":\"0/1A2B450\",\"commit_lsn\":\"0/1A2B450\","
	       "\"xid\":742,\"seq\":3,\"ts_us\":1732270000119123,\"snapshot\":false},"
	       "\"message\":{\"prefix\":\"my \\\"prefix\\\"\",\"content\":\"AP8QaGVsbG8=\"}}\n");
}
END_TEST

START_TEST(reconciled_row_in_the_stream_is_a_snapshot_row)
{
	begin();
	fake_event(batch, EZ_OP_SNAPSHOT,
		   fake_table(t.fake, "public", "orders", "id:int4:key"), NULL,
		   FAKE_ROW("1"));
	expect("{\"op\":\"r\",\"ts_ms\":1732270000123,\"source\":{\"name\":\"shop\",\"schema\":"
	       "\"public\",\"table\":\"orders\",\"lsn\":\"0/1A2B450\",\"commit_lsn\":"
	       "\"0/1A2B450\",\"xid\":742,\"seq\":3,\"ts_us\":1732270000119123,\"snapshot\":"
	       "true},\"key\":{\"id\":1},\"after\":{\"id\":1}}\n");
}
END_TEST

START_TEST(strange_names_are_escaped)
{
	static const struct fake_column columns[] = { { "a\"b,c\\d", EZ_TYPE_INT4,
							EZ_COL_KEY },
						      { "\xc3\xbc\n", EZ_TYPE_TEXT, 0 } };

	begin();
	fake_event(batch, EZ_OP_UPDATE,
		   fake_table_of(t.fake, "pub\"lic", "or\tders", columns, 2), NULL,
		   FAKE_ROW("1", FAKE_UNCHANGED));
	expect("{\"op\":\"u\",\"ts_ms\":1732270000123,\"source\":{\"name\":\"shop\",\"schema\":"
	       "\"pub\\\"lic\",\"table\":\"or\\tders\",\"lsn\":\"0/1A2B450\",\"commit_lsn\":"
	       "\"0/1A2B450\",\"xid\":742,\"seq\":3,\"ts_us\":1732270000119123,\"snapshot\":"
	       "false},\"key\":{\"a\\\"b,c\\\\d\":1},\"after\":{\"a\\\"b,c\\\\d\":1},"
	       "\"unchanged\":[\"\xc3\xbc\\n\"]}\n");
}
END_TEST

START_TEST(large_numbers_are_exact)
{
	begin();
	batch = fake_batch(t.fake, 1, 0);
	fake_begin(batch, UINT64_MAX, UINT32_MAX, INT64_MIN, UINT64_MAX);
	fake_event(batch, EZ_OP_INSERT, fake_table(t.fake, "public", "orders", "id:int8"),
		   NULL, FAKE_ROW("-9223372036854775808"));
	expect("{\"op\":\"c\",\"ts_ms\":1732270000123,\"source\":{\"name\":\"shop\",\"schema\":"
	       "\"public\",\"table\":\"orders\",\"lsn\":\"FFFFFFFF/FFFFFFFF\",\"commit_lsn\":"
	       "\"FFFFFFFF/FFFFFFFF\",\"xid\":4294967295,\"seq\":18446744073709551615,"
	       "\"ts_us\":-9223372036854775808,\"snapshot\":false},\"after\":{\"id\":"
	       "-9223372036854775808}}\n");
}
END_TEST

static const struct {
	const char *type, *value, *want;
} values[] = {
	{ "bool", "t", "true" },
	{ "bool", "f", "false" },
	{ "bool", "maybe", "\"maybe\"" },
	{ "int2", "-32768", "-32768" },
	{ "int4", "0", "0" },
	{ "int8", "9223372036854775807", "9223372036854775807" },
	{ "int4", "***", "\"***\"" },
	{ "int4", "", "\"\"" },
	{ "int4", "007", "\"007\"" },
	{ "float4", "1.5", "1.5" },
	{ "float8", "1e+20", "1e+20" },
	{ "float8", "1.7976931348623157e+308", "1.7976931348623157e+308" },
	{ "float8", "5e-324", "5e-324" },
	{ "float8", "-0", "-0" },
	{ "float8", "NaN", "\"NaN\"" },
	{ "float8", "Infinity", "\"Infinity\"" },
	{ "float4", "-Infinity", "\"-Infinity\"" },
	{ "numeric", "19.90", "\"19.90\"" },
	{ "numeric", "NaN", "\"NaN\"" },
	{ "numeric", "123456789012345678901234567890.5",
	  "\"123456789012345678901234567890.5\"" },
	{ "text", "", "\"\"" },
	{ "text", "tab\tnl\ncr\rbs\bff\fquote\"back\\slash/",
	  "\"tab\\tnl\\ncr\\rbs\\bff\\fquote\\\"back\\\\slash/\"" },
	{ "text", "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"" },
	{ "text", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80",
	  "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"" },
	{ "text", "bad \xff byte", "\"bad \xef\xbf\xbd byte\"" },
	{ "text", "cut \xc3", "\"cut \xef\xbf\xbd\"" },
	{ "text", "char(10)  ", "\"char(10)  \"" },
	{ "bytes", "\\x", "\"\"" },
	{ "bytes", "\\x00", "\"AA==\"" },
	{ "bytes", "\\x00ff", "\"AP8=\"" },
	{ "bytes", "\\x00ff10", "\"AP8Q\"" },
	{ "bytes", "\\xDEADBEEF", "\"3q2+7w==\"" },
	{ "bytes", "\\xabc", "\"\\\\xabc\"" },
	{ "bytes", "hashed", "\"hashed\"" },
	{ "date", "2024-02-29", "\"2024-02-29\"" },
	{ "date", "0044-03-15 BC", "\"0044-03-15 BC\"" },
	{ "date", "infinity", "\"infinity\"" },
	{ "time", "24:00:00", "\"24:00:00\"" },
	{ "timetz", "12:00:00.5+02:30:15", "\"12:00:00.5+02:30:15\"" },
	{ "timestamp", "2024-02-29 12:00:00.123456", "\"2024-02-29T12:00:00.123456\"" },
	{ "timestamp", "2024-02-29 12:00:00", "\"2024-02-29T12:00:00\"" },
	{ "timestamp", "294276-12-31 23:59:59.999999",
	  "\"294276-12-31T23:59:59.999999\"" },
	{ "timestamp", "0044-03-15 12:00:00 BC", "\"0044-03-15 12:00:00 BC\"" },
	{ "timestamp", "-infinity", "\"-infinity\"" },
	{ "timestamp", "hashed by a transform", "\"hashed by a transform\"" },
	{ "timestamptz", "2024-02-29 12:00:00.123456+00",
	  "\"2024-02-29T12:00:00.123456Z\"" },
	{ "timestamptz", "2024-02-29 12:00:00+00", "\"2024-02-29T12:00:00Z\"" },
	{ "timestamptz", "2024-02-29 12:00:00+05:30", "\"2024-02-29T12:00:00+05:30\"" },
	{ "timestamptz", "0044-03-15 12:00:00+00 BC", "\"0044-03-15 12:00:00+00 BC\"" },
	{ "timestamptz", "infinity", "\"infinity\"" },
	{ "interval", "1 mon -2 days", "\"1 mon -2 days\"" },
	{ "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
	  "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"" },
	{ "json", "{\"a\": [1, null]}", "\"{\\\"a\\\": [1, null]}\"" },
	{ "enum", "happy", "\"happy\"" },
	{ "array", "{1,NULL,\"a b\"}", "\"{1,NULL,\\\"a b\\\"}\"" },
	{ "range", "[1,5)", "\"[1,5)\"" },
	{ "composite", "(1,\"a\")", "\"(1,\\\"a\\\")\"" },
	{ "other", "(0,0)", "\"(0,0)\"" },
	{ "text", NULL, "null" },
	{ "bool", NULL, "null" },
};

START_TEST(value_is_written_as_promised)
{
	expect_value(values[_i].type, values[_i].value, values[_i].want);
}
END_TEST

START_TEST(inline_json_is_embedded)
{
	sink_set(&t, "json", "inline");
	expect_value("json", "{\"a\": [1, null]}", "{\"a\": [1, null]}");
	expect_value("json", "null", "null");
	expect_value("json", "12345678901234567890.123", "12345678901234567890.123");
	/* json keeps the white space that it was given; a line stays a line. */
	expect_value("json", "{\n\t\"a\":\r\n1}", "{  \"a\":  1}");
	expect_value("json", "\"\\ud800\"", "\"\\ud800\"");
	/* What is not JSON cannot be embedded. */
	expect_value("json", "hashed", "\"hashed\"");
	expect_value("json", "{\"a\":1}}", "\"{\\\"a\\\":1}}\"");
	expect_value("json", "[\"\xff\"]", "\"[\\\"\xef\xbf\xbd\\\"]\"");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_encode");
	TCase *lines = tcase_create("lines"), *cells = tcase_create("values");

	tcase_add_checked_fixture(lines, setup, NULL);
	tcase_add_test(lines, update_with_changed_key_is_the_line_of_the_contract);
	tcase_add_test(lines, insert_has_key_and_after);
	tcase_add_test(lines, table_without_key_has_no_member_key);
	tcase_add_test(lines, table_without_columns_has_an_empty_row);
	tcase_add_test(lines, update_shows_before_only_when_it_says_something);
	tcase_add_test(lines, delete_has_the_old_key_or_the_old_row);
	tcase_add_test(lines, key_that_was_not_sent_comes_from_the_old_row);
	tcase_add_test(lines, truncate_tells_its_flags);
	tcase_add_test(lines, message_has_prefix_and_base64);
	tcase_add_test(lines, reconciled_row_in_the_stream_is_a_snapshot_row);
	tcase_add_test(lines, strange_names_are_escaped);
	tcase_add_test(lines, large_numbers_are_exact);
	suite_add_tcase(s, lines);
	tcase_add_checked_fixture(cells, setup, NULL);
	tcase_add_loop_test(cells, value_is_written_as_promised, 0,
			    (int)(sizeof(values) / sizeof(values[0])));
	tcase_add_test(cells, inline_json_is_embedded);
	suite_add_tcase(s, cells);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
