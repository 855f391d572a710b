/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_PLAIN_H
#define FILE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Copying short pieces without a call: most values and all ready-made pieces of a line are
 * shorter than what a call of memcpy costs.
 */
enum {
	PLAIN_BLOCK = 16, /* copy_ready() reads and writes up to so many bytes too many */
};

/*
 * Copies `n` bytes in whole blocks: both sides must have PLAIN_BLOCK bytes to spare. Returns
 * the end of the `n` bytes.
 */
static inline char *copy_ready(char *to, const char *from, size_t n)
{
	for (size_t at = 0; at < n; at += PLAIN_BLOCK)
		memcpy(to + at, from + at, PLAIN_BLOCK);
	return to + n;
}

/* The compiler's own vectors: a vector type can only be a typedef. */
typedef signed char plain_signed __attribute__((vector_size(PLAIN_BLOCK)));
typedef uint64_t plain_pair __attribute__((vector_size(PLAIN_BLOCK)));

#define PLAIN_EACH(c) (0x0101010101010101ULL * (unsigned char)(c))

/* Not 0 when one of eight bytes is a control character, a quote, a backslash or over 0x7f. */
static inline uint64_t plain_odd(uint64_t v)
{
	uint64_t quote = v ^ PLAIN_EACH('"'), slash = v ^ PLAIN_EACH('\\');

	return (((v - PLAIN_EACH(' ')) | (quote - PLAIN_EACH(1)) |
		 (slash - PLAIN_EACH(1))) |
		v) &
	       PLAIN_EACH(0x80);
}

/*
 * Copies exactly `n` bytes; true when all of them may stand in a JSON string as they are. On
 * false the copy is of no use.
 */
static inline bool copy_plain(char *to, const char *from, size_t n)
{
	uint64_t a = PLAIN_EACH(' '), b = PLAIN_EACH(' ');
	plain_signed odd = { 0 };
	plain_pair pair;

	if (n >= PLAIN_BLOCK) {
		for (size_t at = 0; at < n; at += PLAIN_BLOCK) {
			/* The last block overlaps the one before. */
			size_t i = at + PLAIN_BLOCK <= n ? at : n - PLAIN_BLOCK;
			plain_signed v;

			memcpy(&v, from + i, sizeof(v));
			/* Signed, so bytes over 0x7f count as below the space. */
			odd |= (v < ' ') | (v == '"') | (v == '\\');
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
		memcpy(&a, from, 4);
		memcpy(&b, from + n - 4, 4);
		memcpy(to, &a, 4);
		memcpy(to + n - 4, &b, 4);
	} else {
		for (size_t i = 0; i < n; i++) {
			to[i] = from[i];
			a = a << 8 | (unsigned char)from[i];
		}
	}
	return (plain_odd(a) | plain_odd(b)) == 0;
}

#endif
