/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "base/alloc.h"
#include "common.h"

START_TEST(pieces_of_every_kind_add_up)
{
	struct buf b = BUF_INIT(1000);

	buf_add(&b, "ab", 2);
	buf_add_view(&b, VIEW("cd"));
	buf_add_str(&b, "ef");
	buf_add_char(&b, 'g');
	buf_addf(&b, "-%d-%s-", 7, "x");
	buf_add_u64(&b, 42);
	buf_add_i64(&b, -42);
	buf_add(&b, NULL, 0);
	ck_assert(buf_ok(&b));
	ck_assert_str_eq(buf_cstr(&b), "abcdefg-7-x-42-42");
	ck_assert(view_is(buf_view(&b), "abcdefg-7-x-42-42"));
	buf_release(&b);
}
END_TEST

START_TEST(an_empty_buffer_is_an_empty_string)
{
	struct buf b;

	buf_init(&b, 10);
	ck_assert_str_eq(buf_cstr(&b), "");
	ck_assert_uint_eq(buf_view(&b).len, 0);
	buf_reset(&b);
	buf_release(&b);
	ck_assert_uint_eq(b.cap, 10);
}
END_TEST

START_TEST(a_piece_over_the_cap_leaves_a_prefix_and_a_sticky_flag)
{
	struct buf b = BUF_INIT(5);

	buf_add_str(&b, "abc");
	buf_add_str(&b, "def");
	ck_assert(!buf_ok(&b));
	buf_add_char(&b, 'g');
	buf_addf(&b, "%d", 1);
	buf_add_u64(&b, 1);
	buf_add_i64(&b, 1);
	ck_assert_ptr_null(buf_reserve(&b, 1));
	ck_assert_str_eq(buf_cstr(&b), "abc");
	ck_assert(!buf_ok(&b));
	buf_release(&b);
	ck_assert(buf_ok(&b));
}
END_TEST

START_TEST(the_cap_can_be_filled_to_the_last_byte)
{
	struct buf b = BUF_INIT(100);

	for (int i = 0; i < 100; i++)
		buf_add_char(&b, 'x');
	ck_assert(buf_ok(&b));
	ck_assert_uint_eq(strlen(buf_cstr(&b)), 100);
	buf_add_char(&b, 'x');
	ck_assert(!buf_ok(&b));
	ck_assert_uint_eq(b.len, 100);
	buf_release(&b);
}
END_TEST

START_TEST(a_formatted_piece_fills_the_cap_or_is_left_out_whole)
{
	struct buf b = BUF_INIT(70);

	buf_addf(&b, "%070d", 1);
	ck_assert(buf_ok(&b));
	ck_assert_uint_eq(b.len, 70);
	buf_truncate(&b, 2);
	buf_addf(&b, "%069d", 1);
	ck_assert(!buf_ok(&b));
	ck_assert_str_eq(buf_cstr(&b), "00");
	buf_release(&b);
}
END_TEST

START_TEST(reset_and_truncate_go_back_to_whole_content)
{
	struct buf b = BUF_INIT(4);
	const char *before;

	buf_add_str(&b, "abcd");
	buf_add_str(&b, "e");
	ck_assert(!buf_ok(&b));
	before = b.ptr;
	buf_truncate(&b, 2);
	ck_assert(buf_ok(&b));
	buf_add_str(&b, "XY");
	ck_assert_str_eq(buf_cstr(&b), "abXY");
	buf_reset(&b);
	buf_add_str(&b, "1234");
	ck_assert(buf_ok(&b));
	ck_assert_ptr_eq(b.ptr, before);
	buf_release(&b);
}
END_TEST

START_TEST(reserved_bytes_count_once_they_are_advanced)
{
	struct buf b = BUF_INIT(1000);
	char *p = buf_reserve(&b, 500);

	memset(p, 'x', 500);
	ck_assert_uint_eq(b.len, 0);
	buf_advance(&b, 3);
	ck_assert_str_eq(buf_cstr(&b), "xxx");
	ck_assert_ptr_null(buf_reserve(&b, 998));
	buf_release(&b);
}
END_TEST

START_TEST(lengths_that_would_overflow_are_refused)
{
	struct buf b = BUF_INIT(SIZE_MAX);
	volatile size_t huge = SIZE_MAX;

	buf_add_char(&b, 'x');
	ck_assert_ptr_null(buf_reserve(&b, huge));
	buf_reset(&b);
	ck_assert_ptr_null(buf_reserve(&b, huge / 2));
	buf_release(&b);
}
END_TEST

START_TEST(memory_that_is_gone_counts_as_overflow)
{
	struct buf b = BUF_INIT(1000);

	buf_add_str(&b, "kept");
	alloc_fail_nth(1);
	ck_assert_ptr_null(buf_reserve(&b, 500));
	ck_assert(!buf_ok(&b));
	ck_assert_str_eq(buf_cstr(&b), "kept");
	buf_release(&b);
}
END_TEST

