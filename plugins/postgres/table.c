/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "postgres/fault.h"
#include "postgres/store.h"

/*
 * Making the store's table, and saying which right is missing.
 *
 * What is there is looked up in the catalog first, which needs no right: CREATE ... IF NOT
 * EXISTS wants the right to create even when there is nothing to do. Two daemons may do this
 * at the same time, and the slower one is told so in one of several ways (the schema, the
 * relation, its row type, or an index of the catalog): what counts is that the table is there.
 */
static int look_up(struct store *s, bool *ret_schema, bool *ret_table,
		   struct ez_error *err)
{
	const char *const values[] = { s->names.schema, s->names.table };
	const struct statement st = {
		.what = "look for the table",
		.sql = "SELECT c.oid IS NOT NULL FROM pg_catalog.pg_namespace n "
		       "LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid "
		       "AND c.relname = $2 WHERE n.nspname = $1",
		.values = values,
		.n_values = 2,
	};
	_cleanup_(result_clearp) PGresult *res = NULL;
	int rc = session_run(&s->session, &st, &res, err);

	if (rc != EZ_OK)
		return rc;
	*ret_schema = PQntuples(res) > 0;
	*ret_table = *ret_schema && *PQgetvalue(res, 0, 0) == 't';
	return EZ_OK;
}

/* Somebody else was faster. */
static bool exists_already(const struct ez_error *err)
{
	return strcmp(err->code, "42P06") == 0 || strcmp(err->code, "42P07") == 0 ||
	       strcmp(err->code, "42710") == 0 || strcmp(err->code, "23505") == 0;
}

static int create(struct store *s, const char *what, const char *sql, const char *right,
		  const char *on, struct ez_error *err)
{
	const struct statement st = { .what = what, .sql = sql };
	_cleanup_(result_clearp) PGresult *res = NULL;
	_cleanup_(freep) char *object = NULL, *role = NULL;
	int rc = session_run(&s->session, &st, &res, err);

	if (rc != EZ_E_PERMISSION || strcmp(err->code, "42501") != 0)
		return rc;
	object = on ? xstrdup(on) : quote_name(PQdb(s->session.conn));
	role = quote_name(PQuser(s->session.conn));
	return s->host->hint(err, "GRANT %s %s TO %s;", right, object, role);
}

/* A type of the table's name is in the way as well, and stays there. */
static int made(struct store *s, int rc, struct ez_error *err)
{
	struct ez_error ignored = { .size = sizeof(ignored) };
	bool has_schema, has_table;

	if (rc == EZ_OK || !exists_already(err))
		return rc;
	return look_up(s, &has_schema, &has_table, &ignored) == EZ_OK && has_table ? EZ_OK :
										       rc;
}

int store_make_table(struct store *s, struct ez_error *err)
{
	_cleanup_(freep) char *schema_sql = NULL, *table_sql = NULL;
	bool has_schema, has_table;
	int rc = look_up(s, &has_schema, &has_table, err);

	if (rc != EZ_OK || has_table)
		return rc;
	schema_sql = xasprintf("CREATE SCHEMA IF NOT EXISTS %s", s->names.quoted_schema);
	table_sql = xasprintf("CREATE TABLE IF NOT EXISTS %s ("
			      "job text PRIMARY KEY, "
			      "epoch bigint NOT NULL, "
			      "run bigint NOT NULL, "
			      "revision bigint NOT NULL, "
			      "text text NOT NULL, "
			      "updated_at timestamp with time zone NOT NULL"
			      ") WITH (fillfactor = 50)",
			      s->names.relation);
	if (!has_schema)
		rc = create(s, "create the schema", schema_sql, "CREATE ON DATABASE",
			    NULL, err);
	if (rc == EZ_OK || exists_already(err))
		rc = create(s, "create the table", table_sql, "USAGE, CREATE ON SCHEMA",
			    s->names.quoted_schema, err);
	return made(s, rc, err);
}

int store_hint_grant(struct store *s, struct ez_error *err)
{
	struct ez_error ignored = { .size = sizeof(ignored) };
	_cleanup_(freep) char *role = quote_name(PQuser(s->session.conn));
	bool has_schema = false, has_table = true;

	/* Without the right to use the schema the server does not tell whether the table is. */
	if (look_up(s, &has_schema, &has_table, &ignored) == EZ_OK && !has_table)
		return s->host->hint(err, "GRANT USAGE, CREATE ON SCHEMA %s TO %s;",
				     s->names.quoted_schema, role);
	return s->host->hint(err,
			     "GRANT USAGE ON SCHEMA %s TO %s; "
			     "GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s;",
			     s->names.quoted_schema, role, s->names.relation, role);
}
