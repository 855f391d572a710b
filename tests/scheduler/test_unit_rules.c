/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/unit_rules.h"

#include <signal.h>

#include "base/attr.h"
#include "base/common.h"
#include "engine/exit_code.h"
#include "scheduler/process.h"

/* ------------------------------------------------------------------------- how it ended */

START_TEST(codes_that_may_pass_are_tried_again)
{
	const int codes[] = { EXIT_UNAVAILABLE, EXIT_INTERNAL,  EXIT_CANTCREAT,
			      EXIT_IO,          EXIT_BUSY,      1,
			      127,              128 + SIGKILL,  128 + SIGSEGV,
			      PROCESS_UNKNOWN };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		const struct ending e = { .code = codes[i] };

		ck_assert_int_eq(verdict_of(&e), VERDICT_RETRY);
	}
}
END_TEST

START_TEST(codes_that_a_person_must_mend_are_not_tried_again_even_while_stopping)
{
	const int codes[] = { EXIT_USAGE, EXIT_DATA, EXIT_PERMISSION, EXIT_CONFIG };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		const struct ending e = { .code = codes[i] }, told = { codes[i], true, false, false };

		ck_assert_int_eq(verdict_of(&e), VERDICT_FAILED);
		ck_assert_int_eq(verdict_of(&told), VERDICT_FAILED);
	}
}
END_TEST

START_TEST(who_asked_for_the_end_decides_what_a_clean_end_means)
{
	const struct ending told = { .code = 0, .told = true };
	const struct ending by_itself = { .code = 0 };
	const struct ending by_person = { .code = 0, .by_command = true };
	const struct ending by_both = { .code = 0, .told = true, .by_command = true };
	const struct ending by_stranger = { .code = 0, .by_signal = true };
	const struct ending killed = { .code = 128 + SIGKILL, .told = true };

	ck_assert_int_eq(verdict_of(&told), VERDICT_STOPPED);
	ck_assert_int_eq(verdict_of(&by_itself), VERDICT_DONE);
	ck_assert_int_eq(verdict_of(&by_person), VERDICT_HELD);
	ck_assert_int_eq(verdict_of(&by_both), VERDICT_HELD);
	ck_assert_int_eq(verdict_of(&by_stranger), VERDICT_RETRY);
	ck_assert_int_eq(verdict_of(&killed), VERDICT_STOPPED);
}
END_TEST

/* ------------------------------------------------------------------- what is to be done */

static const struct version old = { 1, 1, 11 }, new = { 2, 1, 11 };

static struct unit_facts idle(enum unit_state state)
{
	return (struct unit_facts){ .state = state, .wanted = true, .known = true,
				    .has_room = true, .now = old, .want = old };
}

static struct unit_facts up(enum unit_state state)
{
	struct unit_facts f = idle(state);

	f.has_process = true;
	return f;
}

START_TEST(a_daemon_that_runs_what_is_wanted_is_left_alone)
{
	struct unit_facts f = up(UNIT_RUNNING);

	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	f.has_room = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
}
END_TEST

START_TEST(a_daemon_is_stopped_for_another_version_and_when_it_is_not_wanted)
{
	struct unit_facts f = up(UNIT_RUNNING);

	f.want = new;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f.want = (struct version){ 1, 2, 11 };
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f.want = (struct version){ 1, 1, 12 };
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f = up(UNIT_RUNNING);
	f.wanted = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f = up(UNIT_RUNNING);
	f.refused = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f = up(UNIT_RUNNING);
	f.draining = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
}
END_TEST

START_TEST(an_edit_goes_to_the_daemon_that_runs_if_that_may_take_it)
{
	struct unit_facts f = up(UNIT_RUNNING);

	f.may_reload = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	f.want = (struct version){ 1, 2, 11 };
	ck_assert_int_eq(unit_decide(&f), ACTION_RELOAD);
	f.may_reload = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f.may_reload = true;
	f.want = (struct version){ 2, 2, 11 };
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f.want = (struct version){ 1, 2, 11 };
	f.wanted = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f.wanted = true;
	f.draining = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
	f = up(UNIT_RUNNING);
	f.may_reload = true;
	f.now.epoch = f.want.epoch = 0; /* a job file, which its daemon reads itself */
	f.want.fingerprint++;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
}
END_TEST

START_TEST(a_daemon_is_told_to_stop_once)
{
	struct unit_facts f = up(UNIT_STOPPING);

	f.wanted = f.known = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	f.draining = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
}
END_TEST

START_TEST(nothing_is_touched_before_the_set_is_known)
{
	struct unit_facts f = up(UNIT_RUNNING);

	f.keep = true;
	f.wanted = f.known = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	f.has_process = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	f.draining = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	f.has_process = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
}
END_TEST

START_TEST(what_is_wanted_and_does_not_run_is_started)
{
	const enum unit_state states[] = { UNIT_NEW, UNIT_STOPPED };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct unit_facts f = idle(states[i]);

		ck_assert_int_eq(unit_decide(&f), ACTION_START);
		f.has_room = false;
		ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
		f.has_room = true;
		f.draining = true;
		ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	}
}
END_TEST

START_TEST(what_failed_was_stopped_or_is_done_waits_for_another_version)
{
	const enum unit_state states[] = { UNIT_FAILED, UNIT_HELD, UNIT_DONE };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct unit_facts f = idle(states[i]);

		f.is_due = true;
		ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
		f.want = new;
		ck_assert_int_eq(unit_decide(&f), ACTION_START);
	}
}
END_TEST

START_TEST(a_next_try_waits_for_its_time_or_another_version)
{
	struct unit_facts f = idle(UNIT_WAITING);

	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
	f.is_due = true;
	ck_assert_int_eq(unit_decide(&f), ACTION_START);
	f.is_due = false;
	f.want = new;
	ck_assert_int_eq(unit_decide(&f), ACTION_START);
}
END_TEST

START_TEST(what_nobody_wants_is_forgotten_once_nothing_runs)
{
	struct unit_facts f = idle(UNIT_STOPPED);

	f.wanted = f.known = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_FORGET);
	f.has_process = true;
	f.state = UNIT_RUNNING;
	ck_assert_int_eq(unit_decide(&f), ACTION_STOP);
}
END_TEST

START_TEST(what_is_wanted_to_be_stopped_is_kept_in_mind)
{
	struct unit_facts f = idle(UNIT_STOPPED);

	f.wanted = false;
	ck_assert_int_eq(unit_decide(&f), ACTION_NONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unit_rules");

	ADD_CASE(s, "ends", codes_that_may_pass_are_tried_again,
		 codes_that_a_person_must_mend_are_not_tried_again_even_while_stopping,
		 who_asked_for_the_end_decides_what_a_clean_end_means);
	ADD_CASE(s, "actions", a_daemon_that_runs_what_is_wanted_is_left_alone,
		 a_daemon_is_stopped_for_another_version_and_when_it_is_not_wanted,
		 an_edit_goes_to_the_daemon_that_runs_if_that_may_take_it,
		 a_daemon_is_told_to_stop_once, nothing_is_touched_before_the_set_is_known,
		 what_is_wanted_and_does_not_run_is_started,
		 what_failed_was_stopped_or_is_done_waits_for_another_version,
		 a_next_try_waits_for_its_time_or_another_version,
		 what_nobody_wants_is_forgotten_once_nothing_runs,
		 what_is_wanted_to_be_stopped_is_kept_in_mind);
	return run_suite(s);
}
