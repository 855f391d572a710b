/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "catalog.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "conn.h"
#include "pgoutput.h"
#include "publication.h"

enum { SQL_CAP_BYTES = 16 * 1024, OIDS_CAP_BYTES = 8 * 1024 * 1024, BLOCK_BYTES = 8192 };

/*
 * One row per published column; a table without columns has one row with none. The last
 * field is there for pg_published_is_same() alone: newer servers leave a dropped column out
 * of the view's list although the snapshot still shows it.
 *
 * What is one for a whole table is asked once: the server would collect the view's list of
 * columns for each column anew, which took half a minute for a table of 1600.
 */
static const char LIST_HEAD[] =
	"WITH t AS MATERIALIZED (SELECT * FROM pg_publication_tables WHERE pubname = $1),"
	" g AS MATERIALIZED (SELECT attrelid, count(*) FROM pg_attribute"
	"  WHERE attisdropped AND attnum > 0 GROUP BY attrelid)"
	" SELECT c.oid, n.nspname, c.relname, c.relkind, c.relreplident, c.relfilenode, %s,"
	" c.relpersistence, row_security_active(c.oid), has_table_privilege(c.oid, 'SELECT')"
	"  OR has_any_column_privilege(c.oid, 'SELECT'),"
	" has_schema_privilege(n.oid, 'USAGE'), a.attname, a.atttypid, a.atttypmod, a.attnum,"
	" EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND"
	"  CASE c.relreplident WHEN 'i' THEN i.indisreplident"
	"   WHEN 'd' THEN i.indisprimary AND i.indimmediate ELSE i.indisprimary END"
	"  AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])),"
	" coalesce(g.count, 0)"
	" FROM t"
	" JOIN pg_namespace n ON n.nspname = t.schemaname"
	" JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename"
	" LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
	"  AND NOT a.attisdropped%s"
	" LEFT JOIN g ON g.attrelid = c.oid ORDER BY n.nspname, c.relname, a.attnum";

enum {
	F_OID,
	F_SCHEMA,
	F_NAME,
	F_KIND,
	F_IDENTITY,
	F_FILENODE,
	F_FILTER,
	F_PERSISTENCE,
	F_POLICIES,
	F_MAY_SELECT,
	F_MAY_USE,
	F_COLUMN,
	F_TYPE,
	F_MOD,
	F_NUMBER,
	F_KEY
};

/* The view lists generated columns before 16, although they were never published. */
static const char *column_condition(int version)
{
	if (version >= 180000)
		return " AND a.attname = ANY (t.attnames)";
	if (version >= 150000)
		return " AND a.attgenerated = '' AND (t.attnames IS NULL OR"
		       " a.attname = ANY (t.attnames))";
	return " AND a.attgenerated = ''";
}

static char char_at(const PGresult *res, int row, int column)
{
	struct ez_view v = pg_field(res, row, column);

	return v.len ? v.ptr[0] : '\0';
}

static void read_table(struct pg_published *t, const PGresult *res, int row)
{
	*t = (struct pg_published){
		.rel = { .oid = (uint32_t)pg_field_u64(res, row, F_OID),
			 .schema = pg_field(res, row, F_SCHEMA),
			 .name = pg_field(res, row, F_NAME),
			 .identity = char_at(res, row, F_IDENTITY) },
		.filter = pg_field(res, row, F_FILTER),
		.filenode = (uint32_t)pg_field_u64(res, row, F_FILENODE),
		.kind = char_at(res, row, F_KIND),
		.persistence = char_at(res, row, F_PERSISTENCE),
		.has_policies = pg_field_bool(res, row, F_POLICIES),
		.may_select = pg_field_bool(res, row, F_MAY_SELECT),
		.may_use_schema = pg_field_bool(res, row, F_MAY_USE),
		.first_row = row,
	};
}

static void read_column(struct pg_published *t, struct pg_relation_column *c,
			const PGresult *res, int row)
{
	*c = (struct pg_relation_column){
		.name = pg_field(res, row, F_COLUMN),
		.type = (uint32_t)pg_field_u64(res, row, F_TYPE),
		.type_mod = (int32_t)pg_field_i64(res, row, F_MOD),
		.key = pg_field_bool(res, row, F_KEY),
	};
	t->rel.n_columns++;
	t->n_keys += c->key;
}

