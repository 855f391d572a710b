/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

static void refuse_number(const char *text)
{
	uint64_t u = 77;
	int64_t i = 77;

	ck_assert_msg(!parse_i64(view_str(text), &i) && i == 77, "\"%s\"", text);
	ck_assert_msg(!parse_u64(view_str(text), &u) && u == 77, "\"%s\"", text);
}

START_TEST(integers_are_digits_and_nothing_else)
{
	static const char *const bad[] = {
		"",    "-",   "--1", "+1", " 1",  "1 ", "1.0",
		"1e3", "0x1", "1_0", "a",  "\n1", "1,", "- 1"
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_number(bad[i]);
	refuse_number(NULL);
}
END_TEST

START_TEST(integers_reach_to_the_ends_of_their_types)
{
	uint64_t u;
	int64_t i;

	ck_assert(parse_i64(VIEW("9223372036854775807"), &i) && i == INT64_MAX);
	ck_assert(!parse_i64(VIEW("9223372036854775808"), &i));
	ck_assert(parse_i64(VIEW("-9223372036854775808"), &i) && i == INT64_MIN);
	ck_assert(!parse_i64(VIEW("-9223372036854775809"), &i));
	ck_assert(parse_i64(VIEW("-0"), &i) && i == 0);
	ck_assert(parse_u64(VIEW("18446744073709551615"), &u) && u == UINT64_MAX);
	ck_assert(!parse_u64(VIEW("18446744073709551616"), &u));
	ck_assert(!parse_u64(VIEW("99999999999999999999"), &u));
	ck_assert(!parse_u64(VIEW("-1"), &u));
	ck_assert(parse_u64(VIEW("007"), &u) && u == 7);
}
END_TEST

START_TEST(booleans_are_words_in_any_case)
{
	static const char *const yes[] = {
		"true", "on", "yes", "1", "TRUE", "On", "yEs"
	};
	static const char *const no[] = { "false", "off", "no", "0", "False", "OFF" };
	static const char *const bad[] = {
		"", "t", "2", "yess", "truefalse", " on", "-1"
	};
	bool v;

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		ck_assert(parse_bool(view_str(yes[i]), &v) && v);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		ck_assert(parse_bool(view_str(no[i]), &v) && !v);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert(!parse_bool(view_str(bad[i]), &v));
	ck_assert(!parse_bool(view_of(NULL, 0), &v));
}
END_TEST

START_TEST(sizes_take_binary_units)
{
	uint64_t n;

	ck_assert(parse_size(VIEW("64MiB"), &n) && n == 64ULL << 20);
	ck_assert(parse_size(VIEW("32KiB"), &n) && n == 32ULL << 10);
	ck_assert(parse_size(VIEW("1GiB"), &n) && n == 1ULL << 30);
	ck_assert(parse_size(VIEW("3TiB"), &n) && n == 3ULL << 40);
	ck_assert(parse_size(VIEW("123"), &n) && n == 123);
	ck_assert(parse_size(VIEW("123B"), &n) && n == 123);
	ck_assert(parse_size(VIEW("0"), &n) && n == 0);
	ck_assert(parse_size(VIEW("16777215TiB"), &n) && n == 16777215ULL << 40);
	ck_assert(!parse_size(VIEW("16777216TiB"), &n));
	ck_assert(!parse_size(VIEW(""), &n) && !parse_size(VIEW("MiB"), &n));
	ck_assert(!parse_size(VIEW("1MB"), &n) && !parse_size(VIEW("1mib"), &n));
	ck_assert(!parse_size(VIEW("1 MiB"), &n) && !parse_size(VIEW("1.5MiB"), &n));
	ck_assert(!parse_size(VIEW("-1MiB"), &n));
}
END_TEST

START_TEST(durations_need_a_unit)
{
	int64_t us;

	ck_assert(parse_duration(VIEW("7us"), &us) && us == 7);
	ck_assert(parse_duration(VIEW("500ms"), &us) && us == 500000);
	ck_assert(parse_duration(VIEW("1s"), &us) && us == 1000000);
	ck_assert(parse_duration(VIEW("2m"), &us) && us == 120000000);
	ck_assert(parse_duration(VIEW("1h"), &us) && us == 3600000000);
	ck_assert(parse_duration(VIEW("1d"), &us) && us == 86400000000);
	ck_assert(parse_duration(VIEW("0"), &us) && us == 0);
	ck_assert(parse_duration(VIEW("0s"), &us) && us == 0);
	ck_assert(parse_duration(VIEW("9223372036854775807us"), &us) && us == INT64_MAX);
	ck_assert(!parse_duration(VIEW("9223372036854775808us"), &us));
	ck_assert(!parse_duration(VIEW("18446744073709551615d"), &us));
	ck_assert(!parse_duration(VIEW(""), &us) && !parse_duration(VIEW("5"), &us));
	ck_assert(!parse_duration(VIEW("s"), &us) && !parse_duration(VIEW("-1s"), &us));
	ck_assert(!parse_duration(VIEW("1 s"), &us) &&
		  !parse_duration(VIEW("1h30m"), &us));
	ck_assert(!parse_duration(VIEW("1S"), &us));
}
END_TEST

START_TEST(sizes_are_shown_in_the_largest_unit)
{
	ck_assert_str_eq(format_size(0).text, "0 B");
	ck_assert_str_eq(format_size(1023).text, "1023 B");
	ck_assert_str_eq(format_size(1024).text, "1 KiB");
	ck_assert_str_eq(format_size(1536).text, "1.5 KiB");
	ck_assert_str_eq(format_size(64ULL << 20).text, "64 MiB");
	ck_assert_str_eq(format_size((1ULL << 20) - 1).text, "1023 KiB");
	ck_assert_str_eq(format_size(1288490189).text, "1.2 GiB");
	ck_assert_str_eq(format_size(150ULL * 1024 + 512).text, "150 KiB");
	ck_assert_str_eq(format_size(UINT64_MAX).text, "15.9 EiB");
}
END_TEST

START_TEST(durations_are_shown_in_two_units_at_most)
{
	ck_assert_str_eq(format_duration_ms(0).text, "0 ms");
	ck_assert_str_eq(format_duration_ms(850).text, "850 ms");
	ck_assert_str_eq(format_duration_ms(2449).text, "2.4 s");
	ck_assert_str_eq(format_duration_ms(192000).text, "3m 12s");
	ck_assert_str_eq(format_duration_ms(3599999).text, "59m 59s");
	ck_assert_str_eq(format_duration_ms(18120000).text, "5h 02m");
	ck_assert_str_eq(format_duration_ms(370800000).text, "4d 07h");
	ck_assert_str_eq(format_duration_ms(-192000).text, "-3m 12s");
	ck_assert_str_eq(format_duration_ms(INT64_MIN).text, "-106751991167d 07h");
}
END_TEST

START_TEST(what_was_printed_parses_back)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);

	for (int k = 0; k < 200; k++) {
		uint64_t u = prng_next(&p) >> prng_below(&p, 64), back_u = 0;
		int64_t i = (int64_t)prng_next(&p) >> prng_below(&p, 63), back_i = 0;
		char text[32];

		snprintf(text, sizeof(text), "%" PRIu64, u);
		CHECK_SEEDED(parse_u64(view_str(text), &back_u) && back_u == u, seed);
		snprintf(text, sizeof(text), "%" PRId64, i);
		CHECK_SEEDED(parse_i64(view_str(text), &back_i) && back_i == i, seed);
	}
}
END_TEST

