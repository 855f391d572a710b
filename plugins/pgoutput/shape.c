/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "shape.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "conn.h"
#include "literal.h"
#include "pgoutput.h"
#include "quote.h"
#include "sql.h"
#include "types.h"

/*
 * One question per relation. $1 is its OID; $2 to $4 are names, types and modifiers of its
 * columns, as the caller knows them. `r` walks from each type through its domains, and
 * through one array to its element and that one's domains; `f` keeps the ends.
 */
static const char SHAPE_SQL[] =
	"WITH RECURSIVE c AS ("
	" SELECT u.ord, u.name, u.typ, u.mod"
	" FROM unnest($2::text[], $3::oid[], $4::int4[]) WITH ORDINALITY u(name, typ, mod, ord)"
	"), r(ord, elem, typ, mod, depth) AS ("
	" SELECT ord, false, typ, mod, 0 FROM c"
	" UNION ALL"
	" SELECT r.ord, r.elem OR t.typtype <> 'd',"
	"  CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,"
	"  CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE r.mod END, r.depth + 1"
	" FROM r JOIN pg_type t ON t.oid = r.typ"
	" WHERE t.typtype = 'd' OR (NOT r.elem AND EXISTS (SELECT FROM pg_type e"
	"  WHERE e.oid = t.typelem AND e.typarray = t.oid))"
	"), f AS ("
	" SELECT DISTINCT ON (r.ord, r.elem) r.ord, r.elem, r.typ, r.mod, t.typtype, t.typname"
	" FROM r LEFT JOIN pg_type t ON t.oid = r.typ ORDER BY r.ord, r.elem, r.depth DESC"
	") SELECT format_type(c.typ, c.mod), a.attnum, coalesce(a.attnotnull, false),"
	" coalesce(a.attgenerated <> '', false), "
	" coalesce(a.attnum = ANY ((p.indkey::int2[])[0:p.indnkeyatts - 1]), false),"
	" CASE WHEN a.attgenerated = '' AND a.atttypid = c.typ"
	"  THEN pg_get_expr(d.adbin, d.adrelid) END,"
	" CASE WHEN a.atthasmissing AND a.atttypid = c.typ"
	"  THEN (a.attmissingval::text::text[])[1] END,"
	" b.typ, b.mod, b.typtype, b.typname, e.typ, e.typtype, e.typname"
	" FROM c"
	" LEFT JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attname = c.name"
	"  AND a.attnum > 0 AND NOT a.attisdropped"
	" LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" LEFT JOIN pg_index p ON p.indrelid = $1::oid AND p.indisprimary"
	" LEFT JOIN f b ON b.ord = c.ord AND NOT b.elem"
	" LEFT JOIN f e ON e.ord = c.ord AND e.elem"
	" ORDER BY c.ord";

enum {
	F_NATIVE,
	F_ATTNUM,
	F_NOT_NULL,
	F_GENERATED,
	F_PRIMARY,
	F_DEFAULT,
	F_MISSING,
	F_BASE,
	F_BASE_MOD,
	F_BASE_KIND,
	F_BASE_NAME,
	F_ELEM,
	F_ELEM_KIND,
	F_ELEM_NAME
};

/* All column numbers ever given out, to place columns that have another name by now. */
static const char PLACES_SQL[] =
	"SELECT attnum, NOT attisdropped AND attname = ANY ($2::text[])"
	" FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 ORDER BY attnum";

enum {
	PARAMS_CAP_BYTES = 1024 * 1024,
	VISIBLE_TRIES = 20,
	VISIBLE_GAP_US = 5 * US_PER_MS
};

struct params {
	struct buf oid, names, types, mods;
	const char *values[4];
};

static void params_make(struct params *p, const struct pg_relation *rel)
{
	buf_init(&p->oid, PARAMS_CAP_BYTES);
	buf_init(&p->names, PARAMS_CAP_BYTES);
	buf_init(&p->types, PARAMS_CAP_BYTES);
	buf_init(&p->mods, PARAMS_CAP_BYTES);
	buf_add_u64(&p->oid, rel->oid);
	for (uint32_t i = 0; i < rel->n_columns; i++) {
		const struct pg_relation_column *c = &rel->columns[i];
		char separator = i ? ',' : '{';

		buf_add_char(&p->names, separator);
		quote_array_item(&p->names, c->name);
		buf_add_char(&p->types, separator);
		buf_add_u64(&p->types, c->type);
		buf_add_char(&p->mods, separator);
		buf_add_i64(&p->mods, c->type_mod);
	}
	buf_add_str(&p->names, rel->n_columns ? "}" : "{}");
	buf_add_str(&p->types, rel->n_columns ? "}" : "{}");
	buf_add_str(&p->mods, rel->n_columns ? "}" : "{}");
	p->values[0] = buf_cstr(&p->oid);
	p->values[1] = buf_cstr(&p->names);
	p->values[2] = buf_cstr(&p->types);
	p->values[3] = buf_cstr(&p->mods);
}

