/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/backoff.h"

#include "base/attr.h"
#include "common.h"

START_TEST(waits_stay_between_the_minimum_and_a_doubling_ceiling)
{
	struct backoff b;

	for (int round = 0; round < 200; round++) {
		uint64_t ceiling = 200;

		backoff_init(&b, 100, 5000);
		for (uint32_t i = 0; i < 10; i++) {
			uint64_t ms = backoff_next_ms(&b);

			CHECK(ms >= 100 && ms <= ceiling && b.tries == i + 1);
			ceiling = MIN(ceiling * 2, (uint64_t)5000);
		}
	}
}
END_TEST

START_TEST(the_jitter_uses_the_whole_range)
{
	struct backoff b;
	uint64_t least = UINT64_MAX, most = 0;

	backoff_init(&b, 100, 1000);
	for (int i = 0; i < 5; i++)
		backoff_next_ms(&b);
	for (int i = 0; i < 2000; i++) {
		uint64_t ms = backoff_next_ms(&b);

		least = MIN(least, ms);
		most = MAX(most, ms);
	}
	ck_assert_uint_lt(least, 120);
	ck_assert_uint_gt(most, 980);
	ck_assert_uint_le(most, 1000);
}
END_TEST

START_TEST(a_reset_starts_from_the_beginning)
{
	struct backoff b;

	backoff_init(&b, 10, 100000);
	for (int i = 0; i < 20; i++)
		backoff_next_ms(&b);
	backoff_reset(&b);
	ck_assert_uint_eq(b.tries, 0);
	ck_assert_uint_le(backoff_next_ms(&b), 20);
}
END_TEST

START_TEST(limits_at_the_edges_are_kept)
{
	struct backoff b;

	backoff_init(&b, 500, 100);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(backoff_next_ms(&b), 500);
	backoff_init(&b, 0, 0);
	ck_assert_uint_eq(backoff_next_ms(&b), 0);
	backoff_init(&b, UINT64_MAX - 1, UINT64_MAX);
	ck_assert_uint_ge(backoff_next_ms(&b), UINT64_MAX - 1);
	ck_assert_uint_ge(backoff_next_ms(&b), UINT64_MAX - 1);
	backoff_init(&b, 0, UINT64_MAX);
	b.ceiling_ms = UINT64_MAX;
	ck_assert_uint_ne(backoff_next_ms(&b), backoff_next_ms(&b));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("backoff");

	ADD_CASE(s, "backoff", waits_stay_between_the_minimum_and_a_doubling_ceiling,
		 the_jitter_uses_the_whole_range, a_reset_starts_from_the_beginning,
		 limits_at_the_edges_are_kept);
	return run_suite(s);
}
