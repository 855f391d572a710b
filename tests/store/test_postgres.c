/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/alloc.h"
#include "base/view.h"
#include "store/cluster.h"
#include "store/store_host.h"

/* What the store promises about the row of a job: who may write it, and what is in it. */

static struct cluster cluster;
static const struct ez_store *ops;

static const char *main_db(void)
{
	return cluster_conninfo(&cluster, "postgres", "postgres");
}

static void teardown(void)
{
	cluster_sql(&cluster, "DROP SCHEMA IF EXISTS ezcdc CASCADE");
}

/* ------------------------------------------------------------------ load and save */

START_TEST(what_was_saved_is_loaded)
{
	static const char odd[] = "{\"a\":\"it's $1 \\\\ \xc3\xa4 \xf0\x9f\x90\x98\"}\n";
	struct run *a = run_of(main_db(), "shop", 0), *b;
	char *large = xcalloc(1, 3000001);

	memset(large, 'x', 3000000);
	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	ck_assert_rc(a, run_save(a, odd), EZ_OK);
	run_expect(a, odd);
	ck_assert_rc(a, run_save(a, large), EZ_OK);
	run_close(a);
	b = run_of(main_db(), "shop", 0);
	run_expect(b, large);
	run_close(b);
	free(large);
}
END_TEST

START_TEST(a_save_needs_no_load_before)
{
	struct run *a = run_of(main_db(), "shop", 7), *b;

	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	run_close(a);
	b = run_of(main_db(), "shop", 7);
	run_expect(b, "one");
	run_close(b);
	ck_assert_str_eq(cluster_sql(&cluster, "SELECT epoch FROM ezcdc.checkpoint"),
			 "7");
}
END_TEST

START_TEST(jobs_have_rows_of_their_own)
{
	struct run *a = run_of(main_db(), "a", 5), *b = run_of(main_db(), "b", 1);

	run_expect(a, NULL);
	run_expect(b, NULL);
	ck_assert_rc(a, run_save(a, "of a"), EZ_OK);
	ck_assert_rc(b, run_save(b, "of b"), EZ_OK);
	run_expect(a, "of a");
	run_expect(b, "of b");
	ck_assert_str_eq(cluster_sql(&cluster, "SELECT string_agg(job, ' ' ORDER BY job) "
					       "FROM ezcdc.checkpoint"),
			 "ezcdc_a ezcdc_b");
	run_close(a);
	run_close(b);
}
END_TEST

START_TEST(a_checking_instance_changes_nothing)
{
	const struct run_settings s = { .conninfo = main_db(), .role = EZ_ROLE_CHECK };
	struct run *check = run_open(s), *a;

	run_expect(check, NULL);
	ck_assert_str_eq(cluster_sql(&cluster, "SELECT count(*) FROM pg_namespace "
					       "WHERE nspname = 'ezcdc'"),
			 "0");
	a = run_of(main_db(), "shop", 0);
	run_expect(a, NULL);
	run_expect(check, NULL); /* claimed, and still nothing in it */
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	run_expect(check, "one");
	ck_assert_rc(a, run_save(a, "two"), EZ_OK); /* reading took nothing over */
	run_close(check);
	run_close(a);
}
END_TEST

START_TEST(odd_names_are_quoted)
{
	const struct run_settings s = { .conninfo = main_db(),
					.schema = "Odd \"x\"; --",
					.table = "ta\"b.le" };
	struct run *a = run_open(s);

	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	run_expect(a, "one");
	ck_assert_str_eq(cluster_sql(&cluster, "SELECT text FROM "
					       "\"Odd \"\"x\"\"; --\".\"ta\"\"b.le\""),
			 "one");
	cluster_sql(&cluster, "DROP SCHEMA \"Odd \"\"x\"\"; --\" CASCADE");
	run_close(a);
}
END_TEST

START_TEST(a_dropped_table_is_made_again)
{
	struct run *a = run_of(main_db(), "shop", 3);

	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	cluster_sql(&cluster, "DROP TABLE ezcdc.checkpoint");
	ck_assert_rc(a, run_save(a, "two"), EZ_OK);
	run_expect(a, "two");
	cluster_sql(&cluster, "DROP SCHEMA ezcdc CASCADE");
	ck_assert_rc(a, run_save(a, "three"), EZ_OK);
	run_expect(a, "three");
	run_close(a);
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
	struct run *a = run_of(main_db(), "shop", 0);

	ck_assert_int_eq(ops->save(a->inst, view_of("a\0b", 3), &a->host->err),
			 EZ_E_FATAL);
	ck_assert_int_eq(ops->save(a->inst, VIEW(""), &a->host->err), EZ_E_FATAL);
	run_expect(a, NULL);
	run_close(a);
}
END_TEST

