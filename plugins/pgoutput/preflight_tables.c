/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/buf.h"
#include "base/view.h"
#include "candidate.h"
#include "catalog.h"
#include "conn.h"
#include "pgoutput.h"
#include "preflight.h"
#include "quote.h"
#include "sql.h"
#include "tables.h"

enum { REMEDY_CAP_BYTES = 4096 };

struct tables_check {
	const struct preflight *p;
	const struct pg_publication *pub;
	const struct pg_candidates *list;
	struct buf remedy;
	size_t n_wanted;
	bool is_open; /* nothing says yet which tables a job will take: none is a must */
};

static int worst(const struct tables_check *t)
{
	return t->is_open ? EZ_FINDING_WARNING : EZ_FINDING_FAILED;
}

/* The statement with the table's name after `before`. */
static const char *remedy_of(struct tables_check *t, const struct pg_candidate *c,
			     const char *before, const char *after)
{
	buf_reset(&t->remedy);
	buf_add_str(&t->remedy, before);
	quote_table(&t->remedy, c->schema, c->name);
	buf_add_str(&t->remedy, after);
	return buf_cstr(&t->remedy);
}

static void report(struct tables_check *t, const struct pg_candidate *c, int status,
		   const char *remedy, const char *text)
{
	if (status == EZ_FINDING_FAILED)
		status = worst(t);
	t->p->pg->host->finding(t->p->report, status, "table", remedy, "%.*s.%.*s %s",
				VIEW_ARG(c->schema), VIEW_ARG(c->name), text);
}

static void check_rights(struct tables_check *t, const struct pg_candidate *c)
{
	const char *role = PQuser(t->p->conn);

	if (!c->may_use_schema) {
		buf_reset(&t->remedy);
		buf_add_str(&t->remedy, "GRANT USAGE ON SCHEMA ");
		quote_ident(&t->remedy, c->schema);
		buf_add_str(&t->remedy, " TO ");
		quote_ident(&t->remedy, view_str(role));
		report(t, c, EZ_FINDING_FAILED, buf_cstr(&t->remedy),
		       "is in a schema that the role "
		       "may not use");
	}
	if (!c->may_select && t->p->pg->opt.snapshot != PG_SNAPSHOT_NEVER) {
		(void)remedy_of(t, c, "GRANT SELECT ON ", " TO ");
		quote_ident(&t->remedy, view_str(role));
		report(t, c, EZ_FINDING_FAILED, buf_cstr(&t->remedy),
		       "may not be read by the role");
	}
	if (c->has_policies && c->may_select) {
		buf_reset(&t->remedy);
		buf_add_str(&t->remedy, "ALTER ROLE ");
		quote_ident(&t->remedy, view_str(role));
		buf_add_str(&t->remedy, " BYPASSRLS");
		report(t, c, EZ_FINDING_FAILED, buf_cstr(&t->remedy),
		       "has row-level security, which would hide rows from the copy");
	}
}

static void check_identity(struct tables_check *t, const struct pg_candidate *c)
{
	bool matters = !t->pub->exists || t->pub->update || t->pub->delete;

	if (c->kind == 'p' || c->can_identify || !matters)
		return;
	report(t, c, EZ_FINDING_FAILED,
	       remedy_of(t, c, "ALTER TABLE ",
			 " REPLICA IDENTITY FULL, or give it a primary key"),
	       c->identity == 'n'
		       ? "has replica identity NOTHING: once it is published, UPDATE "
			 "and DELETE on it fail"
		       : "has no primary key: once it is published, UPDATE and DELETE "
			 "on it fail");
}

static void check_publication(struct tables_check *t, const struct pg_candidate *c)
{
	if (t->pub->exists && !c->is_published) {
		buf_reset(&t->remedy);
		buf_add_str(&t->remedy, "ALTER PUBLICATION ");
		quote_ident(&t->remedy, view_str(t->p->pg->opt.publication));
		buf_add_str(&t->remedy, " ADD TABLE ");
		quote_table(&t->remedy, c->schema, c->name);
		report(t, c, EZ_FINDING_FAILED, buf_cstr(&t->remedy),
		       "is wanted, but not part of the publication");
	}
	if (!t->pub->exists && !c->is_owner && !pg_tables_is_all(t->p->pg->sql->tables)) {
		(void)remedy_of(t, c, "ALTER TABLE ", " OWNER TO ");
		quote_ident(&t->remedy, view_str(PQuser(t->p->conn)));
		buf_add_str(&t->remedy, ", or let its owner create the publication");
		report(t, c, EZ_FINDING_FAILED, buf_cstr(&t->remedy),
		       "is not owned by the role, which so cannot publish it");
	}
}

static void check_table(struct tables_check *t, const struct pg_candidate *c)
{
	check_rights(t, c);
	check_identity(t, c);
	if (!c->is_covered) {
		t->n_wanted++;
		check_publication(t, c);
	}
	if (c->n_generated > 0 && !t->pub->generated)
		report(t, c, EZ_FINDING_WARNING, NULL,
		       "has generated columns, which are left out");
	if (c->is_child)
		report(t, c, EZ_FINDING_WARNING, NULL,
		       "inherits from another table: its rows are replicated under its own name");
}

