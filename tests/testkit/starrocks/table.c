/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "model.h"
#include "rowset.h"
#include "txn.h"

struct database *database_find(struct cluster *c, struct ez_view name)
{
	return map_get(&c->databases, name);
}

struct database *database_add(struct cluster *c, struct ez_view name)
{
	struct database *db = xcalloc(1, sizeof(*db));

	db->cluster = c;
	db->name = view_dup(name);
	db->id = cluster_next_id(c);
	list_init(&db->finished);
	map_put(&c->databases, name, db);
	c->all_databases = xreallocarray(c->all_databases, c->n_all_databases + 1,
					 sizeof(struct database *));
	c->all_databases[c->n_all_databases++] = db;
	return db;
}

void database_drop(struct database *db)
{
	map_for_each(e, &db->tables)
		((struct table *)e->value)->dropped = true;
	db->dropped = true;
	map_remove(&db->cluster->databases, view_str(db->name));
	cluster_changed(db->cluster);
}

struct table *table_new(struct cluster *c, struct ez_view name)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->name = view_dup(name);
	t->id = cluster_next_id(c);
	t->next_column_id = 1;
	t->next_version = 2;
	t->created_ms = cluster_now_ms(c);
	t->compacted_ms = t->created_ms;
	list_init(&t->alters);
	c->all_tables =
		xreallocarray(c->all_tables, c->n_all_tables + 1, sizeof(struct table *));
	c->all_tables[c->n_all_tables++] = t;
	return t;
}

void table_add(struct database *db, struct table *t)
{
	t->db = db;
	map_put(&db->tables, view_str(t->name), t);
}

struct table *table_find(struct database *db, struct ez_view name)
{
	return map_get(&db->tables, name);
}

void table_drop(struct table *t)
{
	t->dropped = true;
	map_remove(&t->db->tables, view_str(t->name));
	cluster_changed(t->db->cluster);
}

void table_rename(struct table *t, struct ez_view name)
{
	char *fresh = view_dup(name);

	map_remove(&t->db->tables, view_str(t->name));
	free(t->name);
	t->name = fresh;
	map_put(&t->db->tables, view_str(t->name), t);
}

void table_swap(struct table *a, struct table *b)
{
	char *name = a->name;

	a->name = b->name;
	b->name = name;
	map_put(&a->db->tables, view_str(a->name), a);
	map_put(&b->db->tables, view_str(b->name), b);
}

void table_truncate(struct table *t)
{
	map_release(&t->rows, free);
	t->rows = MAP_INIT;
	t->rows_truncated = t->n_versions;
	cluster_changed(t->db->cluster);
}

void table_set_schema(struct table *t, struct schema *s)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (s->columns[i].id == 0)
			s->columns[i].id = t->next_column_id++;
	s->older = t->schema;
	t->schema = s;
}

static void rewrite_row(struct row **row, unsigned id,
			bool (*convert)(void *arg, struct ez_view old, struct buf *out),
			void *arg)
{
	const struct schema *s = (*row)->schema;
	struct buf cells = BUF_INIT(UINT32_MAX), value = BUF_INIT(UINT32_MAX);
	const char *p = (*row)->cells;
	struct row *fresh;

	for (size_t i = 0; i < s->n_columns; i++) {
		uint32_t len;
		bool has_value;

		memcpy(&len, p, sizeof(len));
		p += sizeof(len);
		has_value = len != CELL_NULL;
		buf_reset(&value);
		if (has_value && s->columns[i].id == id)
			has_value = convert(arg, view_of(p, len), &value);
		else if (has_value)
			buf_add(&value, p, len);
		p += len == CELL_NULL ? 0 : len;
		len = has_value ? (uint32_t)value.len : CELL_NULL;
		buf_add(&cells, &len, sizeof(len));
		if (has_value)
			buf_add_view(&cells, buf_view(&value));
	}
	fresh = xmalloc(sizeof(*fresh) + cells.len);
	*fresh = **row;
	fresh->len = (uint32_t)cells.len;
	memcpy(fresh->cells, cells.ptr, cells.len);
	free(*row);
	*row = fresh;
	buf_release(&cells);
	buf_release(&value);
}

void table_rewrite(struct table *t, unsigned id,
		   bool (*convert)(void *arg, struct ez_view old, struct buf *out),
		   void *arg)
{
	map_for_each(e, &t->rows) {
		struct row *row = e->value;

		rewrite_row(&row, id, convert, arg);
		e->value = row;
	}
}

bool table_has_running_txn(const struct table *t, int64_t txn_id)
{
	list_for_each(pos, &t->db->cluster->running) {
		const struct txn *x = LIST_OF(pos, struct txn, link);

		if (x->id >= txn_id)
			continue;
		if (x->table == t)
			return true;
		for (size_t i = 0; i < x->n_subs; i++)
			if (x->subs[i]->table == t)
				return true;
	}
	return false;
}

static void free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

static void version_free(struct version *v)
{
	for (size_t i = 0; i < v->n_sets; i++)
		rowset_free(v->sets[i]);
	free(v->sets);
	free(v->label);
	free(v);
}

static void table_free(struct cluster *c, struct table *t)
{
	list_for_each(pos, &t->alters) {
		if (c->alter_job_free)
			c->alter_job_free((struct alter_job *)(void *)pos);
	}
	for (size_t i = 0; i < t->n_versions; i++)
		version_free(t->versions[i]);
	free(t->versions);
	for (struct schema *s = t->schema, *older; s; s = older) {
		older = s->older;
		schema_free(s);
	}
	map_release(&t->rows, free);
	map_release(&t->properties, free);
	free_names(t->bucket_columns);
	free_names(t->sort_columns);
	free_names(t->retired_names);
	free(t->comment);
	free(t->name);
	free(t);
}

void table_free_all(struct cluster *c)
{
	for (size_t i = 0; i < c->n_all_tables; i++)
		table_free(c, c->all_tables[i]);
	free(c->all_tables);
	for (size_t i = 0; i < c->n_all_databases; i++) {
		struct database *db = c->all_databases[i];

		map_release(&db->tables, NULL);
		map_release(&db->labels, NULL);
		free(db->name);
		free(db);
	}
	free(c->all_databases);
	map_release(&c->databases, NULL);
}
