/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "rowset.h"

#include <stdlib.h>

#include "base/alloc.h"

enum {
	ROW_HEAD = 4 + 4 + 1, /* length of the cells, of the key's cells, the operation */
	COUNTED_ROWS_MAX = 1000,
};

#define ROWSET_MAX ((size_t)1 << 40)

struct rowset *rowset_new(const struct schema *s, const size_t *set, size_t n_set)
{
	struct rowset *r = xcalloc(1, sizeof(*r));

	r->schema = s;
	r->set = xmemdup(set, MAX(n_set, (size_t)1) * sizeof(*set));
	r->n_set = n_set;
	r->merge_at = SIZE_MAX;
	buf_init(&r->data, ROWSET_MAX);
	return r;
}

void rowset_free(struct rowset *r)
{
	if (!r)
		return;
	free(r->set);
	buf_release(&r->data);
	free(r);
}

size_t rowset_begin(struct rowset *r)
{
	size_t mark = r->data.len;

	buf_add(&r->data, (char[ROW_HEAD]){ 0 }, ROW_HEAD);
	return mark;
}

void rowset_add_null(struct rowset *r)
{
	uint32_t len = CELL_NULL;

	buf_add(&r->data, &len, sizeof(len));
}

size_t rowset_cell_begin(struct rowset *r)
{
	size_t mark = r->data.len;

	buf_add(&r->data, (char[4]){ 0 }, 4);
	return mark;
}

void rowset_cell_end(struct rowset *r, size_t mark)
{
	uint32_t len = (uint32_t)(r->data.len - mark - 4);

	memcpy(r->data.ptr + mark, &len, sizeof(len));
}

void rowset_end(struct rowset *r, size_t mark, size_t key_len, bool is_delete)
{
	uint32_t len = (uint32_t)(r->data.len - mark - ROW_HEAD), key = (uint32_t)key_len;

	memcpy(r->data.ptr + mark, &len, 4);
	memcpy(r->data.ptr + mark + 4, &key, 4);
	r->data.ptr[mark + 8] = is_delete;
	r->n_rows++;
}

void rowset_cancel(struct rowset *r, size_t mark)
{
	buf_truncate(&r->data, mark);
}

bool rowset_next(const struct rowset *r, size_t *cursor, struct rowset_row *ret_row)
{
	const char *p = r->data.ptr + *cursor;

	if (*cursor >= r->data.len)
		return false;
	memcpy(&ret_row->len, p, 4);
	memcpy(&ret_row->key_len, p + 4, 4);
	ret_row->is_delete = p[8] != 0;
	ret_row->cells = p + ROW_HEAD;
	*cursor += ROW_HEAD + ret_row->len;
	return true;
}

static struct row *row_new(const struct schema *s, const char *cells, size_t len,
			   size_t key_len)
{
	struct row *row = xmalloc(sizeof(*row) + len);

	row->schema = s;
	row->len = (uint32_t)len;
	row->key_len = (uint32_t)key_len;
	memcpy(row->cells, cells, len);
	return row;
}

static void add_cell(struct buf *b, bool has_value, struct ez_view v)
{
	uint32_t len = has_value ? (uint32_t)v.len : CELL_NULL;

	buf_add(b, &len, sizeof(len));
	if (has_value)
		buf_add_view(b, v);
}

/* The cell of column `id` in a row of the load; false when the load does not set it. */
static bool loaded_cell(const struct rowset *r, const struct rowset_row *in, unsigned id,
			bool *ret_has_value, struct ez_view *ret_value)
{
	const char *p = in->cells;

	for (size_t i = 0; i < r->n_set; i++) {
		uint32_t len;

		memcpy(&len, p, sizeof(len));
		p += sizeof(len);
		if (r->schema->columns[r->set[i]].id == id) {
			*ret_has_value = len != CELL_NULL;
			*ret_value = view_of(p, *ret_has_value ? len : 0);
			return true;
		}
		p += len == CELL_NULL ? 0 : len;
	}
	return false;
}

