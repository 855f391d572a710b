/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Time in microseconds: what it is, how long something took, and as text.
 *
 * now_us() is the calendar (since 1970-01-01 UTC) and may jump; every interval is
 * measured with mono_us(), which never goes backwards and means nothing outside this
 * process.
 */

enum {
	US_PER_MS = 1000,
	US_PER_SEC = 1000000,
};

int64_t now_us(void);
int64_t mono_us(void);

/* Sleeps the whole time, through signals; at once when not positive. */
void sleep_us(int64_t us);

/* Text of a time, held by value: printf("%s", format_rfc3339_us(t).text). */
struct rfc3339 {
	char text[32];
};

/* "2024-02-29T12:00:00.123456Z", always UTC with six digits of fraction. */
struct rfc3339 format_rfc3339_us(int64_t us);

#endif
