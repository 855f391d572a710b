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

/* Bytes (1 to 4) of the character at `p`, of which `n` > 0 can be read; 0 when malformed. */
size_t utf8_char_len(const char *p, size_t n);

/* The first byte that begins no well-formed character, or v.len. Fast on ASCII. */
size_t utf8_valid_len(struct ez_view v);

static inline bool utf8_is_valid(struct ez_view v)
{
	return utf8_valid_len(v) == v.len;
}

#endif
