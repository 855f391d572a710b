/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "check_rights.h"

#include "base/buf.h"
#include "base/view.h"

#include "grants.h"
#include "host.h"
#include "names.h"
#include "progress.h"
#include "settings.h"
#include "sqlc.h"

enum {
	SQL_MAX = 4096,
	ROLES_MAX = 100, /* roles of roles: there may be circles, and there is an end */
	FIRST_GRANTS = SQLC_VERSION(3, 0, 0),
};

struct rights {
	const struct settings *s;
	struct sqlc *sql;
	struct ez_report *report;
	struct grants grants;
	struct buf user;   /* 'cdc'@'%' */
	bool is_partial;   /* a role could not be looked at */
	bool has_database, has_tables;
	unsigned n_missing;
	struct ez_error first; /* of those missing */
};

static void rights_release(struct rights *r)
{
	grants_release(&r->grants);
	buf_release(&r->user);
}

/* ------------------------------------------------------------------------ looking */

/* Rights on other catalogs have names like ours. */
static bool is_ours(struct ez_view catalog)
{
	return catalog.len == 0 || view_eq_str(catalog, "default") ||
	       view_eq_str(catalog, "default_catalog") || view_eq_str(catalog, "NULL");
}

/* The last column has the statements, the one before it the catalog, the first the user. */
static void take_grants(struct rights *r, const struct sqlc_rows *rows, bool with_roles)
{
	for (size_t i = 0; rows->n_columns >= 2 && i < rows->n_rows; i++)
		if (is_ours(sqlc_cell(rows, i, rows->n_columns - 2)))
			grants_add(&r->grants, sqlc_cell(rows, i, rows->n_columns - 1),
				   with_roles);
}

/* A role that the server will not show leaves the picture incomplete. */
static int look_at_role(struct rights *r, struct ez_view name, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct ez_error why = { .size = sizeof(why) };
	int rc;

	buf_add_str(&b, "SHOW GRANTS FOR ROLE ");
	names_quote(&b, name);
	rc = sqlc_query(r->sql, buf_view(&b), 0, &rows, &why);
	if (rc == EZ_E_CANCELLED || rc == EZ_E_TRANSIENT)
		return host->fail(err, rc, "", "%s", why.text);
	if (rc < 0)
		r->is_partial = true;
	else
		take_grants(r, &rows, true);
	return EZ_OK;
}

static int look_at_roles(struct rights *r, struct ez_error *err)
{
	int rc = EZ_OK;

	for (size_t at = 0, n = 0; rc >= 0 && at < r->grants.roles.len; n++) {
		_cleanup_(buf_release) struct buf name = BUF_INIT(SQL_MAX);
		struct ez_view rest = view_of(r->grants.roles.ptr + at,
					      r->grants.roles.len - at);
		struct ez_view one = rest;

		if (n >= ROLES_MAX || !view_split(&rest, '\n', &one)) {
			r->is_partial = true;
			break;
		}
		at += one.len + 1;
		buf_add_view(&name, one); /* looking adds to the list */
		rc = look_at_role(r, buf_view(&name), err);
	}
	return rc;
}

/* Roles count when they are active: those are what current_role() says. */
static int look_at_user(struct rights *r, struct ez_error *err)
{
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	_cleanup_(sqlc_rows_release) struct sqlc_rows roles = { .cells = NULL };
	struct ez_error why = { .size = sizeof(why) };
	struct ez_view list, one;
	bool knows_roles;
	int rc = sqlc_query(r->sql, VIEW("SELECT current_role()"), 0, &roles, &why);

	if (rc == EZ_E_CANCELLED || rc == EZ_E_TRANSIENT)
		return host->fail(err, rc, "", "%s", why.text);
	knows_roles = rc >= 0 && roles.n_rows == 1 && roles.n_columns == 1;
	rc = sqlc_query(r->sql, VIEW("SHOW GRANTS"), 0, &rows, err);
	if (rc < 0)
		return rc;
	if (rows.n_rows > 0)
		buf_add_view(&r->user, sqlc_cell(&rows, 0, 0));
	else
		buf_addf(&r->user, "'%.*s'@'%%'", VIEW_ARG(r->s->user));
	take_grants(r, &rows, !knows_roles);
	list = knows_roles ? sqlc_cell(&roles, 0, 0) : VIEW("NONE");
	while (view_split(&list, ',', &one))
		if (!view_eq_str(view_trim(one), "NONE"))
			grants_add_role(&r->grants, view_trim(one));
	return look_at_roles(r, err);
}

