/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"
#include "conninfo.h"
#include "pgoutput.h"
#include "window.h"

enum { PHASE_CONNECT = 0, PHASE_SETTINGS, PHASE_READY };
enum { SERVER_MIN = 130000 };

/* Settings that only newer servers have, and for a database that declares no encoding: its
 * bytes then come as they are instead of ending the session when they are not UTF-8. The
 * answer tells whether the settings of the startup packet arrived. */
static const char SETTINGS_SQL[] =
	"SELECT pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.=) '' AND "
	"pg_catalog.current_setting('IntervalStyle') OPERATOR(pg_catalog.=) 'postgres' AND "
	"pg_catalog.current_setting('row_security') OPERATOR(pg_catalog.=) 'off'";

static void drop_notice(void *arg, const PGresult *res)
{
	struct pg *pg = arg;
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	pg->host->log(7, "server notice: %s", text ? text : "");
}

int pg_dial_start(struct pg *pg, struct pg_dial *d, const char *purpose, bool replication,
		  struct ez_error *err)
{
	struct conninfo c = CONNINFO_INIT;
	int64_t now = mono_us();
	int rc;

	*d = PG_DIAL_INIT;
	d->replication = replication;
	rc = conninfo_make(pg, &c, purpose, replication, err);
	if (rc < 0) {
		conninfo_release(&c);
		return rc;
	}
	d->conn = PQconnectStartParams(c.names, c.values, 0);
	d->deadline_us = c.timeout_us > INT64_MAX - now ? INT64_MAX : now + c.timeout_us;
	conninfo_release(&c);
	if (!d->conn || PQstatus(d->conn) == CONNECTION_BAD) {
		rc = pg_fail_conn(pg, d->conn, "connect to the source", err);
		pg_dial_close(d);
		return rc;
	}
	/* Only verbose messages carry the SQLSTATE while there is no session. */
	PQsetErrorVerbosity(d->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(d->conn, drop_notice, pg);
	d->phase = PHASE_CONNECT;
	d->events = POLLOUT;
	return EZ_AGAIN;
}

static int fail_dial(struct pg *pg, struct pg_dial *d, struct ez_error *err)
{
	int rc = pg_fail_conn(pg, d->conn, "connect to the source", err);

	pg_dial_close(d);
	return rc;
}

static int begin_settings(struct pg *pg, struct pg_dial *d, struct ez_error *err)
{
	const char *encoding = PQparameterStatus(d->conn, "server_encoding");
	int version = PQserverVersion(d->conn);
	char sql[1024];
	bool ok, is_unchecked;

	if (version < SERVER_MIN) {
		(void)pg->host->fail(
			err, EZ_E_CONFIG, "", "the server is PostgreSQL %d.%d, too old",
			version / 10000,
			version / 10000 >= 10 ? version % 10000 : version / 100 % 100);
		pg_dial_close(d);
		return pg->host->hint(err, "the oldest version supported is 13");
	}
	is_unchecked = encoding && strcmp(encoding, "SQL_ASCII") == 0;
	pg->event_flags = is_unchecked ? EZ_EV_UNCHECKED_TEXT : 0;
	ok = str_format(
		sql, sizeof(sql), "%s%s%s%s", SETTINGS_SQL,
		version >= 140000
			? ", pg_catalog.set_config('idle_session_timeout', '0', false)"
			: "",
		version >= 170000
			? ", pg_catalog.set_config('transaction_timeout', '0', false)"
			: "",
		is_unchecked
			? ", pg_catalog.set_config('client_encoding', 'SQL_ASCII', false)"
			: "");
	ASSERT(ok);
	PQsetErrorVerbosity(d->conn, PQERRORS_DEFAULT);
	if (!ok || PQsetnonblocking(d->conn, 1) != 0 || PQsendQuery(d->conn, sql) != 1)
		return fail_dial(pg, d, err);
	d->phase = PHASE_SETTINGS;
	d->events = POLLIN | POLLOUT;
	return EZ_AGAIN;
}

static int step_connect(struct pg *pg, struct pg_dial *d, struct ez_error *err)
{
	switch (PQconnectPoll(d->conn)) {
	case PGRES_POLLING_READING:
		d->events = POLLIN;
		return EZ_AGAIN;
	case PGRES_POLLING_WRITING:
		d->events = POLLOUT;
		return EZ_AGAIN;
	case PGRES_POLLING_OK:
		return begin_settings(pg, d, err);
	default:
		return fail_dial(pg, d, err);
	}
}

static int check_settings(struct pg *pg, struct pg_dial *d, const PGresult *res,
			  struct ez_error *err)
{
	int rc = EZ_OK;

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		rc = pg_fail_result(pg, d->conn, res, "set the session up", err);
	else if (!pg_field_bool(res, 0, 0)) {
		(void)pg->host->fail(
			err, EZ_E_CONFIG, "",
			"the session does not have the settings it was opened with");
		rc = pg->host->hint(err,
				    "connect to the server itself: a connection pooler "
				    "in between drops them");
	}
	return rc;
}

static int step_settings(struct pg *pg, struct pg_dial *d, struct ez_error *err)
{
	int left = PQflush(d->conn);
	PGresult *res;
	int rc;

	if (left < 0 || PQconsumeInput(d->conn) != 1)
		return fail_dial(pg, d, err);
	d->events = left > 0 ? POLLIN | POLLOUT : POLLIN;
	if (PQisBusy(d->conn))
		return EZ_AGAIN;
	res = PQgetResult(d->conn);
	rc = check_settings(pg, d, res, err);
	PQclear(res);
	while (rc == EZ_OK && (res = PQgetResult(d->conn)) != NULL)
		PQclear(res);
	if (rc < 0) {
		pg_dial_close(d);
		return rc;
	}
	d->phase = PHASE_READY;
	return EZ_OK;
}

int pg_dial_step(struct pg *pg, struct pg_dial *d, struct ez_error *err)
{
	int rc = d->phase == PHASE_CONNECT ? step_connect(pg, d, err)
					   : step_settings(pg, d, err);

	if (rc != EZ_AGAIN || mono_us() < d->deadline_us)
		return rc;
	(void)pg->host->fail(err, EZ_E_TRANSIENT, "",
			     "cannot connect to the source: no answer in time");
	pg_dial_close(d);
	return pg->host->hint(
		err, "is the address right, and does a firewall let us through?");
}

PGconn *pg_dial_take(struct pg_dial *d)
{
	ASSERT(d->phase == PHASE_READY);
	window_widen(PQsocket(d->conn));
	return TAKE_PTR(d->conn);
}

void pg_dial_close(struct pg_dial *d)
{
	pg_disconnect(&d->conn);
}

void pg_disconnect(PGconn **conn)
{
	PQfinish(*conn);
	*conn = NULL;
}

int pg_connect(struct pg *pg, const char *purpose, bool replication, PGconn **ret_conn,
	       struct ez_error *err)
{
	struct pg_dial d;
	int rc = pg_dial_start(pg, &d, purpose, replication, err);