static void params_release(struct params *p)
{
	buf_release(&p->oid);
	buf_release(&p->names);
	buf_release(&p->types);
	buf_release(&p->mods);
}

static struct ez_view keep(struct buf *text, struct ez_view v)
{
	char *at = text->ptr + text->len;

	buf_add_view(text, v);
	return view_of(at, v.len);
}

static struct ez_view keep_fallback(struct buf *text, const PGresult *res, int row)
{
	struct ez_view missing = pg_field(res, row, F_MISSING);
	char *at = text->ptr + text->len;
	size_t before = text->len;

	if (missing.ptr)
		buf_add_view(text, missing);
	else
		literal_add(text, pg_field(res, row, F_DEFAULT));
	return view_of(at, text->len - before);
}

static char kind_of(struct ez_view v)
{
	return v.len ? v.ptr[0] : '\0';
}

static void fill_type(struct ez_column *c, const PGresult *res, int row)
{
	struct pg_type base = {
		.oid = (uint32_t)pg_field_u64(res, row, F_BASE),
		.mod = (int32_t)pg_field_i64(res, row, F_BASE_MOD),
		.kind = kind_of(pg_field(res, row, F_BASE_KIND)),
		.name = pg_field(res, row, F_BASE_NAME),
	};
	struct pg_type element = {
		.oid = (uint32_t)pg_field_u64(res, row, F_ELEM),
		.kind = kind_of(pg_field(res, row, F_ELEM_KIND)),
		.name = pg_field(res, row, F_ELEM_NAME),
	};

	pg_type_describe(c, &base, element.oid ? &element : NULL);
}

static bool identity_names_key(char identity)
{
	return identity == 'd' || identity == 'i';
}

static void fill_column(struct ez_column *c, struct buf *text,
			const struct pg_relation *rel, uint32_t i, const PGresult *res)
{
	const struct pg_relation_column *from = &rel->columns[i];
	int row = (int)i;
	bool key = identity_names_key(rel->identity) ? from->key
						     : pg_field_bool(res, row, F_PRIMARY);

	c->size = sizeof(*c);
	c->name = keep(text, from->name);
	c->native = keep(text, pg_field(res, row, F_NATIVE));
	c->fallback = keep_fallback(text, res, row);
	c->flags =
		(key ? (uint32_t)EZ_COL_KEY : 0) |
		(pg_field_bool(res, row, F_NOT_NULL) ? (uint32_t)EZ_COL_NOT_NULL : 0) |
		(pg_field_bool(res, row, F_GENERATED) ? (uint32_t)EZ_COL_GENERATED : 0);
	c->id = (uint32_t)pg_field_u64(res, row, F_ATTNUM);
	c->native_type = from->type;
	c->type_mod = from->type_mod;
	fill_type(c, res, row);
}

/*
 * Descriptor, column pointers, columns and text in one block, in this order. `ret_text` has
 * room for exactly that text.
 */
static struct pg_shape *allocate(size_t n, size_t text_bytes, struct buf *ret_text)
{
	size_t head = sizeof(struct pg_shape) + n * sizeof(struct ez_column *) +
		      n * sizeof(struct ez_column);
	struct pg_shape *s = xcalloc(1, head + text_bytes + 1);
	struct ez_column **pointers = (void *)(s + 1);
	struct ez_column *columns = (void *)(pointers + n);

	for (size_t i = 0; i < n; i++)
		pointers[i] = &columns[i];
	s->table.columns = (const struct ez_column *const *)pointers;
	s->table.n_columns = (uint32_t)n;
	*ret_text = (struct buf){ .ptr = (char *)(columns + n),
				  .size = text_bytes,
				  .alloc = text_bytes + 1,
				  .cap = text_bytes };
	return s;
}

static struct ez_column *column_at(struct pg_shape *s, uint32_t i)
{
	struct ez_column *first =
		(void *)((struct ez_column **)(void *)(s + 1) + s->table.n_columns);

