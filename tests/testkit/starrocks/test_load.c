/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>

#include "tests.h"

static const char *const columns[] = { "id int key",     "name varchar(5)",
				       "n int not null", "d int default 7",
				       "b varbinary",    NULL };

#define STRICT "strict_mode: true\ncolumn_separator: ,\n"
#define JSON   "strict_mode: true\nformat: json\n"

static struct cluster *c;

static void begin(void)
{
	c = tests_cluster("4.0", columns);
}

static void end(void)
{
	cluster_free(c);
}

static void loads(const char *headers, const char *body, const char *rows)
{
	ck_assert_str_eq(tests_load(c, "ok", headers, body), "");
	ck_assert_str_eq(tests_dump(c), rows);
}

static void fails(const char *headers, const char *body, const char *message)
{
	const char *said = tests_load(c, "bad", headers, body);

	ck_assert_msg(strstr(said, message), "%s", said);
}

START_TEST(columns_name_the_fields)
{
	loads(STRICT "columns: n,`id`,x,name=x\n", "5,1,ab\n",
	      "{\"id\":1,\"name\":\"ab\",\"n\":5,\"d\":7,\"b\":null}\n");
}
END_TEST

START_TEST(constants_and_functions_fill_columns)
{
	loads(STRICT "columns: id,t,n='3',d=NULL,b=to_binary(t,'hex')\n",
	      "1,6162\n2,abc\n",
	      "{\"id\":1,\"name\":null,\"n\":3,\"d\":null,\"b\":\"6162\"}\n"
	      "{\"id\":2,\"name\":null,\"n\":3,\"d\":null,\"b\":\"\"}\n");
}
END_TEST

START_TEST(base64_functions_know_their_formats)
{
	loads(STRICT "columns: id,t,n=0,b=to_binary(t,'encode64')\n", "1,aGk=\n",
	      "{\"id\":1,\"name\":null,\"n\":0,\"d\":7,\"b\":\"6869\"}\n");
	ck_assert_str_eq(
		tests_load(c, "b", STRICT "columns: id,t,n=0,b=from_base64(t)\n", "1,\n"),
		"");
	ck_assert_ptr_nonnull(strstr(tests_dump(c), "\"b\":null"));
}
END_TEST

START_TEST(other_expressions_are_refused_loudly)
{
	fails(STRICT "columns: id,n,name=upper(x)\n", "1,2\n", "not emulated");
	fails(STRICT "columns: id,n,name=x+1\n", "1,2\n", "syntax error");
}
END_TEST

START_TEST(columns_are_checked_against_the_table)
{
	fails(STRICT "columns: id\n", "1\n", "Column has no default value, column: n");
	fails(STRICT "columns: id,n,what\n", "1,2,3\n", "unknown column 'what'");
	fails(STRICT "columns: id,n,n\n", "1,2,3\n", "Duplicate column 'n'");
	fails(STRICT "columns: id,n,name=what\n", "1,2\n", "cannot be resolved");
	fails(STRICT "columns: id,n,select\n", "1,2,3\n", "syntax error");
}
END_TEST

START_TEST(bad_rows_are_rejected_with_their_reason)
{
	fails(STRICT "columns: id,n\n", "1,\\N\n",
	      "NULL value in non-nullable column 'n'");
	fails(STRICT "columns: id,n\n", "1\n", "Target column count: 2 doesn't match");
	fails(STRICT "columns: id,n,name\n", "1,1,\xff\n", "Invalid UTF-8 row");
	fails(STRICT "columns: id,n,name\n", "1,1,abcdef\n",
	      "The field (name = name, pos = 2) is out of range. Type: varchar, Value length: "
	      "6, Value: abcdef");
	fails(STRICT "columns: id,n,__op\n", "1,1,\\N\n",
	      "NULL value in non-nullable column '__op'");
	fails(STRICT "columns: id,n,__op\n", "1,1,2\n",
	      "NULL value in non-nullable column '__op'");
}
END_TEST

START_TEST(without_strict_mode_bad_values_are_null_where_null_may_be)
{
	loads("column_separator: ,\ncolumns: id,n,d\n", "1,2,x\n",
	      "{\"id\":1,\"name\":null,\"n\":2,\"d\":null,\"b\":null}\n");
	fails("column_separator: ,\ncolumns: id,n\n", "1,x\n", "too many filtered rows");
}
END_TEST