	while (rc == EZ_AGAIN) {
		rc = pg_wait(pg, d.conn, d.events, d.deadline_us, err);
		if (rc < 0)
			break;
		rc = pg_dial_step(pg, &d, err);
	}
	if (rc == EZ_OK)
		*ret_conn = pg_dial_take(&d);
	else
		pg_dial_close(&d);
	return rc;
}

static int fail_cancelled(struct pg *pg, struct ez_error *err)
{
	return pg->host->fail(err, EZ_E_CANCELLED, "", "interrupted");
}

/* Milliseconds for poll(2), rounded up so that nobody spins before the deadline. */
static int poll_ms(int64_t deadline_us)
{
	int64_t left;

	if (deadline_us == INT64_MAX)
		return -1;
	left = deadline_us - mono_us();
	return left <= 0 ? 0 : (int)MIN((left + 999) / 1000, (int64_t)INT32_MAX);
}

int pg_wait(struct pg *pg, PGconn *conn, short events, int64_t deadline_us,
	    struct ez_error *err)
{
	for (;;) {
		struct pollfd p[2] = {
			{ .fd = PQsocket(conn), .events = events },
			{ .fd = pg->wake_fd, .events = POLLIN },
		};
		int n;

		if (pg_is_interrupted(pg))
			return fail_cancelled(pg, err);
		n = poll(p, 2, poll_ms(deadline_us));
		if (n < 0 && errno != EINTR)
			return pg->host->fail(err, EZ_E_FATAL, "", "poll: %m");
		if (n > 0 && p[1].revents)
			pg_drain_wake(pg);
		if (pg_is_interrupted(pg))
			return fail_cancelled(pg, err);
		if (n > 0 && p[0].revents)
			return EZ_OK;
		if (deadline_us != INT64_MAX && mono_us() >= deadline_us)
			return EZ_AGAIN;
	}
}

/* Pushes out what libpq has buffered, taking in what arrives meanwhile. */
static int flush_all(struct pg *pg, PGconn *conn, const char *what, struct ez_error *err)
{
	for (;;) {
		int left = PQflush(conn), rc;

		if (left == 0)
			return EZ_OK;
		if (left < 0)
			return pg_fail_conn(pg, conn, what, err);
		rc = pg_wait(pg, conn, POLLIN | POLLOUT, INT64_MAX, err);
		if (rc < 0)
			return rc;
		if (PQconsumeInput(conn) != 1)
			return pg_fail_conn(pg, conn, what, err);
	}
}

int pg_send(struct pg *pg, PGconn *conn, const char *sql, struct ez_error *err)
{
	if (PQsendQuery(conn, sql) != 1)
		return pg_fail_conn(pg, conn, "send a query", err);
	return flush_all(pg, conn, "send a query", err);
}

int pg_next_result(struct pg *pg, PGconn *conn, int64_t deadline_us, PGresult **ret_res,
		   struct ez_error *err)
{
	while (PQisBusy(conn)) {
		int rc = pg_wait(pg, conn, POLLIN, deadline_us, err);

		if (rc != EZ_OK)
			return rc;
		if (PQconsumeInput(conn) != 1)
			return pg_fail_conn(pg, conn, "read from the source", err);
	}
	*ret_res = PQgetResult(conn);
	return EZ_OK;
}

static bool is_copy(const PGresult *res)
{
	ExecStatusType s = PQresultStatus(res);

	return s == PGRES_COPY_OUT || s == PGRES_COPY_BOTH || s == PGRES_COPY_IN;
}

static bool is_failure(const PGresult *res)
{
	ExecStatusType s = PQresultStatus(res);

	return s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK && !is_copy(res);
}

/* The last result, or the first that failed. */
static int collect(struct pg *pg, PGconn *conn, const char *what, PGresult **ret_res,
		   struct ez_error *err)
{
	PGresult *keep = NULL, *res = NULL;
	int rc;

