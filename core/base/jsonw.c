/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/jsonw.h"

#include <math.h>

#if defined(__SSE2__) && !defined(BASE_NO_SIMD)
# define JSON_SSE2 1
#endif

#include "base/checked.h"
#include "base/utf8.h"

/*
 * Escaping looks for the next byte that cannot be copied as it is and copies the run
 * before it in one go. A block of 16 bytes (8 without SSE2) is passed over with one test,
 * because bytewise scanning is what large text values would otherwise spend their time
 * on. Bytes over 0x7f stop the block test too; characters found well-formed stay in the
 * run.
 */

/* What a byte stands for in a string: itself (0), \u00XX ('u'), or a letter after "\". */
static const char escapes[256] = {
	['\0'] = 'u', [1] = 'u',    [2] = 'u',    [3] = 'u',     [4] = 'u',    [5] = 'u',
	[6] = 'u',    [7] = 'u',    ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [11] = 'u',
	['\f'] = 'f', ['\r'] = 'r', [14] = 'u',   [15] = 'u',    [16] = 'u',   [17] = 'u',
	[18] = 'u',   [19] = 'u',   [20] = 'u',   [21] = 'u',    [22] = 'u',   [23] = 'u',
	[24] = 'u',   [25] = 'u',   [26] = 'u',   [27] = 'u',    [28] = 'u',   [29] = 'u',
	[30] = 'u',   [31] = 'u',   ['"'] = '"',  ['\\'] = '\\',
};

static bool is_plain(char c)
{
	return (signed char)c >= 0 && escapes[(unsigned char)c] == 0;
}

#ifdef JSON_SSE2
enum {
	BLOCK_BYTES = 16,
};

/* The compiler's own vectors: a vector type can only be a typedef. */
typedef signed char block_signed __attribute__((vector_size(BLOCK_BYTES)));
typedef char block_char __attribute__((vector_size(BLOCK_BYTES)));

/* The number of plain bytes before the first other one of a block. */
static size_t plain_in_block(const char *p)
{
	block_signed v, found;
	int mask;

	memcpy(&v, p, sizeof(v));
	/* Signed, so bytes over 0x7f count as below the space. */
	found = (v < ' ') | (v == '"') | (v == '\\');
	mask = __builtin_ia32_pmovmskb128((block_char)found);
	return mask ? (size_t)__builtin_ctz((unsigned)mask) : (size_t)BLOCK_BYTES;
}
#else
enum {
	BLOCK_BYTES = 8,
};

# define BYTES_OF(c) (0x0101010101010101ULL * (unsigned char)(c))

/* Non-zero when a byte of `v` is zero. */
static uint64_t zero_bytes(uint64_t v)
{
	return (v - BYTES_OF(1)) & ~v & BYTES_OF(0x80);
}

static size_t plain_in_block(const char *p)
{
	uint64_t v = view_load64(p);
	uint64_t low = (v - BYTES_OF(' ')) & ~v & BYTES_OF(0x80);
	uint64_t found = low | (v & BYTES_OF(0x80)) | zero_bytes(v ^ BYTES_OF('"')) |
			 zero_bytes(v ^ BYTES_OF('\\'));
	size_t n = 0;

	if (!found)
		return BLOCK_BYTES;
	while (is_plain(p[n]))
		n++;
	return n;
}
#endif

/* The number of plain bytes at the front of `n` bytes. */
static size_t plain_len(const char *p, size_t n)
{
	size_t at = 0;

	while (n - at >= BLOCK_BYTES) {
		size_t plain = plain_in_block(p + at);

		at += plain;
		if (plain < BLOCK_BYTES)
			return at;
	}
	while (at < n && is_plain(p[at]))
		at++;
	return at;
}

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

static void add_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char letter = escapes[c];

	if (letter == 0)
		buf_add(b, "\xef\xbf\xbd", 3); /* U+FFFD */
	else if (letter == 'u')
		buf_add(b,
			(const char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] },
			6);
	else
		buf_add(b, (const char[]){ '\\', letter }, 2);
}

void json_add_escaped(struct buf *b, struct ez_view v)
{
	const char *run = v.ptr;
	size_t run_len = 0, left = v.len;

	while (run_len < left) {
		size_t n = plain_len(run + run_len, left - run_len);

		n += wide_len(run + run_len + n, left - run_len - n);
		run_len += n;
		if (n > 0 || run_len == left)
			continue;
		buf_add(b, run, run_len);
		add_escape(b, (unsigned char)run[run_len]);
		run += run_len + 1;
		left -= run_len + 1;
		run_len = 0;
	}
	buf_add(b, run, run_len);
}

