/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plan.h"

#include "base/buf.h"
#include "base/view.h"
#include "catalog.h"
#include "conn.h"
#include "part_spec.h"
#include "pgoutput.h"
#include "snapshot.h"
#include "sql.h"

enum { SPEC_CAP_BYTES = 1024 * 1024, PARTS_PER_WORKER = 4, PARTS_MAX = 100000 };
/* Below this a table is not worth sharing between readers. */
static const int64_t SHARED_BYTES = INT64_C(64) << 20;

uint32_t pg_plan_count(int64_t bytes, int64_t blocks, uint64_t part_bytes,
		       uint32_t workers)
{
	uint64_t n = part_bytes ? ((uint64_t)bytes + part_bytes - 1) / part_bytes : 1;

	if (workers > 1 && bytes >= SHARED_BYTES)
		n = MAX(n, (uint64_t)workers * PARTS_PER_WORKER);
	n = MIN(n, (uint64_t)MAX(blocks, (int64_t)1));
	return (uint32_t)MIN(MAX(n, (uint64_t)1), (uint64_t)PARTS_MAX);
}

struct cut {
	struct pg *pg;
	struct ez_plan *plan;
	const struct ez_table *table;
	const struct pg_published *published;
	bool has_ranges; /* the server can read a range of blocks */
};

static int add_part(const struct cut *c, const struct pg_storage *s, uint32_t i,
		    uint32_t n, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(SPEC_CAP_BYTES);
	uint32_t step = (uint32_t)((s->blocks + n - 1) / n);
	struct part_spec spec = {
		.oid = s->oid,
		.from = n > 1 ? i * step : 0,
		.to = i + 1 < n ? (i + 1) * step : 0,
		.schema = s->schema,
		.name = s->name,
		.filter = c->published->filter,
	};
	struct ez_part part = {
		.size = sizeof(part),
		.table = c->table,
		.rows_estimate = s->rows < 0 ? -1 : s->rows / n,
		.bytes_estimate = s->bytes / n,
	};

	part_spec_add(&text, &spec);
	if (!buf_ok(&text))
		return c->pg->host->fail(err, EZ_E_CONFIG, "",
					 "the row filter of %.*s is too long",
					 VIEW_ARG(s->name));
	part.spec = buf_view(&text);
	return c->pg->host->part(c->plan, &part, err);
}

static int cut_storage(const struct cut *c, const struct pg_storage *s,
		       struct ez_error *err)
{
	uint32_t n = 1, step;
	int rc = EZ_OK;

	if (c->has_ranges && s->is_heap)
		n = pg_plan_count(s->bytes, s->blocks, c->pg->opt.part_bytes,
				  c->pg->opt.snapshot_workers);
	/* Rounding may make the last ones start behind the end. */
	step = (uint32_t)((s->blocks + n - 1) / n);
	if (step > 0)
		n = (uint32_t)((s->blocks + step - 1) / step);
	for (uint32_t i = 0; i < n && rc >= 0; i++)
		rc = add_part(c, s, i, n, err);
	return rc < 0 ? rc : EZ_OK;
}

/*
 * A partitioned table without a readable partition: a part that has no rows. COPY takes it in
 * a query alone, which is what a filter leads to.
 */
static int add_nothing(const struct cut *c, struct ez_error *err)
{
	const struct pg_relation *rel = &c->published->rel;
	struct pg_published none = *c->published;
	struct cut own = *c;
	struct pg_storage s = {
		.oid = rel->oid,
		.schema = rel->schema,
		.name = rel->name,
		.kind = 'r',
	};

	none.filter = VIEW("false");
	own.published = &none;
	return cut_storage(&own, &s, err);
}

static int cut_table(struct cut *c, const struct pg_storage_list *storage,
		     struct ez_error *err)
{
	bool has_parts = false;
	int rc = EZ_OK;

	for (size_t i = 0; i < storage->n && rc == EZ_OK; i++) {
		const struct pg_storage *s = &storage->items[i];

		if (s->root != c->published->rel.oid)
			continue;
		if (s->kind == 'f') {
			c->pg->host->log(
				4,
				"partition %.*s.%.*s is a foreign table: it is neither "
				"copied nor replicated",
				VIEW_ARG(s->schema), VIEW_ARG(s->name));
			continue;
		}
		has_parts = true;
		rc = cut_storage(c, s, err);
	}
	return has_parts || rc < 0 ? rc : add_nothing(c, err);
}

static int plan_table(struct pg *pg, struct ez_plan *plan, struct ez_out *out,
		      const struct pg_published *t, const struct pg_storage_list *storage,
		      struct ez_error *err)
{
	struct cut c = { .pg = pg, .plan = plan, .published = t };
	struct pg_shape *shape = NULL;
	int rc = pg_shape_of(pg, &t->rel, &shape, err);

	if (rc < 0)
		return rc;
	c.table = pg->host->table(out, &shape->table, err);
	c.has_ranges = pg->sql->conn && PQserverVersion(pg->sql->conn) >= 140000;
	rc = c.table ? cut_table(&c, storage, err) : err->rc;
	pg_shape_free(shape);
	return rc;
}

int pg_plan_parts(struct pg *pg, struct ez_plan *plan, struct ez_out *out,
		  const struct pg_published_list *tables,
		  const struct pg_storage_list *storage, struct ez_error *err)
{
	int rc = EZ_OK;

	for (size_t i = 0; i < tables->n && rc == EZ_OK; i++)
		rc = plan_table(pg, plan, out, &tables->tables[i], storage, err);
	return rc;
}
