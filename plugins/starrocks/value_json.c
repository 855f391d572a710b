/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/jsonw.h"
#include "base/utf8.h"

#include "value.h"
#include "value_text.h"

enum {
	DEPTH_MAX = 256,
	ARRAY_DEPTH_MAX = 6, /* PostgreSQL's own */
};

/* ------------------------------------------------------------------ is it JSON */

/* A value's text from `p` on; a step returns where it stopped, or NULL. */
struct checker {
	const char *p, *end;
	unsigned depth;
	unsigned char is_object[DEPTH_MAX / 8];
};

static void skip_space(struct checker *c)
{
	while (c->p < c->end &&
	       (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static bool skip_digits(struct checker *c)
{
	const char *from = c->p;

	while (c->p < c->end && text_is_digit(*c->p))
		c->p++;
	return c->p > from;
}

static bool take(struct checker *c, char wanted)
{
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

static bool take_number(struct checker *c)
{
	const char *from;

	(void)take(c, '-');
	from = c->p;
	if (!skip_digits(c) || (*from == '0' && c->p - from > 1))
		return false;
	if (take(c, '.') && !skip_digits(c))
		return false;
	if (take(c, 'e') || take(c, 'E')) {
		if (!take(c, '+'))
			(void)take(c, '-');
		return skip_digits(c);
	}
	return true;
}

static bool take_escape(struct checker *c)
{
	if (c->p == c->end)
		return false;
	if (*c->p != 'u')
		return *c->p != '\0' && strchr("\"\\/bfnrt", *c->p++) != NULL;
	if (c->end - c->p < 5)
		return false;
	for (int i = 1; i < 5; i++)
		if (!text_is_digit(c->p[i]) &&
		    !((c->p[i] | 32) >= 'a' && (c->p[i] | 32) <= 'f'))
			return false;
	c->p += 5;
	return true;
}

static bool take_string(struct checker *c)
{
	if (!take(c, '"'))
		return false;
	while (c->p < c->end && *c->p != '"') {
		if ((unsigned char)*c->p < ' ')
			return false;
		if (*c->p++ == '\\' && !take_escape(c))
			return false;
	}
	return take(c, '"');
}

static bool take_word(struct checker *c, struct ez_view word)
{
	if (!view_starts(view_of(c->p, (size_t)(c->end - c->p)), word))
		return false;
	c->p += word.len;
	return true;
}

static bool in_object(const struct checker *c)
{
	return (c->is_object[(c->depth - 1) / 8] >> (c->depth - 1) % 8 & 1) != 0;
}

/* Past the member's name and colon. */
static bool take_name(struct checker *c)
{
	skip_space(c);
	if (!take_string(c))
		return false;
	skip_space(c);
	return take(c, ':');
}

enum step { STEP_BROKEN, STEP_VALUE, STEP_INSIDE, STEP_DONE };

static enum step open_container(struct checker *c, bool object)
{
	unsigned char bit = (unsigned char)(1U << c->depth % 8);

	if (c->depth == DEPTH_MAX)
		return STEP_BROKEN;
	if (object)
		c->is_object[c->depth / 8] |= bit;
	else
		c->is_object[c->depth / 8] &= (unsigned char)~bit;
	c->depth++;
	c->p++;
	skip_space(c);
	if (take(c, object ? '}' : ']')) {
		c->depth--;
		return STEP_DONE;
	}
	return !object || take_name(c) ? STEP_INSIDE : STEP_BROKEN;
}

static enum step take_value(struct checker *c)
{
	skip_space(c);
	if (c->p == c->end)
		return STEP_BROKEN;
	switch (*c->p) {
	case '{':
		return open_container(c, true);
	case '[':
		return open_container(c, false);
	case '"':
		return take_string(c) ? STEP_DONE : STEP_BROKEN;
	case 't':
		return take_word(c, VIEW("true")) ? STEP_DONE : STEP_BROKEN;
	case 'f':
		return take_word(c, VIEW("false")) ? STEP_DONE : STEP_BROKEN;
	case 'n':
		return take_word(c, VIEW("null")) ? STEP_DONE : STEP_BROKEN;
	default:
		return take_number(c) ? STEP_DONE : STEP_BROKEN;
	}
}

/* After a value: closes what ends here, or goes on to the next one. */
static enum step take_next(struct checker *c)
{
	while (c->depth > 0) {
		skip_space(c);
		if (take(c, ','))
			return !in_object(c) || take_name(c) ? STEP_VALUE : STEP_BROKEN;
		if (!take(c, in_object(c) ? '}' : ']'))
			return STEP_BROKEN;
		c->depth--;
	}
	return STEP_DONE;
}

bool value_is_json(struct ez_view v)
{
	struct checker c = { .p = v.ptr, .end = v.ptr + v.len };
	enum step step = STEP_VALUE;

	if (v.len == 0 || !utf8_is_valid(v))
		return false;
	while (step == STEP_VALUE) {
		step = take_value(&c);
		if (step == STEP_DONE)
			step = take_next(&c);
		else if (step == STEP_INSIDE)
			step = STEP_VALUE;
	}
	skip_space(&c);
	return step == STEP_DONE && c.p == c.end;
}

bool value_is_number(struct ez_view v)
{
	return text_is_finite(v) && text_is_digit(v.ptr[v.len - 1]) && value_is_json(v);
}

/* ------------------------------------------------------------------ arrays */

struct array {
	const struct field *field;
	struct buf *out;
	const char *p, *end;
};

/* Bare where JSON has the type, else a string. */
static void add_element(const struct array *a, struct ez_view v)
{
	switch (a->field->element) {
	case EZ_TYPE_BOOL:
		if (v.len == 1 && (v.ptr[0] == 't' || v.ptr[0] == 'f')) {
			buf_add_str(a->out, v.ptr[0] == 't' ? "true" : "false");
			return;
		}
		break;
	case EZ_TYPE_INT2:
	case EZ_TYPE_INT4:
	case EZ_TYPE_INT8:
	case EZ_TYPE_FLOAT4:
	case EZ_TYPE_FLOAT8:
		if (value_is_number(v)) {
			buf_add_view(a->out, v);
			return;
		}
		break;
	case EZ_TYPE_JSON:
		if (value_is_json(v)) {
			size_t from = a->out->len;

			buf_add_view(a->out, v);
			for (size_t i = from; i < a->out->len; i++)
				if (a->out->ptr[i] == '\n' || a->out->ptr[i] == '\r')
					a->out->ptr[i] = ' ';
			return;
		}
		break;
	default:
		break;
	}
	json_add_string(a->out, v);
}

/* "b \"c\"" with the quotes; its text without backslashes goes through a buffer. */
static bool add_quoted(struct array *a)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TYPE_JSON_MAX);
	const char *from = ++a->p;

	while (a->p < a->end && *a->p != '"') {
		if (*a->p == '\\') {
			buf_add(&text, from, (size_t)(a->p - from));
			from = ++a->p;
			if (a->p == a->end)
				return false;
		}
		a->p++;
	}
	if (a->p == a->end)
		return false;
	buf_add(&text, from, (size_t)(a->p - from));
	a->p++;
	if (!buf_ok(&text))
		return false;
	add_element(a, buf_view(&text));
	return true;
}

static bool add_bare(struct array *a)
{
	const char *from = a->p;
	struct ez_view v;

	while (a->p < a->end && *a->p != a->field->delimiter && *a->p != '}' &&
	       *a->p != '{' && *a->p != '"' && *a->p != '\\')
		a->p++;
	v = view_of(from, (size_t)(a->p - from));
	if (v.len == 0)
		return false;
	if (view_eq(v, VIEW("NULL")))
		buf_add_str(a->out, "null");
	else
		add_element(a, v);
	return true;
}

/* "[0:1][2:3]=" in front: bounds, which JSON arrays do not have. */
static bool skip_bounds(struct array *a)
{
	if (*a->p != '[')
		return true;
	while (a->p < a->end && *a->p != '=') {
		if (!text_is_digit(*a->p) && !strchr("[]:-", *a->p))
			return false;
		a->p++;
	}
	return a->p < a->end && *a->p++ == '=';
}

/* What may stand after an element or a brace: the next one, or the end of its array. */
static bool add_after(struct array *a, unsigned *depth)
{
	while (*depth > 0) {
		if (a->p == a->end)
			return false;
		if (*a->p == a->field->delimiter) {
			a->p++;
			buf_add_char(a->out, ',');
			return true;
		}
		if (*a->p != '}')
			return false;
		a->p++;
		(*depth)--;
		buf_add_char(a->out, ']');
	}
	return true;
}

static bool add_elements(struct array *a)
{
	unsigned depth = 0;

	do {
		bool ok;

		if (a->p == a->end)
			return false;
		if (*a->p == '{') {
			if (++depth > ARRAY_DEPTH_MAX)
				return false;
			buf_add_char(a->out, '[');
			a->p++;
			if (a->p == a->end || *a->p != '}')
				continue;
			ok = true; /* an empty one */
		} else {
			ok = *a->p == '"' ? add_quoted(a) : add_bare(a);
		}
		if (!ok || !add_after(a, &depth))
			return false;
	} while (depth > 0);
	return a->p == a->end;
}

bool value_add_array(struct buf *b, const struct field *f, struct ez_view v)
{
	struct array a = { .field = f, .out = b, .p = v.ptr, .end = v.ptr + v.len };

	if (v.len < 2 || !skip_bounds(&a) || a.p == a.end || *a.p != '{')
		return false;
	return add_elements(&a);
}
