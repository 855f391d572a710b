/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/catalog/db.h"

#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"

enum { PARAMS_MAX = 40 };

struct db {
	PGconn *conn;
	char *conninfo, *application;
	bool in_transaction;
	uint64_t connects;
	char error[256];
};

/*
 * Times and documents come out alike whatever the server's settings are. A statement that
 * takes long is a fault here: nothing that a request does may.
 */
static const char pinned[] = "-c search_path=control "
			     "-c statement_timeout=20s "
			     "-c lock_timeout=10s "
			     "-c idle_in_transaction_session_timeout=60s "
			     "-c TimeZone=UTC "
			     "-c DateStyle=ISO "
			     "-c IntervalStyle=postgres "
			     "-c extra_float_digits=1 "
			     "-c bytea_output=hex "
			     "-c standard_conforming_strings=on "
			     "-c default_transaction_isolation=read\\ committed "
			     "-c client_min_messages=error "
			     "-c jit=off";

struct db *db_new(const char *conninfo, const char *application)
{
	struct db *d = xcalloc(1, sizeof(*d));

	d->conninfo = xstrdup(conninfo);
	d->application = xstrdup(application);
	return d;
}

void db_free(struct db *d)
{
	if (!d)
		return;
	PQfinish(d->conn);
	explicit_bzero(d->conninfo, strlen(d->conninfo));
	free(d->conninfo);
	free(d->application);
	free(d);
}

void db_freep(struct db **d)
{
	db_free(*d);
}

/* The first line only: the rest may quote what was sent. */
static void note(struct db *d, const char *text)
{
	struct ez_view rest = view_str(text), line = { .ptr = NULL };

	if (!view_split(&rest, '\n', &line) ||
	    !str_copy(d->error, sizeof(d->error), line))
		d->error[sizeof(d->error) - 1] = '\0';
}

const char *db_last_error(const struct db *d)
{
	return d->error;
}

static PGconn *connect_now(const struct db *d)
{
	const char *names[] = { "dbname",           "options",
				"client_encoding",  "application_name",
				"connect_timeout",  "keepalives_idle",
				"keepalives_count", "keepalives_interval",
				"tcp_user_timeout", NULL };
	const char *values[] = { d->conninfo, pinned, "UTF8", d->application, "10",
				 "20",        "3",    "10",   "20000",        NULL };

	return PQconnectdbParams(names, values, 1);
}

/* A server that has closed an idle connection is noticed before a statement is lost to it. */
static bool is_usable(struct db *d)
{
	struct pollfd fd = { .events = POLLIN };

	if (!d->conn || PQstatus(d->conn) != CONNECTION_OK)
		return false;
	fd.fd = PQsocket(d->conn);
	/* Its last words first, then the end. */
	for (int i = 0; i < 3 && poll(&fd, 1, 0) > 0; i++) {
		if (!PQconsumeInput(d->conn) || PQisBusy(d->conn))
			return false;
	}
	return PQstatus(d->conn) == CONNECTION_OK;
}

/* Such as the last words of a server that is going down. */
static void take_notice(void *arg, const char *text)
{
	struct ez_view rest = view_str(text), line;

	(void)arg;
	if (view_split(&rest, '\n', &line))
		log_msg(EZL_DEBUG, "the catalog says: %.*s", VIEW_ARG(line));
}

enum db_result db_connect(struct db *d, struct buf *why)
{
	if (is_usable(d))
		return DB_OK;
	PQfinish(d->conn);
	d->in_transaction = false;
	d->conn = connect_now(d);
	d->connects++;
	if (PQstatus(d->conn) == CONNECTION_OK) {
		PQsetNoticeProcessor(d->conn, take_notice, NULL);
		if (PQserverVersion(d->conn) >= 130000)
			return DB_OK;
		note(d, "the catalog needs PostgreSQL 13 or newer");
	} else {
		note(d, PQerrorMessage(d->conn));
	}
	if (why)
		buf_addf(why, "cannot connect to the catalog: %s", d->error);
	PQfinish(d->conn);
	d->conn = NULL;
	return DB_DOWN;
}

/* ------------------------------------------------------------------ statements */

static enum db_result classify(struct db *d, const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (!state || PQstatus(d->conn) != CONNECTION_OK) {
		note(d, "the connection to the catalog broke");
		return DB_DOWN;
	}
	note(d, text ? text : "");
	if (strcmp(state, "23505") == 0)
		return DB_EXISTS;
	if (strcmp(state, "23503") == 0 || strcmp(state, "23001") == 0)
		return DB_IN_USE;
	log_msg(EZL_ERROR, "the catalog refused a statement sqlstate=%s text=\"%s\"",
		state, text ? text : "");
	/* Shutdown, deadlock, timeout, too many connections: the next try may pass. */
	if (strncmp(state, "57", 2) == 0 || strncmp(state, "40", 2) == 0 ||
	    strncmp(state, "53", 2) == 0 || strncmp(state, "55", 2) == 0)
		return DB_DOWN;
	return DB_REFUSED;
}

