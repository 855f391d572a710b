/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "value.h"

#include <string.h>

#include "base/jsonw.h"

#include "jsontext.h"
#include "plain.h"

enum {
	PIECE_BYTES = 8 * 1024, /* of text: six times that fits into the room */
	ESCAPE_MAX = 6,
	NUMBER_MAX = 512,  /* longer text in a number's place is written as a string */
	INSTANT_MAX = 40,  /* longer than any timestamp */
	BASE64_IN = 12288, /* raw bytes a piece, a multiple of three */
};

enum value_form value_form(uint32_t type, bool json_inline)
{
	switch (type) {
	case EZ_TYPE_BOOL:
		return VALUE_BOOL;
	case EZ_TYPE_INT2:
	case EZ_TYPE_INT4:
	case EZ_TYPE_INT8:
		return VALUE_INT;
	case EZ_TYPE_FLOAT4:
	case EZ_TYPE_FLOAT8:
		return VALUE_NUMBER;
	case EZ_TYPE_BYTES:
		return VALUE_BYTES;
	case EZ_TYPE_TIMESTAMP:
		return VALUE_TIMESTAMP;
	case EZ_TYPE_TIMESTAMPTZ:
		return VALUE_TIMESTAMPTZ;
	case EZ_TYPE_JSON:
		return json_inline ? VALUE_JSON : VALUE_TEXT;
	default:
		return VALUE_TEXT;
	}
}

/* ------------------------------------------------------------------ numbers */

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
				  "25262728293031323334353637383940414243444546474849"
				  "50515253545556575859606162636465666768697071727374"
				  "75767778798081828384858687888990919293949596979899";

char *value_put_u64(char *p, uint64_t v)
{
	char text[VALUE_DIGITS_MAX];
	size_t at = sizeof(text);

	while (v >= 100) {
		at -= 2;
		memcpy(text + at, digit_pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		at -= 2;
		memcpy(text + at, digit_pairs + v * 2, 2);
	} else {
		text[--at] = (char)('0' + v);
	}
	memcpy(p, text + at, sizeof(text) - at);
	return p + (sizeof(text) - at);
}

char *value_put_i64(char *p, int64_t v)
{
	uint64_t magnitude = (uint64_t)v;

	if (v < 0) {
		*p++ = '-';
		magnitude = 0 - magnitude;
	}
	return value_put_u64(p, magnitude);
}

static char *put_hex32(char *p, uint32_t v)
{
	static const char hex[] = "0123456789ABCDEF";
	int shift = v ? (31 - __builtin_clz(v)) & ~3 : 0;

	for (; shift >= 0; shift -= 4)
		*p++ = hex[v >> shift & 15];
	return p;
}

char *value_put_lsn(char *p, uint64_t lsn)
{
	p = put_hex32(p, (uint32_t)(lsn >> 32));
	*p++ = '/';
	return put_hex32(p, (uint32_t)lsn);
}

/* ------------------------------------------------------------------ base64 */

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Three bytes, or the one or two that are left, as four characters. */
static char *put_base64(char *p, const unsigned char *b, size_t n)
{
	uint32_t v = (uint32_t)b[0] << 16 | (n > 1 ? (uint32_t)b[1] << 8 : 0) |
		     (n > 2 ? b[2] : 0U);

	p[0] = base64_digits[v >> 18];
	p[1] = base64_digits[v >> 12 & 63];
	p[2] = n > 1 ? base64_digits[v >> 6 & 63] : '=';
	p[3] = n > 2 ? base64_digits[v & 63] : '=';
	return p + 4;
}

static void add_base64(struct out *o, struct ez_view v)
{
	const unsigned char *b = (const unsigned char *)v.ptr;
	size_t left = v.len;

	while (left > 0) {
		size_t piece = MIN(left, (size_t)BASE64_IN);
		char *p = out_room(o, (piece + 2) / 3 * 4);

		left -= piece;
		for (; piece > 0; piece -= MIN(piece, (size_t)3)) {
			p = put_base64(p, b, MIN(piece, (size_t)3));
			b += MIN(piece, (size_t)3);
		}
		out_advance(o, p);
	}
}

void value_add_base64(struct out *o, struct ez_view bytes)
{
	out_add(o, "\"", 1);
	add_base64(o, bytes);
	out_add(o, "\"", 1);
}

/* 0 to 15, or 255. */
static unsigned char hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned char)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned char)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned char)(c - 'A' + 10);
	return 255;
}

/* "\x" and an even number of hex digits: the canonical text of bytes. */
static bool is_hex_bytes(struct ez_view v)
{
	unsigned char seen = 0;

	if (v.len < 2 || v.len % 2 != 0 || v.ptr[0] != '\\' || v.ptr[1] != 'x')
		return false;
	for (size_t i = 2; i < v.len; i++)
		seen |= hex_value(v.ptr[i]);
	return seen < 16;
}

