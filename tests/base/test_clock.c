/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "common.h"

START_TEST(now_is_the_calendar_and_mono_never_goes_back)
{
	int64_t now = now_us(), mono = mono_us();

	ck_assert_int_le(now / US_PER_SEC - (int64_t)time(NULL), 1);
	ck_assert_int_ge(now / US_PER_SEC - (int64_t)time(NULL), -2);
	for (int i = 0; i < 1000; i++) {
		int64_t next = mono_us();

		CHECK(next >= mono);
		mono = next;
	}
}
END_TEST

static void ignore_signal(int signal)
{
	(void)signal;
}

START_TEST(sleep_lasts_through_signals)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct itimerspec each_ms = { { 0, 1000000 }, { 0, 1000000 } };
	int64_t start = mono_us();
	timer_t timer;

	sigaction(SIGALRM, &action, NULL);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &each_ms, NULL), 0);
	sleep_us(20000);
	ck_assert_int_ge(mono_us() - start, 20000);
	timer_delete(timer);
}
END_TEST

START_TEST(sleep_carries_into_the_next_second)
{
	int64_t start = mono_us();

	/* One of three sleeps of 0.4 s begins over 0.6 s into a second. */
	for (int i = 0; i < 3; i++)
		sleep_us(400000);
	ck_assert_int_ge(mono_us() - start, 1200000);
}
END_TEST

START_TEST(a_sleep_that_is_over_already_returns_at_once)
{
	int64_t start = mono_us();

	sleep_us(0);
	sleep_us(INT64_MIN);
	ck_assert_int_lt(mono_us() - start, 1000000);
}
END_TEST

START_TEST(times_are_written_as_rfc_3339)
{
	ck_assert_str_eq(format_rfc3339_us(0).text, "1970-01-01T00:00:00.000000Z");
	ck_assert_str_eq(format_rfc3339_us(-1).text, "1969-12-31T23:59:59.999999Z");
	ck_assert_str_eq(format_rfc3339_us(1709208000123456).text,
			 "2024-02-29T12:00:00.123456Z");
	ck_assert_str_eq(format_rfc3339_us(951782399000000).text,
			 "2000-02-28T23:59:59.000000Z");
	ck_assert_str_eq(format_rfc3339_us(253402300800000000).text,
			 "10000-01-01T00:00:00.000000Z");
	ck_assert_str_eq(format_rfc3339_us(-62167219200000000).text,
			 "0000-01-01T00:00:00.000000Z");
	ck_assert_str_eq(format_rfc3339_us(INT64_MAX).text,
			 "294247-01-10T04:00:54.775807Z");
	ck_assert_str_eq(format_rfc3339_us(INT64_MIN).text,
			 "-290308-12-21T19:59:05.224192Z");
}
END_TEST

START_TEST(every_time_is_that_of_gmtime)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);

	for (int i = 0; i < 500; i++) {
		/* Years 0000 to 9999, which gmtime writes with four digits as well. */
		int64_t us =
			(int64_t)prng_below(&p, 315569520000000000) - 62167219200000000;
		int64_t second =
			(us - (us % US_PER_SEC + US_PER_SEC) % US_PER_SEC) / US_PER_SEC;
		time_t t = (time_t)second;
		struct tm tm;
		char text[64];

		gmtime_r(&t, &tm);
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			 tm.tm_min, tm.tm_sec, (int)(us - second * US_PER_SEC));
		CHECK_MSG(strcmp(format_rfc3339_us(us).text, text) == 0,
			  "seed 0x%" PRIx64 ": %s, expected %s", seed,
			  format_rfc3339_us(us).text, text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clock");

	ADD_CASE(s, "clocks", now_is_the_calendar_and_mono_never_goes_back,
		 sleep_lasts_through_signals, sleep_carries_into_the_next_second,
		 a_sleep_that_is_over_already_returns_at_once);
	ADD_CASE(s, "text", times_are_written_as_rfc_3339);
	ADD_PROPERTIES(s, "properties", 20, every_time_is_that_of_gmtime);
	return run_suite(s);
}