static enum db_result take(struct db *d, PGresult *r, PGresult **ret_rows)
{
	ExecStatusType status = PQresultStatus(r);
	enum db_result rc = DB_OK;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = classify(d, r);
	if (rc == DB_OK && ret_rows)
		*ret_rows = r;
	else
		PQclear(r);
	return rc;
}

/* The highest $n of a statement. */
static int count_params(const char *sql)
{
	int max = 0;

	for (const char *c = strchr(sql, '$'); c; c = strchr(c + 1, '$')) {
		int n = 0;

		for (const char *p = c + 1; *p >= '0' && *p <= '9' && n < 1000; p++)
			n = n * 10 + (*p - '0');
		max = MAX(max, n);
	}
	return max;
}

enum db_result db_run(struct db *d, struct pg_result **ret_rows, const char *sql, ...)
{
	const char *params[PARAMS_MAX];
	int n = count_params(sql);
	va_list ap;

	ENSURE(n <= PARAMS_MAX, "a statement would run without its parameters");
	va_start(ap, sql);
	for (int i = 0; i < n; i++)
		params[i] = va_arg(ap, const char *);
	va_end(ap);
	if (d->in_transaction) {
		if (!d->conn || PQstatus(d->conn) != CONNECTION_OK)
			return DB_DOWN;
	} else if (db_connect(d, NULL) != DB_OK) {
		return DB_DOWN;
	}
	return take(d, PQexecParams(d->conn, sql, n, NULL, params, NULL, NULL, 0),
		    ret_rows);
}

enum db_result db_script(struct db *d, const char *sql)
{
	if (db_connect(d, NULL) != DB_OK)
		return DB_DOWN;
	return take(d, PQexec(d->conn, sql), NULL);
}

enum db_result db_begin(struct db *d)
{
	enum db_result rc = db_run(d, NULL, "begin");

	d->in_transaction = rc == DB_OK;
	return rc;
}

enum db_result db_commit(struct db *d)
{
	enum db_result rc = db_run(d, NULL, "commit");

	d->in_transaction = false;
	return rc;
}

void db_rollback(struct db *d)
{
	if (!d->in_transaction)
		return;
	if (db_run(d, NULL, "rollback") != DB_OK && d->conn) {
		PQfinish(d->conn);
		d->conn = NULL;
	}
	d->in_transaction = false;
}

/* ------------------------------------------------------------------ rows */

void db_rows_free(struct pg_result *r)
{
	PQclear(r);
}

void db_rows_freep(struct pg_result **r)
{
	PQclear(*r);
}

int db_rows(const struct pg_result *r)
{
	return PQntuples(r);
}

int64_t db_changed(const struct pg_result *r)
{
	PGresult *mine;
	int64_t n = 0;

	/* libpq forgot a const. */
	memcpy(&mine, &r, sizeof(mine));
	return parse_i64(view_str(PQcmdTuples(mine)), &n) ? n : 0;
}

bool db_is_null(const struct pg_result *r, int row, int column)
{
	return PQgetisnull(r, row, column);
}

const char *db_text(const struct pg_result *r, int row, int column)
{
	return PQgetvalue(r, row, column);
}

struct ez_view db_view(const struct pg_result *r, int row, int column)
{
	return view_of(PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column));
}

const char *db_text_or_null(const struct pg_result *r, int row, int column)
{
	return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

int64_t db_i64(const struct pg_result *r, int row, int column)
{
	int64_t n = 0;

	return parse_i64(db_view(r, row, column), &n) ? n : 0;
}

bool db_bool(const struct pg_result *r, int row, int column)
{
	return PQgetvalue(r, row, column)[0] == 't';
}

/* ------------------------------------------------------------------ notifications */

enum db_result db_listen(struct db *d, const char *channel)
{
	_cleanup_(freep) char *sql = xasprintf("listen %s", channel);

	return db_run(d, NULL, sql);
}

int db_fd(const struct db *d)
{
	return d->conn ? PQsocket(d->conn) : -1;
}

bool db_is_up(const struct db *d)
{
	return d->conn && PQstatus(d->conn) == CONNECTION_OK;
}

uint64_t db_connects(const struct db *d)
{
	return d->connects;
}

char *db_notification(struct db *d)
{
	PGnotify *n;
	char *payload;

	if (!d->conn || !PQconsumeInput(d->conn))
		return NULL;
	n = PQnotifies(d->conn);
	if (!n)
		return NULL;
	payload = xstrdup(n->extra ? n->extra : "");
	PQfreemem(n);
	return payload;
}

/* ------------------------------------------------------------------ connection strings */

bool conninfo_parse(const char *conninfo, bool *ret_has_password)
{
	PQconninfoOption *all = PQconninfoParse(conninfo, NULL);
	bool has = false;

	if (!all)
		return false;
	for (const PQconninfoOption *o = all; o->keyword; o++) {
		if (o->val && o->val[0] &&
		    (strcmp(o->keyword, "password") == 0 ||
		     strcmp(o->keyword, "sslpassword") == 0))
			has = true;
	}
	PQconninfoFree(all);
	*ret_has_password = has;
	return true;
}
