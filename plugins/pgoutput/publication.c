/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "publication.h"

#include "base/buf.h"
#include "base/view.h"
#include "candidate.h"
#include "catalog.h"
#include "conn.h"
#include "pgoutput.h"
#include "quote.h"
#include "sql.h"
#include "tables.h"

enum { SQL_CAP_BYTES = 16 * 1024 * 1024 };

/*
 * Once a table is published, the server refuses UPDATE and DELETE on it when it cannot say
 * which row was meant: the application would break, not we (trap C6).
 */
static int refuse_harm(struct pg *pg, const struct pg_candidates *l, struct ez_error *err)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct pg_candidate *c = &l->items[i];

		/* Of a partitioned table it is the partitions that must identify rows. */
		if (!pg_candidate_is_table(c) || !(c->is_selected || c->is_covered) ||
		    c->can_identify || c->kind == 'p')
			continue;
		(void)pg->host->fail(
			err, EZ_E_CONFIG, "",
			"%.*s.%.*s has no replica identity: publishing it would "
			"make UPDATE and DELETE on it fail",
			VIEW_ARG(c->schema), VIEW_ARG(c->name));
		return pg->host->hint(
			err,
			"ALTER TABLE %.*s.%.*s REPLICA IDENTITY FULL, or give it "
			"a primary key, or exclude it in the option tables",
			VIEW_ARG(c->schema), VIEW_ARG(c->name));
	}
	return EZ_OK;
}

/* Names what was selected and is no table, such as a view, and why. */
static int fail_empty(struct pg *pg, const struct pg_candidates *l, struct ez_error *err)
{
	const struct pg_tables *tables = pg->sql->tables;
	size_t n = pg_tables_count(tables);

	for (size_t i = 0; i < l->n; i++) {
		const struct pg_candidate *c = &l->items[i];
		const char *why = c->is_selected ? pg_candidate_refusal(c) : NULL;

		if (!why)
			continue;
		(void)pg->host->fail(err, EZ_E_CONFIG, "",
				     "the option tables matches no table that can be replicated: "
				     "%.*s.%.*s: %s",
				     VIEW_ARG(c->schema), VIEW_ARG(c->name), why);
		return pg->host->hint(err, "ezcdc discover lists the tables that can be");
	}
	(void)pg->host->fail(err, EZ_E_CONFIG, "", "the option tables (%.*s%s) matches no table",
			     VIEW_ARG(n > 0 ? pg_tables_text(tables, 0) : VIEW("empty")),
			     n > 1 ? ", ..." : "");
	return pg->host->hint(err, "correct it (names are case-sensitive); ezcdc discover lists "
				   "the tables that can be replicated");
}

static int add_tables(struct pg *pg, const struct pg_candidates *l, struct buf *sql,
		      struct ez_error *err)
{
	size_t n = 0;

	buf_add_str(sql, " FOR TABLE ");
	for (size_t i = 0; i < l->n; i++) {
		const struct pg_candidate *c = &l->items[i];

		if (!pg_candidate_is_wanted(c))
			continue;
		if (n++ > 0)
			buf_add_str(sql, ", ");
		buf_add_str(sql, "ONLY ");
		quote_table(sql, c->schema, c->name);
	}
	if (n > 0)
		return EZ_OK;
	return fail_empty(pg, l, err);
}