/* The database, and whether the job has been here before: then its tables are there. */
static int look_at_database(struct rights *r, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows databases = { .cells = NULL };
	_cleanup_(sqlc_rows_release) struct sqlc_rows tables = { .cells = NULL };
	int rc;

	buf_add_str(&b, "SELECT SCHEMA_NAME FROM information_schema.schemata WHERE "
			"SCHEMA_NAME = ");
	names_literal(&b, r->s->database);
	rc = sqlc_query(r->sql, buf_view(&b), 0, &databases, err);
	if (rc < 0)
		return rc;
	buf_reset(&b);
	buf_add_str(&b, "SELECT TABLE_NAME FROM information_schema.tables WHERE "
			"TABLE_SCHEMA = ");
	names_literal(&b, r->s->database);
	buf_add_str(&b, " AND TABLE_NAME = '" PROGRESS_TABLE "'");
	rc = sqlc_query(r->sql, buf_view(&b), 0, &tables, err);
	r->has_database = databases.n_rows > 0;
	r->has_tables = rc >= 0 && tables.n_rows > 0;
	return rc;
}

/* ------------------------------------------------------------------------- telling */

static void tell(struct rights *r, enum right right, int status, const char *why)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	struct ez_error one = { .size = sizeof(one) };

	if (!r->has_database && right == RIGHT_CREATE_TABLE) {
		buf_add_str(&b, "CREATE DATABASE IF NOT EXISTS ");
		names_quote(&b, r->s->database);
		buf_add_str(&b, "; ");
	}
	grants_statement(&b, right, r->s->database, buf_view(&r->user));
	host->fail(&one, EZ_E_PERMISSION, "", "%.*s lacks %s%s", VIEW_ARG(buf_view(&r->user)),
		   right_to_str(right), why);
	host->hint(&one, "%s", buf_cstr(&b));
	if (status == EZ_FINDING_FAILED && r->n_missing++ == 0)
		r->first = one;
	else
		host->finding(r->report, status, "rights", one.hint, "%s", one.text);
}

static void judge(struct rights *r, enum right right, int status, const char *what_for)
{
	enum extent e = r->grants.has[right];

	if (e == EXTENT_SOME)
		tell(r, right, EZ_FINDING_WARNING,
		     " on some tables of the database; if they are not the job's it will "
		     "fail");
	else if (e == EXTENT_NONE)
		tell(r, right, r->is_partial ? EZ_FINDING_WARNING : status,
		     r->is_partial ? ", unless a role that cannot be looked at has it"
				   : what_for);
}

static void judge_all(struct rights *r)
{
	int made = r->has_tables ? EZ_FINDING_WARNING : EZ_FINDING_FAILED;

	/* A database that one has no right in is not to be seen. Who makes it for us gives us
	 * the right as well. */
	if (r->s->create && !r->has_database &&
	    r->grants.has[RIGHT_CREATE_TABLE] == EXTENT_ALL)
		judge(r, RIGHT_CREATE_DATABASE, EZ_FINDING_FAILED,
		      ", and the database is not there");
	if (r->s->create)
		judge(r, RIGHT_CREATE_TABLE, made, ", and create = true");
	judge(r, RIGHT_SELECT, EZ_FINDING_FAILED, "");
	judge(r, RIGHT_INSERT, EZ_FINDING_FAILED, "");
	if (r->s->evolve)
		judge(r, RIGHT_ALTER, EZ_FINDING_FAILED, ", and evolve = true");
	judge(r, RIGHT_DELETE, EZ_FINDING_WARNING,
	      ": the job will stop at a TRUNCATE, and when a copy begins again");
}

int check_rights(const struct settings *s, struct sqlc *sql, struct ez_report *report,
		 struct ez_error *err)
{
	_cleanup_(rights_release) struct rights r = {
		.s = s,
		.sql = sql,
		.report = report,
		.user = BUF_INIT(SQL_MAX),
		.first = { .size = sizeof(struct ez_error) },
	};
	uint32_t version;
	int rc = sqlc_version(sql, &version, err);

	grants_init(&r.grants, s->database);
	if (rc < 0)
		return rc;
	if (version < (uint32_t)FIRST_GRANTS) {
		host->finding(report, EZ_FINDING_OK, "rights", NULL,
			      "not looked at before StarRocks 3.0: the user needs "
			      "SELECT_PRIV, LOAD_PRIV, ALTER_PRIV, CREATE_PRIV");
		return EZ_OK;
	}
	rc = look_at_database(&r, err);
	if (rc >= 0)
		rc = look_at_user(&r, err);
	if (rc < 0)
		return rc;
	judge_all(&r);
	if (r.n_missing == 0) {
		host->finding(report, EZ_FINDING_OK, "rights", NULL,
			      "%.*s may do what the job's options ask for",
			      VIEW_ARG(buf_view(&r.user)));
		return EZ_OK;
	}
	host->fail(err, EZ_E_PERMISSION, "", "%s", r.first.text);
	return host->hint(err, "%s", r.first.hint);
}
