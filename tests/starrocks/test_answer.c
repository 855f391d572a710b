/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "base/view.h"

#include "answer.h"

/* What the cluster can say, in its own words, and what the sink makes of it. */

struct line {
	int http;
	const char *text;
	enum reaction reaction;
};

#define FAIL(message) "{\"TxnId\": 7, \"Status\": \"Fail\", \"Message\": \"" message "\"}"

static const struct line lines[] = {
	{ 200,
	  "{\n    \"TxnId\": 7,\n    \"Label\": \"a\",\n    \"Status\": \"Success\",\n"
	  "    \"Message\": \"OK\"\n}",
	  REACT_DONE },
	{ 200, "{\"Status\":\"Publish Timeout\",\"Message\":\"Publish timeout\"}",
	  REACT_DONE },
	{ 200,
	  "{\"Status\":\"Label Already Exists\",\"ExistingJobStatus\":\"FINISHED\","
	  "\"Message\":\"Label [a] has already been used.\"}",
	  REACT_DONE },
	{ 200,
	  "{\"Status\":\"Label Already Exists\",\"ExistingJobStatus\":\"RUNNING\","
	  "\"Message\":\"Label [a] has already been used.\"}",
	  REACT_WAIT },
	{ 200, "{\"Status\":\"OK\",\"Message\":\"Transaction 7 has already committed\"}",
	  REACT_DONE },
	{ 200, "{\"Status\":\"LABEL_ALREADY_EXISTS\",\"ExistingJobStatus\":\"RUNNING\"}",
	  REACT_ANEW },
	{ 200,
	  "{\"Status\":\"TXN_NOT_EXISTS\",\"Message\":\"transaction with label a not exists\"}",
	  REACT_ANEW },
	{ 200,
	  "{\"Status\":\"TXN_IN_PROCESSING\",\"Message\":\"Transaction in processing, please "
	  "retry later\"}",
	  REACT_RETRY },
	{ 200, FAIL("too many filtered rows"), REACT_DATA },
	{ 200, "{\"Status\":\"INTERNAL_ERROR\",\"Message\":\"too many filtered rows\"}",
	  REACT_DATA },
	{ 200, FAIL("primary key size exceed the limit."), REACT_DATA },
	{ 200,
	  FAIL("Failed to load data into tablet 10, because of too many versions, "
	       "current/limit: 1002/1000. You can reduce the loading job concurrency"),
	  REACT_SLOW },
	{ 200, FAIL("Too many versions. tablet_id: 1, version_count: 2, limit: 1"),
	  REACT_SLOW },
	{ 200,
	  FAIL("Failed to load data into partition 1, because of too large compaction score, "
	       "current/limit: 2/1"),
	  REACT_SLOW },
	{ 200, FAIL("current running txns on db 10 is 1000, larger than limit 1000"),
	  REACT_RETRY },
	{ 200,
	  FAIL("Stream Load exceed http cuncurrent limit 10, please try again later"),
	  REACT_RETRY },
	{ 200,
	  FAIL("memory limit exceeded, please reduce load frequency or increase config"),
	  REACT_SHRINK },
	{ 200, FAIL("Memory of process exceed limit. Used: 1, Limit: 2"), REACT_SHRINK },
	{ 200, FAIL("disk 123 on backend 10001 exceed limit usage"), REACT_PAUSE },
	{ 200,
	  FAIL("Commit transaction fail cause timeout, Transaction status unknown, you can "
	       "retry with same label."),
	  REACT_ASK },
	{ 200, FAIL("Service is shutting down, please retry later!"), REACT_RETRY },
	{ 200, FAIL("cancelled"), REACT_RETRY },
	{ 200,
	  "{\"Status\":\"FAILED\",\"Message\":\"class com.starrocks.common.DdlException: No "
	  "backend alive.\"}",
	  REACT_RETRY },
	{ 200,
	  "{\"Status\":\"FAILED\",\"Message\":\"class com.starrocks.common.DdlException: There "
	  "is no 100-continue header\"}",
	  REACT_CONFIG },
	{ 200, FAIL("unknown column 'c' in table"), REACT_CONFIG },
	{ 200, FAIL("Only primary key table support partial update"), REACT_CONFIG },
	{ 200, FAIL("no valid Basic authorization"), REACT_PERMISSION },
	{ 200, FAIL("Access denied; you need (at least one of) the INSERT privilege(s)"),
	  REACT_PERMISSION },
	{ 401, "{\"status\":\"FAILED\",\"code\":\"1\",\"msg\":\"Access denied for cdc\"}",
	  REACT_PERMISSION },
	{ 404, "Not Found", REACT_CONFIG },
	{ 500, "{\"status\":\"FAILED\",\"msg\":\"unexpected\"}", REACT_ASK },
	{ 503, "<html>busy</html>", REACT_ASK },
	{ 200, "<html>welcome</html>", REACT_ASK },
	{ 200, "", REACT_ASK },
	{ 200, "{\"Status\": \"Succ", REACT_ASK },
	{ 200, "[1, 2]", REACT_ASK },
	{ 200, "\xef\xbb\xbf{\"Status\":\"Success\",\"Message\":\"OK\"}", REACT_DONE },
};

