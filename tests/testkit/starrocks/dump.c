/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "dump.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "rowset.h"

static void add_hex(struct ez_view v, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < v.len; i++)
		buf_addf(out, "%02x", (unsigned char)v.ptr[i]);
	buf_add_char(out, '"');
}

void dump_value(const struct column_type *t, struct ez_view v, struct buf *out)
{
	bool is_number = v.len > 0 && (isdigit((unsigned char)v.ptr[v.len - 1]) != 0);

	if (t->kind == TYPE_VARBINARY)
		add_hex(v, out);
	else if ((t->kind < TYPE_DECIMAL && is_number) ||
		 (t->kind >= TYPE_JSON && t->kind <= TYPE_STRUCT))
		buf_add_view(out, v);
	else
		json_add_string(out, v);
}

static void add_member(struct jsonw *w, const struct column *col, bool has_value,
		       struct ez_view v)
{
	struct buf text = BUF_INIT((size_t)1 << 32);

	jsonw_key(w, col->name);
	if (has_value) {
		dump_value(&col->type, v, &text);
		jsonw_raw(w, buf_view(&text));
	} else {
		jsonw_null(w);
	}
	buf_release(&text);
}

static int compare_cells(const struct column *col, struct ez_view a, struct ez_view b)
{
	bool x = a.len > 0 && *a.ptr == '-', y = b.len > 0 && *b.ptr == '-';
	int order;

	if (col->type.kind > TYPE_LARGEINT)
		return view_cmp(a, b);
	if (x != y)
		return x ? -1 : 1;
	order = a.len != b.len ? (a.len < b.len ? -1 : 1) : view_cmp(a, b);
	return x ? -order : order;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct row *const *x = a, *const *y = b;
	const struct schema *s = arg;

	for (size_t i = 0; i < s->n_keys; i++) {
		struct ez_view v, w;
		int order;

		if (!row_cell(*x, &s->columns[i], &v) ||
		    !row_cell(*y, &s->columns[i], &w))
			continue;
		order = compare_cells(&s->columns[i], v, w);
		if (order != 0)
			return order;
	}
	return 0;
}

static void dump_row(const struct schema *s, const struct row *row, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	for (size_t i = 0; i < s->n_columns; i++) {
		struct ez_view v = view_of(NULL, 0);
		bool has_value = row_cell(row, &s->columns[i], &v);

		add_member(&w, &s->columns[i], has_value, v);
	}
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

void dump_table(const struct table *t, struct buf *out)
{
	size_t n = 0;
	struct row **rows = xcalloc(map_len(&t->rows) + 1, sizeof(struct row *));

	map_for_each(e, &t->rows)
		rows[n++] = e->value;
	if (t->schema->n_keys > 0)
		qsort_r(rows, n, sizeof(struct row *), compare_rows, t->schema);
	for (size_t i = 0; i < n; i++)
		dump_row(t->schema, rows[i], out);
	free(rows);
}

static void dump_set(struct jsonw *w, const struct rowset *r)
{
	struct rowset_row row;

	for (size_t cursor = 0; rowset_next(r, &cursor, &row);) {
		const char *p = row.cells;

		jsonw_begin_object(w);
		jsonw_key(w, "op");
		jsonw_str(w, row.is_delete ? "delete" : "upsert");
		jsonw_key(w, "row");
		jsonw_begin_object(w);
		for (size_t i = 0; i < r->n_set; i++) {
			uint32_t len;

			memcpy(&len, p, sizeof(len));
			p += sizeof(len);
			add_member(w, &r->schema->columns[r->set[i]], len != CELL_NULL,
				   view_of(p, len == CELL_NULL ? 0 : len));
			p += len == CELL_NULL ? 0 : len;
		}
		jsonw_end_object(w);
		jsonw_end_object(w);
	}
}

void dump_history(const struct table *t, bool with_rows, struct buf *out)
{
	for (size_t i = 0; i < t->n_versions; i++) {
		const struct version *v = t->versions[i];
		struct jsonw w = JSONW_INIT(out);

		jsonw_begin_object(&w);
		jsonw_key(&w, "version");
		jsonw_i64(&w, v->number);
		jsonw_key(&w, "txn");
		jsonw_i64(&w, v->txn_id);
		jsonw_key(&w, "label");
		jsonw_str(&w, v->label);
		jsonw_key(&w, "committed_ms");
		jsonw_i64(&w, v->committed_ms);
		jsonw_key(&w, "visible");
		jsonw_bool(&w, v->is_visible);
		jsonw_key(&w, "visible_ms");
		jsonw_i64(&w, v->visible_ms);
		jsonw_key(&w, "upserts");
		jsonw_u64(&w, v->n_upserts);
		jsonw_key(&w, "deletes");
		jsonw_u64(&w, v->n_deletes);
		jsonw_key(&w, "partial");
		jsonw_bool(&w, v->n_sets > 0 && v->sets[0]->is_partial);
		if (with_rows) {
			jsonw_key(&w, "rows");
			jsonw_begin_array(&w);
			for (size_t k = 0; k < v->n_sets; k++)
				dump_set(&w, v->sets[k]);
			jsonw_end_array(&w);
		}
		jsonw_end_object(&w);
		buf_add_char(out, '\n');
	}
}

void dump_summary(const struct table *t, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);
	uint64_t upserts = 0, deletes = 0;

	for (size_t i = 0; i < t->n_versions; i++) {
		upserts += t->versions[i]->n_upserts;
		deletes += t->versions[i]->n_deletes;
	}
	jsonw_begin_object(&w);
	jsonw_key(&w, "db");
	jsonw_str(&w, t->db->name);
	jsonw_key(&w, "table");
	jsonw_str(&w, t->name);
	jsonw_key(&w, "rows");
	jsonw_u64(&w, map_len(&t->rows));
	jsonw_key(&w, "versions");
	jsonw_u64(&w, t->n_versions);
	jsonw_key(&w, "visible");
	jsonw_u64(&w, t->n_published);
	jsonw_key(&w, "upserts");
	jsonw_u64(&w, upserts);
	jsonw_key(&w, "deletes");
	jsonw_u64(&w, deletes);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}