/* Groups the rows by table, leaving out what the option `tables` does not want. */
static void group(struct pg *pg, struct pg_published_list *l)
{
	int n = PQntuples(l->res);
	struct pg_published *t = NULL;
	struct pg_relation_column *c;
	uint32_t oid = 0;

	l->tables = xcalloc((size_t)n + 1, sizeof(*l->tables));
	l->columns = xcalloc((size_t)n + 1, sizeof(*l->columns));
	c = l->columns;
	for (int row = 0; row < n; row++) {
		uint32_t now = (uint32_t)pg_field_u64(l->res, row, F_OID);

		if (now != oid) {
			oid = now;
			t = NULL;
			if (pg_selects(pg, pg_field(l->res, row, F_SCHEMA),
				       pg_field(l->res, row, F_NAME))) {
				t = &l->tables[l->n++];
				read_table(t, l->res, row);
				t->rel.columns = c;
			}
		}
		if (!t)
			continue;
		t->n_rows++;
		if (pg_field(l->res, row, F_COLUMN).ptr)
			read_column(t, c++, l->res, row);
	}
}

int pg_list_published(struct pg *pg, PGconn *conn, struct pg_published_list *ret_list,
		      struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	int version = PQserverVersion(conn);
	struct pg_published_list l = { .n = 0 };
	int rc;

	buf_addf(&sql, LIST_HEAD, version >= 150000 ? "t.rowfilter" : "NULL",
		 column_condition(version));
	rc = pg_query_params(pg, conn, "list the published tables", buf_cstr(&sql), 1,
			     &pg->opt.publication, &l.res, err);
	if (rc < 0)
		return rc;
	group(pg, &l);
	*ret_list = l;
	return EZ_OK;
}

void pg_published_list_release(struct pg_published_list *list)
{
	pg_clear(&list->res);
	free(list->tables);
	free(list->columns);
	*list = (struct pg_published_list){ .n = 0 };
}

/* pg_inherits is read by SQL, and so under the snapshot: partitions of that time. */
static const char STORAGE_SQL[] =
	"WITH RECURSIVE t(root, oid) AS ("
	" SELECT r, r FROM unnest($1::oid[]) r"
	" UNION ALL"
	" SELECT t.root, i.inhrelid FROM t"
	"  JOIN pg_class p ON p.oid = t.oid AND p.relkind = 'p'"
	"  JOIN pg_inherits i ON i.inhparent = t.oid)"
	" SELECT t.root, c.oid, n.nspname, c.relname, c.relkind, c.relfilenode,"
	"  coalesce(m.amname = 'heap', false), c.reltuples::int8, c.relpages,"
	"  pg_relation_size(c.oid), pg_table_size(c.oid), c.relnatts,"
	"  has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')"
	" FROM t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN pg_am m ON m.oid = c.relam"
	" WHERE c.relkind <> 'p' ORDER BY n.nspname, c.relname";

/* Without statistics a row is taken to be its header and 16 bytes a column. */
static int64_t estimate_rows(int64_t tuples, int64_t pages, int64_t blocks,
			     int64_t columns)
{
	if (tuples > 0 && pages > 0)
		return (int64_t)((double)tuples / (double)pages * (double)blocks);
	return blocks * BLOCK_BYTES / (28 + 16 * MAX(columns, (int64_t)1));
}

static void read_storage(struct pg_storage *s, const PGresult *res, int row)
{
	int64_t size = pg_field_i64(res, row, 9);

	*s = (struct pg_storage){
		.root = (uint32_t)pg_field_u64(res, row, 0),
		.oid = (uint32_t)pg_field_u64(res, row, 1),
		.schema = pg_field(res, row, 2),
		.name = pg_field(res, row, 3),
		.kind = char_at(res, row, 4),
		.filenode = (uint32_t)pg_field_u64(res, row, 5),
		.is_heap = pg_field_bool(res, row, 6),
		.blocks = size / BLOCK_BYTES,
		.bytes = pg_field_i64(res, row, 10),
		.may_select = pg_field_bool(res, row, 12),
	};
	s->rows = estimate_rows(pg_field_i64(res, row, 7), pg_field_i64(res, row, 8),
				s->blocks, pg_field_i64(res, row, 11));
}

