/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plugins/pgoutput/flow.h"
#include "run.h"

enum {
	QUICK_US = 20,
	SLOW_US = 5000,
	SMALL = 4096,
	LARGE = 150 * 1024,
	HUGE_ROUND = 300 * 1024
};

/* One round: so many bytes, then a wait. Returns the nap; a sleep ends after slept_us. */
static uint32_t one_round(struct flow *f, size_t bytes, int64_t slept_us)
{
	uint32_t nap_us;

	flow_add(f, bytes);
	nap_us = flow_wait(f);
	if (nap_us == 0)
		flow_woken(f, slept_us);
	return nap_us;
}

static void make_flow(struct flow *f)
{
	flow_init(f);
	for (int i = 0; i < 10 && !f->is_flowing; i++)
		ck_assert_uint_eq(one_round(f, SMALL, QUICK_US), 0);
	ck_assert(f->is_flowing);
}

START_TEST(a_quiet_system_never_naps)
{
	struct flow f;

	flow_init(&f);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(one_round(&f, SMALL, SLOW_US), 0);
}
END_TEST

START_TEST(a_transaction_in_three_messages_does_not_begin_a_flow)
{
	struct flow f;

	flow_init(&f);
	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(one_round(&f, 40, SLOW_US), 0);
		ck_assert_uint_eq(one_round(&f, 150, QUICK_US), 0);
		ck_assert_uint_eq(one_round(&f, 40, QUICK_US), 0);
	}
}
END_TEST

START_TEST(a_backlog_is_met_with_naps)
{
	struct flow f;

	make_flow(&f);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_ge(one_round(&f, SMALL, QUICK_US), 100);
}
END_TEST

START_TEST(a_nap_that_brings_nothing_ends_in_a_sleep)
{
	struct flow f;

	make_flow(&f);
	ck_assert_uint_gt(one_round(&f, SMALL, 0), 0);
	ck_assert_uint_eq(flow_wait(&f), 0);
}
END_TEST

START_TEST(a_backlog_that_stutters_flows_again_after_one_quick_wait)
{
	struct flow f;

	make_flow(&f);
	ck_assert_uint_gt(one_round(&f, SMALL, 0), 0);
	ck_assert_uint_eq(flow_wait(&f), 0);
	flow_woken(&f, QUICK_US);
	ck_assert_uint_gt(one_round(&f, SMALL, 0), 0);
}
END_TEST

START_TEST(after_a_pause_a_flow_has_to_show_again)
{
	struct flow f;

	make_flow(&f);
	ck_assert_uint_gt(one_round(&f, SMALL, 0), 0);
	ck_assert_uint_eq(flow_wait(&f), 0);
	flow_woken(&f, SLOW_US);
	ck_assert_uint_eq(one_round(&f, SMALL, QUICK_US), 0);
	ck_assert_uint_eq(one_round(&f, SMALL, QUICK_US), 0);
}
END_TEST

START_TEST(naps_get_shorter_where_much_comes)
{
	struct flow f;
	uint32_t first, later;

	make_flow(&f);
	first = one_round(&f, LARGE, QUICK_US);
	later = one_round(&f, LARGE, QUICK_US);
	ck_assert_uint_lt(later, first);
	ck_assert_uint_eq(one_round(&f, HUGE_ROUND, QUICK_US), 0);
}
END_TEST

START_TEST(naps_come_back_when_rounds_are_small_again)
{
	struct flow f;

	make_flow(&f);
	ck_assert_uint_eq(one_round(&f, HUGE_ROUND, QUICK_US), 0);
	(void)one_round(&f, SMALL, QUICK_US);
	ck_assert_uint_gt(one_round(&f, SMALL, QUICK_US), 0);
}
END_TEST

START_TEST(naps_are_never_longer_than_half_a_millisecond)
{
	struct flow f;

	make_flow(&f);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_le(one_round(&f, SMALL, QUICK_US), 500);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flow");

	ADD_TESTS(s, "naps", a_quiet_system_never_naps,
		  a_transaction_in_three_messages_does_not_begin_a_flow,
		  a_backlog_is_met_with_naps, a_nap_that_brings_nothing_ends_in_a_sleep,
		  a_backlog_that_stutters_flows_again_after_one_quick_wait,
		  after_a_pause_a_flow_has_to_show_again,
		  naps_get_shorter_where_much_comes,
		  naps_come_back_when_rounds_are_small_again,
		  naps_are_never_longer_than_half_a_millisecond);
	return run_tests(s);
}