/* A whole row from the cells of a partial update and the row that was there. */
static struct row *complete_row(const struct table *t, const struct rowset *r,
				const struct rowset_row *in, const struct row *old)
{
	const struct row none = { .schema = &(struct schema){ .n_columns = 0 } };
	struct buf b = BUF_INIT(UINT32_MAX);
	struct row *row;

	for (size_t i = 0; i < t->schema->n_columns; i++) {
		const struct column *col = &t->schema->columns[i];
		struct ez_view v = view_of(NULL, 0);
		bool has_value;

		if (!loaded_cell(r, in, col->id, &has_value, &v))
			has_value = row_cell(old ? old : &none, col, &v);
		add_cell(&b, has_value, v);
	}
	row = row_new(t->schema, b.ptr ? b.ptr : "", b.len, in->key_len);
	buf_release(&b);
	return row;
}

/* Numbers by value, everything else by its bytes, which is right for dates and times. */
static int compare_values(const struct column *col, struct ez_view a, struct ez_view b)
{
	long double x, y;

	if (col->type.kind >= TYPE_DATE)
		return view_cmp(a, b);
	{
		char *s = view_dup(a), *t = view_dup(b);

		x = strtold(s, NULL);
		y = strtold(t, NULL);
		free(s);
		free(t);
	}
	return x < y ? -1 : x > y;
}

/* merge_condition: whether the new row's value is not smaller than the old one's. */
static bool wins(const struct rowset *r, const struct row *now, const struct row *old)
{
	const struct column *col = &r->schema->columns[r->merge_at];
	struct ez_view a, b;

	if (!row_cell(old, col, &b))
		return true;
	return row_cell(now, col, &a) && compare_values(col, a, b) >= 0;
}

static void upsert(struct table *t, const struct rowset *r, const struct rowset_row *in)
{
	struct ez_view key = view_of(in->cells, in->key_len);
	struct map_entry *e = map_find(&t->rows, key);
	struct row *old = e ? e->value : NULL;
	struct row *now = r->is_partial
				  ? complete_row(t, r, in, old)
				  : row_new(r->schema, in->cells, in->len, in->key_len);

	if (old && r->merge_at != SIZE_MAX && !wins(r, now, old)) {
		free(now);
		return;
	}
	free(old);
	if (e)
		e->value = now;
	else
		map_put(&t->rows, key, now);
}

static void append(struct table *t, const struct rowset *r, const struct rowset_row *in)
{
	uint64_t id = t->next_row_id++;

	map_put(&t->rows, view_of(&id, sizeof(id)),
		row_new(r->schema, in->cells, in->len, in->key_len));
}

/* A table of many rows is counted only. */
static bool forgets(const struct cluster *c, struct table *t, const struct rowset *r)
{
	if (c->history != HISTORY_COUNTS)
		return false;
	if (!t->is_forgotten && map_len(&t->rows) + r->n_rows > COUNTED_ROWS_MAX) {
		map_release(&t->rows, free);
		t->rows = MAP_INIT;
		t->is_forgotten = true;
	}
	return t->is_forgotten;
}

void rowset_apply(struct cluster *c, struct table *t, const struct rowset *r,
		  struct version *v)
{
	struct map deleted = MAP_INIT; /* keys this load has deleted, for the lake bug */
	bool is_unique = t->model != TABLE_DUPLICATE_KEY, forgotten = forgets(c, t, r);
	struct rowset_row row;

	for (size_t cursor = 0; rowset_next(r, &cursor, &row);) {
		struct ez_view key = view_of(row.cells, row.key_len);

		v->n_deletes += row.is_delete;
		v->n_upserts += !row.is_delete;
		if (forgotten)
			continue;
		if (!is_unique) {
			append(t, r, &row);
		} else if (row.is_delete) {
			free(map_remove(&t->rows, key));
			if (c->settings.has_lake_bug)
				map_put(&deleted, key, NULL);
		} else if (!map_find(&deleted, key)) {
			upsert(t, r, &row);
		}
	}
	map_release(&deleted, NULL);
}
