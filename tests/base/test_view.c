/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "common.h"

enum {
	N_KEYS = 20000,
};

START_TEST(views_compare_by_bytes_and_length)
{
	ck_assert(view_eq(VIEW("abc"), view_str("abc")));
	ck_assert(!view_eq(VIEW("abc"), VIEW("abd")));
	ck_assert(!view_eq(VIEW("abc"), VIEW("ab")));
	ck_assert(view_eq(VIEW("a\0b"), view_of("a\0b", 3)));
	ck_assert(!view_eq(VIEW("a\0b"), VIEW("a\0c")));
	ck_assert(view_eq(view_of(NULL, 0), VIEW("")));
	ck_assert(view_eq_str(VIEW("abc"), "abc"));
	ck_assert(view_eq_str(view_str(NULL), ""));
}
END_TEST

START_TEST(order_is_that_of_bytes_with_the_shorter_first)
{
	ck_assert_int_lt(view_cmp(VIEW("a"), VIEW("b")), 0);
	ck_assert_int_gt(view_cmp(VIEW("b"), VIEW("a")), 0);
	ck_assert_int_lt(view_cmp(VIEW("a"), VIEW("aa")), 0);
	ck_assert_int_gt(view_cmp(VIEW("aa"), VIEW("a")), 0);
	ck_assert_int_eq(view_cmp(VIEW("aa"), VIEW("aa")), 0);
	ck_assert_int_lt(view_cmp(VIEW("a"), VIEW("\xff")), 0);
	ck_assert_int_lt(view_cmp(view_of(NULL, 0), VIEW("a")), 0);
	ck_assert_int_eq(view_cmp(view_of(NULL, 0), VIEW("")), 0);
}
END_TEST

START_TEST(beginnings_and_ends_are_found)
{
	ck_assert(view_starts(VIEW("abc"), VIEW("ab")));
	ck_assert(view_starts(VIEW("abc"), view_of(NULL, 0)));
	ck_assert(!view_starts(VIEW("abc"), VIEW("b")));
	ck_assert(!view_starts(VIEW("a"), VIEW("ab")));
	ck_assert(view_ends(VIEW("abc"), VIEW("bc")));
	ck_assert(view_ends(view_of(NULL, 0), VIEW("")));
	ck_assert(!view_ends(VIEW("abc"), VIEW("b")));
	ck_assert(!view_ends(VIEW("c"), VIEW("bc")));
}
END_TEST

START_TEST(trimming_takes_white_space_at_both_ends_only)
{
	ck_assert(view_is(view_trim(VIEW(" \t\r\n\v\fa b ")), "a b"));
	ck_assert(view_is(view_trim(VIEW("ab")), "ab"));
	ck_assert(view_is(view_trim(VIEW(" \n ")), ""));
	ck_assert(view_is(view_trim(view_of(NULL, 0)), ""));
}
END_TEST

static size_t count_parts(struct ez_view rest, struct ez_view *parts)
{
	size_t n = 0;

	while (view_split(&rest, ',', &parts[n]))
		n++;
	return n;
}

START_TEST(splitting_gives_every_part_the_empty_ones_too)
{
	struct ez_view parts[8];

	ck_assert_uint_eq(count_parts(VIEW("a,,bc"), parts), 3);
	ck_assert(view_is(parts[0], "a") && view_is(parts[1], "") &&
		  view_is(parts[2], "bc"));
	ck_assert_uint_eq(count_parts(VIEW("a,"), parts), 2);
	ck_assert(view_is(parts[1], ""));
	ck_assert_uint_eq(count_parts(VIEW(","), parts), 2);
	ck_assert_uint_eq(count_parts(VIEW(""), parts), 1);
	ck_assert_uint_eq(count_parts(view_of(NULL, 0), parts), 0);
}
END_TEST

START_TEST(a_copy_is_terminated)
{
	char *a = view_dup(view_of("abcdef", 3));
	char *b = view_dup(view_of(NULL, 0));

	ck_assert_str_eq(a, "abc");
	ck_assert_str_eq(b, "");
	free(a);
	free(b);
}
END_TEST

START_TEST(printf_arguments_survive_null_and_length)
{
	char text[16];

	snprintf(text, sizeof(text), "<%.*s|%.*s>", VIEW_ARG(view_of("abc", 2)),
		 VIEW_ARG(view_of(NULL, 0)));
	ck_assert_str_eq(text, "<ab|>");
}
END_TEST

START_TEST(hash_depends_on_every_byte_the_length_and_the_seed)
{
	char data[64] = { 0 };

	for (size_t len = 0; len <= sizeof(data); len++) {
		uint64_t h = view_hash(view_of(data, len));

		ck_assert_uint_eq(h, view_hash(view_of(data, len)));
		ck_assert_uint_ne(h, view_hash_seeded(view_of(data, len), 7));
		if (len > 0)
			ck_assert_uint_ne(h, view_hash(view_of(data, len - 1)));
		for (size_t i = 0; i < len; i++) {
			data[i] ^= 1;
			CHECK(h != view_hash(view_of(data, len)));
			data[i] ^= 1;
		}
	}
	ck_assert_uint_eq(view_hash(view_of(NULL, 0)), view_hash(VIEW("")));
}
END_TEST

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

START_TEST(similar_keys_do_not_collide_and_spread_over_the_low_bits)
{
	static uint64_t hashes[N_KEYS];
	static unsigned buckets[256];

	for (int i = 0; i < N_KEYS; i++) {
		char key[32];

		snprintf(key, sizeof(key), "public.table_%d", i);
		hashes[i] = view_hash(view_str(key));
		buckets[hashes[i] & 255]++;
	}
	qsort(hashes, N_KEYS, sizeof(hashes[0]), compare_u64);
	for (int i = 1; i < N_KEYS; i++)
		CHECK(hashes[i - 1] != hashes[i]);
	/* 78 on average; five standard deviations either way. */
	for (int i = 0; i < 256; i++)
		CHECK(buckets[i] > 34 && buckets[i] < 122);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("view");

	ADD_CASE(s, "comparison", views_compare_by_bytes_and_length,
		 order_is_that_of_bytes_with_the_shorter_first,
		 beginnings_and_ends_are_found);
	ADD_CASE(s, "pieces", trimming_takes_white_space_at_both_ends_only,
		 splitting_gives_every_part_the_empty_ones_too, a_copy_is_terminated,
		 printf_arguments_survive_null_and_length);
	ADD_CASE(s, "hash", hash_depends_on_every_byte_the_length_and_the_seed,
		 similar_keys_do_not_collide_and_spread_over_the_low_bits);
	return run_suite(s);
}
