/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "control/jobs/state.h"

/* The whole table, as the documentation has it: rows are states, columns events. */
static const struct {
	const char *state;
	const char *to
		[_JOB_EVENT_MAX]; /* start stop claim up paused drained error lost retry restart delete */
} table[_JOB_STATE_MAX] = {
	{ "created", { "pending", 0, 0, 0, 0, 0, 0, 0, 0, 0, "deleted" } },
	{ "pending", { 0, "stopped", "starting", 0, 0, 0, 0, 0, 0, 0, 0 } },
	{ "starting",
	  { 0, 0, 0, "running", 0, "stopped", "failed", "pending", 0, "pending", 0 } },
	{ "running",
	  { 0, 0, 0, 0, "paused", "stopped", "failed", "pending", 0, "pending", 0 } },
	{ "paused",
	  { 0, 0, 0, "running", 0, "stopped", "failed", "pending", 0, "pending", 0 } },
	{ "failed", { 0, "stopped", 0, 0, 0, 0, 0, 0, "pending", "pending", "deleted" } },
	{ "stopped", { "pending", 0, 0, 0, 0, 0, 0, 0, 0, 0, "deleted" } },
	{ "deleted", { 0 } },
};

START_TEST(every_transition_is_the_documented_one)
{
	enum job_state from, to;

	ck_assert(job_state_parse(table[_i].state, &from));
	ck_assert_int_eq(from, _i);
	for (int e = 0; e < _JOB_EVENT_MAX; e++) {
		const char *want = table[_i].to[e];
		bool can = job_next(from, (enum job_event)e, &to);

		ck_assert_msg(can == (want != NULL), "%s by %s", table[_i].state,
			      job_event_to_str((enum job_event)e));
		if (can)
			ck_assert_str_eq(job_state_to_str(to), want);
	}
}
END_TEST

/* Letters: start pause resume stop retry Restart snapshot delete; - where it is refused. */
static const char *const allowed[_JOB_STATE_MAX] = {
	"s------d", "---x----", "---x-R--", "-prx-RS-",
	"--rx-RS-", "---xtR-d", "s------d", "--------",
};

START_TEST(people_may_do_what_the_state_allows)
{
	for (int a = 0; a < _JOB_ACTION_MAX; a++) {
		enum job_action parsed;

		ck_assert(
			job_action_parse(job_action_to_str((enum job_action)a), &parsed));
		ck_assert_int_eq(parsed, a);
		ck_assert_msg(
			job_action_is_allowed((enum job_state)_i, (enum job_action)a) ==
				(allowed[_i][a] != '-'),
			"%s while %s", job_action_to_str((enum job_action)a),
			job_state_to_str((enum job_state)_i));
	}
}
END_TEST

START_TEST(a_worker_holds_what_runs_and_nothing_else)
{
	ck_assert(job_is_leased(JOB_STARTING) && job_is_leased(JOB_RUNNING) &&
		  job_is_leased(JOB_PAUSED));
	ck_assert(!job_is_leased(JOB_PENDING) && !job_is_leased(JOB_FAILED) &&
		  !job_is_leased(JOB_STOPPED));
}
END_TEST

START_TEST(only_transient_ends_are_tried_again)
{
	static const int once[] = { 64, 65, 77, 78 },
			 again[] = { 69, 70, 73, 74, 75, 1, -9 };

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		ck_assert(!job_exit_is_transient(once[i]));
	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		ck_assert(job_exit_is_transient(again[i]));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int n;

	tcase_add_loop_test(tc, every_transition_is_the_documented_one, 0,
			    _JOB_STATE_MAX);
	tcase_add_loop_test(tc, people_may_do_what_the_state_allows, 0, _JOB_STATE_MAX);
	tcase_add_test(tc, a_worker_holds_what_runs_and_nothing_else);
	tcase_add_test(tc, only_transient_ends_are_tried_again);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	n = srunner_ntests_failed(sr);
	srunner_free(sr);
	return n == 0 ? 0 : 1;
}
