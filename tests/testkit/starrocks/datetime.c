/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ctype.h>

#include "convert.h"

/* Reads exactly `n` digits. */
static bool take(struct ez_view *v, size_t n, int *ret_number)
{
	int number = 0;

	if (v->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)v->ptr[i]))
			return false;
		number = number * 10 + (v->ptr[i] - '0');
	}
	*v = view_of(v->ptr + n, v->len - n);
	*ret_number = number;
	return true;
}

static bool take_char(struct ez_view *v, char c)
{
	if (v->len == 0 || *v->ptr != c)
		return false;
	*v = view_of(v->ptr + 1, v->len - 1);
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

static bool take_date(struct ez_view *v)
{
	int year, month, day;

	return take(v, 4, &year) && take_char(v, '-') && take(v, 2, &month) &&
	       take_char(v, '-') && take(v, 2, &day) && month >= 1 && month <= 12 &&
	       day >= 1 && day <= days_in_month(year, month);
}

bool date_canonical(struct ez_view text, struct buf *out)
{
	struct ez_view v = view_trim(text), whole = v;

	if (!take_date(&v) || v.len > 0)
		return false;
	buf_add_view(out, whole);
	return true;
}

static bool take_time(struct ez_view *v)
{
	int hour, minute, second;

	return take(v, 2, &hour) && take_char(v, ':') && take(v, 2, &minute) &&
	       take_char(v, ':') && take(v, 2, &second) && hour <= 23 && minute <= 59 &&
	       second <= 59;
}

/* One to six digits behind the point, written as six unless they are zero. */
static bool take_fraction(struct ez_view *v, struct buf *out)
{
	char digits[7] = ".000000";
	size_t n = 0;

	while (n < v->len && isdigit((unsigned char)v->ptr[n]))
		n++;
	if (n == 0 || n > 6)
		return false;
	memcpy(digits + 1, v->ptr, n);
	*v = view_of(v->ptr + n, v->len - n);
	if (memcmp(digits, ".000000", sizeof(digits)) != 0)
		buf_add(out, digits, sizeof(digits));
	return true;
}

bool datetime_canonical(struct ez_view text, bool allows_z, struct buf *out)
{
	struct ez_view v = view_trim(text);
	const char *from = v.ptr;

	if (!take_date(&v))
		return false;
	buf_add(out, from, 10);
	buf_add_char(out, ' ');
	if (v.len == 0) {
		buf_add_str(out, "00:00:00");
		return true;
	}
	if (!take_char(&v, ' ') && !take_char(&v, 'T'))
		return false;
	from = v.ptr;
	if (!take_time(&v))
		return false;
	buf_add(out, from, 8);
	if (take_char(&v, '.') && !take_fraction(&v, out))
		return false;
	return v.len == 0 || (allows_z && view_eq_str(v, "Z"));
}
