/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "common.h"

static struct arena_pool pool;

static void set_up(void)
{
	arena_pool_init(&pool);
}

static void tear_down(void)
{
	arena_pool_release(&pool);
}

START_TEST(allocations_are_aligned_and_apart)
{
	struct arena a;
	char *last_end = NULL;

	arena_init(&a, &pool, 0);
	for (size_t n = 0; n < 100; n++) {
		char *p = arena_alloc(&a, n);

		ck_assert_uint_eq((uintptr_t)p % ARENA_ALIGN, 0);
		ck_assert(p >= last_end);
		memset(p, 'x', n);
		last_end = p + n;
	}
	ck_assert_uint_eq(arena_bytes(&a), ARENA_CHUNK_BYTES);
	arena_release(&a);
}
END_TEST

START_TEST(an_unused_arena_takes_no_memory)
{
	struct arena a;

	arena_init(&a, &pool, 0);
	ck_assert_uint_eq(arena_bytes(&a), 0);
	ck_assert_uint_eq(arena_used_bytes(&a), 0);
	ck_assert_uint_eq(arena_pool_live_bytes(&pool), 0);
	arena_release(&a);
}
END_TEST

START_TEST(chunks_go_back_to_the_pool_and_come_out_again)
{
	struct arena a;

	arena_init(&a, &pool, 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3000; i++)
			memset(arena_alloc(&a, 200), 'x', 200);
		ck_assert_uint_eq(arena_bytes(&a), (size_t)3 * ARENA_CHUNK_BYTES);
		ck_assert_uint_eq(arena_pool_live_bytes(&pool), arena_bytes(&a));
		ck_assert_uint_eq(arena_pool_cached_bytes(&pool), 0);
		arena_release(&a);
		ck_assert_uint_eq(arena_pool_live_bytes(&pool), 0);
		ck_assert_uint_eq(arena_pool_cached_bytes(&pool),
				  (size_t)3 * ARENA_CHUNK_BYTES);
	}
}
END_TEST

/* There under AddressSanitizer alone. */
extern int __asan_address_is_poisoned(const volatile void *p) __attribute__((weak));

START_TEST(the_sanitizer_sees_use_after_release)
{
	struct arena a;
	char *p;

	if (!__asan_address_is_poisoned)
		return;
	arena_init(&a, &pool, 0);
	p = arena_alloc(&a, 100);
	ck_assert(!__asan_address_is_poisoned(p));
	arena_release(&a);
	ck_assert(__asan_address_is_poisoned(p));
	ck_assert_ptr_eq(arena_alloc(&a, 100), p);
	ck_assert(!__asan_address_is_poisoned(p));
	arena_release(&a);
}
END_TEST

START_TEST(a_request_too_big_to_share_gets_its_own_mapping)
{
	struct arena a;
	char *small, *big, *next;

	arena_init(&a, &pool, 0);
	small = arena_alloc(&a, 8);
	big = arena_alloc(&a, (size_t)1024 * 1024);
	next = arena_alloc(&a, 8);
	memset(big, 'x', (size_t)1024 * 1024);
	ck_assert_ptr_eq(next, small + 8);
	ck_assert_uint_ge(arena_bytes(&a), ARENA_CHUNK_BYTES + 1024 * 1024);
	arena_release(&a);
	ck_assert_uint_eq(arena_pool_live_bytes(&pool), 0);
	ck_assert_uint_eq(arena_pool_cached_bytes(&pool), ARENA_CHUNK_BYTES);
}
END_TEST

START_TEST(an_own_mapping_of_chunk_size_is_not_taken_for_a_chunk)
{
	struct arena a;

	arena_init(&a, &pool, 0);
	memset(arena_alloc(&a, ARENA_CHUNK_BYTES - 64), 'x', ARENA_CHUNK_BYTES - 64);
	ck_assert_uint_ne(arena_bytes(&a), ARENA_CHUNK_BYTES);
	arena_release(&a);
	ck_assert_uint_eq(arena_pool_cached_bytes(&pool), 0);
}
END_TEST

START_TEST(trimming_gives_cached_chunks_back_down_to_the_limit)
{
	struct arena a;

	arena_init(&a, &pool, 0);
	for (int i = 0; i < 4; i++)
		(void)arena_alloc(&a, 60000), (void)arena_alloc(&a, 60000),
			(void)arena_alloc(&a, 60000), (void)arena_alloc(&a, 60000);
	arena_release(&a);
	ck_assert_uint_eq(arena_pool_cached_bytes(&pool), (size_t)4 * ARENA_CHUNK_BYTES);
	arena_pool_trim(&pool, (size_t)2 * ARENA_CHUNK_BYTES + 1);
	ck_assert_uint_eq(arena_pool_cached_bytes(&pool), (size_t)2 * ARENA_CHUNK_BYTES);
	arena_pool_trim(&pool, 0);
	ck_assert_uint_eq(arena_pool_cached_bytes(&pool), 0);
	arena_pool_trim(&pool, 0);
}
END_TEST