/* ------------------------------------------------------------------ fencing */

START_TEST(a_newer_run_takes_over_when_it_loads)
{
	struct run *a = run_of(main_db(), "shop", 1), *b = run_of(main_db(), "shop", 2);
	struct ez_view v;

	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "of 1"), EZ_OK);
	run_expect(b, "of 1");
	/* Before the new run has saved anything: what it loaded must stay the newest. */
	ck_assert_rc(a, run_save(a, "late"), EZ_E_BUSY);
	ck_assert_has(a->host->err.text, "newer run (epoch 2)");
	ck_assert_rc(a, run_load(a, &v), EZ_E_BUSY);
	ck_assert_rc(b, run_save(b, "of 2"), EZ_OK);
	ck_assert_rc(a, run_save(a, "late"), EZ_E_BUSY);
	run_expect(b, "of 2");
	run_close(a);
	run_close(b);
}
END_TEST

START_TEST(an_older_run_cannot_come_back)
{
	struct run *b = run_of(main_db(), "shop", 2), *a;
	struct ez_view v;

	run_expect(b, NULL);
	a = run_of(main_db(), "shop", 1);
	ck_assert_rc(a, run_load(a, &v), EZ_E_BUSY);
	ck_assert_rc(a, run_save(a, "x"), EZ_E_BUSY);
	run_close(a);
	a = run_of(main_db(), "shop", 0); /* by hand, beside the control plane */
	ck_assert_rc(a, run_load(a, &v), EZ_E_BUSY);
	ck_assert_has(a->host->err.text, "epoch 2");
	run_close(a);
	ck_assert_rc(b, run_save(b, "of 2"), EZ_OK);
	run_close(b);
}
END_TEST

START_TEST(of_two_runs_of_one_epoch_the_later_wins)
{
	struct run *a = run_of(main_db(), "shop", 0), *b = run_of(main_db(), "shop", 0);

	run_expect(a, NULL);
	for (int i = 0; i < 5; i++)
		ck_assert_rc(a, run_save(a, "of a"), EZ_OK);
	run_expect(b, "of a");
	ck_assert_rc(a, run_save(a, "late"), EZ_E_BUSY);
	ck_assert_has(a->host->err.text, "another run");
	ck_assert_rc(b, run_save(b, "of b"), EZ_OK);
	run_expect(b, "of b");
	run_close(a);
	run_close(b);
}
END_TEST

struct racer {
	struct run *run;
	const char *text;
	int last_rc;
	unsigned saved;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	for (int i = 0; i < 200 && r->last_rc == EZ_OK; i++) {
		r->last_rc = run_save(r->run, r->text);
		r->saved += r->last_rc == EZ_OK;
	}
	return NULL;
}

START_TEST(a_race_of_two_epochs_ends_with_the_newer)
{
	struct racer a = { .run = run_of(main_db(), "shop", 1), .text = "of 1" };
	struct racer b = { .run = run_of(main_db(), "shop", 2), .text = "of 2" };
	pthread_t thread;

	run_expect(a.run, NULL);
	ck_assert_rc(a.run, run_save(a.run, "of 1"), EZ_OK);
	ck_assert_int_eq(pthread_create(&thread, NULL, race, &a), 0);
	run_expect(b.run, "of 1");
	race(&b);
	pthread_join(thread, NULL);
	ck_assert_int_eq(b.last_rc, EZ_OK);
	ck_assert_uint_eq(b.saved, 200);
	/* The older one stopped, or was through before the newer claimed. */
	ck_assert(a.last_rc == EZ_E_BUSY || a.saved == 200);
	ck_assert_int_eq(run_save(a.run, "late"), EZ_E_BUSY);
	run_expect(b.run, "of 2");
	ck_assert_str_eq(cluster_sql(&cluster, "SELECT epoch FROM ezcdc.checkpoint"),
			 "2");
	run_close(a.run);
	run_close(b.run);
}
END_TEST

START_TEST(first_runs_may_start_together)
{
	struct racer r[4];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		r[i] = (struct racer){ .text = "x" };
		r[i].run = run_of(main_db(), i % 2 ? "a" : "b", 0);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &r[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++) {
		ck_assert_msg(r[i].last_rc == EZ_OK || r[i].last_rc == EZ_E_BUSY, "%s",
			      r[i].run->host->err.text);
		run_close(r[i].run);
	}
}
END_TEST

/*
 * A save that was given up may still come into effect at the server: here it waits for a
 * lock while its daemon is gone and another one has loaded and saved.
 */
