/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/view.h"
#include "engine/host.h"
#include "engine/json.h"
#include "engine/problems.h"
#include "engine/report.h"

enum { TEXT_MAX = 64 * 1024 };

static struct ez_report report;

static void fill(void)
{
	struct ez_error err = ERROR_INIT;

	report = (struct ez_report){ .section = NULL };
	report_finding(&report, EZ_FINDING_OK, "job file", NULL, "%d options", 3);
	report_section(&report, "source pg");
	report_finding(&report, EZ_FINDING_OK, "slots", "", "2 of 10");
	report_finding(&report, EZ_FINDING_WARNING, "wal", "raise it", "keeps \"1 GB\"\n");
	report_section(&report, "sink file");
	error_fill(&err, EZ_E_PERMISSION, "42501", "no right");
	host_table.hint(&err, "grant it");
	report_error(&report, "connect", &err);
}

static void drop(void)
{
	report_release(&report);
}

START_TEST(test_counts)
{
	ck_assert_uint_eq(report.n_findings, 4);
	ck_assert_uint_eq(report.n_warnings, 1);
	ck_assert_uint_eq(report.n_failed, 1);
	ck_assert_ptr_null(report.findings[1].remedy);
}
END_TEST

START_TEST(test_print)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX), color = BUF_INIT(TEXT_MAX);

	report_print(&report, false, &text);
	ck_assert_str_eq(buf_cstr(&text), "  ok    job file: 3 options\n"
					  "\nsource pg\n"
					  "  ok    slots: 2 of 10\n"
					  "  warn  wal: keeps \"1 GB\"\n\n"
					  "        raise it\n"
					  "\nsink file\n"
					  "  FAIL  connect: no right\n"
					  "        grant it\n"
					  "\n4 checked, 1 failed, 1 warnings\n");
	report_print(&report, true, &color);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&color), "\033[31mFAIL\033[0m  connect"));
}
END_TEST

START_TEST(test_json)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	_cleanup_(json_freep) struct json *j = NULL;
	const struct json *list, *f;

	report_json(&report, &text);
	j = json_parse(buf_view(&text), NULL);
	ck_assert_ptr_nonnull(j);
	ck_assert(json_has(j, "ok") && !json_bool(j, "ok"));
	list = json_get(j, "findings");
	ck_assert_uint_eq(json_len(list), 4);
	f = json_at(list, 2);
	ck_assert(view_eq_str(json_str(f, "section"), "source pg"));
	ck_assert(view_eq_str(json_str(f, "what"), "wal"));
	ck_assert(view_eq_str(json_str(f, "status"), "warning"));
	ck_assert(view_eq_str(json_str(f, "text"), "keeps \"1 GB\"\n"));
	ck_assert(view_eq_str(json_str(f, "remedy"), "raise it"));
	ck_assert(view_eq_str(json_str(json_at(list, 3), "status"), "failed"));
	ck_assert(view_eq_str(json_str(json_at(list, 0), "status"), "ok"));
	ck_assert_ptr_null(json_str(json_at(list, 0), "remedy").ptr);
}
END_TEST

/* The number comes from a plugin: anything but fine and warning has failed. */
START_TEST(test_unknown_status)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX), json = BUF_INIT(TEXT_MAX);
	static const int odd[] = { -1, 3, 1000000, INT32_MIN };

	drop();
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		report_finding(&report, odd[i], "x", NULL, "y");
	ck_assert_uint_eq(report.n_failed, ARRAY_LEN(odd));
	report_print(&report, true, &text);
	report_json(&report, &json);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&json), "\"ok\":false"));
	ck_assert_ptr_null(strstr(buf_cstr(&json), "\"ok\",\"text\""));
}
END_TEST

START_TEST(test_long_text_is_cut)
{
	char longer[5000];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	report_finding(&report, EZ_FINDING_OK, "x", longer, "%s", longer);
	ck_assert_uint_eq(strlen(report.findings[4].text), 1023);
	ck_assert_str_eq(report.findings[4].remedy, longer);
}
END_TEST

