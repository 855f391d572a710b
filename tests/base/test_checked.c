/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/checked.h"

#include "common.h"

START_TEST(sums_say_when_they_overflow)
{
	size_t n;
	uint64_t u;
	int64_t i;

	ck_assert(!add_overflows_size(SIZE_MAX - 1, 1, &n) && n == SIZE_MAX);
	ck_assert(add_overflows_size(SIZE_MAX, 1, &n));
	ck_assert(!add_overflows_u64(UINT64_MAX - 1, 1, &u) && u == UINT64_MAX);
	ck_assert(add_overflows_u64(UINT64_MAX, 1, &u));
	ck_assert(!add_overflows_i64(INT64_MAX - 1, 1, &i) && i == INT64_MAX);
	ck_assert(add_overflows_i64(INT64_MAX, 1, &i));
	ck_assert(add_overflows_i64(INT64_MIN, -1, &i));
}
END_TEST

START_TEST(differences_say_when_they_overflow)
{
	size_t n;
	uint64_t u;
	int64_t i;

	ck_assert(!sub_overflows_size(1, 1, &n) && n == 0);
	ck_assert(sub_overflows_size(0, 1, &n));
	ck_assert(!sub_overflows_u64(2, 1, &u) && u == 1);
	ck_assert(sub_overflows_u64(0, 1, &u));
	ck_assert(!sub_overflows_i64(INT64_MIN + 1, 1, &i) && i == INT64_MIN);
	ck_assert(sub_overflows_i64(INT64_MIN, 1, &i));
	ck_assert(sub_overflows_i64(0, INT64_MIN, &i));
}
END_TEST

START_TEST(products_say_when_they_overflow)
{
	size_t n;
	uint64_t u;
	int64_t i;

	ck_assert(!mul_overflows_size(SIZE_MAX / 2, 2, &n) && n == SIZE_MAX - 1);
	ck_assert(mul_overflows_size(SIZE_MAX / 2 + 1, 2, &n));
	ck_assert(!mul_overflows_u64(1ULL << 32, (1ULL << 32) - 1, &u) &&
		  u == UINT64_MAX - UINT32_MAX);
	ck_assert(mul_overflows_u64(1ULL << 32, 1ULL << 32, &u));
	ck_assert(!mul_overflows_i64(INT64_MIN / 2, 2, &i) && i == INT64_MIN);
	ck_assert(mul_overflows_i64(INT64_MIN, -1, &i));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("checked");

	ADD_CASE(s, "checked", sums_say_when_they_overflow,
		 differences_say_when_they_overflow, products_say_when_they_overflow);
	return run_suite(s);
}