/* A pattern that selects nothing is a slip of the pen, or a table that is gone. */
static void check_pattern(struct tables_check *t, size_t i)
{
	const struct pg_tables *tables = t->p->pg->sql->tables;
	struct ez_view text = pg_tables_text(tables, i);
	const struct pg_candidate *other = NULL;

	for (size_t k = 0; k < t->list->n; k++) {
		const struct pg_candidate *c = &t->list->items[k];

		if (!pg_tables_match_one(tables, i, c->schema, c->name))
			continue;
		if (pg_candidate_is_table(c))
			return;
		other = c;
	}
	if (pg_tables_is_exclusion(tables, i)) {
		t->p->pg->host->finding(t->p->report, EZ_FINDING_WARNING, "tables", NULL,
					"\"%.*s\" excludes nothing", VIEW_ARG(text));
		return;
	}
	if (other)
		report(t, other, EZ_FINDING_FAILED, NULL, pg_candidate_refusal(other));
	t->p->pg->host->finding(t->p->report, EZ_FINDING_FAILED, "tables",
				"correct the option tables (names are case-sensitive)",
				"\"%.*s\" matches no table", VIEW_ARG(text));
}

static void check_list(struct tables_check *t)
{
	const struct pg_tables *tables = t->p->pg->sql->tables;

	for (size_t i = 0; i < pg_tables_count(tables); i++)
		check_pattern(t, i);
	for (size_t i = 0; i < t->list->n; i++) {
		const struct pg_candidate *c = &t->list->items[i];
		bool is_meant = c->is_selected || c->is_covered;

		if (is_meant && pg_candidate_is_table(c))
			check_table(t, c);
		else if (c->is_selected && (c->persistence == 'u' || c->kind == 'f'))
			report(t, c, EZ_FINDING_WARNING, NULL,
			       c->kind == 'f' ? "is a foreign table: it is left out"
					      : "is unlogged: it is left out");
	}
	if (t->n_wanted == 0)
		t->p->pg->host->finding(t->p->report, worst(t), "tables",
					"create a table, or correct the option tables",
					"there is no table to replicate");
	else
		t->p->pg->host->finding(t->p->report, EZ_FINDING_OK, "tables", NULL,
					t->is_open ? "%zu tables can be selected" :
						     "%zu tables are selected",
					t->n_wanted);
}

int preflight_tables(const struct preflight *p, const struct pg_publication *pub,
		     struct ez_error *err)
{
	struct tables_check t = { .p = p,
				  .pub = pub,
				  .remedy = BUF_INIT(REMEDY_CAP_BYTES),
				  .is_open = p->pg->alone && !pub->exists &&
					     pg_tables_is_all(p->pg->sql->tables) };
	struct pg_candidates list;
	int rc = pg_list_candidates(p->pg, p->conn, &list, err);

	if (rc < 0)
		return rc;
	t.list = &list;
	check_list(&t);
	pg_candidates_release(&list);
	buf_release(&t.remedy);
	return EZ_OK;
}

/* The first thing that is in the way, as a phrase; NULL: nothing. */
static const char *why_not(const struct pg *pg, const struct pg_publication *pub,
			   const struct pg_candidate *c)
{
	const char *refusal = pg_candidate_refusal(c);

	if (refusal)
		return refusal;
	if (!c->is_selected)
		return "is not selected by the option tables";
	if (!c->may_use_schema)
		return "is in a schema that the role may not use";
	if (!c->may_select && pg->opt.snapshot != PG_SNAPSHOT_NEVER)
		return "may not be read by the role";
	if (c->has_policies)
		return "has row-level security";
	if (!c->can_identify && c->kind != 'p' &&
	    (!pub->exists || pub->update || pub->delete))
		return "has no replica identity";
	if (pub->exists && !c->is_published)
		return "is not part of the publication";
	return NULL;
}

static void found(struct pg *pg, struct ez_report *to, const struct pg_publication *pub,
		  const struct pg_candidate *c)
{
	const char *reason = why_not(pg, pub, c);
	struct ez_found f = {
		.size = sizeof(f),
		.schema = c->schema,
		.name = c->name,
		.key = c->key,
		.reason = view_str(reason),
		.rows_estimate = c->rows,
		.bytes = c->bytes,
		.ready = reason == NULL,
	};

	pg->host->found(to, &f);
}

int pg_discover(struct pg *pg, struct ez_report *to, struct ez_error *err)
{
	struct pg_publication pub;
	struct pg_candidates list;
	PGconn *conn;
	int rc = pg_sql_conn(pg, &conn, err);

	if (rc == EZ_OK)
		rc = pg_read_publication(pg, conn, &pub, err);
	if (rc == EZ_OK)
		rc = pg_list_candidates(pg, conn, &list, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < list.n; i++) {
		const struct pg_candidate *c = &list.items[i];

		if (!c->is_covered && c->kind != 'v' && c->kind != 'm')
			found(pg, to, &pub, c);
	}
	pg_candidates_release(&list);
	return EZ_OK;
}