void json_add_string(struct buf *b, struct ez_view v)
{
	buf_add_char(b, '"');
	json_add_escaped(b, v);
	buf_add_char(b, '"');
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Room for the string of `n` bytes, quotes included; the first quote is written. */
static char *begin_base64(struct buf *b, size_t n)
{
	/* Rounded up from n / 3 so that no n overflows; buf_reserve refuses what is too big. */
	size_t groups = n / 3 + (n % 3 != 0), bytes;
	char *to;

	if (mul_overflows_size(groups, 4, &bytes))
		bytes = SIZE_MAX - 2;
	to = buf_reserve(b, bytes + 2);
	if (to)
		*to++ = '"';
	return to;
}

static char *put_group(char *to, uint32_t bits)
{
	to[0] = base64_digits[bits >> 18];
	to[1] = base64_digits[bits >> 12 & 63];
	to[2] = base64_digits[bits >> 6 & 63];
	to[3] = base64_digits[bits & 63];
	return to + 4;
}

/* The group of the last one or two bytes, with its padding, and the closing quote. */
static void end_base64(struct buf *b, char *to, uint32_t bits, size_t n)
{
	if (n > 0) {
		to = put_group(to, bits);
		to[-1] = '=';
		if (n == 1)
			to[-2] = '=';
	}
	*to++ = '"';
	buf_advance(b, (size_t)(to - (b->ptr + b->len)));
}

void json_add_base64(struct buf *b, struct ez_view v)
{
	const unsigned char *p = (const unsigned char *)v.ptr;
	char *to = begin_base64(b, v.len);
	size_t left = v.len;
	uint32_t bits = 0;

	if (!to)
		return;
	for (; left >= 3; left -= 3, p += 3)
		to = put_group(to, (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]);
	if (left > 0)
		bits |= (uint32_t)p[0] << 16;
	if (left > 1)
		bits |= (uint32_t)p[1] << 8;
	end_base64(b, to, bits, left);
}

/* The value of a hex digit plus one; 0 for any other byte. */
static const uint8_t hex_values[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* The byte of two hex digits, or a number over 255. */
static uint32_t hex_byte(const unsigned char *p)
{
	uint32_t high = hex_values[p[0]] - 1U, low = hex_values[p[1]] - 1U;

	return (high | low) > 15 ? 256 : high << 4 | low;
}

bool json_add_base64_from_hex(struct buf *b, struct ez_view hex)
{
	const unsigned char *p = (const unsigned char *)hex.ptr;
	size_t left = hex.len / 2;
	uint32_t bits = 0, seen = 0;
	char *to;

	if (hex.len % 2 != 0)
		return false;
	to = begin_base64(b, left);
	if (!to)
		return true;
	for (; left >= 3; left -= 3, p += 6) {
		uint32_t b0 = hex_byte(p), b1 = hex_byte(p + 2), b2 = hex_byte(p + 4);

		seen |= b0 | b1 | b2;
		if (seen > 255)
			return false;
		to = put_group(to, b0 << 16 | b1 << 8 | b2);
	}
	for (size_t i = 0; i < left; i++) {
		uint32_t byte = hex_byte(p + 2 * i);

		seen |= byte;
		bits |= byte << (16 - 8 * i);
	}
	if (seen > 255)
		return false;
	end_base64(b, to, bits, left);
	return true;
}

void json_add_double(struct buf *b, double v)
{
	if (isfinite(v))
		buf_addf(b, "%.15g", v);
	else
		buf_add_str(b, "null");
}

/* The comma before a value or key, unless it is the first or stands behind its key. */
static void separate(struct jsonw *w)
{
	uint64_t bit = (uint64_t)1 << w->depth;

	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth > 0 && (w->filled & bit))
		buf_add_char(w->buf, ',');
	w->filled |= bit;
}

static void begin(struct jsonw *w, char c)
{
	separate(w);
	ASSERT(w->depth < JSONW_DEPTH_MAX);
	buf_add_char(w->buf, c);
	w->depth++;
	w->filled &= ~((uint64_t)1 << w->depth);
}

static void end(struct jsonw *w, char c)
{
	ASSERT(w->depth > 0 && !w->after_key);
	w->depth--;
	buf_add_char(w->buf, c);
}

void jsonw_begin_object(struct jsonw *w)
{
	begin(w, '{');
}

void jsonw_end_object(struct jsonw *w)
{
	end(w, '}');
}

void jsonw_begin_array(struct jsonw *w)
{
	begin(w, '[');
}

void jsonw_end_array(struct jsonw *w)
{
	end(w, ']');
}

void jsonw_key(struct jsonw *w, const char *key)
{
	jsonw_key_view(w, view_str(key));
}

void jsonw_key_view(struct jsonw *w, struct ez_view key)
{
	ASSERT(w->depth > 0 && !w->after_key);
	separate(w);
	json_add_string(w->buf, key);
	buf_add_char(w->buf, ':');
	w->after_key = true;
}

void jsonw_view(struct jsonw *w, struct ez_view v)
{
	separate(w);
	json_add_string(w->buf, v);
}

void jsonw_i64(struct jsonw *w, int64_t v)
{
	separate(w);
	buf_add_i64(w->buf, v);
}

void jsonw_u64(struct jsonw *w, uint64_t v)
{
	separate(w);
	buf_add_u64(w->buf, v);
}

void jsonw_bool(struct jsonw *w, bool v)
{
	jsonw_raw(w, v ? VIEW("true") : VIEW("false"));
}

void jsonw_null(struct jsonw *w)
{
	jsonw_raw(w, VIEW("null"));
}

void jsonw_double(struct jsonw *w, double v)
{
	separate(w);
	json_add_double(w->buf, v);
}

void jsonw_str(struct jsonw *w, const char *s)
{
	if (s)
		jsonw_view(w, view_str(s));
	else
		jsonw_null(w);
}

void jsonw_raw(struct jsonw *w, struct ez_view json)
{
	separate(w);
	buf_add_view(w->buf, json);
}
