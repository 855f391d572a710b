/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "filter/moment.h"

#include <stddef.h>

#include "base/view.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes `n` bytes off the front. */
static struct ez_view take(struct ez_view *rest, size_t n)
{
	struct ez_view part = view_of(rest->ptr, n);

	*rest = view_of(rest->ptr + n, rest->len - n);
	return part;
}

static size_t count_digits(struct ez_view v)
{
	size_t n = 0;

	while (n < v.len && is_digit(v.ptr[n]))
		n++;
	return n;
}

/* `sep` and two digits that make a number up to `max`, copied. */
static bool take_pair(struct ez_view *rest, char sep, unsigned min, unsigned max,
		      struct buf *to)
{
	unsigned n;

	if (rest->len < 3 || rest->ptr[0] != sep || !is_digit(rest->ptr[1]) ||
	    !is_digit(rest->ptr[2]))
		return false;
	n = (unsigned)(rest->ptr[1] - '0') * 10 + (unsigned)(rest->ptr[2] - '0');
	if (n < min || n > max)
		return false;
	buf_add_view(to, take(rest, 3));
	return true;
}

static bool take_date(struct ez_view *rest, struct buf *to)
{
	size_t year = count_digits(*rest);

	if (year < 4 || year > 6 || (year > 4 && rest->ptr[0] == '0'))
		return false;
	buf_add_view(to, take(rest, year));
	return take_pair(rest, '-', 1, 12, to) && take_pair(rest, '-', 1, 31, to);
}

/* Up to six digits, without zeros at the end. */
static bool take_fraction(struct ez_view *rest, struct buf *to)
{
	struct ez_view digits;
	size_t n;

	take(rest, 1);
	n = count_digits(*rest);
	if (n == 0 || n > 6)
		return false;
	digits = take(rest, n);
	while (digits.len > 0 && digits.ptr[digits.len - 1] == '0')
		digits.len--;
	if (digits.len > 0) {
		buf_add_char(to, '.');
		buf_add_view(to, digits);
	}
	return true;
}

/* "hh:mm[:ss[.ffffff]]", `rest` begins with the byte in front of it. */
static bool take_time(struct ez_view *rest, char sep, struct buf *to)
{
	if (!take_pair(rest, sep, 0, 24, to) || !take_pair(rest, ':', 0, 59, to))
		return false;
	if (rest->len == 0 || rest->ptr[0] != ':') {
		buf_add_str(to, ":00");
		return true;
	}
	if (!take_pair(rest, ':', 0, 59, to))
		return false;
	return rest->len == 0 || rest->ptr[0] != '.' || take_fraction(rest, to);
}

/* Nothing, or a way to write UTC. */
static bool take_utc(struct ez_view *rest)
{
	static const char *const names[] = { "+00:00", "+00", "Z" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (view_starts(*rest, view_str(names[i]))) {
			take(rest, strlen(names[i]));
			return true;
		}
	}
	return rest->len == 0 || rest->ptr[0] == ' ';
}

static bool normalize_time(struct ez_view text, struct buf *to)
{
	_cleanup_(buf_release) struct buf copy = BUF_INIT(64);
	_cleanup_(buf_release) struct buf made = BUF_INIT(64);
	struct ez_view rest;

	buf_add_char(&copy, ' ');
	buf_add_view(&copy, text);
	rest = buf_view(&copy);
	if (!buf_ok(&copy) || !take_time(&rest, ' ', &made) || rest.len > 0)
		return false;
	buf_add(to, made.ptr + 1, made.len - 1);
	return true;
}

static bool normalize_dated(struct ez_view *rest, uint32_t type, struct buf *to)
{
	if (!take_date(rest, to))
		return false;
	if (type == EZ_TYPE_DATE)
		return true;
	if (rest->len == 0 || view_eq(*rest, VIEW(" BC"))) {
		buf_add_str(to, " 00:00:00");
	} else {
		size_t at = to->len;
		char sep = rest->ptr[0] == 'T' ? 'T' : ' ';

		if (!take_time(rest, sep, to))
			return false;
		to->ptr[at] = ' ';
	}
	if (type == EZ_TYPE_TIMESTAMP)
		return true;
	buf_add_str(to, "+00");
	return take_utc(rest);
}

bool moment_normalize(struct ez_view text, uint32_t type, struct buf *to)
{
	struct ez_view rest = text;

	if (type == EZ_TYPE_TIME)
		return normalize_time(text, to);
	if (view_eq(text, VIEW("infinity")) || view_eq(text, VIEW("-infinity"))) {
		buf_add_view(to, text);
		return buf_ok(to);
	}
	if (!normalize_dated(&rest, type, to))
		return false;
	if (view_eq(rest, VIEW(" BC"))) {
		buf_add_view(to, rest);
		return buf_ok(to);
	}
	return rest.len == 0 && buf_ok(to);
}

/* -2 -infinity, -1 before Christ, 1 after, 2 infinity. */
static int era(struct ez_view v)
{
	if (v.len > 0 && !is_digit(v.ptr[0]))
		return v.ptr[0] == '-' ? -2 : 2;
	return view_ends(v, VIEW(" BC")) ? -1 : 1;
}

int moment_cmp(struct ez_view a, struct ez_view b)
{
	int era_a = era(a), era_b = era(b), order;
	struct ez_view year_a, year_b;

	if (era_a != era_b)
		return era_a - era_b;
	if (era_a == -2 || era_a == 2)
		return 0;
	year_a = take(&a, count_digits(a));
	year_b = take(&b, count_digits(b));
	order = (year_a.len > year_b.len) - (year_a.len < year_b.len);
	if (order == 0)
		order = view_cmp(year_a, year_b);
	if (order != 0)
		return era_a < 0 ? -order : order;
	return view_cmp(a, b);
}
