/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "literal.h"

#include <ctype.h>

/* Nothing, or casts: "::character varying(10)", "::public."My Type"[]". */
static bool is_cast(struct ez_view v)
{
	bool is_quoted = false;

	if (v.len == 0)
		return true;
	if (!view_starts(v, VIEW("::")))
		return false;
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.ptr[i];

		if (c == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && !isalnum(c) && c < 128 && !strchr(" _.,:()[]", c))
			return false;
	}
	return true;
}

static void add_string(struct buf *b, struct ez_view v)
{
	size_t start = b->len;

	for (size_t i = 1; i < v.len; i++) {
		if (v.ptr[i] != '\'') {
			buf_add_char(b, v.ptr[i]);
		} else if (i + 1 < v.len && v.ptr[i + 1] == '\'') {
			buf_add_char(b, '\'');
			i++;
		} else {
			if (!is_cast(view_of(v.ptr + i + 1, v.len - i - 1)))
				buf_truncate(b, start);
			return;
		}
	}
	buf_truncate(b, start);
}

static size_t number_len(struct ez_view v)
{
	size_t n = 0;

	while (n < v.len && (isdigit((unsigned char)v.ptr[n]) || v.ptr[n] == '.' ||
			     (n == 0 && v.ptr[n] == '-')))
		n++;
	return n > 0 && isdigit((unsigned char)v.ptr[n - 1]) ? n : 0;
}

static void add_number(struct buf *b, struct ez_view v)
{
	bool is_wrapped = view_starts(v, VIEW("("));
	size_t at = is_wrapped ? 1 : 0;
	size_t n = number_len(view_of(v.ptr + at, v.len - at)), end = at + n;

	if (n == 0)
		return;
	if (is_wrapped && (end >= v.len || v.ptr[end++] != ')'))
		return;
	if (is_cast(view_of(v.ptr + end, v.len - end)))
		buf_add(b, v.ptr + at, n);
}

void literal_add(struct buf *b, struct ez_view expr)
{
	if (expr.len == 0)
		return;
	if (expr.ptr[0] == '\'')
		add_string(b, expr);
	else if (view_eq(expr, VIEW("true")))
		buf_add_char(b, 't');
	else if (view_eq(expr, VIEW("false")))
		buf_add_char(b, 'f');
	else
		add_number(b, expr);
}
