/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/random.h"

#include "common.h"

START_TEST(the_kernel_gives_different_numbers)
{
	uint64_t a = random_u64(), b = random_u64();

	ck_assert_uint_ne(a, b);
}
END_TEST

START_TEST(a_seed_decides_the_sequence)
{
	struct prng a = PRNG_INIT(7), b = PRNG_INIT(7), c = PRNG_INIT(8);
	uint64_t first = prng_next(&a);

	ck_assert_uint_eq(first, prng_next(&b));
	ck_assert_uint_ne(first, prng_next(&c));
	ck_assert_uint_ne(first, prng_next(&a));
}
END_TEST

START_TEST(bounded_numbers_stay_below_and_reach_every_value)
{
	struct prng p = PRNG_INIT(1);
	unsigned seen[6] = { 0 };

	for (int i = 0; i < 600; i++) {
		uint64_t v = prng_below(&p, 6);

		ck_assert_uint_lt(v, 6);
		seen[v]++;
	}
	for (int i = 0; i < 6; i++)
		ck_assert_uint_gt(seen[i], 50);
	ck_assert_uint_eq(prng_below(&p, 1), 0);
	ck_assert_uint_eq(prng_below(&p, 0), 0);
}
END_TEST

START_TEST(the_finaliser_is_a_bijection_on_what_we_can_try)
{
	static bool seen[1 << 16];
	uint64_t n_seen = 0;

	/* Distinct inputs give distinct outputs; birthday odds over 64 bits are nil. */
	for (uint64_t x = 0; x < 1000; x++) {
		for (uint64_t y = x + 1; y < x + 20; y++)
			CHECK(random_mix(x) != random_mix(y));
		n_seen += !seen[random_mix(x) >> 48];
		seen[random_mix(x) >> 48] = true;
	}
	ck_assert_uint_gt(n_seen, 950);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("random");

	ADD_CASE(s, "random", the_kernel_gives_different_numbers,
		 a_seed_decides_the_sequence,
		 bounded_numbers_stay_below_and_reach_every_value,
		 the_finaliser_is_a_bijection_on_what_we_can_try);
	return run_suite(s);
}