START_TEST(every_answer_has_its_reaction)
{
	const struct line *l = &lines[_i];
	struct answer a;
	enum reaction r;

	answer_parse(view_str(l->text), &a);
	r = answer_to_load(l->http, &a);
	ck_assert_msg(r == l->reaction, "%s: %s, not %s", l->text, reaction_to_str(r),
		      reaction_to_str(l->reaction));
}
END_TEST

struct label_line {
	int http;
	const char *text;
	enum reaction reaction;
	bool is_open;
};

static const struct label_line label_lines[] = {
	{ 200, "{\"state\":\"VISIBLE\",\"status\":\"OK\"}", REACT_DONE, false },
	{ 200, "{\"state\":\"COMMITTED\"}", REACT_DONE, false },
	{ 200, "{\"state\":\"PREPARE\"}", REACT_WAIT, true },
	{ 200, "{\"state\":\"PREPARED\"}", REACT_WAIT, true },
	{ 200, "{\"state\":\"ABORTED\",\"reason\":\"x\"}", REACT_ANEW, false },
	{ 200, "{\"state\":\"UNKNOWN\"}", REACT_ANEW, false },
	{ 200, "{\"status\":\"FAILED\",\"msg\":\"unknown database, database=d\"}",
	  REACT_ASK, false },
	{ 200, "<html>", REACT_ASK, false },
	{ 502, "", REACT_ASK, false },
	{ 401, "{}", REACT_PERMISSION, false },
};

START_TEST(the_state_of_a_label_decides)
{
	const struct label_line *l = &label_lines[_i];
	struct answer a;
	bool is_open;
	enum reaction r;

	answer_parse(view_str(l->text), &a);
	r = answer_to_label(l->http, &a, &is_open);
	ck_assert_msg(r == l->reaction && is_open == l->is_open, "%s: %s", l->text,
		      reaction_to_str(r));
}
END_TEST

START_TEST(counts_and_texts_are_read)
{
	struct answer a;

	answer_parse(VIEW("{\"Status\":\"Fail\",\"Message\":\"m\",\"NumberTotalRows\":12,"
			  "\"NumberLoadedRows\":10,\"NumberFilteredRows\":2,"
			  "\"ErrorURL\":\"http://be:8040/api/_load_error_log?file=e\"}"),
		     &a);
	ck_assert(a.is_json);
	ck_assert_int_eq(a.total_rows, 12);
	ck_assert_int_eq(a.loaded_rows, 10);
	ck_assert_int_eq(a.filtered_rows, 2);
	ck_assert_str_eq(a.error_url, "http://be:8040/api/_load_error_log?file=e");
	answer_parse(VIEW("{\"Status\":3,\"Message\":null}"), &a);
	ck_assert(a.is_json);
	ck_assert_str_eq(a.status, "");
	ck_assert_int_eq(a.total_rows, -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer");
	TCase *tc = tcase_create("answers");
	SRunner *r;
	int failed;

	tcase_add_loop_test(tc, every_answer_has_its_reaction, 0, (int)ARRAY_LEN(lines));
	tcase_add_loop_test(tc, the_state_of_a_label_decides, 0,
			    (int)ARRAY_LEN(label_lines));
	tcase_add_test(tc, counts_and_texts_are_read);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
