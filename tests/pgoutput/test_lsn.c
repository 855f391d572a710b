/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/random.h"
#include "base/view.h"
#include "plugins/pgoutput/lsn.h"
#include "run.h"

START_TEST(text_of_the_server_is_parsed_and_written_alike)
{
	static const struct {
		const char *text;
		uint64_t lsn;
	} cases[] = {
		{ "0/0", 0 },
		{ "0/1A2B3C8", 0x1a2b3c8 },
		{ "16/B374D848", 0x16b374d848 },
		{ "FFFFFFFF/FFFFFFFF", UINT64_MAX },
		{ "1/0", UINT64_C(1) << 32 },
		{ "80000000/10", UINT64_C(0x8000000000000010) },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t lsn = 1;

		ck_assert(lsn_parse(view_str(cases[i].text), &lsn));
		ck_assert_uint_eq(lsn, cases[i].lsn);
		ck_assert_str_eq(lsn_format(lsn).text, cases[i].text);
	}
}
END_TEST

START_TEST(lower_case_and_leading_zeros_are_read)
{
	uint64_t lsn;

	ck_assert(lsn_parse(VIEW("0a/00ff"), &lsn));
	ck_assert_uint_eq(lsn, UINT64_C(0xa000000ff));
}
END_TEST

START_TEST(anything_else_is_refused_and_leaves_the_result_alone)
{
	static const char *const bad[] = {
		"",     "/",    "0/",    "/0",  "0",           "0/0/0",       " 0/0",
		"0/0 ", "0/-1", "0x1/2", "g/0", "123456789/0", "0/123456789", "0\\0"
	};
	uint64_t lsn = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!lsn_parse(view_str(bad[i]), &lsn), "%s", bad[i]);
	ck_assert(!lsn_parse(view_of(NULL, 0), &lsn));
	ck_assert(!lsn_parse(view_of("0/0\0", 4), &lsn));
	ck_assert_uint_eq(lsn, 42);
}
END_TEST

START_TEST(every_number_survives_the_round_trip)
{
	struct prng p = PRNG_INIT(7);

	for (int i = 0; i < 100000; i++) {
		uint64_t lsn = prng_next(&p) >> prng_below(&p, 64), back = ~lsn;
		struct lsn_text text = lsn_format(lsn);

		ck_assert(lsn_parse(view_str(text.text), &back));
		ck_assert_uint_eq(lsn, back);
	}
}
END_TEST

START_TEST(a_position_carries_text_and_order)
{
	struct lsn_text text;
	struct ez_position p = lsn_position(0x16b374d848, &text);

	ck_assert_uint_eq(p.order, 0x16b374d848);
	ck_assert(view_eq(p.bytes, VIEW("16/B374D848")));
}
END_TEST

START_TEST(the_servers_time_begins_in_2000)
{
	ck_assert_int_eq(pg_time_to_unix_us(0), INT64_C(946684800000000));
	ck_assert_int_eq(unix_to_pg_time_us(INT64_C(946684800000001)), 1);
	ck_assert_int_eq(pg_time_to_unix_us(INT64_MAX), INT64_MAX);
	ck_assert_int_eq(unix_to_pg_time_us(INT64_MIN), INT64_MIN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lsn");

	ADD_TESTS(s, "text", text_of_the_server_is_parsed_and_written_alike,
		  lower_case_and_leading_zeros_are_read,
		  anything_else_is_refused_and_leaves_the_result_alone,
		  every_number_survives_the_round_trip, a_position_carries_text_and_order,
		  the_servers_time_begins_in_2000);
	return run_tests(s);
}
