/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv.h"

#include <stdlib.h>

#include "base/alloc.h"

void csv_init(struct csv *c, const struct csv_format *f, csv_row_fn *on_row, void *arg)
{
	*c = (struct csv){ .format = *f, .on_row = on_row, .arg = arg };
	buf_init(&c->carry, SIZE_MAX >> 1);
	buf_init(&c->scratch, SIZE_MAX >> 1);
}

void csv_release(struct csv *c)
{
	buf_release(&c->carry);
	buf_release(&c->scratch);
	free(c->fields);
	free(c->ends);
	c->fields = NULL;
	c->ends = NULL;
}

static bool is_quoting(const struct csv *c)
{
	return c->format.enclose >= 0 || c->format.escape >= 0;
}

static void more_fields(struct csv *c)
{
	c->fields_size = MAX(c->fields_size * 2, (size_t)16);
	c->fields = xreallocarray(c->fields, c->fields_size, sizeof(*c->fields));
	c->ends = xreallocarray(c->ends, c->fields_size, sizeof(*c->ends));
}

static const char *find(const char *p, const char *end, const char *what, size_t len)
{
	if (p >= end)
		return NULL;
	if (len == 1)
		return memchr(p, *what, (size_t)(end - p));
	return memmem(p, (size_t)(end - p), what, len);
}

static struct ez_view trim_blanks(struct ez_view v)
{
	while (v.len > 0 && *v.ptr == ' ')
		v = view_of(v.ptr + 1, v.len - 1);
	while (v.len > 0 && v.ptr[v.len - 1] == ' ')
		v.len--;
	return v;
}

static void give_row(struct csv *c, struct ez_view row)
{
	if (c->format.skip > 0) {
		c->format.skip--;
		return;
	}
	c->on_row(c->arg, c->fields, c->n_fields, row);
}

/* ------------------------------------------------------------------ without quotes */

static void split_row(struct csv *c, struct ez_view row)
{
	const struct csv_format *f = &c->format;
	const char *p = row.ptr, *end = p + row.len, *at;

	if (row.len == 0)
		return;
	c->n_fields = 0;
	do {
		struct ez_view field;

		at = find(p, end, f->separator, f->separator_len);
		field = view_of(p, (size_t)((at ? at : end) - p));
		if (c->n_fields == c->fields_size)
			more_fields(c);
		c->fields[c->n_fields++] = f->trims ? trim_blanks(field) : field;
		p = at ? at + f->separator_len : end;
	} while (at);
	give_row(c, row);
}

/* Takes whole rows from the beginning; returns where the unfinished one starts. */
static const char *split_rows(struct csv *c, const char *p, const char *end)
{
	const struct csv_format *f = &c->format;
	const char *at;

	while ((at = find(p, end, f->delimiter, f->delimiter_len)) != NULL) {
		split_row(c, view_of(p, (size_t)(at - p)));
		p = at + f->delimiter_len;
	}
	return p;
}

/* ------------------------------------------------------------------ with quotes */

static bool starts(const char *p, const char *end, const char *what, size_t len)
{
	return (size_t)(end - p) >= len && memcmp(p, what, len) == 0;
}

static void end_field(struct csv *c)
{
	if (c->n_fields == c->fields_size)
		more_fields(c);
	c->ends[c->n_fields++] = c->scratch.len;
}

/* One byte, or an escaped one, to the field. False when more input is needed. */
static bool take_plain(struct csv *c, const char **p, const char *end)
{
	if (c->format.escape >= 0 && **p == (char)c->format.escape) {
		if (*p + 1 == end)
			return false;
		++*p;
	}
	buf_add_char(&c->scratch, *(*p)++);
	return true;
}

/* From behind the opening quote to behind the closing one. False when the input ends first. */
static bool take_enclosed(struct csv *c, const char **p, const char *end)
{
	const char quote = (char)c->format.enclose;
	bool swallows = c->format.has_old_bug && end - *p >= 2 && (*p)[0] == quote &&
			(*p)[1] == quote;

	while (*p < end) {
		if (**p != quote) {
			if (!take_plain(c, p, end))
				return false;
			continue;
		}
		++*p;
		if (*p < end && **p == quote) {
			buf_add_char(&c->scratch, quote);
			++*p;
			continue;
		}
		if (swallows &&
		    starts(*p, end, c->format.separator, c->format.separator_len)) {
			buf_add(&c->scratch, *p, c->format.separator_len);
			*p += c->format.separator_len;
		}
		return true;
	}
	return false;
}

/* One row into `scratch`. NULL when the input ends before the row does. */
static const char *take_row(struct csv *c, const char *p, const char *end)
{
	const struct csv_format *f = &c->format;
	bool at_start = true;

	buf_reset(&c->scratch);
	c->n_fields = 0;
	while (p < end) {
		if (starts(p, end, f->delimiter, f->delimiter_len)) {
			end_field(c);
			return p + f->delimiter_len;
		}
		if (starts(p, end, f->separator, f->separator_len)) {
			end_field(c);
			p += f->separator_len;
			at_start = true;
		} else if (at_start && f->trims && *p == ' ') {
			p++;
		} else if (at_start && f->enclose >= 0 && *p == (char)f->enclose) {
			p++;
			if (!take_enclosed(c, &p, end))
				return NULL;
			at_start = false;
		} else {
			if (!take_plain(c, &p, end))
				return NULL;
			at_start = false;
		}
	}
	return NULL;
}

static void give_scratch(struct csv *c, struct ez_view row)
{
	size_t from = 0;

	for (size_t i = 0; i < c->n_fields; i++) {
		struct ez_view v = view_of(c->scratch.ptr ? c->scratch.ptr + from : "",
					   c->ends[i] - from);

		c->fields[i] = c->format.trims ? trim_blanks(v) : v;
		from = c->ends[i];
	}
	give_row(c, row);
}

static const char *unquote_rows(struct csv *c, const char *p, const char *end)
{
	const char *next;

	while (p < end && (next = take_row(c, p, end)) != NULL) {
		size_t len = (size_t)(next - p) - c->format.delimiter_len;

		if (len > 0)
			give_scratch(c, view_of(p, len));
		p = next;
	}
	return p;
}

/* ------------------------------------------------------------------ pieces */

static const char *take_rows(struct csv *c, const char *p, const char *end)
{
	return is_quoting(c) ? unquote_rows(c, p, end) : split_rows(c, p, end);
}

void csv_feed(struct csv *c, const char *data, size_t n)
{
	const char *rest;

	if (n == 0)
		return;
	if (c->carry.len > 0) {
		buf_add(&c->carry, data, n);
		data = c->carry.ptr;
		n = c->carry.len;
	}
	rest = take_rows(c, data, data + n);
	if (rest == data && data == c->carry.ptr)
		return;
	if (data == c->carry.ptr) {
		size_t left = (size_t)(data + n - rest);

		memmove(c->carry.ptr, rest, left);
		buf_truncate(&c->carry, left);
	} else {
		buf_add(&c->carry, rest, (size_t)(data + n - rest));
	}
}

void csv_end(struct csv *c)
{
	struct buf last = c->carry;

	if (last.len == 0)
		return;
	if (!is_quoting(c)) {
		split_row(c, buf_view(&last));
	} else {
		const char *next = take_row(c, last.ptr, last.ptr + last.len);

		if (!next)
			end_field(c);
		if (c->n_fields == c->n_expected)
			give_scratch(c, buf_view(&last));
	}
	buf_reset(&c->carry);
}
