/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#include "load_lines.h"
#include "srtest.h"

/*
 * What can become of a load: the cluster is told to misbehave, a transaction is loaded, and it
 * is there in the end, once, without anything the cluster has to complain about; or the sink
 * stops with the class and the words that it should. load_lines.c has a line for each.
 */

static struct srtest t;

static void replace(struct buf *to, const char *text, const char *word, const char *by)
{
	const char *at;

	while ((at = strstr(text, word)) != NULL) {
		buf_add(to, text, (size_t)(at - text));
		buf_add_str(to, by);
		text = at + strlen(word);
	}
	buf_add_str(to, text);
}

static void order(const char *fault, bool is_multi)
{
	struct buf text[3] = { BUF_INIT(10000), BUF_INIT(10000), BUF_INIT(10000) };
	char front[16], stranger[16];

	ck_assert(str_format(front, sizeof(front), "%d", t.fe[0]) &&
		  str_format(stranger, sizeof(stranger), "%d", t.stranger));
	replace(&text[0], fault, "LOAD",
		is_multi ? "/api/transaction/load" : "/api/shop/t/_stream_load");
	replace(&text[1], buf_cstr(&text[0]), "STRANGER", stranger);
	replace(&text[2], buf_cstr(&text[1]), "FRONT", front);
	srtest_control(&t, "\"do\": \"fault\", %s", buf_cstr(&text[2]));
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		buf_release(&text[i]);
}

static void opens(void)
{
	int rc = srtest_open(&t);

	if (rc == EZ_OK)
		rc = srtest_table(&t);
	ck_assert_msg(rc == EZ_OK, "%s", t.fake->err.text);
}

/* With a byte that only JSON can carry, or without. */
static const char *long_text(bool for_json)
{
	static char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	if (for_json)
		text[5] = 1;
	return text;
}

static void check_outcome(const struct load_line *l, int rc)
{
	const struct ez_error *e = &t.fake->err;

	ck_assert_msg(rc == l->rc, "%s: %d instead of %d: %s", l->name, rc, l->rc,
		      e->text);
	ck_assert_msg(!strstr(srtest_control(&t, "\"do\": \"faults\""), "\"hits\":0"),
		      "%s: nothing met it", l->name);
	if (l->rc == EZ_OK)
		ck_assert_msg(srtest_count(&t) == 30, "%s: %d rows", l->name,
			      srtest_count(&t));
	else
		ck_assert_msg(strstr(e->text, l->says) || strstr(e->hint, l->says),
			      "%s: %s (%s)", l->name, e->text, e->hint);
	srtest_no_violations(&t);
}

static void try_line(const struct load_line *l, const char *profile, bool is_multi)
{
	srtest_begin(&t, profile);
	opens();
	ck_assert_int_eq(srtest_load(&t, 0, 10, "before", 20), EZ_OK);
	order(l->fault, is_multi);
	check_outcome(l, srtest_load(&t, 10, 30, long_text(false), 20));
	srtest_end(&t);
}

/* In the short run half of the lines that are for both are tried with each. */
static bool is_due(int i, unsigned where)
{
	unsigned have = load_lines[i].where;

	if (have == BOTH && !secure_getenv("EZ_TEST_LONG"))
		have = i % 2 ? LABELS : MULTI;
	return (have & where) != 0;
}

START_TEST(a_load_by_label_outlives_it)
{
	if (is_due(_i, LABELS))
		try_line(&load_lines[_i], "3.3", false);
}
END_TEST

START_TEST(a_transaction_over_tables_outlives_it)
{
	if (is_due(_i, MULTI))
		try_line(&load_lines[_i], "4.0", true);
}
END_TEST

/* ------------------------------------------------------------------ first contact */

