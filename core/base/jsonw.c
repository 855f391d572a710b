/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/jsonw.h"

#include <math.h>

#include "base/checked.h"
#include "base/json_scan.h"

/* What a byte stands for in a string: itself (0), \u00XX ('u'), or a letter after "\". */
static const char escapes[256] = {
	['\0'] = 'u', [1] = 'u',    [2] = 'u',    [3] = 'u',     [4] = 'u',    [5] = 'u',
	[6] = 'u',    [7] = 'u',    ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [11] = 'u',
	['\f'] = 'f', ['\r'] = 'r', [14] = 'u',   [15] = 'u',    [16] = 'u',   [17] = 'u',
	[18] = 'u',   [19] = 'u',   [20] = 'u',   [21] = 'u',    [22] = 'u',   [23] = 'u',
	[24] = 'u',   [25] = 'u',   [26] = 'u',   [27] = 'u',    [28] = 'u',   [29] = 'u',
	[30] = 'u',   [31] = 'u',   ['"'] = '"',  ['\\'] = '\\',
};

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

/* json_add_escaped, when it is known that the first `clean` bytes need nothing. */
static void add_escaped(struct buf *b, struct ez_view v, size_t clean)
{
	buf_add(b, v.ptr, clean);
	while (clean < v.len) {
		add_escape(b, (unsigned char)v.ptr[clean]);
		v = view_of(v.ptr + clean + 1, v.len - clean - 1);
		clean = json_clean_len(v);
		buf_add(b, v.ptr, clean);
	}
}

void json_add_escaped(struct buf *b, struct ez_view v)
{
	add_escaped(b, v, json_clean_len(v));
}

void json_add_string(struct buf *b, struct ez_view v)
{
	size_t clean = json_clean_len(v);

	buf_add_char(b, '"');
	if (clean < v.len) {
		add_escaped(b, v, clean);
		buf_add_char(b, '"');
		return;
	}
	/* The usual case: the text and its end in one go. */
	if (buf_reserve(b, clean + 1)) {
		buf_add_view(b, v);
		buf_add_char(b, '"');
	}
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

enum {
	NO_DIGIT = 0x1000, /* makes a byte that is over 255 at either place */
};

/* The value of a hex digit. */
static const uint16_t hex_values[256] = {
	[0 ... '0' - 1] = NO_DIGIT,
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	['9' + 1 ... 'A' - 1] = NO_DIGIT,
	10,
	11,
	12,
	13,
	14,
	15,
	['F' + 1 ... 'a' - 1] = NO_DIGIT,
	10,
	11,
	12,
	13,
	14,
	15,
	['f' + 1 ... 255] = NO_DIGIT,
};

/* The byte of two hex digits, or a number over 255. */
static uint32_t hex_byte(const unsigned char *p)
{
	return (uint32_t)hex_values[p[0]] << 4 | hex_values[p[1]];
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