	return first + i;
}

static size_t text_bytes(const struct pg_relation *rel, const PGresult *res)
{
	size_t n = rel->schema.len + rel->name.len;

	for (int i = 0; i < (int)rel->n_columns; i++)
		n += rel->columns[i].name.len + pg_field(res, i, F_NATIVE).len +
		     pg_field(res, i, F_DEFAULT).len + pg_field(res, i, F_MISSING).len;
	return n;
}

static struct pg_shape *build(const struct pg_relation *rel, const PGresult *res)
{
	struct buf text;
	struct pg_shape *s = allocate(rel->n_columns, text_bytes(rel, res), &text);
	struct ez_table *t = &s->table;

	t->size = sizeof(*t);
	t->id = rel->oid;
	t->schema = keep(&text, rel->schema);
	t->name = keep(&text, rel->name);
	t->flags = rel->identity == 'f' ? EZ_TABLE_FULL_IDENTITY : 0;
	for (uint32_t i = 0; i < rel->n_columns; i++) {
		fill_column(column_at(s, i), &text, rel, i, res);
		t->n_keys += (column_at(s, i)->flags & EZ_COL_KEY) != 0;
	}
	if (rel->identity == 'n' || (identity_names_key(rel->identity) && !t->n_keys))
		t->flags |= EZ_TABLE_NO_IDENTITY;
	return s;
}

struct pg_shape *pg_shape_dup(const struct ez_table *table)
{
	size_t bytes = table->schema.len + table->name.len;
	const struct ez_column *const *columns = table->columns;
	struct pg_shape *s;
	struct buf text;

	for (uint32_t i = 0; i < table->n_columns; i++)
		bytes += columns[i]->name.len + columns[i]->native.len +
			 columns[i]->fallback.len;
	s = allocate(table->n_columns, bytes, &text);
	columns = s->table.columns;
	s->table = *table;
	s->table.columns = columns;
	s->table.schema = keep(&text, table->schema);
	s->table.name = keep(&text, table->name);
	for (uint32_t i = 0; i < table->n_columns; i++) {
		struct ez_column *c = column_at(s, i);

		*c = *table->columns[i];
		c->name = keep(&text, c->name);
		c->native = keep(&text, c->native);
		c->fallback = keep(&text, c->fallback);
	}
	return s;
}

/*
 * RELATION has columns by their numbers: of two that stand the other way round at least one
 * has another's name.
 */
static void distrust_order(struct pg_shape *s)
{
	uint32_t last = 0;

	for (uint32_t i = 1; i < s->table.n_columns; i++) {
		struct ez_column *a = column_at(s, last), *b = column_at(s, i);

		if (b->id == 0)
			continue;
		if (b->id <= a->id)
			a->id = b->id = 0;
		last = i;
	}
}

static uint32_t count_numbers(const PGresult *places, uint32_t after, uint32_t before)
{
	uint32_t n = 0;

	for (int i = 0; i < PQntuples(places); i++) {
		uint32_t number = (uint32_t)pg_field_u64(places, i, 0);

		n += number > after && number < before;
	}
	return n;
}

static void number_run(struct pg_shape *s, const PGresult *places, uint32_t from,
		       uint32_t to, uint32_t after)
{
	for (int i = 0; i < PQntuples(places) && from < to; i++) {
		uint32_t number = (uint32_t)pg_field_u64(places, i, 0);

		if (number > after)
			column_at(s, from++)->id = number;
	}
}

/*
 * Columns [from, to) have no number. As many as there are between their neighbours': then
 * each has its own. More: one of these two has another's name.
 */
static void place_run(struct pg_shape *s, const PGresult *places, uint32_t from,
		      uint32_t to)
{
	bool is_last = to == s->table.n_columns;
	uint32_t after = from > 0 ? column_at(s, from - 1)->id : 0;
	uint32_t before = is_last ? UINT32_MAX : column_at(s, to)->id;
	uint32_t n = count_numbers(places, after, before);

	if (n == to - from) {
		number_run(s, places, from, to, after);
		return;
	}
	if (n > to - from)
		return;
	if (from > 0)
		column_at(s, from - 1)->id = 0;
	if (!is_last)
		column_at(s, to)->id = 0;
}

/*
 * A column that the catalog does not know by name was renamed or dropped since. RELATION
 * lists columns in the order of their numbers, and the catalog keeps the numbers of dropped
 * columns, so when there is one number between its neighbours', it is that one; as many
 * columns as numbers have these in their order. With more numbers it may be any of them: then
 * it is not known here, and the engine looks at the shape that the table had before. A name
 * that has passed to another column since would give a wrong number: what cannot be by its
 * place is not believed.
 */