static void add_hex_as_base64(struct out *o, struct ez_view v)
{
	unsigned char raw[768];
	size_t n = 0;

	for (size_t i = 2; i + 1 < v.len; i += 2) {
		raw[n++] = (unsigned char)(hex_value(v.ptr[i]) << 4 |
					   hex_value(v.ptr[i + 1]));
		if (n == sizeof(raw)) {
			add_base64(o, view_of(raw, n));
			n = 0;
		}
	}
	add_base64(o, view_of(raw, n));
}

/* ------------------------------------------------------------------ time */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What needs no quotes in either format: a comma would end a field of CSV. */
static bool is_of_instants(char c)
{
	return is_digit(c) || c == '-' || c == ':' || c == '.' || c == ' ' || c == '+';
}

/*
 * "2024-02-29 12:00:00.5+00" becomes "2024-02-29T12:00:00.5Z". False, and nothing written,
 * for what has no such form: infinity and years BC stay as the server writes them.
 */
static bool put_instant(char *p, struct ez_view v, bool zoned, char **ret_end)
{
	const char *space;
	size_t n = v.len;

	if (v.len > INSTANT_MAX || v.len < 16 || v.ptr[v.len - 1] == 'C')
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (!is_of_instants(v.ptr[i]))
			return false;
	space = memchr(v.ptr, ' ', v.len);
	if (!space)
		return false;
	if (zoned && memcmp(v.ptr + v.len - 3, "+00", 3) == 0)
		n -= 3;
	memcpy(p, v.ptr, n);
	p[space - v.ptr] = 'T';
	p += n;
	if (n < v.len)
		*p++ = 'Z';
	*ret_end = p;
	return true;
}

/* ------------------------------------------------------------------ JSON */

