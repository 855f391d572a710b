/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "filter/decimal.h"

#include <stddef.h>

#include "base/parse.h"
#include "base/view.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool parse_special(struct ez_view v, struct decimal *ret_d)
{
	static const struct {
		const char *text;
		int rank;
	} specials[] = { { "NaN", 2 }, { "Infinity", 1 }, { "-Infinity", -1 } };

	for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
		if (!view_eq_str(v, specials[i].text))
			continue;
		*ret_d = (struct decimal){ .rank = specials[i].rank };
		return true;
	}
	return false;
}

/* What stands behind the e; bounded, so that sums with lengths cannot overflow. */
static bool parse_exponent(struct ez_view v, int64_t *ret_exponent)
{
	bool is_plus = v.len > 0 && v.ptr[0] == '+';
	struct ez_view digits = is_plus ? view_of(v.ptr + 1, v.len - 1) : v;
	int64_t e;

	if (!parse_i64(digits, &e) || e > INT32_MAX || e < INT32_MIN)
		return false;
	*ret_exponent = e;
	return true;
}

/* Length of "123", "123.456" or "123." at the start; *ret_whole digits before the point. */
static size_t measure_mantissa(struct ez_view v, size_t *ret_whole)
{
	size_t i = 0;

	while (i < v.len && is_digit(v.ptr[i]))
		i++;
	*ret_whole = i;
	if (i == 0 || i == v.len || v.ptr[i] != '.')
		return i;
	for (i++; i < v.len && is_digit(v.ptr[i]);)
		i++;
	return i;
}

bool decimal_parse(struct ez_view text, struct decimal *ret_d)
{
	struct ez_view v = text;
	struct decimal d = { .sign = 1 };
	size_t whole, n, first = 0;
	int64_t exponent = 0;

	if (v.len > 0 && (v.ptr[0] == '-' || v.ptr[0] == '+')) {
		d.sign = v.ptr[0] == '-' ? -1 : 1;
		v = view_of(v.ptr + 1, v.len - 1);
	}
	n = measure_mantissa(v, &whole);
	if (n == 0)
		return parse_special(text, ret_d);
	if (n < v.len &&
	    ((v.ptr[n] != 'e' && v.ptr[n] != 'E') ||
	     !parse_exponent(view_of(v.ptr + n + 1, v.len - n - 1), &exponent)))
		return false;
	while (first < n && (v.ptr[first] == '0' || v.ptr[first] == '.'))
		first++;
	if (first == n) {
		*ret_d = (struct decimal){ .sign = 0 };
		return true;
	}
	/* Before the point the digits count down to 0, behind it on from -1. */
	d.top = (int64_t)whole - (int64_t)first - (first < whole ? 1 : 0) + exponent;
	d.digits = view_of(v.ptr + first, n - first);
	*ret_d = d;
	return true;
}

/* The next digit, '0' when there are no more. */
static char next_digit(struct ez_view v, size_t *at)
{
	if (*at < v.len && v.ptr[*at] == '.')
		(*at)++;
	return *at < v.len ? v.ptr[(*at)++] : '0';
}

static int compare_digits(struct ez_view a, struct ez_view b)
{
	size_t i = 0, k = 0;

	while (i < a.len || k < b.len) {
		int order = next_digit(a, &i) - next_digit(b, &k);

		if (order != 0)
			return order;
	}
	return 0;
}

int decimal_cmp(const struct decimal *a, const struct decimal *b)
{
	int order;

	if (a->rank != b->rank)
		return a->rank - b->rank;
	if (a->rank != 0)
		return 0;
	if (a->sign != b->sign)
		return a->sign - b->sign;
	if (a->sign == 0)
		return 0;
	order = (a->top > b->top) - (a->top < b->top);
	if (order == 0)
		order = compare_digits(a->digits, b->digits);
	return a->sign * order;
}