int pg_list_storage(struct pg *pg, PGconn *conn, const struct pg_published_list *tables,
		    struct pg_storage_list *ret_list, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf oids = BUF_INIT(OIDS_CAP_BYTES);
	struct pg_storage_list l = { .n = 0 };
	const char *value;
	int rc;

	buf_add_char(&oids, '{');
	for (size_t i = 0; i < tables->n; i++) {
		if (i > 0)
			buf_add_char(&oids, ',');
		buf_add_u64(&oids, tables->tables[i].rel.oid);
	}
	buf_add_char(&oids, '}');
	value = buf_cstr(&oids);
	rc = pg_query_params(pg, conn, "list partitions", STORAGE_SQL, 1, &value, &l.res,
			     err);
	if (rc < 0)
		return rc;
	l.n = (size_t)PQntuples(l.res);
	l.items = xcalloc(l.n + 1, sizeof(*l.items));
	for (size_t i = 0; i < l.n; i++)
		read_storage(&l.items[i], l.res, (int)i);
	*ret_list = l;
	return EZ_OK;
}

void pg_storage_list_release(struct pg_storage_list *list)
{
	pg_clear(&list->res);
	free(list->items);
	*list = (struct pg_storage_list){ .n = 0 };
}

static bool row_is_same(const PGresult *a, int row_a, const PGresult *b, int row_b)
{
	for (int f = 0; f < PQnfields(a); f++) {
		if (f >= F_PERSISTENCE && f <= F_MAY_USE)
			continue;
		if (PQgetisnull(a, row_a, f) != PQgetisnull(b, row_b, f) ||
		    !view_eq(pg_field(a, row_a, f), pg_field(b, row_b, f)))
			return false;
	}
	return true;
}

bool pg_published_is_same(const struct pg_published_list *la,
			  const struct pg_published *a,
			  const struct pg_published_list *lb,
			  const struct pg_published *b)
{
	if (a->n_rows != b->n_rows)
		return false;
	for (int i = 0; i < a->n_rows; i++) {
		if (!row_is_same(la->res, a->first_row + i, lb->res, b->first_row + i))
			return false;
	}
	return true;
}

const struct pg_published *pg_published_find(const struct pg_published_list *list,
					     uint32_t oid)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->tables[i].rel.oid == oid)
			return &list->tables[i];
	}
	return NULL;
}

const struct pg_storage *pg_storage_find(const struct pg_storage_list *list, uint32_t oid)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].oid == oid)
			return &list->items[i];
	}
	return NULL;
}

int pg_read_publication(struct pg *pg, PGconn *conn, struct pg_publication *ret,
			struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *res = NULL;
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	int version = PQserverVersion(conn);
	int rc;

	buf_addf(
		&sql,
		"SELECT puballtables, pubviaroot, pg_has_role(pubowner, 'USAGE'), pubinsert,"
		" pubupdate, pubdelete, pubtruncate, %s,"
		" coalesce(starts_with(obj_description(oid, 'pg_publication'), '%s'), false)"
		" FROM pg_publication WHERE pubname = $1",
		version >= 180000 ? "pubgencols = 's'" : "false", PG_PUBLICATION_MARK);
	rc = pg_query_params(pg, conn, "read the publication", buf_cstr(&sql), 1,
			     &pg->opt.publication, &res, err);
	if (rc < 0)
		return rc;
	*ret = (struct pg_publication){ .exists = PQntuples(res) == 1 };
	if (!ret->exists)
		return EZ_OK;
	ret->all_tables = pg_field_bool(res, 0, 0);
	ret->via_root = pg_field_bool(res, 0, 1);
	ret->is_owner = pg_field_bool(res, 0, 2);
	ret->insert = pg_field_bool(res, 0, 3);
	ret->update = pg_field_bool(res, 0, 4);
	ret->delete = pg_field_bool(res, 0, 5);
	ret->truncate = pg_field_bool(res, 0, 6);
	ret->generated = pg_field_bool(res, 0, 7);
	ret->is_ours = pg_field_bool(res, 0, 8);
	return EZ_OK;
}
