/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "tests.h"

static const char *const columns[] = { "id int key", "n int", NULL };

#define CSV "strict_mode: true\ncolumn_separator: ,\n"

static struct cluster *c;
static struct database *db;

static void begin(void)
{
	c = tests_cluster("4.0", columns);
	db = database_find(c, VIEW("d"));
}

static void end(void)
{
	cluster_free(c);
}

static void state_is(const char *label, const char *state)
{
	struct txn *x;

	cluster_lock(c);
	x = txn_find(db, view_str(label));
	ck_assert_str_eq(x ? txn_state_to_str(x->state) : "UNKNOWN", state);
	cluster_unlock(c);
}

static void pass(int64_t ms)
{
	cluster_lock(c);
	c->clock_ms += ms;
	cluster_unlock(c);
}

static struct txn *start(const char *label)
{
	struct begin_args args = { .db = db,
				   .label = view_str(label),
				   .kind = TXN_SINGLE,
				   .timeout_ms = 10000 };
	struct txn *x = NULL;
	char text[256];

	cluster_lock(c);
	ck_assert_int_eq(txn_begin(c, &args, &x, text, sizeof(text)), BEGIN_OK);
	cluster_unlock(c);
	return x;
}

START_TEST(a_label_is_taken_until_it_is_aborted)
{
	struct txn *x = start("a");

	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"),
			 "Label [a] has already been used.");
	cluster_lock(c);
	txn_abort(c, x, "why not");
	cluster_unlock(c);
	state_is("a", "ABORTED");
	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"), "");
	state_is("a", "VISIBLE");
	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"),
			 "Label [a] has already been used.");
}
END_TEST

START_TEST(labels_are_forgotten_by_number_and_age)
{
	c->settings.label_keep_max_num = 2;
	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"), "");
	ck_assert_str_eq(tests_load(c, "b", CSV, "1,1\n"), "");
	state_is("a", "VISIBLE");
	ck_assert_str_eq(tests_load(c, "c", CSV, "1,1\n"), "");
	state_is("a", "UNKNOWN");
	state_is("b", "VISIBLE");
	pass(259201000);
	state_is("c", "UNKNOWN");
}
END_TEST

START_TEST(an_old_abort_does_not_forget_a_newer_use_of_its_label)
{
	struct txn *x = start("a");

	cluster_lock(c);
	txn_abort(c, x, "first try");
	cluster_unlock(c);
	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"), "");
	c->settings.label_keep_max_num = 1;
	state_is("a", "VISIBLE");
}
END_TEST

START_TEST(transactions_time_out)
{
	start("a");
	pass(9000);
	state_is("a", "PREPARE");
	pass(2000);
	state_is("a", "ABORTED");
}
END_TEST

START_TEST(prepared_transactions_outlive_their_timeout)
{
	struct txn *x = start("a");
	char text[256];

	cluster_lock(c);
	ck_assert(txn_prepare(c, x, text, sizeof(text)));
	txn_be_lost(c, 0);
	txn_leader_lost(c);
	cluster_unlock(c);
	pass(86000000);
	state_is("a", "PREPARED");
	pass(500000);
	state_is("a", "ABORTED");
}
END_TEST

START_TEST(running_transactions_are_limited)
{
	c->settings.max_running_txns = 1;
	start("a");
	ck_assert_ptr_nonnull(
		strstr(tests_load(c, "b", CSV, "1,1\n"), "current running txns"));
}
END_TEST

START_TEST(versions_become_visible_in_commit_order)
{
	c->settings.publish_ms = 1000;
	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"), "");
	c->settings.publish_ms = 0;
	ck_assert_str_eq(tests_load(c, "b", CSV, "1,2\n"), "");
	state_is("a", "COMMITTED");
	state_is("b", "COMMITTED");
	ck_assert_str_eq(tests_dump(c), "");
	pass(1000);
	state_is("b", "VISIBLE");
	ck_assert_str_eq(tests_dump(c), "{\"id\":1,\"n\":2}\n");
}
END_TEST

START_TEST(a_dropped_table_aborts_the_commit)
{
	struct txn *x = start("a");
	char text[256];

	cluster_lock(c);
	txn_sub(x, tests_table(c));
	table_drop(tests_table(c));
	ck_assert(!txn_commit(c, x, text, sizeof(text)));
	ck_assert_str_eq(text, "unknown table: d.t");
	cluster_unlock(c);
	state_is("a", "ABORTED");
}
END_TEST

START_TEST(truncate_takes_what_is_committed_before)
{
	c->settings.publish_ms = 1000;
	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"), "");
	cluster_lock(c);
	table_truncate(tests_table(c));
	cluster_unlock(c);
	ck_assert_str_eq(tests_load(c, "b", CSV, "2,1\n"), "");
	pass(2000);
	ck_assert_str_eq(tests_dump(c), "{\"id\":2,\"n\":1}\n");
}
END_TEST

START_TEST(versions_are_limited_until_compaction)
{
	c->settings.tablet_max_versions = 1;
	c->settings.compaction_per_min = 1;
	ck_assert_str_eq(tests_load(c, "a", CSV, "1,1\n"), "");
	ck_assert_ptr_nonnull(
		strstr(tests_load(c, "b", CSV, "1,1\n"), "too many versions"));
	pass(60000);
	ck_assert_str_eq(tests_load(c, "b", CSV, "1,1\n"), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("txn");
	TCase *t = tcase_create("transactions");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_label_is_taken_until_it_is_aborted);
	tcase_add_test(t, labels_are_forgotten_by_number_and_age);
	tcase_add_test(t, an_old_abort_does_not_forget_a_newer_use_of_its_label);
	tcase_add_test(t, transactions_time_out);
	tcase_add_test(t, prepared_transactions_outlive_their_timeout);
	tcase_add_test(t, running_transactions_are_limited);
	tcase_add_test(t, versions_become_visible_in_commit_order);
	tcase_add_test(t, a_dropped_table_aborts_the_commit);
	tcase_add_test(t, truncate_takes_what_is_committed_before);
	tcase_add_test(t, versions_are_limited_until_compaction);
	suite_add_tcase(s, t);
	return tests_run(s);
}