/* The slow model: strtoll, once the shape is known to be right. */
static bool model_i64(const char *text, int64_t *ret_v)
{
	const char *digits = text + (text[0] == '-');

	if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	*ret_v = strtoll(text, NULL, 10);
	return errno == 0;
}

START_TEST(any_text_parses_as_the_slow_model_says)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	static const char letters[] = "0123456789012345678901234567890-9+. e";

	for (int k = 0; k < 200; k++) {
		int64_t model = 0, ours = 0;
		size_t n = prng_below(&p, 22);
		char text[32];
		bool ok;

		for (size_t i = 0; i < n; i++)
			text[i] = letters[prng_below(&p, prng_below(&p, 3) ? 31 : 37)];
		text[n] = '\0';
		ok = model_i64(text, &model);
		CHECK_SEEDED(parse_i64(view_of(text, n), &ours) == ok, seed);
		CHECK_SEEDED(!ok || ours == model, seed);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("parse");

	ADD_CASE(s, "parse", integers_are_digits_and_nothing_else,
		 integers_reach_to_the_ends_of_their_types,
		 booleans_are_words_in_any_case, sizes_take_binary_units,
		 durations_need_a_unit);
	ADD_CASE(s, "format", sizes_are_shown_in_the_largest_unit,
		 durations_are_shown_in_two_units_at_most);
	ADD_PROPERTIES(s, "properties", 50, what_was_printed_parses_back,
		       any_text_parses_as_the_slow_model_says);
	return run_suite(s);
}
