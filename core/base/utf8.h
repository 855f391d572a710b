/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * Well-formed UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing over
 * U+10FFFF. A NUL byte is a character like any other.
 */

static inline bool utf8_is_tail(const char *p)
{
	return ((unsigned char)*p & 0xc0) == 0x80;
}

/* Bytes (1 to 4) of the character at `p`, where `n` > 0 can be read; 0 when malformed. */
static inline size_t utf8_char_len(const char *p, size_t n)
{
	unsigned char lead = (unsigned char)p[0], next;

	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4 || n < 2)
		return 0;
	next = (unsigned char)p[1];
	if (!utf8_is_tail(p + 1))
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0) {
		bool is_short = lead == 0xe0 && next < 0xa0;
		bool is_surrogate = lead == 0xed && next > 0x9f;

		return n >= 3 && !is_short && !is_surrogate && utf8_is_tail(p + 2) ? 3
										   : 0;
	}
	if ((lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f))
		return 0;
	return n >= 4 && utf8_is_tail(p + 2) && utf8_is_tail(p + 3) ? 4 : 0;
}

/* The first byte that begins no well-formed character, or v.len. Fast on ASCII. */
size_t utf8_valid_len(struct ez_view v);

static inline bool utf8_is_valid(struct ez_view v)
{
	return utf8_valid_len(v) == v.len;
}

#endif
