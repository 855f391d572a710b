/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "check_sql.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/view.h"

#include "check_rights.h"
#include "host.h"
#include "loader.h"
#include "names.h"
#include "sqlc.h"

enum {
	SQL_MAX = 4096,
	OLDEST = SQLC_VERSION(2, 5, 0),
	FIRST_MULTI_TABLE = SQLC_VERSION(4, 0, 0),
	FIRST_RENAME = SQLC_VERSION(3, 3, 2),
	BACKEND_ALIVE = 8, /* column of SHOW BACKENDS */
};

struct check {
	const struct settings *s;
	struct sqlc *sql;
	struct ez_report *report;
	struct ez_error denied; /* rc 0: by none */
};

static void fail_finding(struct check *c, int status, const char *what,
			 const struct ez_error *why, const char *remedy)
{
	host->finding(c->report, status, what, why->hint[0] ? why->hint : remedy, "%s",
		      why->text);
}

/* Every front end by itself: a job may need any of them. */
static unsigned check_front_ends(struct check *c)
{
	unsigned n_good = 0;

	for (size_t i = 0; i < c->s->n_mysql; i++) {
		struct settings one = *c->s;
		struct ez_error why = { .size = sizeof(why) };
		struct sqlc *sql;
		uint32_t version;

		one.mysql = &c->s->mysql[i];
		one.n_mysql = 1;
		sql = sqlc_new(&one);
		if (sqlc_version(sql, &version, &why) == EZ_OK)
			n_good++;
		else if (why.rc == EZ_E_PERMISSION)
			c->denied = why;
		else
			fail_finding(
				c,
				why.rc == EZ_E_TRANSIENT ? EZ_FINDING_WARNING
							 : EZ_FINDING_FAILED,
				"front end", &why,
				"check the option mysql, and that the front end is up");
		sqlc_free(sql);
	}
	return n_good;
}

static int check_version(struct check *c, struct ez_error *err)
{
	uint32_t version = 0;
	int rc = sqlc_version(c->sql, &version, err);
	struct ez_view text = sqlc_version_text(c->sql);

	if (rc < 0)
		return rc;
	if (version < (uint32_t)OLDEST)
		host->finding(c->report, EZ_FINDING_FAILED, "version",
			      "upgrade StarRocks to 2.5 or newer", "StarRocks %.*s",
			      VIEW_ARG(text));
	else if (version < (uint32_t)FIRST_MULTI_TABLE)
		host->finding(
			c->report, EZ_FINDING_OK, "version", NULL,
			"StarRocks %.*s: tables of one transaction become visible one "
			"after the other (together from 4.0 on)%s",
			VIEW_ARG(text),
			version < (uint32_t)FIRST_RENAME
				? ", and columns cannot be renamed (from 3.3.2 on)"
				: "");
	else
		host->finding(c->report, EZ_FINDING_OK, "version", NULL, "StarRocks %.*s",
			      VIEW_ARG(text));
	return EZ_OK;
}

static int check_database(struct check *c, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct ez_view name = c->s->database;
	int rc;

	buf_add_str(&b, "SELECT SCHEMA_NAME FROM information_schema.schemata WHERE "
			"SCHEMA_NAME = ");
	names_literal(&b, name);
	rc = sqlc_query(c->sql, buf_view(&b), 0, &rows, err);
	if (rc < 0)
		return rc;
	if (rows.n_rows > 0)
		host->finding(c->report, EZ_FINDING_OK, "database", NULL,
			      "database %.*s is there", VIEW_ARG(name));
	else if (c->s->create)
		host->finding(c->report, EZ_FINDING_OK, "database", NULL,
			      "database %.*s will be made", VIEW_ARG(name));
	else
		host->finding(
			c->report, EZ_FINDING_FAILED, "database",
			"make it and let the sink's user see it, or set create = true",
			"database %.*s is not there", VIEW_ARG(name));
	return EZ_OK;
}

/* What may be seen of the nodes; a user that may not see them is no finding. */
static int check_back_ends(struct check *c, struct ez_error *err)
{
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct ez_error why = { .size = sizeof(why) };
	size_t n_alive = 0;
	int rc = sqlc_query(c->sql, VIEW("SHOW BACKENDS"), 0, &rows, &why);

	if (rc == EZ_E_CANCELLED)
		return host->fail(err, rc, "", "interrupted");
	/* Shared-data clusters have compute nodes instead, and no replicas of ours. */
	if (rc < 0 || rows.n_rows == 0 || rows.n_columns <= BACKEND_ALIVE)
		return EZ_OK;
	for (size_t i = 0; i < rows.n_rows; i++)
		n_alive += names_same_column(sqlc_cell(&rows, i, BACKEND_ALIVE),
					     VIEW("true"));
	if (n_alive == 0)
		host->finding(c->report, EZ_FINDING_FAILED, "back ends",
			      "start a back end: until then nothing can be loaded",
			      "none of %zu back ends is alive", rows.n_rows);
	else if (c->s->create && rows.n_rows < c->s->replication_num)
		host->finding(c->report, EZ_FINDING_FAILED, "back ends",
			      "set replication_num to at most the number of back ends",
			      "%zu back ends are too few for replication_num %" PRIu32,
			      rows.n_rows, c->s->replication_num);
	else
		host->finding(c->report, EZ_FINDING_OK, "back ends", NULL,
			      "%zu of %zu back ends are alive", n_alive, rows.n_rows);
	return EZ_OK;
}

int check_sql(const struct settings *s, struct sqlc *sql, struct ez_report *report,
	      struct ez_error *err)
{
	struct check c = { .s = s,
			   .sql = sql,
			   .report = report,
			   .denied = { .size = sizeof(struct ez_error) } };
	unsigned n_good;
	int rc;

	if (!sqlc_is_available()) {
		host->finding(
			report, EZ_FINDING_WARNING, "SQL",
			"build with libmariadb (Debian: libmariadb-dev)",
			"this build neither makes nor alters tables, nor sees that they "
			"fit");
		return EZ_OK;
	}
	n_good = check_front_ends(&c);
	if (c.denied.rc < 0)
		return error_copy(err, &c.denied);
	if (n_good == 0) {
		host->finding(report, EZ_FINDING_FAILED, "SQL", NULL,
			      "no front end takes statements");
		return sqlc_is_interrupted(sql)
			       ? host->fail(err, EZ_E_CANCELLED, "", "interrupted")
			       : EZ_OK;
	}
	rc = check_version(&c, err);
	if (rc >= 0)
		rc = check_database(&c, err);
	if (rc >= 0)
		rc = check_back_ends(&c, err);
	if (rc >= 0)
		rc = check_rights(s, sql, report, err);
	if (rc < 0 && rc != EZ_E_CANCELLED && rc != EZ_E_PERMISSION) {
		fail_finding(&c, EZ_FINDING_FAILED, "SQL", err,
			     "check what the sink's user may do");
		rc = EZ_OK;
	}
	return rc;
}
