/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/parse.h"

#include <strings.h>

#include "base/checked.h"
#include "base/str.h"

/* Takes the digits at the front off `v`. False without any, or when they do not fit. */
static bool take_digits(struct ez_view *v, uint64_t *ret_v)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < v->len && v->ptr[i] >= '0' && v->ptr[i] <= '9'; i++) {
		if (mul_overflows_u64(n, 10, &n) ||
		    add_overflows_u64(n, (uint64_t)(v->ptr[i] - '0'), &n))
			return false;
	}
	if (i == 0)
		return false;
	*v = view_of(v->ptr + i, v->len - i);
	*ret_v = n;
	return true;
}

bool parse_u64(struct ez_view v, uint64_t *ret_v)
{
	uint64_t n;

	if (!take_digits(&v, &n) || v.len > 0)
		return false;
	*ret_v = n;
	return true;
}

bool parse_i64(struct ez_view v, int64_t *ret_v)
{
	bool negative = view_starts(v, VIEW("-"));
	uint64_t n, max = (uint64_t)INT64_MAX + negative;

	if (negative)
		v = view_of(v.ptr + 1, v.len - 1);
	if (!parse_u64(v, &n) || n > max)
		return false;
	*ret_v = (int64_t)(negative ? 0 - n : n);
	return true;
}

static bool is_word(struct ez_view v, const char *word)
{
	return v.len == strlen(word) && strncasecmp(v.ptr, word, v.len) == 0;
}

bool parse_bool(struct ez_view v, bool *ret_v)
{
	static const char *const words[] = { "false", "true", "off", "on",
					     "no",    "yes",  "0",   "1" };

	for (size_t i = 0; i < ARRAY_LEN(words) && v.len > 0; i++) {
		if (is_word(v, words[i])) {
			*ret_v = i % 2 == 1;
			return true;
		}
	}
	return false;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static bool find_unit(const struct unit *units, size_t n, struct ez_view name,
		      uint64_t *ret_factor)
{
	for (size_t i = 0; i < n; i++) {
		if (view_eq_str(name, units[i].name)) {
			*ret_factor = units[i].factor;
			return true;
		}
	}
	return false;
}

bool parse_size(struct ez_view v, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "KiB", 1ULL << 10 },
		{ "MiB", 1ULL << 20 },
		{ "GiB", 1ULL << 30 },
		{ "TiB", 1ULL << 40 },
	};
	uint64_t n, factor;

	if (!take_digits(&v, &n) || !find_unit(units, ARRAY_LEN(units), v, &factor) ||
	    mul_overflows_u64(n, factor, &n))
		return false;
	*ret_bytes = n;
	return true;
}

bool parse_duration(struct ez_view v, int64_t *ret_us)
{
	static const struct unit units[] = {
		{ "us", 1 },
		{ "ms", 1000 },
		{ "s", 1000 * 1000ULL },
		{ "m", 60 * 1000 * 1000ULL },
		{ "h", 3600 * 1000 * 1000ULL },
		{ "d", 24 * 3600 * 1000 * 1000ULL },
	};
	uint64_t n, factor = 1;

	if (!take_digits(&v, &n))
		return false;
	if (!(n == 0 && v.len == 0) && !find_unit(units, ARRAY_LEN(units), v, &factor))
		return false;
	if (mul_overflows_u64(n, factor, &n) || n > INT64_MAX)
		return false;
	*ret_us = (int64_t)n;
	return true;
}

struct format_text format_size(uint64_t bytes)
{
	static const char *const names[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	struct format_text out = { .text = "" };
	uint64_t unit = 1, whole, tenths;
	size_t i = 0;
	bool fits;

	while (bytes / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	whole = bytes / unit;
	tenths = bytes % unit * 10 / unit;
	if (whole >= 100 || bytes % unit == 0)
		fits = str_format(out.text, sizeof(out.text), "%ju %s", (uintmax_t)whole,
				  names[i]);
	else
		fits = str_format(out.text, sizeof(out.text), "%ju.%ju %s",
				  (uintmax_t)whole, (uintmax_t)tenths, names[i]);
	ASSERT(fits);
	return out;
}

struct format_text format_duration_ms(int64_t ms)
{
	uint64_t n = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	uint64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
	const char *sign = ms < 0 ? "-" : "";
	struct format_text out = { .text = "" };
	bool fits;

	if (n < second)
		fits = str_format(out.text, sizeof(out.text), "%s%ju ms", sign,
				  (uintmax_t)n);
	else if (n < minute)
		fits = str_format(out.text, sizeof(out.text), "%s%ju.%ju s", sign,
				  (uintmax_t)(n / second), (uintmax_t)(n % second / 100));
	else if (n < hour)
		fits = str_format(out.text, sizeof(out.text), "%s%jum %02jus", sign,
				  (uintmax_t)(n / minute),
				  (uintmax_t)(n % minute / second));
	else if (n < day)
		fits = str_format(out.text, sizeof(out.text), "%s%juh %02jum", sign,
				  (uintmax_t)(n / hour), (uintmax_t)(n % hour / minute));
	else
		fits = str_format(out.text, sizeof(out.text), "%s%jud %02juh", sign,
				  (uintmax_t)(n / day), (uintmax_t)(n % day / hour));
	ASSERT(fits);
	return out;
}
