/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "copy.h"

#include <string.h>

/*
 * Most rows have no backslash at all; one search over the row finds that out, and then a
 * row is only cut at its tabs. In the others each cell is searched on its own: a cell that
 * is \N is NULL, in any other an escape is undone by moving what follows it down.
 */
static char unescape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'v':
		return '\v';
	default:
		return c;
	}
}

/* Undoes the escapes of a cell, the first of which stands at `from`. */
static size_t undo(char *cell, size_t len, char *from)
{
	const char *end = cell + len, *in = from;
	char *out = from;

	while (in < end) {
		const char *next;
		size_t n;

		if (*in == '\\' && in + 1 < end) {
			*out++ = unescape(in[1]);
			in += 2;
		}
		next = memchr(in, '\\', (size_t)(end - in));
		/* A lone backslash at the end stands for itself. */
		n = next && next + 1 < end ? (size_t)(next - in) : (size_t)(end - in);
		memmove(out, in, n);
		out += n;
		in += n;
	}
	return (size_t)(out - cell);
}

static void set_cell(struct ez_cell *c, char *text, size_t len, bool may_escape)
{
	char *slash;

	*c = (struct ez_cell){ .ptr = text, .len = (uint32_t)len, .kind = EZ_CELL_TEXT };
	if (LIKELY(!may_escape))
		return;
	if (len == 2 && text[0] == '\\' && text[1] == 'N') {
		*c = (struct ez_cell){ .ptr = NULL, .len = 0, .kind = EZ_CELL_NULL };
		return;
	}
	slash = memchr(text, '\\', len);
	if (slash)
		c->len = (uint32_t)undo(text, len, slash);
}

bool copy_split(char *row, size_t len, struct ez_cell *cells, uint32_t n)
{
	bool may_escape = memchr(row, '\\', len) != NULL;
	char *at = row, *end = row + len;

	if (n == 0)
		return len == 0;
	if (len > UINT32_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		char *tab = memchr(at, '\t', (size_t)(end - at));
		char *stop = tab ? tab : end;

		if ((tab == NULL) != (i + 1 == n))
			return false;
		set_cell(&cells[i], at, (size_t)(stop - at), may_escape);
		at = stop + 1;
	}
	return true;
}
