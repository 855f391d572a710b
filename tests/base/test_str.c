/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/str.h"

#include <wchar.h>

#include "common.h"

START_TEST(text_that_fits_is_whole)
{
	char dst[6];

	ck_assert(str_format(dst, sizeof(dst), "%d-%s", 12, "ab"));
	ck_assert_str_eq(dst, "12-ab");
	ck_assert(str_copy(dst, sizeof(dst), VIEW("abcde")));
	ck_assert_str_eq(dst, "abcde");
	ck_assert(str_copy(dst, sizeof(dst), view_of(NULL, 0)));
	ck_assert_str_eq(dst, "");
}
END_TEST

START_TEST(text_that_does_not_fit_is_cut_terminated_and_reported)
{
	char dst[4];

	ck_assert(!str_format(dst, sizeof(dst), "%s", "abcd"));
	ck_assert_str_eq(dst, "abc");
	ck_assert(!str_copy(dst, sizeof(dst), VIEW("wxyz")));
	ck_assert_str_eq(dst, "wxy");
}
END_TEST

START_TEST(a_destination_of_size_zero_is_not_touched)
{
	char dst[1] = { 'x' };

	ck_assert(!str_format(dst, 0, "%s", "abcd"));
	ck_assert(!str_copy(dst, 0, VIEW("a")));
	ck_assert_int_eq(dst[0], 'x');
}
END_TEST

START_TEST(a_format_that_fails_leaves_an_empty_text)
{
	char dst[8] = "old";

	ck_assert(!str_format(dst, sizeof(dst), "%lc", (wint_t)0x20ac));
	ck_assert_str_eq(dst, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("str");

	ADD_CASE(s, "str", text_that_fits_is_whole,
		 text_that_does_not_fit_is_cut_terminated_and_reported,
		 a_destination_of_size_zero_is_not_touched,
		 a_format_that_fails_leaves_an_empty_text);
	return run_suite(s);
}
