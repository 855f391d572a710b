/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "jsontext.h"

#include <string.h>

#include "base/utf8.h"

/*
 * A checker without recursion: containers stand in a bit set, one bit per depth. The state
 * says what may come next.
 */
struct checker {
	const char *p, *end;
	unsigned depth;
	unsigned char is_object[JSONTEXT_DEPTH_MAX / 8];
};

enum state {
	WANT_VALUE,
	WANT_FIRST_VALUE, /* or the end of an array */
	WANT_FIRST_NAME,  /* or the end of an object */
	WANT_NAME,
	WANT_COMMA, /* or the end of the container */
	WANT_NOTHING,
	BROKEN,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

/* Past one digit or more; NULL when there is none. */
static const char *need_digits(const char *p, const char *end)
{
	const char *to = skip_digits(p, end);

	return to == p ? NULL : to;
}

/* Past "e+20", if that is what stands there; NULL when it is broken. */
static const char *skip_exponent(const char *p, const char *end)
{
	if (p == end || (*p != 'e' && *p != 'E'))
		return p;
	p++;
	if (p < end && (*p == '+' || *p == '-'))
		p++;
	return need_digits(p, end);
}

/* The end of the number that begins at p, or NULL. */
static const char *skip_number(const char *p, const char *end)
{
	const char *start;

	if (p < end && *p == '-')
		p++;
	start = p;
	p = need_digits(p, end);
	if (!p || (*start == '0' && p - start > 1))
		return NULL;
	if (p < end && *p == '.')
		p = need_digits(p + 1, end);
	return p ? skip_exponent(p, end) : NULL;
}

bool jsontext_is_number(struct ez_view v)
{
	return v.len > 0 && skip_number(v.ptr, v.ptr + v.len) == v.ptr + v.len;
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The length of the escape after the backslash at p, or 0. */
static size_t escape_len(const char *p, const char *end)
{
	if (end - p < 2)
		return 0;
	if (p[1] != 'u')
		return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
	if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) ||
	    !is_hex(p[5]))
		return 0;
	return 6;
}

/* Past the string whose opening quote is at p; NULL when it is broken. */
static const char *skip_string(const char *p, const char *end)
{
	if (p == end || *p != '"')
		return NULL;
	p++;
	while (p < end && *p != '"') {
		size_t n = 1;

		if (*p == '\\')
			n = escape_len(p, end);
		else if ((unsigned char)*p < ' ')
			n = 0;
		if (n == 0)
			return NULL;
		p += n;
	}
	return p < end ? p + 1 : NULL;
}

static void skip_space(struct checker *c)
{
	while (c->p < c->end &&
	       (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static enum state after_value(const struct checker *c)
{
	return c->depth > 0 ? WANT_COMMA : WANT_NOTHING;
}

static bool in_object(const struct checker *c)
{
	unsigned at = c->depth - 1;

	return (c->is_object[at / 8] >> at % 8 & 1) != 0;
}

static enum state open_container(struct checker *c, bool object)
{
	unsigned char bit = (unsigned char)(1U << c->depth % 8);

	if (c->depth == JSONTEXT_DEPTH_MAX)
		return BROKEN;
	if (object)
		c->is_object[c->depth / 8] |= bit;
	else
		c->is_object[c->depth / 8] &= (unsigned char)~bit;
	c->depth++;
	c->p++;
	return object ? WANT_FIRST_NAME : WANT_FIRST_VALUE;
}

static enum state close_container(struct checker *c)
{
	if (*c->p != (in_object(c) ? '}' : ']'))
		return BROKEN;
	c->depth--;
	c->p++;
	return after_value(c);
}

static bool take_word(struct checker *c, struct ez_view word)
{
	if (!view_starts(view_of(c->p, (size_t)(c->end - c->p)), word))
		return false;
	c->p += word.len;
	return true;
}

static enum state check_value(struct checker *c)
{
	const char *to;

	switch (*c->p) {
	case '{':
		return open_container(c, true);
	case '[':
		return open_container(c, false);
	case 't':
		return take_word(c, VIEW("true")) ? after_value(c) : BROKEN;
	case 'f':
		return take_word(c, VIEW("false")) ? after_value(c) : BROKEN;
	case 'n':
		return take_word(c, VIEW("null")) ? after_value(c) : BROKEN;
	case '"':
		to = skip_string(c->p, c->end);
		break;
	default:
		to = skip_number(c->p, c->end);
		break;
	}
	if (!to)
		return BROKEN;
	c->p = to;
	return after_value(c);
}

static enum state check_name(struct checker *c)
{
	c->p = skip_string(c->p, c->end);
	if (!c->p)
		return BROKEN;
	skip_space(c);
	if (c->p == c->end || *c->p != ':')
		return BROKEN;
	c->p++;
	return WANT_VALUE;
}

static enum state check_next(struct checker *c, enum state state)
{
	switch (state) {
	case WANT_FIRST_VALUE:
		return *c->p == ']' ? close_container(c) : check_value(c);
	case WANT_VALUE:
		return check_value(c);
	case WANT_FIRST_NAME:
		return *c->p == '}' ? close_container(c) : check_name(c);
	case WANT_NAME:
		return check_name(c);
	case WANT_COMMA:
		if (*c->p != ',')
			return close_container(c);
		c->p++;
		return in_object(c) ? WANT_NAME : WANT_VALUE;
	default:
		return BROKEN;
	}
}

bool jsontext_is_valid(struct ez_view v)
{
	struct checker c = { .p = v.ptr, .end = v.ptr + v.len };
	enum state state = WANT_VALUE;

	if (v.len == 0 || !utf8_is_valid(v))
		return false;
	for (;;) {
		skip_space(&c);
		if (c.p == c.end)
			return state == WANT_NOTHING;
		state = check_next(&c, state);
		if (state == BROKEN)
			return false;
	}
}