static char released[8];
static size_t n_released;

static void note_release(void *mem)
{
	released[n_released++] = *(char *)mem;
	free(mem);
}

START_TEST(adopted_memory_is_charged_and_released_newest_first)
{
	struct arena a;
	size_t before;

	arena_init(&a, &pool, 0);
	(void)arena_alloc(&a, 1);
	before = arena_bytes(&a);
	for (int i = 0; i < 3; i++)
		arena_adopt(&a, xmemdup(&"abc"[i], 1), 1000, note_release);
	ck_assert_uint_eq(arena_bytes(&a), before + 3000);
	ck_assert_uint_eq(arena_pool_live_bytes(&pool), before);
	ck_assert_uint_eq(n_released, 0);
	arena_release(&a);
	ck_assert_uint_eq(n_released, 3);
	ck_assert_mem_eq(released, "cba", 3);
	n_released = 0;
}
END_TEST

START_TEST(fullness_is_reported_at_the_cap_and_not_enforced)
{
	struct arena a;
	char *mine = xmalloc(1);

	mine[0] = 'm';
	arena_init(&a, &pool, ARENA_CHUNK_BYTES + 1);
	(void)arena_alloc(&a, 1);
	ck_assert(!arena_is_full(&a));
	arena_adopt(&a, mine, 1, note_release);
	ck_assert(arena_is_full(&a));
	(void)arena_alloc(&a, 1);
	arena_release(&a);
	ck_assert(!arena_is_full(&a));
	ck_assert_uint_eq(a.cap_bytes, ARENA_CHUNK_BYTES + 1);
	arena_init(&a, &pool, 0);
	(void)arena_alloc(&a, 1);
	ck_assert(!arena_is_full(&a));
	arena_release(&a);
}
END_TEST

START_TEST(used_bytes_leave_out_the_rest_of_the_chunk)
{
	struct arena a;
	size_t first;

	arena_init(&a, &pool, 0);
	(void)arena_alloc(&a, 8);
	first = arena_used_bytes(&a);
	(void)arena_alloc(&a, 100);
	ck_assert_uint_eq(arena_used_bytes(&a), first + 104);
	ck_assert_uint_lt(first, 100);
	arena_release(&a);
}
END_TEST

START_TEST(copies_and_zeroed_memory_are_what_they_say)
{
	struct arena a;
	struct ez_view copy, none;
	int *zeros;

	arena_init(&a, &pool, 0);
	memset(arena_alloc(&a, 4000), 'x', 4000);
	arena_release(&a);
	zeros = arena_calloc(&a, 1000, sizeof(int));
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(zeros[i], 0);
	copy = arena_dup(&a, view_of("abcdef", 3));
	ck_assert(view_is(copy, "abc"));
	ck_assert_int_eq(copy.ptr[3], '\0');
	none = arena_dup(&a, view_of(NULL, 0));
	ck_assert_uint_eq(none.len, 0);
	ck_assert_int_eq(none.ptr[0], '\0');
	arena_release(&a);
}
END_TEST

START_TEST(input_sized_requests_fail_as_null)
{
	volatile size_t huge = SIZE_MAX;
	struct arena a;

	arena_init(&a, &pool, 0);
	ck_assert_ptr_null(arena_try_alloc(&a, huge));
	ck_assert_ptr_null(arena_try_alloc(&a, huge - 10000));
	alloc_fail_nth(1);
	ck_assert_ptr_null(arena_try_alloc(&a, 10));
	alloc_fail_nth(1);
	ck_assert_ptr_null(arena_try_alloc(&a, 1000000));
	ck_assert_uint_eq(arena_bytes(&a), 0);
	ck_assert_ptr_nonnull(arena_try_alloc(&a, 10));
	arena_release(&a);
}
END_TEST

static void alloc_without_memory(void)
{
	struct arena a;

	arena_init(&a, &pool, 0);
	alloc_fail_nth(1);
	(void)arena_alloc(&a, 10);
}

static void calloc_overflow(void)
{
	struct arena a;
	volatile size_t huge = SIZE_MAX;

	arena_init(&a, &pool, 0);
	(void)arena_calloc(&a, huge, 2);
}

