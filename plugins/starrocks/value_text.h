/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_VALUE_TEXT_H
#define STARROCKS_VALUE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/view.h"

/*
 * Looking at text many bytes at a time: for the bytes that separate fields and rows, and for
 * the shape of dates.
 */
enum {
	TEXT_SEPARATOR = 1,
	TEXT_DELIMITER = 2,
	TEXT_BLOCK = 16,
};

#define TEXT_EACH(c) (0x0101010101010101ULL * (unsigned char)(c))

/* The compiler's own vectors: a vector type can only be a typedef. */
typedef unsigned char text_block __attribute__((vector_size(TEXT_BLOCK)));
typedef signed char text_mask __attribute__((vector_size(TEXT_BLOCK)));
typedef uint64_t text_pair __attribute__((vector_size(TEXT_BLOCK)));

/* Not 0 when one of eight bytes is a NUL, a separator or a delimiter. */
static inline uint64_t text_odd(uint64_t v)
{
	return (v - TEXT_EACH(TEXT_DELIMITER + 1)) & ~v & TEXT_EACH(0x80);
}

/*
 * Copies exactly `n` bytes; true when none of them is a NUL, a separator or a delimiter. On
 * false the copy is of no use.
 */
static inline bool text_copy(char *to, const char *from, size_t n)
{
	uint64_t a = TEXT_EACH(' '), b = TEXT_EACH(' ');
	text_mask odd = { 0 };
	text_pair pair;

	if (n >= TEXT_BLOCK) {
		for (size_t at = 0; at < n; at += TEXT_BLOCK) {
			/* The last block overlaps the one before. */
			size_t i = at + TEXT_BLOCK <= n ? at : n - TEXT_BLOCK;
			text_block v;

			memcpy(&v, from + i, sizeof(v));
			odd |= v <= TEXT_DELIMITER;
			memcpy(to + i, &v, sizeof(v));
		}
		memcpy(&pair, &odd, sizeof(pair));
		return (pair[0] | pair[1]) == 0;
	}
	if (n >= 8) {
		memcpy(&a, from, 8);
		memcpy(&b, from + n - 8, 8);
		memcpy(to, &a, 8);
		memcpy(to + n - 8, &b, 8);
	} else if (n >= 4) {
		uint32_t x, y;

		memcpy(&x, from, 4);
		memcpy(&y, from + n - 4, 4);
		memcpy(to, &x, 4);
		memcpy(to + n - 4, &y, 4);
		a = (uint64_t)x << 32 | y;
	} else {
		for (size_t i = 0; i < n; i++) {
			to[i] = from[i];
			a = a << 8 | (unsigned char)from[i];
		}
	}
	return (text_odd(a) | text_odd(b)) == 0;
}

/* Whether a field of CSV can hold the bytes. */
bool text_is_safe(struct ez_view v);

static inline bool text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether eight bytes are digits where `like` has zeros, and else the same. */
static inline bool text_is_like(const char *p, const char *like)
{
	uint64_t x = view_load64(p) ^ view_load64(like);

	return ((x | (x + TEXT_EACH(0x76))) & TEXT_EACH(0x80)) == 0;
}

/* "2024-02-29" */
static inline bool text_is_date(struct ez_view v)
{
	return v.len == 10 && text_is_like(v.ptr, "0000-00-") &&
	       text_is_digit(v.ptr[8]) && text_is_digit(v.ptr[9]);
}

/* "2024-02-29 12:00:00", perhaps with at most six digits behind a point. */
static inline bool text_is_moment(struct ez_view v)
{
	if (v.len < 19 || v.len > 26 || v.len == 20 || v.ptr[10] != ' ' ||
	    !text_is_date(view_of(v.ptr, 10)) || !text_is_like(v.ptr + 11, "00:00:00"))
		return false;
	if (v.len > 19 && v.ptr[19] != '.')
		return false;
	for (size_t i = 20; i < v.len; i++)
		if (!text_is_digit(v.ptr[i]))
			return false;
	return true;
}

/* A sign perhaps, then a digit: what every finite number begins with. */
static inline bool text_is_finite(struct ez_view v)
{
	size_t at = v.len > 0 && v.ptr[0] == '-';

	return v.len > at && text_is_digit(v.ptr[at]);
}

#endif