START_TEST(a_share_of_bad_rows_may_be_allowed)
{
	loads(STRICT "columns: id,n\nmax_filter_ratio: 0.5\n", "1,x\n2,2\n",
	      "{\"id\":2,\"name\":null,\"n\":2,\"d\":7,\"b\":null}\n");
	fails(STRICT "columns: id,n\nmax_filter_ratio: 0.4\n", "1,x\n2,2\n",
	      "too many filtered rows");
}
END_TEST

START_TEST(json_without_columns_takes_keys_and_op)
{
	loads(JSON "strip_outer_array: true\n",
	      "[{\"id\":1,\"n\":1,\"name\":\"a\"},{\"n\":2,\"id\":2,\"NAME\":\"b\"}]",
	      "{\"id\":1,\"name\":\"a\",\"n\":1,\"d\":null,\"b\":null}\n"
	      "{\"id\":2,\"name\":null,\"n\":2,\"d\":null,\"b\":null}\n");
	ck_assert_str_eq(
		tests_load(c, "d", JSON, "{\"id\":1,\"n\":0,\"__op\":\"delete\"}"), "");
	ck_assert_str_eq(tests_dump(c),
			 "{\"id\":2,\"name\":null,\"n\":2,\"d\":null,\"b\":null}\n");
}
END_TEST

START_TEST(an_op_that_columns_does_not_list_is_noticed)
{
	struct sub_load *sub;

	ck_assert_str_eq(tests_load(c, "a", JSON "columns: id,n\n",
				    "{\"id\":1,\"n\":1,\"__op\":1}"),
			 "");
	cluster_lock(c);
	sub = txn_find(database_find(c, VIEW("d")), VIEW("a"))->subs[0];
	ck_assert_int_eq(sub->load->counts.n_lost_ops, 1);
	cluster_unlock(c);
}
END_TEST

START_TEST(json_objects_may_follow_each_other)
{
	loads(JSON, "{\"id\":1,\"n\":1}{\"id\":2,\"n\":2}\n{\"id\":3,\"n\":3}",
	      "{\"id\":1,\"name\":null,\"n\":1,\"d\":null,\"b\":null}\n"
	      "{\"id\":2,\"name\":null,\"n\":2,\"d\":null,\"b\":null}\n"
	      "{\"id\":3,\"name\":null,\"n\":3,\"d\":null,\"b\":null}\n");
}
END_TEST

START_TEST(broken_json_fails_the_load)
{
	fails(JSON, "[{\"id\":1,\"n\":1}]", "strip_outer_array=true");
	fails(JSON "strip_outer_array: true\n", "{\"id\":1,\"n\":1}",
	      "strip_outer_array=false");
	fails(JSON, "{\"id\":1,\"n\":1}{", "Failed to parse json");
	fails(JSON, "id", "Failed to parse json");
	fails(JSON, "{\"id\":01}", "Failed to parse json");
	fails(JSON "strip_outer_array: true\n", "[1]",
	      "the value of a row is not a JSON object");
	fails(JSON "strip_outer_array: true\n", "[]", "all partitions have no load data");
}
END_TEST

START_TEST(partial_updates_keep_the_other_columns)
{
	loads(STRICT "columns: id,name,n,d\n", "1,a,1,1\n",
	      "{\"id\":1,\"name\":\"a\",\"n\":1,\"d\":1,\"b\":null}\n");
	ck_assert_str_eq(tests_load(c, "p",
				    STRICT "columns: id,n\npartial_update: true\n",
				    "1,2\n3,3\n"),
			 "");
	ck_assert_str_eq(tests_dump(c),
			 "{\"id\":1,\"name\":\"a\",\"n\":2,\"d\":1,\"b\":null}\n"
			 "{\"id\":3,\"name\":null,\"n\":3,\"d\":7,\"b\":null}\n");
	fails(STRICT "partial_update: true\n", "1,2\n",
	      "partial update must set the columns");
	fails(STRICT "columns: name,n\npartial_update: true\n", "1,2\n",
	      "key column id not in partial update columns");
	fails(STRICT "columns: id,d\npartial_update: true\n", "1,2\n",
	      "Column has no default value, column: n");
}
END_TEST

START_TEST(merge_condition_keeps_newer_rows)
{
	loads(STRICT "columns: id,n\n", "1,10\n2,10\n",
	      "{\"id\":1,\"name\":null,\"n\":10,\"d\":7,\"b\":null}\n"
	      "{\"id\":2,\"name\":null,\"n\":10,\"d\":7,\"b\":null}\n");
	ck_assert_str_eq(tests_load(c, "m", STRICT "columns: id,n\nmerge_condition: n\n",
				    "1,9\n2,11\n"),
			 "");
	ck_assert_str_eq(tests_dump(c),
			 "{\"id\":1,\"name\":null,\"n\":10,\"d\":7,\"b\":null}\n"
			 "{\"id\":2,\"name\":null,\"n\":11,\"d\":7,\"b\":null}\n");
	fails(STRICT "columns: id,n\nmerge_condition: id\n", "1,9\n", "cannot be used");
}
END_TEST

