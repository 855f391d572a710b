/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "relation.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

#include "pgoutput.h"
#include "protocol.h"
#include "shape.h"

static void relation_free(void *p)
{
	struct relation *rel = p;

	if (!rel)
		return;
	free(rel->is_identity);
	free(rel->keys);
	free(rel->stated);
	free(rel);
}

void relations_init(struct relations *r)
{
	*r = (struct relations){ .by_oid = MAP_INIT };
}

void relations_reset(struct relations *r)
{
	map_release(&r->by_oid, relation_free);
	relations_init(r);
}

struct relation *relations_lookup(struct relations *r, uint32_t oid)
{
	struct relation *rel = map_get_u64(&r->by_oid, oid);

	if (rel)
		r->last = rel;
	return rel;
}

struct ez_view relation_schema(const struct relation *rel)
{
	return rel->stated->schema;
}

struct ez_view relation_name(const struct relation *rel)
{
	return rel->stated->name;
}

static struct ez_view put_view(char **to, struct ez_view v)
{
	char *at = *to;

	if (v.len > 0)
		memcpy(at, v.ptr, v.len);
	at[v.len] = '\0';
	*to += v.len + 1;
	return view_of(at, v.len);
}

/* pg_catalog travels as the empty string. */
static struct ez_view schema_of(const struct protocol_relation *m)
{
	return m->schema.len ? m->schema : VIEW("pg_catalog");
}

bool relation_is_selected(const struct pg *pg, const struct protocol_relation *m)
{
	return pg_selects(pg, schema_of(m), m->name);
}

static size_t names_bytes(const struct protocol_relation *m)
{
	struct wire w = m->columns;
	struct protocol_column c;
	size_t n = schema_of(m).len + 1 + m->name.len + 1;

	for (uint32_t i = 0; i < m->n_columns && protocol_column(&w, &c); i++)
		n += c.name.len + 1;
	return n;
}

/* The message's facts in one block; `is_identity` gets a flag per column. */
static struct pg_relation *copy_stated(const struct protocol_relation *m,
				       bool *is_identity)
{
	size_t head = sizeof(struct pg_relation) +
		      m->n_columns * sizeof(struct pg_relation_column);
	struct pg_relation *rel = xmalloc(head + names_bytes(m));
	struct pg_relation_column *columns = (void *)(rel + 1);
	char *text = (char *)rel + head;
	/* With FULL every column is marked, with NOTHING none: neither says a key. */
	bool has_key = m->identity == 'd' || m->identity == 'i';
	struct wire w = m->columns;
	struct protocol_column c;

	rel->oid = m->oid;
	rel->schema = put_view(&text, schema_of(m));
	rel->name = put_view(&text, m->name);
	rel->identity = m->identity;
	rel->n_columns = m->n_columns;
	rel->columns = columns;
	for (uint32_t i = 0; i < m->n_columns && protocol_column(&w, &c); i++) {
		columns[i] = (struct pg_relation_column){
			.name = put_view(&text, c.name),
			.type = c.type,
			.type_mod = c.type_mod,
			.key = has_key && c.is_identity,
		};
		is_identity[i] = c.is_identity;
	}
	return rel;
}

/* A table that leaves the job by a new name should not do so unseen. */
static void tell_if_it_leaves(const struct pg *pg, const struct relation *old,
			      const struct relation *now)
{
	const struct pg_relation *was, *is = now->stated;

	if (!old || !old->is_selected || now->is_selected)
		return;
	was = old->stated;
	pg->host->log(4,
		      "table %.*s.%.*s is called %.*s.%.*s now, which the job does not "
		      "select: its changes are left out from here on",
		      VIEW_ARG(was->schema), VIEW_ARG(was->name), VIEW_ARG(is->schema),
		      VIEW_ARG(is->name));
}

void relation_put(struct relations *r, const struct pg *pg,
		  const struct protocol_relation *m)
{
	struct relation *rel = xcalloc(1, sizeof(*rel)), *old;

	rel->oid = m->oid;
	rel->n_columns = m->n_columns;
	rel->is_identity = xcalloc(m->n_columns + 1u, sizeof(*rel->is_identity));
	rel->stated = copy_stated(m, rel->is_identity);
	rel->is_selected = relation_is_selected(pg, m);
	old = map_put_u64(&r->by_oid, m->oid, rel);
	tell_if_it_leaves(pg, old, rel);
	relation_free(old);
	r->last = rel;
}

static void note_keys(struct relation *rel, const struct ez_table *shape)
{
	free(rel->keys);
	rel->n_keys = 0;
	rel->keys = xcalloc(shape->n_columns + 1u, sizeof(*rel->keys));
	for (uint32_t i = 0; i < shape->n_columns; i++)
		if (shape->columns[i]->flags & EZ_COL_KEY)
			rel->keys[rel->n_keys++] = i;
}

int relation_declare(struct relation *rel, struct pg *pg, const struct ez_commit *tx,
		     struct ez_out *out, struct ez_error *err)
{
	struct pg_shape *shape;
	int rc;

	rel->stated->xid = tx->xid;
	rc = pg_shape_of(pg, rel->stated, &shape, err);
	if (rc != EZ_OK)
		return rc;
	/* Cells are laid out by the message, so the descriptor must be too. */
	ENSURE(shape->table.n_columns == rel->n_columns,
	       "rows would be decoded with the columns of another shape");
	note_keys(rel, &shape->table);
	shape->table.lsn = tx->lsn;
	rel->table = pg->host->table(out, &shape->table, err);
	pg_shape_free(shape);
	return rel->table ? EZ_OK : err->rc;
}
