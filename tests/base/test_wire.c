/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/wire.h"

#include <stdlib.h>

#include "common.h"

static const uint8_t sample[] = {
	0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 'a', 0
};

START_TEST(numbers_are_big_endian)
{
	struct wire w = wire_of(sample, sizeof(sample));
	struct wire start = w;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	ck_assert(wire_u8(&w, &u8) && u8 == 0xfe);
	w = start;
	ck_assert(wire_u16(&w, &u16) && u16 == 0xfedc);
	w = start;
	ck_assert(wire_u32(&w, &u32) && u32 == 0xfedcba98);
	w = start;
	ck_assert(wire_u64(&w, &u64) && u64 == 0xfedcba9876543210);
	ck_assert_uint_eq(wire_left(&w), 2);
}
END_TEST

START_TEST(signed_numbers_keep_their_sign)
{
	struct wire start = wire_of(sample, sizeof(sample)), w = start;
	int16_t i16;
	int32_t i32;
	int64_t i64;

	ck_assert(wire_i16(&w, &i16) && i16 == -292);
	w = start;
	ck_assert(wire_i32(&w, &i32) && i32 == -19088744);
	w = start;
	ck_assert(wire_i64(&w, &i64) && i64 == -81985529216486896);
	ck_assert(!wire_i16(&(struct wire){ 0 }, &i16));
	ck_assert(!wire_i32(&(struct wire){ 0 }, &i32));
	ck_assert(!wire_i64(&(struct wire){ 0 }, &i64));
}
END_TEST

START_TEST(what_is_not_there_leaves_cursor_and_result_alone)
{
	struct wire w = wire_of(sample, 1);
	uint16_t u16 = 77;
	uint32_t u32 = 77;
	uint64_t u64 = 77;
	uint8_t u8 = 77;
	struct ez_view v = VIEW("old");

	ck_assert(!wire_u16(&w, &u16) && u16 == 77);
	ck_assert(!wire_u32(&w, &u32) && u32 == 77);
	ck_assert(!wire_u64(&w, &u64) && u64 == 77);
	ck_assert(!wire_bytes(&w, 2, &v) && view_is(v, "old"));
	ck_assert(!wire_bytes(&w, SIZE_MAX, &v));
	ck_assert(!wire_cstr(&w, &v) && view_is(v, "old"));
	ck_assert(!wire_skip(&w, 2));
	ck_assert(!wire_skip(&w, SIZE_MAX));
	ck_assert_uint_eq(wire_left(&w), 1);
	ck_assert(wire_u8(&w, &u8));
	ck_assert(!wire_u8(&w, &u8));
}
END_TEST

START_TEST(bytes_and_strings_are_views_into_the_data)
{
	struct wire w = wire_of_view(VIEW("ab\0cd\0\0e"));
	struct ez_view v;

	ck_assert(wire_cstr(&w, &v) && view_is(v, "ab"));
	ck_assert(wire_bytes(&w, 2, &v) && view_is(v, "cd"));
	ck_assert(wire_skip(&w, 1));
	ck_assert(wire_cstr(&w, &v) && v.len == 0);
	ck_assert(!wire_cstr(&w, &v));
	ck_assert(wire_bytes(&w, 0, &v) && v.len == 0);
	ck_assert_uint_eq(wire_left(&w), 1);
}
END_TEST

START_TEST(an_empty_cursor_gives_only_nothing)
{
	struct wire w = wire_of(NULL, 0);
	struct ez_view v;

	ck_assert_uint_eq(wire_left(&w), 0);
	ck_assert(wire_skip(&w, 0));
	ck_assert(wire_bytes(&w, 0, &v) && v.len == 0);
	ck_assert(!wire_cstr(&w, &v));
}
END_TEST

/* One random getter. Returns how far the cursor had to move, or -1 when it may not. */
static ssize_t read_one(struct prng *p, struct wire *w, bool *ret_ok)
{
	size_t left = wire_left(w),
	       n = prng_below(p, 4) ? prng_below(p, 12) : prng_next(p);
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		struct ez_view v;
	} got;

	switch (prng_below(p, 7)) {
	case 0:
		*ret_ok = wire_u8(w, &got.u8);
		return left >= 1 ? 1 : -1;
	case 1:
		*ret_ok = wire_u16(w, &got.u16);
		return left >= 2 ? 2 : -1;
	case 2:
		*ret_ok = wire_u32(w, &got.u32);
		return left >= 4 ? 4 : -1;
	case 3:
		*ret_ok = wire_u64(w, &got.u64);
		return left >= 8 ? 8 : -1;
	case 4:
		*ret_ok = wire_bytes(w, n, &got.v);
		return left >= n ? (ssize_t)n : -1;
	case 5:
		*ret_ok = wire_skip(w, n);
		return left >= n ? (ssize_t)n : -1;
	default:
		n = strnlen((const char *)w->pos, left);
		*ret_ok = wire_cstr(w, &got.v);
		return n < left ? (ssize_t)n + 1 : -1;
	}
}

START_TEST(garbage_never_reads_out_of_bounds)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	size_t size = prng_below(&p, 200);
	/* A block of exactly this size: one byte too many is seen by ASan and valgrind. */
	char *data = malloc(MAX(size, (size_t)1));
	struct wire w;

	ck_assert_ptr_nonnull(data);
	fill_random(&p, data, size);
	w = wire_of(data, size);
	for (int i = 0; i < 100; i++) {
		const uint8_t *before = w.pos;
		bool ok = false;
		ssize_t moves = read_one(&p, &w, &ok);

		CHECK_SEEDED(ok == (moves >= 0), seed);
		CHECK_SEEDED(w.pos == before + (ok ? moves : 0), seed);
		CHECK_SEEDED(w.pos <= w.end, seed);
	}
	free(data);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");

	ADD_CASE(s, "getters", numbers_are_big_endian, signed_numbers_keep_their_sign,
		 bytes_and_strings_are_views_into_the_data);
	ADD_CASE(s, "bounds", what_is_not_there_leaves_cursor_and_result_alone,
		 an_empty_cursor_gives_only_nothing);
	ADD_PROPERTIES(s, "properties", 500, garbage_never_reads_out_of_bounds);
	return run_suite(s);
}
