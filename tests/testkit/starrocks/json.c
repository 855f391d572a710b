/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "json.h"

#include <ctype.h>

#include "base/utf8.h"

enum {
	DEPTH_MAX = 200,
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void advance(struct ez_view *v, size_t n)
{
	*v = view_of(v->ptr + n, v->len - n);
}

void json_skip_space(struct ez_view *rest)
{
	while (rest->len > 0 && is_space(*rest->ptr))
		advance(rest, 1);
}

bool json_take_char(struct ez_view *rest, char c)
{
	json_skip_space(rest);
	if (rest->len == 0 || *rest->ptr != c)
		return false;
	advance(rest, 1);
	return true;
}

static bool hex_value(struct ez_view v, unsigned *ret_value)
{
	unsigned value = 0;

	if (v.len < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)v.ptr[i];

		if (!isxdigit(c))
			return false;
		value = value * 16 +
			(unsigned)(isdigit(c) ? c - '0' : (c | 32) - 'a' + 10);
	}
	*ret_value = value;
	return true;
}

static bool take_escape(struct ez_view *v)
{
	unsigned ignored;

	advance(v, 1);
	if (v->len == 0)
		return false;
	if (*v->ptr == 'u') {
		advance(v, 1);
		if (!hex_value(*v, &ignored))
			return false;
		advance(v, 4);
		return true;
	}
	if (!strchr("\"\\/bfnrt", *v->ptr) || *v->ptr == '\0')
		return false;
	advance(v, 1);
	return true;
}

static bool take_string(struct ez_view *v)
{
	advance(v, 1);
	while (v->len > 0 && *v->ptr != '"') {
		if ((unsigned char)*v->ptr < 0x20)
			return false;
		if (*v->ptr == '\\') {
			if (!take_escape(v))
				return false;
		} else {
			advance(v, 1);
		}
	}
	if (v->len == 0)
		return false;
	advance(v, 1);
	return true;
}

static size_t digits(struct ez_view v)
{
	size_t n = 0;

	while (n < v.len && isdigit((unsigned char)v.ptr[n]))
		n++;
	return n;
}

/* At least one digit. */
static bool take_digits(struct ez_view *v)
{
	size_t n = digits(*v);

	advance(v, n);
	return n > 0;
}

static bool take_one_of(struct ez_view *v, const char *set)
{
	if (v->len == 0 || *v->ptr == '\0' || !strchr(set, *v->ptr))
		return false;
	advance(v, 1);
	return true;
}

static bool take_number(struct ez_view *v)
{
	struct ez_view whole;

	take_one_of(v, "-");
	whole = *v;
	if (!take_digits(v) || (*whole.ptr == '0' && whole.len - v->len > 1))
		return false;
	if (take_one_of(v, ".") && !take_digits(v))
		return false;
	if (!take_one_of(v, "eE"))
		return true;
	take_one_of(v, "+-");
	return take_digits(v);
}

static bool take_word(struct ez_view *v, struct ez_view word)
{
	if (!view_starts(*v, word))
		return false;
	advance(v, word.len);
	return true;
}

static bool take_scalar(struct ez_view *v)
{
	switch (*v->ptr) {
	case '"':
		return take_string(v);
	case 't':
		return take_word(v, VIEW("true"));
	case 'f':
		return take_word(v, VIEW("false"));
	case 'n':
		return take_word(v, VIEW("null"));
	default:
		return take_number(v);
	}
}

/* Behind a value within containers: takes what closes them. False when something is wrong. */
static bool take_ends(struct ez_view *v, char *open, size_t *depth, bool *ret_more)
{
	while (*depth > 0) {
		char close = open[*depth - 1] == '{' ? '}' : ']';

		if (json_take_char(v, ',')) {
			*ret_more = true;
			return true;
		}
		if (!json_take_char(v, close))
			return false;
		--*depth;
	}
	*ret_more = false;
	return true;
}

static bool take_key(struct ez_view *v)
{
	json_skip_space(v);
	return v->len > 0 && *v->ptr == '"' && take_string(v) && json_take_char(v, ':');
}

bool json_take(struct ez_view *rest, struct ez_view *ret_raw)
{
	char open[DEPTH_MAX];
	size_t depth = 0;
	struct ez_view v = *rest;
	const char *from;
	bool more = true;

	json_skip_space(&v);
	from = v.ptr;
	while (more) {
		if (depth > 0 && open[depth - 1] == '{' && !take_key(&v))
			return false;
		json_skip_space(&v);
		if (v.len == 0)
			return false;
		if (*v.ptr == '{' || *v.ptr == '[') {
			char c = *v.ptr;

			if (depth == DEPTH_MAX)
				return false;
			open[depth++] = c;
			advance(&v, 1);
			if (!json_take_char(&v, c == '{' ? '}' : ']'))
				continue;
			depth--;
		} else if (!take_scalar(&v)) {
			return false;
		}
		if (!take_ends(&v, open, &depth, &more))
			return false;
	}
	*ret_raw = view_of(from, (size_t)(v.ptr - from));
	*rest = v;
	return utf8_is_valid(*ret_raw);
}

static void add_utf8(struct buf *out, unsigned c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 63)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	}
}

/* `v` stands behind "\u". A lone surrogate becomes the replacement character. */
static void unescape_unicode(struct ez_view *v, struct buf *out)
{
	unsigned c = 0, low = 0;

	if (!hex_value(*v, &c))
		return;
	advance(v, 4);
	if (c >= 0xd800 && c < 0xdc00 && v->len >= 6 && v->ptr[0] == '\\' &&
	    v->ptr[1] == 'u' && hex_value(view_of(v->ptr + 2, v->len - 2), &low) &&
	    low >= 0xdc00 && low < 0xe000) {
		advance(v, 6);
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xd800 && c < 0xe000) {
		c = 0xfffd;
	}
	add_utf8(out, c);
}

void json_unescape(struct ez_view raw, struct buf *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	struct ez_view v = view_of(raw.ptr + 1, raw.len - 2);

	while (v.len > 0) {
		const char *slash = memchr(v.ptr, '\\', v.len), *known;
		size_t n = slash ? (size_t)(slash - v.ptr) : v.len;

		buf_add(out, v.ptr, n);
		advance(&v, n);
		if (v.len < 2)
			break;
		known = strchr(from, v.ptr[1]);
		if (v.ptr[1] == 'u') {
			advance(&v, 2);
			unescape_unicode(&v, out);
			continue;
		}
		buf_add_char(out, known ? to[known - from] : v.ptr[1]);
		advance(&v, 2);
	}
}

void json_compact(struct ez_view raw, struct buf *out)
{
	bool in_string = false;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (in_string && c == '\\') {
			buf_add(out, raw.ptr + i, MIN((size_t)2, raw.len - i));
			i++;
			continue;
		}
		if (c == '"')
			in_string = !in_string;
		if (in_string || !is_space(c))
			buf_add_char(out, c);
	}
}
