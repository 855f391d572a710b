/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/attr.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

static void lose_data(void)
{
	int n_lost = 3;

	ENSURE(n_lost == 0, "rows would be lost");
}

static void break_a_promise(void)
{
	ASSERT(strlen("promise") == 0);
	abort();
}

static void say_too_much(void)
{
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ENSURE(text[0] == 'y', text);
}

START_TEST(ensure_prints_what_would_have_been_lost_and_aborts)
{
	char said[512];

	ck_assert(aborts(lose_data, said, sizeof(said)));
	ck_assert_ptr_nonnull(strstr(said, "rows would be lost: n_lost == 0\n"));
	ck_assert_ptr_nonnull(strstr(said, "test_attr.c:"));
}
END_TEST

START_TEST(assert_aborts_in_a_debug_build_only)
{
	char said[512];

	ck_assert(aborts(break_a_promise, said, sizeof(said)));
#ifdef NDEBUG
	ck_assert_str_eq(said, "");
#else
	ck_assert_ptr_nonnull(strstr(said, "assertion failed"));
#endif
}
END_TEST

START_TEST(a_long_text_is_cut_not_lost)
{
	char said[2048];

	ck_assert(aborts(say_too_much, said, sizeof(said)));
	ck_assert_uint_eq(strlen(said), 511);
}
END_TEST

START_TEST(what_holds_passes)
{
	int n = 1;

	ENSURE(n == 1, "never");
	ASSERT(n++ == 1 || n > 0);
	ck_assert_int_ge(n, 1);
}
END_TEST

START_TEST(min_and_max_evaluate_once_and_nest)
{
	int n = 0;

	ck_assert_int_eq(MIN(n++, 5), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(MAX(MIN(7, 3), MIN(4, MAX(5, 6))), 4);
}
END_TEST

START_TEST(taking_a_pointer_leaves_null)
{
	char text[] = "x";
	char *p = text;
	char *taken = TAKE_PTR(p);

	ck_assert_ptr_eq(taken, text);
	ck_assert_ptr_null(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("attr");

	ADD_CASE(s, "assertions", ensure_prints_what_would_have_been_lost_and_aborts,
		 assert_aborts_in_a_debug_build_only, a_long_text_is_cut_not_lost,
		 what_holds_passes);
	ADD_CASE(s, "macros", min_and_max_evaluate_once_and_nest,
		 taking_a_pointer_leaves_null);
	return run_suite(s);
}
