/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "renames.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/view.h"

enum {
	RENAMES_MAX = 500, /* more than a table has columns to rename in one go */
	NAME_CAP = 4096,
};

static void release(struct rename *one)
{
	free(one->from);
	free(one->to);
}

void renames_release(struct renames *r)
{
	for (size_t i = 0; i < r->n; i++)
		release(&r->items[i]);
	free(r->items);
	*r = (struct renames){ .items = NULL };
}

static void drop_first(struct renames *r)
{
	release(&r->items[0]);
	r->n--;
	memmove(r->items, r->items + 1, r->n * sizeof(r->items[0]));
}

void renames_add(struct renames *r, uint64_t table, uint32_t column, struct ez_view from,
		 struct ez_view to)
{
	const struct rename *last = r->n > 0 ? &r->items[r->n - 1] : NULL;

	if (last && last->table == table && last->column == column &&
	    view_eq_str(from, last->from) && view_eq_str(to, last->to))
		return;
	if (r->n == RENAMES_MAX)
		drop_first(r);
	r->items = xreallocarray(r->items, r->n + 1, sizeof(r->items[0]));
	r->items[r->n++] = (struct rename){ .table = table,
					    .column = column,
					    .from = view_dup(from),
					    .to = view_dup(to) };
}

bool renames_has(const struct renames *r, uint64_t table)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].table == table)
			return true;
	return false;
}

void renames_forget(struct renames *r, uint64_t table)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->items[i].table == table)
			release(&r->items[i]);
		else
			r->items[n++] = r->items[i];
	}
	r->n = n;
}

void renames_settle(struct renames *r, uint64_t table)
{
	for (size_t i = 0; i < r->n; i++)
		r->items[i].is_old &= r->items[i].table != table;
}

static bool is_of(const struct rename *one, uint64_t table, uint32_t column)
{
	if (!one->is_old || one->table != table)
		return false;
	if (one->column == column)
		return true;
	return one->column != RENAMED_TABLE && (one->column == 0 || column == 0);
}

struct ez_view renames_now(const struct renames *r, uint64_t table, uint32_t column,
			   struct ez_view name, const struct described *d)
{
	struct ez_view at = name, found = name;

	/* Whose number is not known is the one that has the name, if there is one. */
	if (column == 0 && described_find(d, name))
		return name;
	for (size_t i = 0; i < r->n; i++) {
		const struct rename *one = &r->items[i];

		if (!is_of(one, table, column) || !view_eq_str(at, one->from))
			continue;
		at = view_str(one->to);
		if (described_find(d, at))
			found = at;
	}
	return found;
}

void renames_reached(struct renames *r, uint64_t table, uint32_t column, struct ez_view name)
{
	const struct rename *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].column != RENAMED_TABLE && is_of(&r->items[i], table, column))
			last = &r->items[i];
	if (!last || !view_eq_str(name, last->to))
		return;
	column = last->column;
	for (size_t i = 0; i < r->n; i++) {
		if (r->items[i].is_old && r->items[i].table == table &&
		    r->items[i].column == column)
			release(&r->items[i]);
		else
			r->items[n++] = r->items[i];
	}
	r->n = n;
}

struct ez_view renames_table(const struct renames *r, uint64_t table, struct ez_view name)
{
	struct ez_view at = name;

	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].column == RENAMED_TABLE &&
		    is_of(&r->items[i], table, RENAMED_TABLE) &&
		    view_eq_str(at, r->items[i].from))
			at = view_str(r->items[i].to);
	return view_eq(at, name) ? view_of(NULL, 0) : at;
}

/* ------------------------------------------------------------------ text */

static void add_hex(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_addf(b, "%02x", (unsigned char)*text);
}

void renames_format(const struct renames *r, struct buf *b)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rename *one = &r->items[i];

		buf_addf(b, ">%llu:%u:", (unsigned long long)one->table, one->column);
		add_hex(b, one->from);
		buf_add_char(b, ':');
		add_hex(b, one->to);
	}
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(struct ez_view v, struct buf *b)
{
	for (size_t i = 0; i + 1 < v.len; i += 2) {
		int high = digit(v.ptr[i]), low = digit(v.ptr[i + 1]);

		if (high < 0 || low < 0)
			return false;
		buf_add_char(b, (char)(high << 4 | low));
	}
	return v.len > 0 && v.len % 2 == 0 && buf_ok(b);
}

static void parse_one(struct renames *r, struct ez_view text)
{
	_cleanup_(buf_release) struct buf from = BUF_INIT(NAME_CAP);
	_cleanup_(buf_release) struct buf to = BUF_INIT(NAME_CAP);
	struct ez_view part[4];
	uint64_t table, column;

	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (!view_split(&text, ':', &part[i]))
			return;
	if (parse_u64(part[0], &table) && parse_u64(part[1], &column) &&
	    column <= UINT32_MAX && parse_hex(part[2], &from) &&
	    parse_hex(part[3], &to)) {
		renames_add(r, table, (uint32_t)column, buf_view(&from), buf_view(&to));
		r->items[r->n - 1].is_old = true;
	}
}

void renames_parse(struct renames *r, struct ez_view text)
{
	struct ez_view part;

	while (view_split(&text, '>', &part))
		parse_one(r, part);
}
