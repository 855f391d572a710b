/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "candidate.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/parse.h"
#include "conn.h"
#include "pgoutput.h"

/* The view names a partitioned table only when the publication goes by roots; a table that
 * comes through its partitions counts as published too. */
static const char CANDIDATES_SQL[] =
	"WITH t AS MATERIALIZED (SELECT schemaname, tablename FROM pg_publication_tables"
	"  WHERE pubname = $1)"
	" SELECT c.oid, n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relkind,"
	" c.relpersistence, c.relreplident, c.reltuples::int8, pg_table_size(c.oid),"
	" row_security_active(c.oid), has_table_privilege(c.oid, 'SELECT')"
	"  OR has_any_column_privilege(c.oid, 'SELECT'), has_schema_privilege(n.oid, 'USAGE'),"
	" pg_has_role(c.relowner, 'USAGE'),"
	" NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid),"
	" (SELECT count(*) FROM pg_attribute g WHERE g.attrelid = c.oid AND g.attnum > 0"
	"  AND NOT g.attisdropped AND g.attgenerated <> ''),"
	" CASE WHEN c.relispartition THEN (SELECT array_agg(p.relid::oid)"
	"  FROM pg_partition_ancestors(c.oid) p WHERE p.relid <> c.oid) END,"
	" (n.nspname, c.relname) IN (SELECT schemaname, tablename FROM t)"
	"  OR (c.relkind = 'p' AND EXISTS (SELECT FROM pg_publication_rel r"
	"   JOIN pg_publication b ON b.oid = r.prpubid"
	"   WHERE b.pubname = $1 AND r.prrelid = c.oid))"
	"  OR (c.relkind = 'p' AND EXISTS (SELECT FROM pg_publication b"
	"   WHERE b.pubname = $1 AND b.puballtables)),"
	" CASE WHEN c.relreplident = 'f' OR k.indexrelid IS NULL THEN NULL ELSE"
	"  (SELECT string_agg(a.attname, ', ' ORDER BY s.i) FROM generate_series(0,"
	"    k.indnkeyatts - 1) s(i) JOIN pg_attribute a ON a.attrelid = c.oid"
	"    AND a.attnum = (k.indkey::int2[])[s.i]) END,"
	" c.relreplident = 'f' OR (c.relreplident <> 'n' AND k.indexrelid IS NOT NULL)"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_index k ON k.indrelid = c.oid AND CASE c.relreplident"
	"  WHEN 'i' THEN k.indisreplident WHEN 'n' THEN false"
	"  ELSE k.indisprimary AND k.indimmediate END"
	" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'"
	" AND n.nspname NOT IN ('information_schema', 'ezcdc')"
	" AND NOT starts_with(n.nspname::text, 'pg_')"
	" ORDER BY n.nspname, c.relname";

enum {
	F_OID,
	F_SCHEMA,
	F_NAME,
	F_OWNER,
	F_KIND,
	F_PERSISTENCE,
	F_IDENTITY,
	F_ROWS,
	F_BYTES,
	F_POLICIES,
	F_MAY_SELECT,
	F_MAY_USE,
	F_IS_OWNER,
	F_CHILD,
	F_GENERATED,
	F_ANCESTORS,
	F_PUBLISHED,
	F_KEY,
	F_CAN_IDENTIFY
};

static char char_at(const PGresult *res, int row, int column)
{
	struct ez_view v = pg_field(res, row, column);

	return v.len ? v.ptr[0] : '\0';
}

static void read_item(struct pg *pg, struct pg_candidate *c, const PGresult *res, int row)
{
	*c = (struct pg_candidate){
		.oid = (uint32_t)pg_field_u64(res, row, F_OID),
		.schema = pg_field(res, row, F_SCHEMA),
		.name = pg_field(res, row, F_NAME),
		.owner = pg_field(res, row, F_OWNER),
		.key = pg_field(res, row, F_KEY),
		.ancestors = pg_field(res, row, F_ANCESTORS),
		.rows = pg_field_i64(res, row, F_ROWS),
		.bytes = pg_field_i64(res, row, F_BYTES),
		.kind = char_at(res, row, F_KIND),
		.persistence = char_at(res, row, F_PERSISTENCE),
		.identity = char_at(res, row, F_IDENTITY),
		.can_identify = pg_field_bool(res, row, F_CAN_IDENTIFY),
		.has_policies = pg_field_bool(res, row, F_POLICIES),
		.may_select = pg_field_bool(res, row, F_MAY_SELECT),
		.may_use_schema = pg_field_bool(res, row, F_MAY_USE),
		.is_owner = pg_field_bool(res, row, F_IS_OWNER),
		.is_child = pg_field_bool(res, row, F_CHILD),
		.is_published = pg_field_bool(res, row, F_PUBLISHED),
		.n_generated = (uint32_t)pg_field_u64(res, row, F_GENERATED),
	};
	c->is_selected = pg_selects(pg, c->schema, c->name);
	/* Version 13 has no sign for "never analysed". A partitioned table is the sum of its
	 * partitions. */
	if (c->kind == 'p')
		c->rows = 0;
	else if (c->bytes == 0)
		c->rows = 0;
	else if (c->rows == 0)
		c->rows = -1;
}

/* A partition is covered by a selected table above it, and counts into all above it. */
static void climb(const struct map *all, struct pg_candidate *c)
{
	struct ez_view rest = c->ancestors, item;
	uint64_t oid;

	if (rest.len < 2)
		return;
	rest = view_of(rest.ptr + 1, rest.len - 2);
	while (view_split(&rest, ',', &item)) {
		struct pg_candidate *above =
			parse_u64(item, &oid) ? map_get_u64(all, oid) : NULL;

		if (!above)
			continue;
		c->is_covered = c->is_covered || above->is_selected;
		if (c->kind == 'p')
			continue;
		above->bytes += c->bytes;
		if (above->rows >= 0)
			above->rows = c->rows < 0 ? -1 : above->rows + c->rows;
	}
}

int pg_list_candidates(struct pg *pg, PGconn *conn, struct pg_candidates *ret_list,
		       struct ez_error *err)
{
	struct pg_candidates l = { .n = 0 };
	struct map all = MAP_INIT;
	int rc = pg_query_params(pg, conn, "list the tables", CANDIDATES_SQL, 1,
				 &pg->opt.publication, &l.res, err);

	if (rc < 0)
		return rc;
	l.n = (size_t)PQntuples(l.res);
	l.items = xcalloc(l.n + 1, sizeof(*l.items));
	for (size_t i = 0; i < l.n; i++) {
		read_item(pg, &l.items[i], l.res, (int)i);
		(void)map_put_u64(&all, l.items[i].oid, &l.items[i]);
	}
	for (size_t i = 0; i < l.n; i++)
		climb(&all, &l.items[i]);
	map_release(&all, NULL);
	*ret_list = l;
	return EZ_OK;
}

void pg_candidates_release(struct pg_candidates *list)
{
	pg_clear(&list->res);
	free(list->items);
	*list = (struct pg_candidates){ .n = 0 };
}

const char *pg_candidate_refusal(const struct pg_candidate *c)
{
	switch (c->kind) {
	case 'v':
		return "is a view";
	case 'm':
		return "is a materialized view";
	case 'f':
		return "is a foreign table";
	default:
		return c->persistence == 'u' ? "is unlogged" : NULL;
	}
}

bool pg_candidate_is_table(const struct pg_candidate *c)
{
	return pg_candidate_refusal(c) == NULL;
}

bool pg_candidate_is_wanted(const struct pg_candidate *c)
{
	return c->is_selected && !c->is_covered && pg_candidate_is_table(c);
}
