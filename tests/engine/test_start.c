/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/view.h"
#include "engine/host.h"
#include "engine/start.h"

/* Positions are small numbers here; their text is "P<number>". */
static char texts[1000][8];

static struct ez_position at(uint64_t order)
{
	snprintf(texts[order], sizeof(texts[order]), "P%u", (unsigned)order % 1000);
	return (struct ez_position){ view_str(texts[order]), order };
}

struct world {
	struct checkpoint cp;
	struct ez_source_info info;
	struct start_facts facts;
	struct start start;
	struct ez_error err;
};

/* A job that streams, its slot at 50 and its checkpoint at 60. */
static struct world streaming(void)
{
	static struct world w;

	w = (struct world){ .cp = CHECKPOINT_INIT, .err = ERROR_INIT };
	w.cp.phase = PHASE_STREAMING;
	mark_set(&w.cp.position, at(60));
	w.info = (struct ez_source_info){
		.size = sizeof(w.info),
		.slot_name = VIEW("ezcdc_shop"),
		.confirmed = at(50),
		.now = at(90),
		.slot = EZ_SLOT_READY,
		.create = 1,
	};
	w.facts = (struct start_facts){
		.cp = &w.cp,
		.info = &w.info,
		.sink_keeps = true,
		.recovered = at(60),
		.snapshot = JOB_SNAPSHOT_INITIAL,
		.job = "shop",
	};
	return w;
}

static struct world fresh(void)
{
	struct world w = streaming();

	w.cp = CHECKPOINT_INIT;
	w.facts.recovered = (struct ez_position){ .order = 0 };
	w.info.slot = EZ_SLOT_NONE;
	return w;
}

static int decide(struct world *w)
{
	w->facts.cp = &w->cp;
	w->facts.info = &w->info;
	return start_decide(&w->facts, &w->start, &w->err);
}

static void expect_stream(struct world *w, uint64_t from)
{
	ck_assert_int_eq(decide(w), EZ_OK);
	ck_assert_int_eq(w->start.action, START_STREAM);
	ck_assert_uint_eq(w->start.from.order, from);
	ck_assert(!w->start.drop_slot);
}

static void expect_refusal(struct world *w, int rc, const char *what)
{
	ck_assert_int_eq(decide(w), rc);
	ck_assert_msg(strstr(w->err.text, what) != NULL, "\"%s\" lacks \"%s\"", w->err.text,
		      what);
	ck_assert_msg(w->err.hint[0] != '\0', "a refusal needs a remedy");
}

START_TEST(a_first_start_takes_a_snapshot)
{
	struct world w = fresh();

	ck_assert_int_eq(decide(&w), EZ_OK);
	ck_assert_int_eq(w.start.action, START_SNAPSHOT);
	ck_assert(!w.start.drop_slot);
	ck_assert(!w.start.restart);
}
END_TEST

START_TEST(a_first_start_without_snapshot_makes_the_slot)
{
	struct world w = fresh();

	w.facts.snapshot = JOB_SNAPSHOT_NEVER;
	ck_assert_int_eq(decide(&w), EZ_OK);
	ck_assert_int_eq(w.start.action, START_SLOT);
}
END_TEST

START_TEST(a_slot_is_never_made_against_the_users_wish)
{
	struct world w = fresh();

	w.info.create = 0;
	expect_refusal(&w, EZ_E_CONFIG, "does not exist");
}
END_TEST

START_TEST(a_foreign_slot_is_never_touched)
{
	struct world w = fresh();

	w.info.slot = EZ_SLOT_READY;
	expect_refusal(&w, EZ_E_CONFIG, "may belong to someone else");
}
END_TEST

START_TEST(a_given_slot_is_used_from_where_it_stands)
{
	struct world w = fresh();

	w.info.slot = EZ_SLOT_READY;
	w.facts.snapshot = JOB_SNAPSHOT_NEVER;
	expect_stream(&w, 50);
	ck_assert(w.start.first);
}
END_TEST

START_TEST(a_target_with_rows_but_no_slot_is_refused)
{
	struct world w = fresh();

	w.facts.recovered = at(40);
	expect_refusal(&w, EZ_E_GONE, "slot is gone");
}
END_TEST

START_TEST(a_job_resumes_from_its_checkpoint)
{
	struct world w = streaming();

	expect_stream(&w, 60);
}
END_TEST

START_TEST(a_sink_that_is_ahead_wins)
{
	struct world w = streaming();

	w.facts.recovered = at(75);
	expect_stream(&w, 75);
}
END_TEST

START_TEST(a_sink_that_is_behind_wins_while_the_slot_still_has_it)
{
	struct world w = streaming();

	w.facts.recovered = at(55);
	expect_stream(&w, 55);
}
END_TEST

START_TEST(a_sink_behind_the_slot_is_refused)
{
	struct world w = streaming();

	w.facts.recovered = at(45);
	expect_refusal(&w, EZ_E_GONE, "holds less than the checkpoint");
}
END_TEST

START_TEST(an_emptied_sink_is_refused)
{
	struct world w = streaming();

	w.facts.recovered = (struct ez_position){ .order = 0 };
	expect_refusal(&w, EZ_E_GONE, "holds nothing");
}
END_TEST

START_TEST(a_sink_without_positions_relies_on_the_checkpoint)
{
	struct world w = streaming();

	w.facts.recovered = (struct ez_position){ .order = 0 };
	w.facts.sink_keeps = false;
	expect_stream(&w, 60);
}
END_TEST

START_TEST(an_idle_position_counts)
{
	struct world w = streaming();

	mark_set(&w.cp.idle, at(80));
	w.info.confirmed = at(80);
	expect_stream(&w, 80);
}
END_TEST

