/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

#include "base/attr.h"
#include "base/str.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * US_PER_SEC + ts.tv_nsec / 1000;
}

int64_t now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void sleep_us(int64_t us)
{
	struct timespec until;

	if (us <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += us / US_PER_SEC;
	until.tv_nsec += us % US_PER_SEC * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

struct date {
	int64_t year;
	int month, day;
};

/*
 * Days since 1970-01-01 to a date of the Gregorian calendar, both ways without end.
 * Counts in eras of 400 years, which all have 146097 days, from a 1 March, so that the
 * leap day is the last of its year.
 */
static struct date date_of_days(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
			       day_of_era / 146096) /
			      365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * day_of_year + 2) / 153;
	int month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);

	return (struct date){
		.year = year_of_era + era * 400 + (month <= 2),
		.month = month,
		.day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1),
	};
}

struct rfc3339 format_rfc3339_us(int64_t us)
{
	const int64_t us_per_day = (int64_t)86400 * US_PER_SEC;
	int64_t days = us / us_per_day - (us % us_per_day < 0);
	int64_t rest = us % us_per_day + (us % us_per_day < 0 ? us_per_day : 0);
	int second = (int)(rest / US_PER_SEC);
	struct date date = date_of_days(days);
	struct rfc3339 out = { .text = "" };
	bool fits = str_format(out.text, sizeof(out.text),
			       "%04jd-%02d-%02dT%02d:%02d:%02d.%06dZ",
			       (intmax_t)date.year, date.month, date.day, second / 3600,
			       second / 60 % 60, second % 60, (int)(rest % US_PER_SEC));

	ASSERT(fits);
	return out;
}