/* Before StarRocks has ever answered, what is no StarRocks is a mistake in the job. */
static const struct load_line first_lines[] = {
	{ "302 at first", BOTH,
	  "\"kind\": \"redirect\", \"status\": 302, \"text\": \"http://127.0.0.1:STRANGER\", "
	  "\"count\": -1",
	  EZ_E_CONFIG, "is it a front end?" },
	{ "404 at first", BOTH,
	  "\"kind\": \"answer\", \"node\": \"fe*\", \"status\": 404, \"count\": -1",
	  EZ_E_CONFIG, "404" },
};

START_TEST(at_first_a_wrong_address_is_told)
{
	const struct load_line *l = &first_lines[_i];
	int rc;

	srtest_begin(&t, "4.0");
	order(l->fault, false);
	rc = srtest_open(&t);
	ck_assert_msg(rc == l->rc, "%s: %d: %s", l->name, rc, t.fake->err.text);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

/* ------------------------------------------------------------------ longer stories */

START_TEST(another_leader_in_the_middle_costs_nothing)
{
	srtest_begin(&t, _i ? "4.0" : "3.3");
	opens();
	for (int i = 0; i < 6; i++) {
		srtest_control(&t, "\"do\": \"leader\", \"fe\": %d", i % 2);
		ck_assert_int_eq(srtest_load(&t, i, i + 1, "x", 20), EZ_OK);
	}
	srtest_control(&t, "\"do\": \"fe\", \"fe\": 0, \"action\": \"stop\"");
	ck_assert_int_eq(srtest_load(&t, 6, 7, "x", 20), EZ_OK);
	ck_assert_int_eq(srtest_count(&t), 7);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

/* The lead goes away between begin and commit, and the transaction with it. */
START_TEST(a_transaction_that_its_leader_lost_is_loaded_again)
{
	srtest_begin(&t, "4.0");
	opens();
	order("\"kind\": \"answer\", \"subject\": \"/api/transaction/commit\", \"status\": "
	      "503, \"count\": 1",
	      true);
	srtest_control(&t, "\"do\": \"leader\", \"fe\": 1");
	ck_assert_int_eq(srtest_load(&t, 0, 5, "x", 20), EZ_OK);
	ck_assert_int_eq(srtest_count(&t), 5);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

START_TEST(a_back_end_that_dies_is_left)
{
	srtest_begin(&t, _i ? "4.0" : "3.3");
	opens();
	ck_assert_int_eq(srtest_load(&t, 0, 5, "x", 20), EZ_OK);
	/* The front ends do not know yet. */
	srtest_control(&t, "\"do\": \"be\", \"be\": 0, \"action\": \"stop\"");
	ck_assert_int_eq(srtest_load(&t, 5, 10, "x", 20), EZ_OK);
	srtest_control(&t, "\"do\": \"be\", \"be\": 0, \"action\": \"hide\"");
	ck_assert_int_eq(srtest_load(&t, 10, 15, "x", 30), EZ_OK);
	ck_assert_int_eq(srtest_count(&t), 15);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

START_TEST(labels_that_are_forgotten_do_no_harm)
{
	srtest_begin(&t, "3.3");
	srtest_control(&t, "\"do\": \"set\", \"label_keep_max_num\": 1");
	opens();
	for (int i = 0; i < 4; i++) {
		order("\"kind\": \"reset_before_answer\", \"node\": \"be*\", \"subject\": "
		      "\"LOAD\", \"committed\": true",
		      false);
		ck_assert_int_eq(srtest_load(&t, i, i + 1, "x", 20), EZ_OK);
	}
	ck_assert_int_eq(srtest_count(&t), 4);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

/* As many versions as there may be, and a compaction that takes its time. */
START_TEST(too_many_versions_make_fewer_loads)
{
	unsigned loads;

	srtest_begin(&t, "4.0");
	opens();
	srtest_control(&t, "\"do\": \"set\", \"tablet_max_versions\": 3, "
			   "\"compaction_per_min\": 90");
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(srtest_load(&t, i, i + 1, "x", 60), EZ_OK);
	ck_assert_int_eq(srtest_count(&t), 5);
	/* Refused tries are few: each waits a second at least. */
	srtest_control(&t, "\"do\": \"journal\"");
	loads = 0;
	for (const char *at = buf_cstr(&t.answer);
	     (at = strstr(at, "\"target\":\"/api/transaction/load\"")) != NULL; at++)
		loads++;
	ck_assert_uint_lt(loads, 60);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

START_TEST(refused_rows_are_found_without_the_log_of_errors)
{
	int rc;

	srtest_begin(&t, "4.0");
	srtest_sql(&t, "CREATE DATABASE shop");
	srtest_sql(&t, "CREATE TABLE shop.t (id BIGINT NOT NULL, v INT NULL, body "
		       "VARCHAR(5) NULL) PRIMARY KEY (id) DISTRIBUTED BY HASH(id) BUCKETS 1 "
		       "PROPERTIES ('replication_num' = '1')");
	srtest_set(&t, "evolve", "false");
	opens();
	order("\"kind\": \"answer\", \"node\": \"be*\", \"subject\": "
	      "\"/api/_load_error_log\", \"status\": 500, \"count\": -1",
	      true);
	ck_assert_int_eq(srtest_load(&t, 0, 10, "short", 20), EZ_OK);
	t.fake->ctx.reject_answer = EZ_OK;
	rc = srtest_load(&t, 10, 11, "secret and too long", 40);
	ck_assert_msg(rc == EZ_OK || rc == EZ_E_DATA, "%d: %s", rc, t.fake->err.text);
	ck_assert_uint_eq(t.fake->ctx.n_rejects, 1);
	ck_assert_int_eq(srtest_count(&t), 10);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

/* By the cluster's clock a whole day, in which everything that was open ends. */
START_TEST(a_day_without_the_cluster_costs_only_lag)
{
	srtest_begin(&t, _i ? "4.0" : "3.3");
	opens();
	ck_assert_int_eq(srtest_load(&t, 0, 5, "x", 20), EZ_OK);
	order("\"kind\": \"reset_body\", \"node\": \"be*\", \"bytes\": 10", _i != 0);
	for (int i = 0; i < 2; i++)
		srtest_control(&t, "\"do\": \"fe\", \"fe\": %d, \"action\": \"stop\"",
			       i);
	ck_assert_int_eq(srtest_load(&t, 5, 10, "x", 2), EZ_AGAIN);
	srtest_control(&t, "\"do\": \"advance\", \"ms\": 86400000");
	for (int i = 0; i < 2; i++)
		srtest_control(&t, "\"do\": \"fe\", \"fe\": %d, \"action\": \"start\"",
			       i);
	ck_assert_int_eq(srtest_await(&t, 30), EZ_OK);
	ck_assert_int_eq(srtest_load(&t, 10, 15, "x", 20), EZ_OK);
	ck_assert_int_eq(srtest_count(&t), 15);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

START_TEST(a_table_that_somebody_drops_is_told)
{
	srtest_begin(&t, _i ? "4.0" : "3.3");
	opens();
	ck_assert_int_eq(srtest_load(&t, 0, 5, "x", 20), EZ_OK);
	srtest_sql(&t, "DROP TABLE shop.t FORCE");
	ck_assert_int_eq(srtest_load(&t, 5, 10, "x", 20), EZ_E_CONFIG);
	ck_assert_msg(strstr(t.fake->err.text, "unknown table") != NULL, "%s",
		      t.fake->err.text);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

/* A full disk is waited for, seldom, and everything is there when it has room again. */
START_TEST(a_full_disk_is_waited_for)
{
	srtest_begin(&t, "4.0");
	opens();
	srtest_control(&t, "\"do\": \"set\", \"is_disk_full\": true");
	ck_assert_int_eq(srtest_load(&t, 0, 5, "x", 2), EZ_AGAIN);
	ck_assert_msg(strstr(t.fake->err.hint, "disk of the cluster is full") != NULL,
		      "%s (%s)", t.fake->err.text, t.fake->err.hint);
	srtest_control(&t, "\"do\": \"set\", \"is_disk_full\": false");
	ck_assert_int_eq(srtest_await(&t, 20), EZ_OK);
	ck_assert_int_eq(srtest_count(&t), 5);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

/* ------------------------------------------------------------------ rights */

static void as_user(const char *password)
{
	srtest_set(&t, "user", "cdc");
	srtest_set(&t, "password", password);
}

/* The remedy of each refusal is run as it stands, until there is none. */
START_TEST(a_right_that_is_missing_is_named)
{
	static const char *const grants[] = {
		"GRANT CREATE TABLE ON DATABASE `shop` TO USER 'cdc'@'%'",
		"GRANT SELECT ON TABLE `shop`.`_ez_progress` TO USER 'cdc'@'%'",
		"GRANT INSERT ON ALL TABLES IN DATABASE `shop` TO USER 'cdc'@'%'",
	};

	srtest_begin(&t, _i ? "4.0" : "3.3");
	srtest_sql(&t, "CREATE DATABASE shop");
	srtest_sql(&t, "CREATE USER 'cdc' IDENTIFIED BY 'pw'");
	/* So that it sees the database, which it need not make. */
	srtest_sql(&t, "GRANT ALTER ON ALL TABLES IN DATABASE shop TO USER 'cdc'@'%'");
	as_user("pw");
	for (size_t i = 0; i < ARRAY_LEN(grants); i++) {
		int rc = srtest_open(&t);

		ck_assert_msg(rc == EZ_E_PERMISSION, "%zu: %d: %s", i, rc,
			      t.fake->err.text);
		ck_assert_str_eq(t.fake->err.hint, grants[i]);
		srtest_sql(&t, grants[i]);
		srtest_close(&t);
	}
	opens();
	ck_assert_int_eq(srtest_load(&t, 0, 3, "x", 20), EZ_OK);
	srtest_sql(&t, "REVOKE INSERT ON ALL TABLES IN DATABASE shop FROM USER 'cdc'@'%'");
	ck_assert_int_eq(srtest_load(&t, 3, 4, "x", 20), EZ_E_PERMISSION);
	ck_assert_str_eq(t.fake->err.hint, grants[2]);
	ck_assert_int_eq(srtest_count(&t), 3);
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

START_TEST(a_wrong_password_is_told_as_one)
{
	int rc;

	srtest_begin(&t, "4.0");
	srtest_set(&t, "password", "wrong");
	rc = srtest_open(&t);
	ck_assert_int_eq(rc, EZ_E_PERMISSION);
	ck_assert_msg(strstr(t.fake->err.hint, "password") != NULL, "%s",
		      t.fake->err.hint);
	srtest_end(&t);
}
END_TEST

/* ------------------------------------------------------------------ compression */

static const struct {
	const char *profile, *codec;
	bool packs_json;
} codecs[] = {
	{ "3.1", "gzip", false }, { "3.2.6", "zstd", false }, { "3.2.7", "zstd", true },
	{ "4.0", "gzip", true },  { "4.0", "zstd", true },
#ifdef HAVE_LZ4
	{ "4.0", "lz4", true },
#endif
};

/* CSV, and JSON because of a byte that CSV has for itself. */
START_TEST(compressed_bodies_arrive)
{
	const char *codec = codecs[_i].codec, *profile = codecs[_i].profile, *at;
	bool packs_json = codecs[_i].packs_json, has_json, is_packed = true;

	srtest_begin(&t, profile);
	srtest_set(&t, "compression", codec);
	opens();
	ck_assert_int_eq(srtest_load(&t, 0, 20, long_text(false), 20), EZ_OK);
	ck_assert_msg(strstr(srtest_control(&t, "\"do\": \"journal\""), codec) != NULL,
		      "CSV is not compressed with %s", codec);
	srtest_control(&t, "\"do\": \"clear_journal\"");
	ck_assert_int_eq(srtest_load(&t, 20, 40, long_text(true), 20), EZ_OK);
	ck_assert_int_eq(srtest_count(&t), 40);
	at = srtest_control(&t, "\"do\": \"journal\"");
	has_json = strstr(at, "\"json\"") != NULL;
	is_packed = strstr(at, "\"compression\"") != NULL;
	ck_assert_msg(has_json, "%s: no JSON", profile);
	ck_assert_msg(is_packed == packs_json, "%s, %s: JSON is %scompressed", profile,
		      codec, is_packed ? "" : "not ");
	srtest_no_violations(&t);
	srtest_end(&t);
}
END_TEST

/* Most of the time is spent on waiting: so slices of the lines, and the stories, are tried at
 * the same time, each in a process of its own. */
enum { SLICES = 8, LONG_STORIES = 5 };

static void add_lines(Suite *s, int slice)
{
	int n = (int)n_load_lines, from = n * slice / SLICES;
	int to = n * (slice + 1) / SLICES;
	TCase *tc = tcase_create("lines");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_load_by_label_outlives_it, from, to);
	tcase_add_loop_test(tc, a_transaction_over_tables_outlives_it, from, to);
	suite_add_tcase(s, tc);
}

static void add_stories(Suite *s)
{
	TCase *tc = tcase_create("stories");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, at_first_a_wrong_address_is_told, 0,
			    (int)ARRAY_LEN(first_lines));
	tcase_add_loop_test(tc, another_leader_in_the_middle_costs_nothing, 0, 2);
	tcase_add_test(tc, a_transaction_that_its_leader_lost_is_loaded_again);
	tcase_add_test(tc, labels_that_are_forgotten_do_no_harm);
	tcase_add_loop_test(tc, a_table_that_somebody_drops_is_told, 0, 2);
	tcase_add_test(tc, a_full_disk_is_waited_for);
	tcase_add_test(tc, refused_rows_are_found_without_the_log_of_errors);
	tcase_add_test(tc, a_wrong_password_is_told_as_one);
	suite_add_tcase(s, tc);
}

static void add_long_story(Suite *s, int n)
{
	TCase *tc = tcase_create("long stories");
	int first = secure_getenv("EZ_TEST_LONG") ? 0 : 1; /* 1: 4.0 only */

	tcase_set_timeout(tc, 120);
	switch (n) {
	case 0:
		tcase_add_loop_test(tc, a_back_end_that_dies_is_left, first, 2);
		break;
	case 1:
		tcase_add_loop_test(tc, a_day_without_the_cluster_costs_only_lag, first,
				    2);
		break;
	case 2:
		tcase_add_test(tc, too_many_versions_make_fewer_loads);
		break;
	case 3:
		tcase_add_test(tc, a_full_disk_is_waited_for);
		break;
	default:
		tcase_add_loop_test(tc, a_right_that_is_missing_is_named, 0, 2);
		tcase_add_loop_test(tc, compressed_bodies_arrive, 0,
				    (int)ARRAY_LEN(codecs));
		break;
	}
	suite_add_tcase(s, tc);
}

static int run_slice(int slice)
{
	Suite *s = suite_create("loads");
	SRunner *r;
	int failed;

	if (slice < SLICES)
		add_lines(s, slice);
	else if (slice == SLICES)
		add_stories(s);
	else
		add_long_story(s, slice - SLICES - 1);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void)
{
	pid_t slices[SLICES + 1 + LONG_STORIES];
	int rc = EXIT_SUCCESS, status;

	if (!srtest_can()) {
		puts("skip: tests/testkit/starrocks/server is not built");
		return 77;
	}
	fflush(stdout);
	for (int i = 0; i < (int)ARRAY_LEN(slices); i++) {
		slices[i] = fork();
		if (slices[i] == 0)
			return run_slice(i);
	}
	for (size_t i = 0; i < ARRAY_LEN(slices); i++)
		if (waitpid(slices[i], &status, 0) != slices[i] || status != 0)
			rc = EXIT_FAILURE;
	return rc;
}
