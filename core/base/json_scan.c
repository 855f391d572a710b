/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/json_scan.h"

#include "base/utf8.h"

#define BYTES_OF(c) (0x0101010101010101ULL * (unsigned char)(c))

static bool is_plain(char c)
{
	return (signed char)c >= ' ' && c != '"' && c != '\\';
}

/* Not zero when a byte of `v` is. */
static uint64_t zero_bytes(uint64_t v)
{
	return (v - BYTES_OF(1)) & ~v & BYTES_OF(0x80);
}

/* Whether all eight bytes are plain. */
static bool word_is_plain(uint64_t v)
{
	uint64_t low = (v - BYTES_OF(' ')) & ~v & BYTES_OF(0x80);
	uint64_t high = v & BYTES_OF(0x80);

	return !(low | high | zero_bytes(v ^ BYTES_OF('"')) |
		 zero_bytes(v ^ BYTES_OF('\\')));
}

/* For short texts: two words that overlap do for any length from 8 to 16, or from 4 to 8. */
static size_t plain_len_short(const char *p, size_t n)
{
	size_t at = 0;

	if (n >= 8 && word_is_plain(view_load64(p))) {
		if (word_is_plain(view_load64(p + n - 8)))
			return n;
		at = 8;
	} else if (n >= 4 && n < 8 &&
		   word_is_plain(view_load32(p) | view_load32(p + n - 4) << 32)) {
		return n;
	}
	while (at < n && is_plain(p[at]))
		at++;
	return at;
}

#if defined(__SSE2__) && !defined(BASE_NO_SIMD)

enum {
	BLOCK_BYTES = 16,
};

/* The compiler's own vectors: a vector type can only be a typedef. */
typedef signed char block_signed __attribute__((vector_size(BLOCK_BYTES)));
typedef char block_char __attribute__((vector_size(BLOCK_BYTES)));

/* A bit for each byte of the block that is not plain. */
static unsigned odd_bytes(const char *p)
{
	block_signed v, odd;

	memcpy(&v, p, sizeof(v));
	/* Signed, so bytes over 0x7f count as below the space. */
	odd = (v < ' ') | (v == '"') | (v == '\\');
	return (unsigned)__builtin_ia32_pmovmskb128((block_char)odd);
}

/* The number of plain bytes at the front. */
static size_t plain_len(const char *p, size_t n)
{
	size_t at = 0;

	for (; n - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
		unsigned odd = odd_bytes(p + at);

		if (odd)
			return at + (size_t)__builtin_ctz(odd);
	}
	return at + plain_len_short(p + at, n - at);
}

#else

static size_t plain_len(const char *p, size_t n)
{
	size_t at = 0;

	while (n - at >= 16 && word_is_plain(view_load64(p + at)))
		at += 8;
	return at + plain_len_short(p + at, n - at);
}

#endif

/* The length of the well-formed characters over 0x7f at the front; 0 for a stray byte. */
static size_t wide_len(const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && (signed char)p[at] < 0) {
		size_t len = utf8_char_len(p + at, n - at);

		if (len == 0)
			break;
		at += len;
	}
	return at;
}

size_t json_clean_len(struct ez_view v)
{
	size_t at = 0, n_wide = 1;

	while (at < v.len && n_wide > 0) {
		at += plain_len(v.ptr + at, v.len - at);
		n_wide = wide_len(v.ptr + at, v.len - at);
		at += n_wide;
	}
	return at;
}
