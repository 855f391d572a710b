/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ctype.h>

#include "convert.h"

/*
 * Decimals by text: exact for any precision. Digits beyond the scale are rounded half away
 * from zero, as the server does on loading.
 */

enum {
	DIGITS_MAX = 80,
};

struct parts {
	bool is_negative;
	struct ez_view whole, fraction; /* digits; leading zeros of the whole are gone */
};

static size_t count_digits(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && isdigit((unsigned char)*p))
		p++;
	return (size_t)(p - from);
}

static bool split(struct ez_view text, struct parts *ret)
{
	const char *p = text.ptr, *end = p + text.len;
	size_t n;

	*ret = (struct parts){ .is_negative = false };
	if (p < end && (*p == '-' || *p == '+'))
		ret->is_negative = *p++ == '-';
	n = count_digits(p, end);
	ret->whole = view_of(p, n);
	p += n;
	if (p < end && *p == '.') {
		p++;
		ret->fraction = view_of(p, count_digits(p, end));
		p += ret->fraction.len;
	}
	if (p != end || ret->whole.len + ret->fraction.len == 0)
		return false;
	while (ret->whole.len > 0 && *ret->whole.ptr == '0')
		ret->whole = view_of(ret->whole.ptr + 1, ret->whole.len - 1);
	return true;
}

/* Adds one to the last of `n` digits; true when it carries out of the first. */
static bool increment(char *digits, size_t n)
{
	while (n > 0) {
		if (digits[n - 1] != '9') {
			digits[n - 1]++;
			return false;
		}
		digits[--n] = '0';
	}
	return true;
}

static bool is_zero(const char *digits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (digits[i] != '0')
			return false;
	return true;
}

bool decimal_canonical(struct ez_view text, int precision, int scale, struct buf *out)
{
	char room[DIGITS_MAX + 2], *digits = room + 1;
	size_t n_whole, n_fraction = (size_t)scale, n;
	struct parts in;

	if (!split(view_trim(text), &in))
		return false;
	n_whole = in.whole.len;
	if (n_whole > (size_t)(precision - scale) || n_whole + n_fraction > DIGITS_MAX)
		return false;
	if (n_whole > 0)
		memcpy(digits, in.whole.ptr, n_whole);
	memset(digits + n_whole, '0', n_fraction);
	if (in.fraction.len > 0)
		memcpy(digits + n_whole, in.fraction.ptr,
		       MIN(in.fraction.len, n_fraction));
	n = n_whole + n_fraction;
	if (in.fraction.len > n_fraction && in.fraction.ptr[n_fraction] >= '5' &&
	    increment(digits, n)) {
		*--digits = '1';
		n_whole++;
		n++;
		if (n_whole > (size_t)(precision - scale))
			return false;
	}
	if (in.is_negative && !is_zero(digits, n))
		buf_add_char(out, '-');
	if (n_whole == 0)
		buf_add_char(out, '0');
	buf_add(out, digits, n_whole);
	if (n_fraction > 0) {
		buf_add_char(out, '.');
		buf_add(out, digits + n_whole, n_fraction);
	}
	return true;
}