START_TEST(the_last_row_of_a_key_wins_but_for_the_lake_bug)
{
	const char *headers = STRICT "columns: id,n,__op\n", *body = "1,1,1\n1,2,0\n";

	c->settings.has_lake_bug = true;
	loads(headers, body, "");
	c->settings.has_lake_bug = false;
	ck_assert_str_eq(tests_load(c, "again", headers, body), "");
	ck_assert_str_eq(tests_dump(c),
			 "{\"id\":1,\"name\":null,\"n\":2,\"d\":7,\"b\":null}\n");
}
END_TEST

START_TEST(headers_are_checked)
{
	fails(STRICT "log_rejected_record_num: -2\n", "", "log_rejected_record_num");
	fails(STRICT "max_filter_ratio: 2\n", "", "Invalid max_filter_ratio");
	fails("strict_mode: yes\n", "", "Invalid strict_mode flag format");
	fails(STRICT "partial_update_mode: fast\n", "", "Invalid partial update mode");
	fails(STRICT "partitions: a\ntemporary_partitions: b\n", "", "both partitions");
	fails(STRICT "row_delimiter: \\xzz\n", "", "Invalid row_delimiter");
	fails(STRICT "enclose: ab\n", "", "Invalid enclose");
	fails(STRICT "enable_merge_commit: true\n", "",
	      "not emulated: enable_merge_commit");
	fails(STRICT "timeout: 259201\n", "", "Invalid timeout format: 259201");
}
END_TEST

START_TEST(delimiters_are_read)
{
	char bytes[CSV_DELIMITER_MAX + 1];
	size_t n;

	ck_assert(delimiter_parse(VIEW("\\x01"), bytes, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(bytes[0], 1);
	ck_assert(delimiter_parse(VIEW("0x0102"), bytes, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert(delimiter_parse(VIEW("||"), bytes, &n));
	ck_assert(!delimiter_parse(VIEW("\\x80"), bytes, &n));
	ck_assert(!delimiter_parse(VIEW("\\x1"), bytes, &n));
	ck_assert(label_is_valid(VIEW("a-Z_09")));
	ck_assert(!label_is_valid(VIEW("a.b")));
	ck_assert(!label_is_valid(VIEW("")));
}
END_TEST

START_TEST(new_columns_have_their_default_in_old_rows)
{
	struct schema *s;

	loads(STRICT "columns: id,n\n", "1,1\n",
	      "{\"id\":1,\"name\":null,\"n\":1,\"d\":7,\"b\":null}\n");
	cluster_lock(c);
	s = schema_dup(tests_table(c)->schema);
	s->columns[4].id = 0;
	s->columns[4].has_default = true;
	s->columns[4].default_text = strdup("x");
	table_set_schema(tests_table(c), s);
	cluster_unlock(c);
	ck_assert_str_eq(tests_dump(c),
			 "{\"id\":1,\"name\":null,\"n\":1,\"d\":7,\"b\":\"78\"}\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("load");
	TCase *t = tcase_create("loads");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, columns_name_the_fields);
	tcase_add_test(t, constants_and_functions_fill_columns);
	tcase_add_test(t, base64_functions_know_their_formats);
	tcase_add_test(t, other_expressions_are_refused_loudly);
	tcase_add_test(t, columns_are_checked_against_the_table);
	tcase_add_test(t, bad_rows_are_rejected_with_their_reason);
	tcase_add_test(t, without_strict_mode_bad_values_are_null_where_null_may_be);
	tcase_add_test(t, a_share_of_bad_rows_may_be_allowed);
	tcase_add_test(t, json_without_columns_takes_keys_and_op);
	tcase_add_test(t, an_op_that_columns_does_not_list_is_noticed);
	tcase_add_test(t, json_objects_may_follow_each_other);
	tcase_add_test(t, broken_json_fails_the_load);
	tcase_add_test(t, partial_updates_keep_the_other_columns);
	tcase_add_test(t, merge_condition_keeps_newer_rows);
	tcase_add_test(t, the_last_row_of_a_key_wins_but_for_the_lake_bug);
	tcase_add_test(t, headers_are_checked);
	tcase_add_test(t, delimiters_are_read);
	tcase_add_test(t, new_columns_have_their_default_in_old_rows);
	suite_add_tcase(s, t);
	return tests_run(s);
}