START_TEST(nothing_durable_yet_starts_where_streaming_began)
{
	struct world w = streaming();

	w.cp.position = (struct mark){ .order = 0 };
	mark_set(&w.cp.start, at(52));
	w.facts.recovered = (struct ez_position){ .order = 0 };
	expect_stream(&w, 52);
}
END_TEST

START_TEST(a_missing_slot_is_refused)
{
	struct world w = streaming();

	w.info.slot = EZ_SLOT_NONE;
	expect_refusal(&w, EZ_E_GONE, "no longer exists");
}
END_TEST

START_TEST(an_invalidated_slot_is_refused_with_its_reason)
{
	struct world w = streaming();

	w.info.slot = EZ_SLOT_LOST;
	w.info.slot_reason = VIEW("it was too far behind");
	expect_refusal(&w, EZ_E_GONE, "too far behind");
}
END_TEST

START_TEST(a_slot_that_ran_ahead_is_refused)
{
	struct world w = streaming();

	w.info.confirmed = at(61);
	expect_refusal(&w, EZ_E_GONE, "ahead of the checkpoint");
}
END_TEST

START_TEST(an_interrupted_snapshot_begins_again_with_its_own_slot)
{
	struct world w = streaming();

	w.cp.phase = PHASE_SNAPSHOT;
	w.cp.snapshot = 1;
	ck_assert_int_eq(decide(&w), EZ_OK);
	ck_assert_int_eq(w.start.action, START_SNAPSHOT);
	ck_assert(w.start.drop_slot);
	ck_assert(w.start.restart);
}
END_TEST

START_TEST(a_crash_while_the_slot_was_made_may_drop_it)
{
	struct world w = streaming();

	w.cp.phase = PHASE_CREATING;
	ck_assert_int_eq(decide(&w), EZ_OK);
	ck_assert(w.start.drop_slot);
	ck_assert(!w.start.restart);
}
END_TEST

START_TEST(a_whole_copy_is_shown_and_not_made_again)
{
	struct world w = streaming();

	w.cp.phase = PHASE_PUBLISHING;
	ck_assert_int_eq(decide(&w), EZ_OK);
	ck_assert_int_eq(w.start.action, START_PUBLISH);
	ck_assert(!w.start.drop_slot);
}
END_TEST

START_TEST(a_finished_copy_is_made_again_only_when_asked)
{
	struct world w = fresh();

	w.cp.phase = PHASE_COPIED;
	w.facts.snapshot = JOB_SNAPSHOT_ONLY;
	expect_refusal(&w, EZ_E_CONFIG, "done already");
	w.facts.again = true;
	ck_assert_int_eq(decide(&w), EZ_OK);
	ck_assert_int_eq(w.start.action, START_SNAPSHOT);
}
END_TEST

/* Whatever the three say: never from before what the server still has, never past what is
 * durable. */
START_TEST(no_combination_skips_changes)
{
	struct world w = streaming();
	uint64_t position = (uint64_t)(_i / 100) * 10, sink = (uint64_t)(_i / 10 % 10) * 10;
	uint64_t slot = (uint64_t)(_i % 10) * 10;

	w.cp.position = (struct mark){ .order = 0 };
	if (position > 0)
		mark_set(&w.cp.position, at(position));
	else
		mark_set(&w.cp.start, at(10));
	w.facts.recovered = sink > 0 ? at(sink) : (struct ez_position){ .order = 0 };
	w.info.confirmed = at(slot);
	if (decide(&w) < 0)
		return;
	ck_assert_uint_ge(w.start.from.order, slot);
	ck_assert_uint_le(w.start.from.order, MAX(sink, 10u));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("start");
	TCase *first = tcase_create("first start"), *resume = tcase_create("resume");

	tcase_add_test(first, a_first_start_takes_a_snapshot);
	tcase_add_test(first, a_first_start_without_snapshot_makes_the_slot);
	tcase_add_test(first, a_slot_is_never_made_against_the_users_wish);
	tcase_add_test(first, a_foreign_slot_is_never_touched);
	tcase_add_test(first, a_given_slot_is_used_from_where_it_stands);
	tcase_add_test(first, a_target_with_rows_but_no_slot_is_refused);
	suite_add_tcase(s, first);
	tcase_add_test(resume, a_job_resumes_from_its_checkpoint);
	tcase_add_test(resume, a_sink_that_is_ahead_wins);
	tcase_add_test(resume, a_sink_that_is_behind_wins_while_the_slot_still_has_it);
	tcase_add_test(resume, a_sink_behind_the_slot_is_refused);
	tcase_add_test(resume, an_emptied_sink_is_refused);
	tcase_add_test(resume, a_sink_without_positions_relies_on_the_checkpoint);
	tcase_add_test(resume, an_idle_position_counts);
	tcase_add_test(resume, nothing_durable_yet_starts_where_streaming_began);
	tcase_add_test(resume, a_missing_slot_is_refused);
	tcase_add_test(resume, an_invalidated_slot_is_refused_with_its_reason);
	tcase_add_test(resume, a_slot_that_ran_ahead_is_refused);
	tcase_add_test(resume, an_interrupted_snapshot_begins_again_with_its_own_slot);
	tcase_add_test(resume, a_crash_while_the_slot_was_made_may_drop_it);
	tcase_add_test(resume, a_whole_copy_is_shown_and_not_made_again);
	tcase_add_test(resume, a_finished_copy_is_made_again_only_when_asked);
	tcase_add_loop_test(resume, no_combination_skips_changes, 0, 1000);
	suite_add_tcase(s, resume);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
