/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lsn.h"

#include <string.h>

#include "base/checked.h"
#include "base/view.h"

static const int64_t epoch_us =
	INT64_C(946684800) * 1000000; /* 2000-01-01 in Unix time */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_half(struct ez_view v, uint64_t *ret_half)
{
	uint64_t half = 0;

	if (v.len == 0 || v.len > 8)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		int digit = hex_value(v.ptr[i]);

		if (digit < 0)
			return false;
		half = half << 4 | (uint64_t)digit;
	}
	*ret_half = half;
	return true;
}

bool lsn_parse(struct ez_view v, uint64_t *ret_lsn)
{
	const char *slash = v.len ? memchr(v.ptr, '/', v.len) : NULL;
	uint64_t high, low;
	size_t n;

	if (!slash)
		return false;
	n = (size_t)(slash - v.ptr);
	if (!parse_half(view_of(v.ptr, n), &high) ||
	    !parse_half(view_of(slash + 1, v.len - n - 1), &low))
		return false;
	*ret_lsn = high << 32 | low;
	return true;
}

/* Without printf: a position is formatted for every transaction. */
static char *put_hex(char *to, uint32_t v)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned shift = 28;

	while (shift > 0 && v >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		*to++ = digits[v >> shift & 15];
		if (shift == 0)
			return to;
	}
}

struct lsn_text lsn_format(uint64_t lsn)
{
	struct lsn_text t;
	char *end = put_hex(t.text, (uint32_t)(lsn >> 32));

	*end++ = '/';
	end = put_hex(end, (uint32_t)lsn);
	*end = '\0';
	return t;
}

struct ez_position lsn_position(uint64_t lsn, struct lsn_text *text)
{
	*text = lsn_format(lsn);
	return (struct ez_position){ .bytes = view_str(text->text), .order = lsn };
}

int64_t pg_time_to_unix_us(int64_t pg_us)
{
	int64_t us;

	return add_overflows_i64(pg_us, epoch_us, &us) ? INT64_MAX : us;
}

int64_t unix_to_pg_time_us(int64_t unix_us)
{
	int64_t us;

	return sub_overflows_i64(unix_us, epoch_us, &us) ? INT64_MIN : us;
}