START_TEST(test_tables)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX), json = BUF_INIT(TEXT_MAX);
	_cleanup_(json_freep) struct json *j = NULL;
	const struct ez_found found[] = {
		{ .size = sizeof(struct ez_found),
		  .schema = VIEW("public"),
		  .name = VIEW("orders"),
		  .key = VIEW("id, lang"),
		  .rows_estimate = 1234,
		  .bytes = 2048,
		  .ready = 1 },
		{ .size = sizeof(struct ez_found),
		  .schema = VIEW("s"),
		  .name = VIEW("t"),
		  .reason = VIEW("no key"),
		  .rows_estimate = -1,
		  .bytes = -1 },
	};
	const struct json *t;

	for (size_t i = 0; i < ARRAY_LEN(found); i++)
		report_found(&report, &found[i]);
	report_tables_print(&report, &text);
	ck_assert_str_eq(buf_cstr(&text),
			 "table                  rows        size  ready  key\n"
			 "public.orders          1234       2 KiB  yes    id, lang\n"
			 "s.t                       ?           ?  no     -  no key\n");
	report_tables_json(&report, &json);
	j = json_parse(buf_view(&json), NULL);
	ck_assert_uint_eq(json_len(json_get(j, "tables")), 2);
	t = json_at(json_get(j, "tables"), 0);
	ck_assert(view_eq_str(json_str(t, "schema"), "public"));
	ck_assert(view_eq_str(json_str(t, "name"), "orders"));
	ck_assert(view_eq_str(json_str(t, "key"), "id, lang"));
	ck_assert_int_eq(json_i64(t, "rows"), 1234);
	ck_assert_int_eq(json_i64(t, "bytes"), 2048);
	ck_assert(json_bool(t, "ready"));
	t = json_at(json_get(j, "tables"), 1);
	ck_assert(!json_bool(t, "ready"));
	ck_assert(view_eq_str(json_str(t, "reason"), "no key"));
	ck_assert_int_eq(json_i64(t, "rows"), -1);
}
END_TEST

START_TEST(test_json_getters)
{
	_cleanup_(json_freep) struct json *j =
		json_parse(VIEW("{\"s\":\"x\\u0000y\",\"n\":7,\"d\":1.5,\"t\":true,\"l\":[{}],"
				"\"o\":{\"n\":1},\"z\":null}"), NULL);
	struct ez_view s = json_str(j, "s");
	char *why = NULL;

	ck_assert_uint_eq(s.len, 3);
	ck_assert_int_eq(memcmp(s.ptr, "x\0y", 3), 0);
	ck_assert_int_eq(json_i64(j, "n"), 7);
	ck_assert_int_eq(json_i64(j, "d"), 0);
	ck_assert_double_eq(json_num(j, "d"), 1.5);
	ck_assert_double_eq(json_num(j, "n"), 7);
	ck_assert(json_bool(j, "t") && !json_bool(j, "n"));
	ck_assert(json_has(j, "z") && !json_has(j, "missing"));
	ck_assert_uint_eq(json_len(json_get(j, "l")), 1);
	ck_assert_uint_eq(json_len(json_get(j, "o")), 0);
	ck_assert_int_eq(json_i64(json_get(j, "o"), "n"), 1);
	ck_assert_ptr_null(json_at(json_get(j, "l"), 1));
	ck_assert_ptr_null(json_at(json_get(j, "s"), 0));
	ck_assert_ptr_null(json_get(json_at(NULL, 0), "x"));
	ck_assert_ptr_null(json_str(NULL, "x").ptr);
	ck_assert_ptr_null(json_parse(VIEW("[1]"), &why));
	ck_assert_str_eq(why, "not an object");
	free(why);
	ck_assert_ptr_null(json_parse(VIEW("{\n \"a\": }"), &why));
	ck_assert_ptr_nonnull(strstr(why, "line 2"));
	free(why);
	ck_assert_ptr_null(json_parse(VIEW("{\"a\":1,\"a\":1}"), NULL));
	ck_assert_ptr_null(json_parse(VIEW("{} {}"), NULL));
	ck_assert_ptr_null(json_parse(view_of(NULL, 0), NULL));
}
END_TEST

/* As deep as a hostile request can be: refused, not a stack that runs out. */
START_TEST(test_json_depth)
{
	static char text[64 * 1024];

	memset(text, '[', sizeof(text));
	memcpy(text, "{\"a\":", 5);
	ck_assert_ptr_null(json_parse(view_of(text, sizeof(text)), NULL));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("report");
	TCase *c = tcase_create("report"), *json = tcase_create("json");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, fill, drop);
	tcase_add_test(c, test_counts);
	tcase_add_test(c, test_print);
	tcase_add_test(c, test_json);
	tcase_add_test(c, test_unknown_status);
	tcase_add_test(c, test_long_text_is_cut);
	tcase_add_test(c, test_tables);
	suite_add_tcase(s, c);
	tcase_add_test(json, test_json_getters);
	tcase_add_test(json, test_json_depth);
	suite_add_tcase(s, json);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