static int build_sql(struct pg *pg, PGconn *conn, struct buf *sql, struct ez_error *err)
{
	struct pg_candidates l;
	int rc = pg_list_candidates(pg, conn, &l, err);

	if (rc < 0)
		return rc;
	rc = refuse_harm(pg, &l, err);
	buf_add_str(sql, "CREATE PUBLICATION ");
	quote_ident(sql, view_str(pg->opt.publication));
	if (pg_tables_is_all(pg->sql->tables))
		buf_add_str(sql, " FOR ALL TABLES");
	else if (rc == EZ_OK)
		rc = add_tables(pg, &l, sql, err);
	pg_candidates_release(&l);
	buf_add_str(sql,
		    " WITH (publish_via_partition_root = true); COMMENT ON PUBLICATION ");
	quote_ident(sql, view_str(pg->opt.publication));
	buf_add_str(sql, " IS '" PG_PUBLICATION_MARK);
	buf_add_str(sql, pg->job ? pg->job : "");
	buf_add_str(sql, "'");
	if (rc == EZ_OK && !buf_ok(sql))
		rc = pg->host->fail(err, EZ_E_CONFIG, "",
				    "too many tables for one publication");
	return rc;
}

static int explain_refusal(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	if (pg_tables_is_all(pg->sql->tables))
		return pg->host->hint(
			err,
			"a publication of all tables takes a superuser: name "
			"tables in the option tables, or let a superuser run "
			"CREATE PUBLICATION \"%s\" FOR ALL TABLES "
			"WITH (publish_via_partition_root = true)",
			pg->opt.publication);
	return pg->host->hint(
		err,
		"GRANT CREATE ON DATABASE \"%s\" TO \"%s\" and make it owner of "
		"the tables, or let their owner create the publication \"%s\"",
		PQdb(conn), PQuser(conn), pg->opt.publication);
}

static int create(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	int rc = build_sql(pg, conn, &sql, err);

	if (rc < 0)
		return rc;
	rc = pg_query(pg, conn, "create the publication", buf_cstr(&sql), NULL, err);
	if (rc == EZ_E_PERMISSION)
		return explain_refusal(pg, conn, err);
	if (rc == EZ_OK)
		pg->host->log(6, "publication %s created", pg->opt.publication);
	return rc;
}

/* What the job wants but the publication leaves out would be missing without a word. */
static int warn_of_missing(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	struct pg_candidates l;
	int rc;

	if (pg_tables_is_all(pg->sql->tables))
		return EZ_OK;
	rc = pg_list_candidates(pg, conn, &l, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l.n; i++) {
		const struct pg_candidate *c = &l.items[i];

		if (pg_candidate_is_wanted(c) && !c->is_published)
			pg->host->log(
				4,
				"table %.*s.%.*s is wanted but publication %s does not "
				"have it: it is left out",
				VIEW_ARG(c->schema), VIEW_ARG(c->name),
				pg->opt.publication);
	}
	pg_candidates_release(&l);
	return EZ_OK;
}

static int fail_absent(struct pg *pg, struct ez_error *err)
{
	return pg->host->fail(err, EZ_E_CONFIG, "", "publication %s does not exist",
			      pg->opt.publication);
}

int pg_publication_ensure(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	struct pg_publication p;
	int rc = pg_read_publication(pg, conn, &p, err);

	if (rc < 0)
		return rc;
	if (p.exists)
		return warn_of_missing(pg, conn, err);
	if (pg->opt.create)
		return create(pg, conn, err);
	(void)fail_absent(pg, err);
	return pg->host->hint(
		err,
		"CREATE PUBLICATION \"%s\" FOR TABLE ..., or let the job make it "
		"with create = true",
		pg->opt.publication);
}

int pg_publication_require(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	struct pg_publication p;
	int rc = pg_read_publication(pg, conn, &p, err);

	if (rc < 0 || p.exists)
		return rc;
	(void)fail_absent(pg, err);
	return pg->host->hint(err, "has the job been started at least once?");
}

int pg_publication_drop(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	struct pg_publication p;
	int rc = pg_read_publication(pg, conn, &p, err);

	if (rc < 0 || !p.exists)
		return rc;
	if (!p.is_ours)
		return EZ_SKIP;
	buf_add_str(&sql, "DROP PUBLICATION ");
	quote_ident(&sql, view_str(pg->opt.publication));
	return pg_query(pg, conn, "drop the publication", buf_cstr(&sql), NULL, err);
}
