/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/view.h"
#include "postgres/store.h"

/*
 * The preflight of the store. A server that cannot be reached is an error of the call;
 * everything else is a finding, so that one run shows all of it.
 */

/* Whether column `i` of the only row is true. */
static bool is_true(const PGresult *res, int i)
{
	return PQntuples(res) == 1 && *PQgetvalue(res, 0, i) == 't';
}

static int query(struct store *s, const char *sql, PGresult **ret_res,
		 struct ez_error *err)
{
	const char *const values[] = { s->names.schema, s->names.table };
	const struct statement st = {
		.what = "look at the server",
		.sql = sql,
		.values = values,
		.n_values = 2,
	};

	return session_run(&s->session, &st, ret_res, err);
}

static int check_server(struct store *s, struct ez_report *r, struct ez_error *err)
{
	_cleanup_(result_clearp) PGresult *res = NULL;
	int rc = query(s,
		       "SELECT pg_catalog.pg_is_in_recovery(), "
		       "pg_catalog.current_setting('fsync')::bool, "
		       "pg_catalog.current_setting('server_version'), "
		       "pg_catalog.current_setting('synchronous_commit') = 'on', "
		       "$1::text = $2::text",
		       &res, err);

	if (rc != EZ_OK)
		return rc;
	if (is_true(res, 0))
		s->host->finding(r, EZ_FINDING_FAILED, "checkpoint store",
				 "name the primary in conninfo, or all hosts with "
				 "target_session_attrs=read-write",
				 "the server is a standby: nothing can be saved there");
	else if (!is_true(res, 3))
		s->host->finding(
			r, EZ_FINDING_FAILED, "checkpoint store",
			"connect to the server itself, without a pooler in between",
			"the session does not have the settings it asked for");
	else if (!is_true(res, 1))
		s->host->finding(
			r, EZ_FINDING_WARNING, "checkpoint store",
			"ALTER SYSTEM SET fsync = on;",
			"the server runs with fsync = off: a crash of its machine may "
			"lose checkpoints");
	else
		s->host->finding(r, EZ_FINDING_OK, "checkpoint store", NULL,
				 "PostgreSQL %s at database \"%s\"",
				 PQgetvalue(res, 0, 2), PQdb(s->session.conn));
	return EZ_OK;
}

static void report_right(struct store *s, struct ez_report *r, bool is_there,
			 const char *what, const char *right, const char *on)
{
	_cleanup_(freep) char *role = quote_name(PQuser(s->session.conn));
	_cleanup_(freep) char *grant = xasprintf("GRANT %s %s TO %s;", right, on, role);

	s->host->finding(r, is_there ? EZ_FINDING_OK : EZ_FINDING_FAILED,
			 "checkpoint store: rights", is_there ? NULL : grant, "%s %s",
			 is_there ? "the role may" : "the role may not", what);
}

static int check_table(struct store *s, struct ez_report *r, struct ez_error *err)
{
	_cleanup_(result_clearp) PGresult *res = NULL;
	_cleanup_(freep) char *database = NULL;
	int rc = query(s,
		       "SELECT n.oid IS NOT NULL, c.oid IS NOT NULL, "
		       "pg_catalog.has_database_privilege(d.oid, 'CREATE'), "
		       "pg_catalog.has_schema_privilege(n.oid, 'USAGE'), "
		       "pg_catalog.has_schema_privilege(n.oid, 'CREATE'), "
		       "pg_catalog.has_table_privilege(c.oid, 'SELECT') "
		       "AND pg_catalog.has_table_privilege(c.oid, 'INSERT') "
		       "AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') "
		       "AND pg_catalog.has_table_privilege(c.oid, 'DELETE') "
		       "FROM pg_catalog.pg_database d "
		       "LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1 "
		       "LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid "
		       "AND c.relname = $2 "
		       "WHERE d.datname = pg_catalog.current_database()",
		       &res, err);

	if (rc != EZ_OK)
		return rc;
	database = quote_name(PQdb(s->session.conn));
	if (!is_true(res, 0)) {
		report_right(s, r, is_true(res, 2), "create the schema",
			     "CREATE ON DATABASE", database);
		return EZ_OK;
	}
	if (!is_true(res, 3))
		report_right(s, r, false, "use the schema", "USAGE ON SCHEMA",
			     s->names.quoted_schema);
	else if (!is_true(res, 1))
		report_right(s, r, is_true(res, 4), "create the table",
			     "USAGE, CREATE ON SCHEMA", s->names.quoted_schema);
	else
		report_right(s, r, is_true(res, 5), "read and write the table",
			     "SELECT, INSERT, UPDATE, DELETE ON", s->names.relation);
	return EZ_OK;
}

/* Each save would come back as a change, which is saved, and so on. */
static int check_publications(struct store *s, struct ez_report *r, struct ez_error *err)
{
	_cleanup_(result_clearp) PGresult *res = NULL;
	int rc =
		query(s,
		      "SELECT pg_catalog.string_agg(pubname, ', ' ORDER BY pubname) FROM "
		      "(SELECT pubname FROM pg_catalog.pg_publication_tables "
		      "WHERE schemaname = $1 AND tablename = $2 "
		      "UNION SELECT pubname FROM pg_catalog.pg_publication "
		      "WHERE puballtables) p",
		      &res, err);

	if (rc != EZ_OK)
		return rc;
	if (!PQgetisnull(res, 0, 0))
		s->host->finding(
			r, EZ_FINDING_WARNING, "checkpoint store: publications",
			"publish the tables wanted instead of all, or keep the store "
			"in another database",
			"%s is published by %s: every save becomes a change",
			s->names.relation, PQgetvalue(res, 0, 0));
	return EZ_OK;
}

int store_check(struct store *s, struct ez_report *r, struct ez_error *err)
{
	int rc = check_server(s, r, err);

	if (rc == EZ_OK)
		rc = check_table(s, r, err);
	return rc == EZ_OK ? check_publications(s, r, err) : rc;
}