	while ((rc = pg_next_result(pg, conn, INT64_MAX, &res, err)) == EZ_OK && res) {
		if (keep && is_failure(keep)) {
			PQclear(res);
			continue;
		}
		PQclear(keep);
		keep = res;
		if (is_copy(res))
			break;
	}
	if (rc == EZ_OK && (!keep || is_failure(keep)))
		rc = pg_fail_result(pg, conn, keep, what, err);
	if (rc < 0) {
		PQclear(keep);
		return rc;
	}
	*ret_res = keep;
	return EZ_OK;
}

int pg_query(struct pg *pg, PGconn *conn, const char *what, const char *sql,
	     PGresult **ret_res, struct ez_error *err)
{
	PGresult *res = NULL;
	int rc = pg_send(pg, conn, sql, err);

	if (rc == EZ_OK)
		rc = collect(pg, conn, what, &res, err);
	if (rc < 0)
		return rc;
	if (ret_res)
		*ret_res = res;
	else
		PQclear(res);
	return EZ_OK;
}

int pg_query_params(struct pg *pg, PGconn *conn, const char *what, const char *sql, int n,
		    const char *const *values, PGresult **ret_res, struct ez_error *err)
{
	PGresult *res = NULL;
	int rc;

	if (PQsendQueryParams(conn, sql, n, NULL, values, NULL, NULL, 0) != 1)
		return pg_fail_conn(pg, conn, what, err);
	rc = flush_all(pg, conn, what, err);
	if (rc == EZ_OK)
		rc = collect(pg, conn, what, &res, err);
	if (rc < 0)
		return rc;
	if (ret_res)
		*ret_res = res;
	else
		PQclear(res);
	return EZ_OK;
}

void pg_clear(PGresult **res)
{
	PQclear(*res);
	*res = NULL;
}

struct ez_view pg_field(const PGresult *res, int row, int column)
{
	if (PQgetisnull(res, row, column))
		return view_of(NULL, 0);
	return view_of(PQgetvalue(res, row, column),
		       (size_t)PQgetlength(res, row, column));
}

uint64_t pg_field_u64(const PGresult *res, int row, int column)
{
	uint64_t v = 0;

	return parse_u64(pg_field(res, row, column), &v) ? v : 0;
}

int64_t pg_field_i64(const PGresult *res, int row, int column)
{
	int64_t v = 0;

	return parse_i64(pg_field(res, row, column), &v) ? v : 0;
}

bool pg_field_bool(const PGresult *res, int row, int column)
{
	return view_eq(pg_field(res, row, column), VIEW("t"));
}