/* The front of `v` that may be encoded alone: whole characters. */
static size_t piece_len(struct ez_view v)
{
	size_t n = PIECE_BYTES;

	if (v.len <= PIECE_BYTES)
		return v.len;
	while (n > PIECE_BYTES - 4 && ((unsigned char)v.ptr[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void value_add_string(struct out *o, struct ez_view v)
{
	size_t n = piece_len(v);
	char *p = out_room(o, n * ESCAPE_MAX + 2);

	*p = '"';
	out_advance(o, p + 1);
	for (;;) {
		json_add_escaped(&o->buf, view_of(v.ptr, n));
		v = view_of(v.ptr + n, v.len - n);
		if (v.len == 0)
			break;
		n = piece_len(v);
		(void)out_room(o, n * ESCAPE_MAX + 2);
	}
	p = o->buf.ptr + o->buf.len;
	*p = '"';
	out_advance(o, p + 1);
}

/* JSON text on one line: white space outside of strings is all that may hold a break. */
static void add_embedded(struct out *o, struct ez_view v)
{
	while (v.len > 0) {
		size_t n = MIN(v.len, (size_t)PIECE_BYTES);
		char *p = out_room(o, n);

		for (size_t i = 0; i < n; i++)
			p[i] = (unsigned char)v.ptr[i] < ' ' ? ' ' : v.ptr[i];
		out_advance(o, p + n);
		v = view_of(v.ptr + n, v.len - n);
	}
}

/* The text of a value that stands without quotes in JSON; false when it cannot. */
static bool add_bare(struct out *o, enum value_form form, struct ez_view v)
{
	switch (form) {
	case VALUE_BOOL:
		if (view_eq(v, VIEW("t")))
			out_add(o, "true", 4);
		else if (view_eq(v, VIEW("f")))
			out_add(o, "false", 5);
		else
			return false;
		return true;
	case VALUE_INT:
	case VALUE_NUMBER:
		if (v.len > NUMBER_MAX || !jsontext_is_number(v))
			return false;
		out_add(o, v.ptr, v.len);
		return true;
	case VALUE_JSON:
		if (!jsontext_is_valid(v))
			return false;
		add_embedded(o, v);
		return true;
	default:
		return false;
	}
}

static bool add_instant(struct out *o, bool zoned, struct ez_view v, bool quoted)
{
	char *p = out_room(o, INSTANT_MAX + 4), *end;

	if (!put_instant(p + quoted, v, zoned, &end))
		return false;
	if (quoted) {
		*p = '"';
		*end++ = '"';
	}
	out_advance(o, end);
	return true;
}

void value_add_json(struct out *o, enum value_form form, struct ez_view v)
{
	switch (form) {
	case VALUE_TEXT:
		break;
	case VALUE_TIMESTAMP:
	case VALUE_TIMESTAMPTZ:
		if (add_instant(o, form == VALUE_TIMESTAMPTZ, v, true))
			return;
		break;
	case VALUE_BYTES:
		if (!is_hex_bytes(v))
			break;
		out_add(o, "\"", 1);
		add_hex_as_base64(o, v);
		out_add(o, "\"", 1);
		return;
	default:
		if (add_bare(o, form, v))
			return;
		break;
	}
	value_add_string(o, v);
}

/* ------------------------------------------------------------------ short values */

/* Whether eight bytes are digits where `like` has zeros, and else the same. */
static bool is_like(const char *p, const char *like)
{
	uint64_t x = view_load64(p) ^ view_load64(like);

	return ((x | (x + PLAIN_EACH(0x76))) & PLAIN_EACH(0x80)) == 0;
}

/* "2024-02-29 12:00:00" at the front. */
static bool begins_usual(struct ez_view v)
{
	return v.len >= 19 && v.len <= INSTANT_MAX && v.ptr[10] == ' ' &&
	       is_like(v.ptr, "0000-00-") && is_like(v.ptr + 11, "00:00:00") &&
	       is_digit(v.ptr[8]) && is_digit(v.ptr[9]);
}

/* That, perhaps a fraction, and "+00" if it is zoned; NULL for anything else. */
static char *put_usual_instant(char *p, bool zoned, struct ez_view v)
{
	size_t n = v.len;

	if (!begins_usual(v))
		return NULL;
	if (zoned && (n < 22 || memcmp(v.ptr + n - 3, "+00", 3) != 0))
		return NULL;
	n -= zoned ? 3 : 0;
	if (n > 19 && v.ptr[19] != '.')
		return NULL;
	*p++ = '"';
	memcpy(p, v.ptr, 19);
	p[10] = 'T';
	for (size_t i = 19; i < n; i++) {
		if (i > 19 && !is_digit(v.ptr[i]))
			return NULL;
		p[i] = v.ptr[i];
	}
	p += n;
	if (zoned)
		*p++ = 'Z';
	*p++ = '"';
	return p;
}

static char *put_int(char *p, struct ez_view v)
{
	size_t i = v.len > 0 && v.ptr[0] == '-';

	if (v.len > VALUE_DIGITS_MAX || i == v.len || (v.ptr[i] == '0' && v.len - i > 1))
		return NULL;
	p[0] = '-';
	for (; i < v.len; i++) {
		if (!is_digit(v.ptr[i]))
			return NULL;
		p[i] = v.ptr[i];
	}
	return p + v.len;
}

static char *put_bool(char *p, struct ez_view v)
{
	static const char words[2][8] = { "false", "true" };
	bool yes = v.len == 1 && v.ptr[0] == 't';

	if (v.len != 1 || (!yes && v.ptr[0] != 'f'))
		return NULL;
	memcpy(p, words[yes], sizeof(words[yes]));
	return p + (yes ? 4 : 5);
}

char *value_put_json(char *p, enum value_form form, struct ez_view v)
{
	switch (form) {
	case VALUE_TEXT:
		*p = '"';
		if (!copy_plain(p + 1, v.ptr, v.len))
			return NULL;
		p[v.len + 1] = '"';
		return p + v.len + 2;
	case VALUE_INT:
		return put_int(p, v);
	case VALUE_NUMBER:
		if (v.len > NUMBER_MAX || !jsontext_is_number(v))
			return NULL;
		memcpy(p, v.ptr, v.len);
		return p + v.len;
	case VALUE_BOOL:
		return put_bool(p, v);
	case VALUE_TIMESTAMP:
	case VALUE_TIMESTAMPTZ:
		return put_usual_instant(p, form == VALUE_TIMESTAMPTZ, v);
	default:
		return NULL;
	}
}

/* ------------------------------------------------------------------ CSV */

static bool wants_quotes(struct ez_view v)
{
	return v.len == 0 || memchr(v.ptr, ',', v.len) || memchr(v.ptr, '"', v.len) ||
	       memchr(v.ptr, '\n', v.len) || memchr(v.ptr, '\r', v.len);
}

void value_add_csv_text(struct out *o, struct ez_view v)
{
	if (!wants_quotes(v)) {
		out_add(o, v.ptr, v.len);
		return;
	}
	out_add(o, "\"", 1);
	while (v.len > 0) {
		const char *quote = memchr(v.ptr, '"', v.len);
		size_t n = quote ? (size_t)(quote - v.ptr) + 1 : v.len;

		out_add(o, v.ptr, n);
		if (quote)
			out_add(o, "\"", 1);
		v = view_of(v.ptr + n, v.len - n);
	}
	out_add(o, "\"", 1);
}

void value_add_csv(struct out *o, enum value_form form, struct ez_view v)
{
	switch (form) {
	case VALUE_BOOL:
		if (add_bare(o, form, v))
			return;
		break;
	case VALUE_TIMESTAMP:
	case VALUE_TIMESTAMPTZ:
		if (add_instant(o, form == VALUE_TIMESTAMPTZ, v, false))
			return;
		break;
	case VALUE_BYTES:
		if (is_hex_bytes(v) && v.len > 2) {
			add_hex_as_base64(o, v);
			return;
		}
		if (is_hex_bytes(v))
			v.len = 0; /* no bytes: the empty string */
		break;
	default:
		break;
	}
	value_add_csv_text(o, v);
}