START_TEST(a_late_statement_undoes_nothing)
{
	struct run *a = run_of(main_db(), "shop", 0), *b;
	struct racer r = { .run = a, .text = "given up" };
	PGconn *lock = PQconnectdb(main_db());
	pthread_t thread;

	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	PQclear(PQexec(lock, "BEGIN"));
	PQclear(PQexec(lock, "SELECT * FROM ezcdc.checkpoint FOR UPDATE"));
	ck_assert_int_eq(pthread_create(&thread, NULL, race, &r), 0);
	while (strcmp(cluster_sql(&cluster,
				  "SELECT count(*) FROM pg_locks WHERE NOT granted"),
		      "1") != 0)
		;
	ops->interrupt(a->inst);
	pthread_join(thread, NULL);
	ck_assert_int_eq(r.last_rc, EZ_E_CANCELLED);
	ck_assert_uint_eq(r.saved, 0);
	ck_assert_int_eq(run_save(a, "x"), EZ_E_CANCELLED); /* for ever */
	run_close(a);
	/* The statement is still waiting when the next run claims the row under the lock. */
	PQclear(PQexec(lock, "UPDATE ezcdc.checkpoint SET run = run + 1, revision = 0"));
	PQclear(PQexec(lock, "COMMIT"));
	PQfinish(lock);
	while (strcmp(cluster_sql(&cluster, "SELECT count(*) FROM pg_stat_activity WHERE "
					    "application_name LIKE 'ezcdc checkpoint%'"),
		      "0") != 0)
		;
	b = run_of(main_db(), "shop", 0);
	run_expect(b, "one");
	run_close(b);
}
END_TEST

/* The same within one run: an attempt that was given up comes after a later one. */
START_TEST(a_save_older_than_the_row_changes_nothing)
{
	struct run *a = run_of(main_db(), "shop", 1);

	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	cluster_sql(&cluster,
		    "UPDATE ezcdc.checkpoint SET revision = 1000, text = 'newer'");
	ck_assert_rc(a, run_save(a, "two"), EZ_E_BUSY);
	ck_assert_str_eq(cluster_sql(&cluster, "SELECT text FROM ezcdc.checkpoint"),
			 "newer");
	run_close(a);
}
END_TEST

/* ------------------------------------------------------------------ remove */

START_TEST(remove_takes_the_row_of_the_job)
{
	struct run *a = run_of(main_db(), "a", 2), *b = run_of(main_db(), "b", 2), *old;

	ck_assert_int_eq(ops->remove(a->inst, &a->host->err), EZ_OK); /* no table yet */
	ck_assert_rc(a, run_save(a, "of a"), EZ_OK);
	ck_assert_rc(b, run_save(b, "of b"), EZ_OK);
	old = run_of(main_db(), "a", 1);
	ck_assert_int_eq(ops->remove(old->inst, &old->host->err), EZ_E_BUSY);
	run_close(old);
	ck_assert_int_eq(ops->remove(a->inst, &a->host->err), EZ_OK);
	ck_assert_int_eq(ops->remove(a->inst, &a->host->err), EZ_OK);
	run_expect(b, "of b");
	run_expect(a, NULL);
	run_close(a);
	a = run_of(main_db(), "b", 0); /* a person at the keyboard */
	ck_assert_int_eq(ops->remove(a->inst, &a->host->err), EZ_OK);
	run_close(a);
	run_close(b);
	ck_assert_str_eq(cluster_sql(&cluster, "SELECT string_agg(job, ' ') "
					       "FROM ezcdc.checkpoint"),
			 "ezcdc_a");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("postgres");
	TCase *t = tcase_create("row");
	SRunner *r;
	int failed;

	if (!cluster_make(&cluster))
		return 77;
	ops = ez_plugin.ops.store;
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, what_was_saved_is_loaded);
	tcase_add_test(t, a_save_needs_no_load_before);
	tcase_add_test(t, jobs_have_rows_of_their_own);
	tcase_add_test(t, a_checking_instance_changes_nothing);
	tcase_add_test(t, odd_names_are_quoted);
	tcase_add_test(t, a_dropped_table_is_made_again);
	tcase_add_test(t, what_is_no_text_is_refused);
	tcase_add_test(t, remove_takes_the_row_of_the_job);
	suite_add_tcase(s, t);
	t = tcase_create("fencing");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, a_newer_run_takes_over_when_it_loads);
	tcase_add_test(t, an_older_run_cannot_come_back);
	tcase_add_test(t, of_two_runs_of_one_epoch_the_later_wins);
	tcase_add_test(t, a_race_of_two_epochs_ends_with_the_newer);
	tcase_add_test(t, first_runs_may_start_together);
	tcase_add_test(t, a_late_statement_undoes_nothing);
	tcase_add_test(t, a_save_older_than_the_row_changes_nothing);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	cluster_remove(&cluster);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