START_TEST(a_format_that_fails_counts_as_overflow)
{
	struct buf b = BUF_INIT(1000);

	buf_add_str(&b, "kept");
	buf_addf(&b, "%lc", (wint_t)0x20ac);
	ck_assert(!buf_ok(&b));
	ck_assert_str_eq(buf_cstr(&b), "kept");
	buf_release(&b);
}
END_TEST

START_TEST(taking_gives_the_string_away)
{
	struct buf b = BUF_INIT(10);
	char *empty = buf_take(&b), *text;

	buf_add_str(&b, "abc");
	text = buf_take(&b);
	ck_assert_str_eq(empty, "");
	ck_assert_str_eq(text, "abc");
	ck_assert_uint_eq(b.len, 0);
	ck_assert_uint_eq(b.cap, 10);
	ck_assert_ptr_null(b.ptr);
	free(empty);
	free(text);
}
END_TEST

START_TEST(swapping_exchanges_everything)
{
	struct buf a = BUF_INIT(10), b = BUF_INIT(20);

	buf_add_str(&a, "a");
	buf_swap(&a, &b);
	ck_assert_str_eq(buf_cstr(&b), "a");
	ck_assert_str_eq(buf_cstr(&a), "");
	ck_assert_uint_eq(a.cap, 20);
	buf_release(&a);
	buf_release(&b);
}
END_TEST

static void check_decimal(struct buf *b, uint64_t v)
{
	char text[32];

	buf_reset(b);
	buf_add_u64(b, v);
	snprintf(text, sizeof(text), "%" PRIu64, v);
	ck_assert_str_eq(buf_cstr(b), text);
	buf_reset(b);
	buf_add_i64(b, (int64_t)v);
	snprintf(text, sizeof(text), "%" PRId64, (int64_t)v);
	ck_assert_str_eq(buf_cstr(b), text);
}

START_TEST(decimals_are_those_of_printf_at_every_edge)
{
	struct buf b = BUF_INIT(32);

	for (uint64_t v = 1; v; v = v > UINT64_MAX / 10 ? 0 : v * 10) {
		check_decimal(&b, v - 1);
		check_decimal(&b, v);
		check_decimal(&b, 0 - v);
	}
	check_decimal(&b, (uint64_t)INT64_MAX);
	check_decimal(&b, (uint64_t)INT64_MIN);
	check_decimal(&b, UINT64_MAX);
	for (uint64_t v = 0; v < 1100; v++)
		check_decimal(&b, v);
	buf_release(&b);
}
END_TEST

START_TEST(any_sequence_of_adds_is_a_prefix_of_what_was_meant)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	struct buf b = BUF_INIT(prng_below(&p, 3000));
	static char meant[8192], piece[200];
	size_t n_meant = 0;

	for (int i = 0; i < 60; i++) {
		size_t n = prng_below(&p, sizeof(piece) / 2);
		bool was_ok = buf_ok(&b);

		fill_random(&p, piece, n);
		piece[n] = '\0';
		if (prng_below(&p, 2)) {
			buf_add(&b, piece, n);
		} else {
			n = strlen(piece);
			buf_addf(&b, "%s", piece);
		}
		memcpy(meant + n_meant, piece, n);
		n_meant += n;
		CHECK_SEEDED(was_ok || !buf_ok(&b) || b.len == n_meant, seed);
	}
	CHECK_SEEDED(b.len <= b.cap && b.len <= n_meant, seed);
	CHECK_SEEDED(b.len == 0 || memcmp(b.ptr, meant, b.len) == 0, seed);
	CHECK_SEEDED(buf_ok(&b) == (b.len == n_meant), seed);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("buf");

	ADD_CASE(s, "content", pieces_of_every_kind_add_up,
		 an_empty_buffer_is_an_empty_string,
		 reserved_bytes_count_once_they_are_advanced,
		 taking_gives_the_string_away, swapping_exchanges_everything,
		 decimals_are_those_of_printf_at_every_edge);
	ADD_CASE(s, "cap", a_piece_over_the_cap_leaves_a_prefix_and_a_sticky_flag,
		 the_cap_can_be_filled_to_the_last_byte,
		 a_formatted_piece_fills_the_cap_or_is_left_out_whole,
		 reset_and_truncate_go_back_to_whole_content,
		 lengths_that_would_overflow_are_refused,
		 memory_that_is_gone_counts_as_overflow,
		 a_format_that_fails_counts_as_overflow);
	ADD_PROPERTIES(s, "properties", 200,
		       any_sequence_of_adds_is_a_prefix_of_what_was_meant);
	return run_suite(s);
}