static int place_strangers(struct pg *pg, PGconn *conn, struct pg_shape *s,
			   const struct params *p, struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *places = NULL;
	uint32_t n = s->table.n_columns, unknown = 0;
	int rc;

	distrust_order(s);
	for (uint32_t i = 0; i < n; i++)
		unknown += column_at(s, i)->id == 0;
	if (unknown == 0)
		return EZ_OK;
	rc = pg_query_params(pg, conn, "read the catalog", PLACES_SQL, 2, p->values,
			     &places, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0, j; i < n; i = j + 1) {
		for (j = i; j < n && column_at(s, j)->id == 0;)
			j++;
		if (j > i)
			place_run(s, places, i, j);
	}
	return EZ_OK;
}

static int look_up(struct pg *pg, PGconn *conn, const struct pg_relation *rel,
		   const struct params *p, struct pg_shape **ret_shape,
		   struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *res = NULL;
	struct pg_shape *s;
	int rc = pg_query_params(pg, conn, "read the catalog", SHAPE_SQL, 4, p->values,
				 &res, err);

	if (rc < 0)
		return rc;
	if (PQntuples(res) != (int)rel->n_columns)
		return pg->host->fail(err, EZ_E_FATAL, "",
				      "%.*s.%.*s: %d columns of %u found",
				      VIEW_ARG(rel->schema), VIEW_ARG(rel->name),
				      PQntuples(res), rel->n_columns);
	s = build(rel, res);
	rc = place_strangers(pg, conn, s, p, err);
	if (rc < 0) {
		pg_shape_free(s);
		return rc;
	}
	*ret_shape = s;
	return EZ_OK;
}

/*
 * The walsender reads a commit from the log; the session that wrote it makes it visible to
 * others afterwards, with synchronous replication perhaps much later. Until then the catalog
 * that we see is that of before an ALTER TABLE in the same transaction.
 *
 * The xid is given its epoch by its distance from the newest one, which is less than 2^31.
 */
static const char VISIBLE_SQL[] =
	"SELECT pg_visible_in_snapshot((m - (((m - $1::int8 + 2147483648) & 4294967295)"
	" - 2147483648))::text::xid8, s)"
	" FROM (SELECT s, pg_snapshot_xmax(s)::text::int8 AS m FROM pg_current_snapshot() s) x";

static int is_visible(struct pg *pg, PGconn *conn, uint32_t xid, bool *ret,
		      struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *res = NULL;
	char text[16];
	const char *const values[] = { text };
	int rc;

	ENSURE(str_format(text, sizeof(text), "%u", xid), "a number has ten digits");
	rc = pg_query_params(pg, conn, "look for the transaction", VISIBLE_SQL, 1, values,
			     &res, err);
	*ret = rc == EZ_OK && pg_field_bool(res, 0, 0);
	return rc;
}

static int await_visible(struct pg *pg, PGconn *conn, uint32_t xid, struct ez_error *err)
{
	bool visible = xid == 0;

	for (unsigned i = 0; !visible && i < VISIBLE_TRIES; i++) {
		int rc;

		if (i > 0)
			sleep_us(VISIBLE_GAP_US);
		rc = is_visible(pg, conn, xid, &visible, err);
		if (rc < 0)
			return rc;
		if (pg_is_interrupted(pg))
			return pg->host->fail(err, EZ_E_CANCELLED, "", "interrupted");
	}
	if (visible)
		return EZ_OK;
	return pg->host->fail(
		err, EZ_E_TRANSIENT, "",
		"transaction %u is committed, but other sessions do not see it "
		"yet (does it wait for a synchronous standby?)",
		xid);
}

int pg_shape_of(struct pg *pg, const struct pg_relation *rel, struct pg_shape **ret_shape,
		struct ez_error *err)
{
	struct params p;
	PGconn *conn;
	int rc = pg_sql_conn(pg, &conn, err);

	if (rc >= 0)
		rc = await_visible(pg, conn, rel->xid, err);
	if (rc < 0)
		return rc;
	params_make(&p, rel);
	rc = look_up(pg, conn, rel, &p, ret_shape, err);
	params_release(&p);
	pg_sql_settle(pg);
	return rc;
}

void pg_shape_free(struct pg_shape *shape)
{
	free(shape);
}
