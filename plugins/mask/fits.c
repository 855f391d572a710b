/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "mask/fits.h"

#include <stdint.h>

#include "base/attr.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "base/view.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* `shape`: 9 stands for a digit, h for a lower-case hex digit, the rest for itself. */
static bool has_shape(struct ez_view v, const char *shape)
{
	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i], s = shape[i];
		bool is_hex = is_digit(c) || (c >= 'a' && c <= 'f');

		if (s == '\0' || (s == '9' && !is_digit(c)) || (s == 'h' && !is_hex) ||
		    (s != '9' && s != 'h' && s != c))
			return false;
	}
	return shape[v.len] == '\0';
}

static unsigned number_at(struct ez_view v, size_t at)
{
	return (unsigned)(v.ptr[at] - '0') * 10 + (unsigned)(v.ptr[at + 1] - '0');
}

static bool is_date(struct ez_view v)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30,
					      31, 31, 30, 31, 30, 31 };
	unsigned year, month, day, leap;

	if (!has_shape(v, "9999-99-99"))
		return false;
	year = number_at(v, 0) * 100 + number_at(v, 2);
	month = number_at(v, 5);
	day = number_at(v, 8);
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 ? leap : 0);
}

static bool is_time(struct ez_view v)
{
	return has_shape(v, "99:99:99") && number_at(v, 0) < 24 && number_at(v, 3) < 60 &&
	       number_at(v, 6) < 60;
}

static bool is_timestamp(struct ez_view v, struct ez_view zone)
{
	const size_t len = sizeof("9999-99-99 99:99:99") - 1;

	return v.len == len + zone.len && view_ends(v, zone) && v.ptr[10] == ' ' &&
	       is_date(view_of(v.ptr, 10)) && is_time(view_of(v.ptr + 11, 8));
}

static bool is_int_within(struct ez_view v, int64_t min, int64_t max)
{
	int64_t n;
	bool is_canonical = v.len == 1 ||
			    (v.len > 0 && v.ptr[0] != '0' && !view_starts(v, VIEW("-0")));

	return is_canonical && parse_i64(v, &n) && n >= min && n <= max;
}

static size_t count_digits(struct ez_view v, size_t from)
{
	size_t n = 0;

	while (from + n < v.len && is_digit(v.ptr[from + n]))
		n++;
	return n;
}

/* Digits, perhaps with a sign and a fraction, within the column's precision and scale. */
static bool is_decimal(struct ez_view v, const struct ez_column *c)
{
	size_t at = v.len > 0 && v.ptr[0] == '-', fraction = 0;
	size_t whole = count_digits(v, at), leading = 0;
	int64_t room = (int64_t)c->precision - c->scale;

	if (v.len > 1000 || whole == 0)
		return false;
	while (leading < whole && v.ptr[at + leading] == '0')
		leading++;
	at += whole;
	if (at < v.len && v.ptr[at] == '.') {
		fraction = count_digits(v, at + 1);
		at += fraction > 0 ? 1 + fraction : 0;
	}
	if (at < v.len)
		return false;
	return c->type != EZ_TYPE_NUMERIC || c->precision < 0 ||
	       ((int64_t)(whole - leading) <= room && (int64_t)fraction <= c->scale);
}

static size_t count_characters(struct ez_view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.len; n++)
		i += MAX(utf8_char_len(v.ptr + i, v.len - i), (size_t)1);
	return n;
}

static bool is_number(struct ez_view text, const struct ez_column *c)
{
	switch (c->type) {
	case EZ_TYPE_INT2:
		return is_int_within(text, INT16_MIN, INT16_MAX);
	case EZ_TYPE_INT4:
		return is_int_within(text, INT32_MIN, INT32_MAX);
	case EZ_TYPE_INT8:
		return is_int_within(text, INT64_MIN, INT64_MAX);
	case EZ_TYPE_FLOAT4:
	case EZ_TYPE_FLOAT8:
		return text.len <= 15 && is_decimal(text, c);
	default:
		return c->type == EZ_TYPE_NUMERIC && is_decimal(text, c);
	}
}

bool value_fits(struct ez_view text, const struct ez_column *c)
{
	switch (c->type) {
	case EZ_TYPE_TEXT:
		return c->length < 0 || count_characters(text) <= (size_t)c->length;
	case EZ_TYPE_BOOL:
		return view_eq_str(text, "t") || view_eq_str(text, "f");
	case EZ_TYPE_DATE:
		return is_date(text);
	case EZ_TYPE_TIME:
		return is_time(text);
	case EZ_TYPE_TIMESTAMP:
		return is_timestamp(text, VIEW(""));
	case EZ_TYPE_TIMESTAMPTZ:
		return is_timestamp(text, VIEW("+00"));
	case EZ_TYPE_UUID:
		return has_shape(text, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh");
	default:
		return is_number(text, c);
	}
}