START_TEST(other_requests_abort_without_memory)
{
	char said[256];

	ck_assert(aborts(alloc_without_memory, said, sizeof(said)));
	ck_assert_str_eq(said, "out of memory, bytes=10\n");
	ck_assert(aborts(calloc_overflow, said, sizeof(said)));
}
END_TEST

struct block {
	unsigned char *p;
	size_t n;
	unsigned char tag;
};

static bool is_intact(const struct block *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] != b->tag)
			return false;
	}
	return true;
}

/* Mostly small, sometimes around the border of what shares a chunk, sometimes large. */
static size_t random_size(struct prng *p)
{
	switch (prng_below(p, 20)) {
	case 0:
		return ARENA_CHUNK_BYTES / 4 - 20 + prng_below(p, 40);
	case 1:
		return ARENA_CHUNK_BYTES - 40 + prng_below(p, 60);
	default:
		return prng_below(p, 700);
	}
}

START_TEST(no_two_allocations_of_any_arenas_touch)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	struct arena arenas[3];
	static struct block blocks[3][400];
	size_t n_blocks[3] = { 0 };

	for (int i = 0; i < 3; i++)
		arena_init(&arenas[i], &pool, 0);
	for (int step = 0; step < 1000; step++) {
		size_t i = prng_below(&p, 3);
		struct block *b = &blocks[i][n_blocks[i]];

		if (n_blocks[i] == 400 || prng_below(&p, 200) == 0) {
			for (size_t k = 0; k < n_blocks[i]; k++)
				CHECK_SEEDED(is_intact(&blocks[i][k]), seed);
			arena_release(&arenas[i]);
			n_blocks[i] = 0;
			continue;
		}
		b->n = random_size(&p);
		b->tag = (unsigned char)prng_next(&p);
		b->p = arena_try_alloc(&arenas[i], b->n);
		CHECK_SEEDED(b->p && (uintptr_t)b->p % ARENA_ALIGN == 0, seed);
		memset(b->p, b->tag, b->n);
		n_blocks[i]++;
	}
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < n_blocks[i]; k++)
			CHECK_SEEDED(is_intact(&blocks[i][k]), seed);
		arena_release(&arenas[i]);
	}
	CHECK_SEEDED(arena_pool_live_bytes(&pool) == 0, seed);
}
END_TEST

static void *churn(void *arg)
{
	struct prng p = PRNG_INIT(*(const uint64_t *)arg);

	for (int round = 0; round < 200; round++) {
		struct arena a;

		arena_init(&a, &pool, 0);
		for (uint64_t n = prng_below(&p, 20); n > 0; n--) {
			size_t size = prng_below(&p, 50000);

			memset(arena_alloc(&a, size), (int)round, size);
		}
		arena_release(&a);
		if (round % 16 == 0)
			arena_pool_trim(&pool, ARENA_CHUNK_BYTES);
	}
	return NULL;
}

START_TEST(threads_share_the_pool)
{
	pthread_t threads[4];
	uint64_t seeds[4];

	for (size_t i = 0; i < 4; i++) {
		seeds[i] = seed_of((int)i);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, &seeds[i]), 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(arena_pool_live_bytes(&pool), 0);
}
END_TEST

static void add_pool_case(Suite *s, const char *name, const TTest *const *tests, size_t n,
			  int n_loops)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tc, tests[i], 0, n_loops);
	suite_add_tcase(s, tc);
}

int main(void)
{
	static const TTest *tests[32];
	size_t n = 0;
	Suite *s = suite_create("arena");

	tests[n++] = allocations_are_aligned_and_apart;
	tests[n++] = an_unused_arena_takes_no_memory;
	tests[n++] = chunks_go_back_to_the_pool_and_come_out_again;
	tests[n++] = the_sanitizer_sees_use_after_release;
	tests[n++] = a_request_too_big_to_share_gets_its_own_mapping;
	tests[n++] = an_own_mapping_of_chunk_size_is_not_taken_for_a_chunk;
	tests[n++] = trimming_gives_cached_chunks_back_down_to_the_limit;
	tests[n++] = adopted_memory_is_charged_and_released_newest_first;
	tests[n++] = fullness_is_reported_at_the_cap_and_not_enforced;
	tests[n++] = used_bytes_leave_out_the_rest_of_the_chunk;
	tests[n++] = copies_and_zeroed_memory_are_what_they_say;
	tests[n++] = input_sized_requests_fail_as_null;
	tests[n++] = other_requests_abort_without_memory;
	tests[n++] = threads_share_the_pool;
	add_pool_case(s, "arena", tests, n, 1);
	tests[0] = no_two_allocations_of_any_arenas_touch;
	add_pool_case(s, "properties", tests, 1, 20);
	return run_suite(s);
}
