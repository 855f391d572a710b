/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/alloc.h"

#include <stdint.h>
#include <wchar.h>

#include "common.h"

/* A size that no allocator can give, hidden from the compiler's own check. */
static size_t huge(void)
{
	volatile size_t n = SIZE_MAX / 2 - 4096;

	return n;
}

/* malloc of the sanitizers stops at a huge size unless told otherwise. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

START_TEST(small_allocations_are_usable_and_zeroed_when_asked)
{
	_cleanup_(freep) char *p = xmalloc(10);
	_cleanup_(freep) int *zeros = xcalloc(4, sizeof(int));

	memset(p, 'x', 10);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(zeros[i], 0);
	p = xrealloc(p, 1000);
	ck_assert_mem_eq(p, "xxxxxxxxxx", 10);
	zeros = xreallocarray(zeros, 100, sizeof(int));
	ck_assert_int_eq(zeros[3], 0);
}
END_TEST

START_TEST(size_zero_gives_a_pointer_that_can_be_freed)
{
	_cleanup_(freep) void *a = xmalloc(0);
	_cleanup_(freep) void *b = xcalloc(0, 0);
	_cleanup_(freep) void *c = xrealloc(NULL, 0);
	_cleanup_(freep) void *d = xmemdup(NULL, 0);
	_cleanup_(freep) void *e = try_malloc(0);
	_cleanup_(freep) void *f = try_realloc(NULL, 0);

	ck_assert(a && b && c && d && e && f);
}
END_TEST

START_TEST(copies_are_equal_and_terminated)
{
	_cleanup_(freep) char *a = xstrdup("hello");
	_cleanup_(freep) char *b = xstrndup("hello", 3);
	_cleanup_(freep) char *c = xstrndup("hello", 30);
	_cleanup_(freep) char *d = xmemdup("a\0b", 4);
	_cleanup_(freep) char *e = xasprintf("%d-%s", 7, "x");

	ck_assert_str_eq(a, "hello");
	ck_assert_str_eq(b, "hel");
	ck_assert_str_eq(c, "hello");
	ck_assert_mem_eq(d, "a\0b", 4);
	ck_assert_str_eq(e, "7-x");
}
END_TEST

static void ask_malloc(void)
{
	free(xmalloc(huge()));
}

static void ask_calloc(void)
{
	free(xcalloc(huge(), 1));
}

static void ask_realloc(void)
{
	free(xrealloc(NULL, huge()));
}

static void ask_overflow(void)
{
	free(xreallocarray(NULL, huge(), 16));
}

/* vasprintf has no way to tell this from lacking memory. */
static void format_without_success(void)
{
	free(xasprintf("%lc", (wint_t)0x20ac));
}

START_TEST(a_small_allocation_that_fails_aborts_with_the_size)
{
	static void (*const asks[])(void) = { ask_malloc, ask_calloc, ask_realloc,
					      ask_overflow, format_without_success };
	char said[4096];

	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		ck_assert_msg(aborts(asks[i], said, sizeof(said)), "way %zu", i);
		ck_assert_ptr_nonnull(strstr(said, "out of memory, bytes="));
	}
}
END_TEST

START_TEST(a_checked_allocation_that_fails_returns_null)
{
	_cleanup_(freep) char *p = xstrdup("kept");

	ck_assert_ptr_null(try_malloc(huge()));
	ck_assert_ptr_null(try_realloc(p, huge()));
	ck_assert_str_eq(p, "kept");
}
END_TEST

START_TEST(the_nth_checked_allocation_can_be_made_to_fail_once)
{
	void *p[4];

	alloc_fail_nth(3);
	for (int i = 0; i < 4; i++)
		p[i] = try_malloc(8);
	ck_assert(p[0] && p[1] && !p[2] && p[3]);
	alloc_fail_nth(1);
	ck_assert_ptr_null(try_realloc(p[0], 16));
	alloc_fail_nth(1);
	alloc_fail_nth(0);
	ck_assert(!alloc_is_failing());
	for (int i = 0; i < 4; i++)
		free(p[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("alloc");

	ADD_CASE(s, "success", small_allocations_are_usable_and_zeroed_when_asked,
		 size_zero_gives_a_pointer_that_can_be_freed,
		 copies_are_equal_and_terminated);
	ADD_CASE(s, "failure", a_small_allocation_that_fails_aborts_with_the_size,
		 a_checked_allocation_that_fails_returns_null,
		 the_nth_checked_allocation_can_be_made_to_fail_once);
	return run_suite(s);
}
