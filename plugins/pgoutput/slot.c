/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "slot.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "conn.h"
#include "lsn.h"
#include "pgoutput.h"
#include "quote.h"
#include "sql.h"

enum { SQL_CAP_BYTES = 8 * 1024 };
static const int64_t REPORT_US = INT64_C(10) * US_PER_SEC;
static const int64_t CANCEL_US = INT64_C(5) * US_PER_SEC;
static const int64_t BUSY_US = INT64_C(10) * US_PER_SEC;
static const int64_t BUSY_STEP_US = INT64_C(500) * US_PER_MS;
static const int64_t TAKE_STEP_US = INT64_C(50) * US_PER_MS;

/* Since when the server tells why a slot is unusable, and in which words. */
static const char *reason_column(int version)
{
	if (version >= 170000)
		return "coalesce(invalidation_reason, CASE WHEN conflicting THEN 'conflict' END)";
	if (version >= 160000)
		return "CASE WHEN conflicting THEN 'conflict with recovery' END";
	return "NULL";
}

/* Names are at most 63 bytes; a longer reason may be cut. */
static void copy_text(char *dst, size_t size, struct ez_view v)
{
	bool fits = str_copy(dst, size, v);

	(void)fits;
}

static void copy_field(char *dst, size_t size, const PGresult *res, int column)
{
	copy_text(dst, size, pg_field(res, 0, column));
}

static uint64_t field_lsn(const PGresult *res, int column)
{
	uint64_t v = 0;

	return lsn_parse(pg_field(res, 0, column), &v) ? v : 0;
}

static void read_row(struct pg_slot *s, const PGresult *res)
{
	s->exists = true;
	s->is_logical = view_eq(pg_field(res, 0, 0), VIEW("logical"));
	copy_field(s->plugin, sizeof(s->plugin), res, 1);
	s->is_pgoutput = strcmp(s->plugin, "pgoutput") == 0;
	copy_field(s->database, sizeof(s->database), res, 2);
	s->is_this_database = pg_field_bool(res, 0, 3);
	s->is_active = pg_field_bool(res, 0, 4);
	s->active_pid = (int32_t)pg_field_i64(res, 0, 5);
	s->is_temporary = pg_field_bool(res, 0, 6);
	s->restart = field_lsn(res, 7);
	s->confirmed = field_lsn(res, 8);
	copy_field(s->reason, sizeof(s->reason), res, 10);
	s->is_lost = view_eq(pg_field(res, 0, 9), VIEW("lost")) || s->reason[0];
	s->is_synced = pg_field_bool(res, 0, 11);
	if (s->is_lost && !s->reason[0])
		copy_text(s->reason, sizeof(s->reason),
			  VIEW("the log it needs has been removed"));
}

int pg_slot_read(struct pg *pg, PGconn *conn, struct pg_slot *ret, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	_cleanup_(pg_clear) PGresult *res = NULL;
	int version = PQserverVersion(conn), rc;

	buf_addf(
		&sql,
		"SELECT slot_type, plugin, database, datoid = (SELECT oid FROM pg_database"
		" WHERE datname = current_database()), active, active_pid, temporary,"
		" restart_lsn, confirmed_flush_lsn, wal_status, %s, %s"
		" FROM pg_replication_slots WHERE slot_name = ",
		reason_column(version),
		version >= 170000 ? "synced AND pg_is_in_recovery()" : "false");
	quote_literal(&sql, view_str(pg->opt.slot));
	rc = pg_query(pg, conn, "read the slot", buf_cstr(&sql), &res, err);
	if (rc < 0)
		return rc;
	*ret = (struct pg_slot){ .exists = false };
	if (PQntuples(res) > 0)
		read_row(ret, res);
	return EZ_OK;
}

int pg_slot_check(struct pg *pg, const struct pg_slot *slot, struct ez_error *err)
{
	if (!slot->exists)
		return EZ_OK;
	if (!slot->is_logical || !slot->is_pgoutput)
		(void)pg->host->fail(err, EZ_E_CONFIG, "",
				     "slot %s is %s%s, not one of pgoutput", pg->opt.slot,
				     slot->is_logical ? "one of plugin "
						      : "a physical slot",
				     slot->plugin);
	else if (!slot->is_this_database)
		(void)pg->host->fail(err, EZ_E_CONFIG, "",
				     "slot %s belongs to another database: %s",
				     pg->opt.slot, slot->database);
	else if (slot->is_synced)
		(void)pg->host->fail(
			err, EZ_E_CONFIG, "",
			"slot %s is the copy of a failover slot: it cannot be used "
			"before this standby is promoted",
			pg->opt.slot);
	else
		return EZ_OK;
	return pg->host->hint(err,
			      "choose another name in the option slot, or connect to the "
			      "server and database that the slot is for");
}

int pg_slot_check_failover(struct pg *pg, int version, struct ez_error *err)
{
	if (!pg->opt.failover || version >= PG_FAILOVER_SINCE)
		return EZ_OK;
	(void)pg->host->fail(err, EZ_E_CONFIG, "",
			     "failover: this server is PostgreSQL %d, and slots that standbys "
			     "keep a copy of exist from 17 on",
			     version / 10000);
	return pg->host->hint(err, "set failover = false: after a failover the slot is gone "
				   "and the tables are copied again");
}

static const char *snapshot_option(int version, bool exports)
{
	if (version >= 150000)
		return exports ? "SNAPSHOT 'export'" : "SNAPSHOT 'nothing'";
	return exports ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT";
}

/* A temporary slot ends with its session: the server refuses to let others have it. */
static void build_create(struct pg *pg, struct buf *sql, int version, bool is_temporary,
			 bool exports)
{
	bool failover = pg->opt.failover && !is_temporary && version >= PG_FAILOVER_SINCE;

	buf_add_str(sql, "CREATE_REPLICATION_SLOT ");
	quote_ident(sql, view_str(pg->opt.slot));
	buf_add_str(sql,
		    is_temporary ? " TEMPORARY LOGICAL pgoutput" : " LOGICAL pgoutput");
	buf_addf(sql, version >= 150000 ? " (%s%s)" : " %s%s", snapshot_option(version, exports),
		 failover ? ", FAILOVER" : "");
}

/* Whom the walsender waits for; a prepared transaction has no process, so pid 0. */
static const char BLOCKERS_SQL[] =
	"SELECT b.pid, a.usename, a.state, a.application_name,"
	" extract(epoch FROM now() - a.xact_start)::int8"
	" FROM unnest(pg_blocking_pids($1::int4)) b(pid)"
	" LEFT JOIN pg_stat_activity a ON a.pid = b.pid LIMIT 1";

/* On a standby the primary has to speak first, and an idle one does not (trap F9). */
static const char *standby_advice(const PGconn *walsender)
{
	const char *is_standby = PQparameterStatus(walsender, "in_hot_standby");

	return is_standby && strcmp(is_standby, "on") == 0
		       ? "; SELECT pg_log_standby_snapshot() at the primary helps"
		       : "";
}

/* Help for whoever watches; that it fails is no error of ours. */
static void report_wait(struct pg *pg, const PGconn *walsender, int64_t waited_us)
{
	_cleanup_(pg_clear) PGresult *res = NULL;
	struct ez_error err = { .size = sizeof(err) };
	long long seconds = waited_us / US_PER_SEC;
	char pid[16];
	const char *value = pid;
	PGconn *conn;

	if (!str_format(pid, sizeof(pid), "%d", PQbackendPID(walsender)) ||
	    pg_sql_conn(pg, &conn, &err) < 0 ||
	    pg_query_params(pg, conn, "find the blocker", BLOCKERS_SQL, 1, &value, &res,
			    &err) < 0 ||
	    PQntuples(res) == 0) {
		pg->host->log(
			5,
			"creating slot %s: waiting for running transactions to end, "
			"%lld s so far%s",
			pg->opt.slot, seconds, standby_advice(walsender));
	} else if (pg_field_u64(res, 0, 0) == 0) {
		pg->host->log(
			5,
			"creating slot %s: waiting for a prepared transaction, %lld s so "
			"far; see pg_prepared_xacts",
			pg->opt.slot, seconds);
	} else {
		pg->host->log(
			5,
			"creating slot %s: waiting for the transaction of pid %s (user "
			"%s, %s, application \"%s\", open for %s s), %lld s so far",
			pg->opt.slot, PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 1),
			PQgetvalue(res, 0, 2), PQgetvalue(res, 0, 3),
			PQgetvalue(res, 0, 4), seconds);
	}
	pg_sql_settle(pg);
}

/* The server removes a slot that it is still making when the command is cancelled. */
static void cancel(PGconn *conn)
{
	int64_t until = mono_us() + CANCEL_US;
	PGcancel *c = PQgetCancel(conn);
	char text[256];

	if (!c)
		return;
	if (PQcancel(c, text, sizeof(text))) {
		while (mono_us() < until && PQconsumeInput(conn) == 1 && PQisBusy(conn))
			sleep_us(20 * US_PER_MS);
	}
	PQfreeCancel(c);
}

static int wait_created(struct pg *pg, PGconn *conn, PGresult **ret_res,
			struct ez_error *err)
{
	int64_t began = mono_us();
	int rc;

	while ((rc = pg_next_result(pg, conn, mono_us() + REPORT_US, ret_res, err)) ==
	       EZ_AGAIN)
		report_wait(pg, conn, mono_us() - began);
	if (rc == EZ_E_CANCELLED)
		cancel(conn);
	return rc;
}

static int fail_create(struct pg *pg, PGconn *conn, const PGresult *res,
		       struct ez_error *err)
{
	int rc = pg_fail_result(pg, conn, res, "create the slot", err);

	if (rc == EZ_E_PERMISSION)
		return pg->host->hint(
			err,
			"ALTER ROLE \"%s\" REPLICATION (on a managed service: "
			"grant its replication role)",
			PQuser(conn));
	if (strcmp(err->code, "53400") == 0)
		return pg->host->hint(
			err, "all slots are in use: raise max_replication_slots, "
			     "or drop one that nobody needs");
	if (strcmp(err->code, "55000") == 0)
		return pg->host->hint(err,
				      "set wal_level = logical and restart the server");
	return rc;
}

int pg_slot_create(struct pg *pg, PGconn *conn, bool is_temporary, bool exports,
		   struct pg_slot_made *ret, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	_cleanup_(pg_clear) PGresult *res = NULL;
	struct pg_slot_made made = { .lsn = 0 };
	PGresult *end = NULL;
	int rc;

	build_create(pg, &sql, PQserverVersion(conn), is_temporary, exports);
	rc = pg_send(pg, conn, buf_cstr(&sql), err);
	if (rc == EZ_OK)
		rc = wait_created(pg, conn, &res, err);
	if (rc < 0)
		return rc;
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		rc = fail_create(pg, conn, res, err);
	else if (!lsn_parse(pg_field(res, 0, 1), &made.lsn) ||
		 !str_copy(made.snapshot, sizeof(made.snapshot), pg_field(res, 0, 2)))
		rc = pg->host->fail(err, EZ_E_FATAL, "",
				    "the server's answer about the new slot "
				    "cannot be read");
	while (rc == EZ_OK && pg_next_result(pg, conn, INT64_MAX, &end, err) == EZ_OK &&
	       end)
		PQclear(end);
	if (rc == EZ_OK)
		*ret = made;
	return rc;
}

static int fail_active(struct pg *pg, const struct pg_slot *slot, struct ez_error *err)
{
	(void)pg->host->fail(err, EZ_E_BUSY, "55006", "slot %s is in use by pid %d",
			     pg->opt.slot, (int)slot->active_pid);
	return pg->host->hint(err,
			      "another daemon may run this job; if not, end that session "
			      "with SELECT pg_terminate_backend(%d)",
			      (int)slot->active_pid);
}

/* Sleeps, unless the instance is interrupted. */
static int pause_a_little(struct pg *pg, PGconn *conn, int64_t us, struct ez_error *err)
{
	int rc = pg_wait(pg, conn, 0, mono_us() + us, err);

	return rc < 0 ? rc : EZ_OK;
}

static int drop_now(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	return pg_query_params(pg, conn, "drop the slot",
			       "SELECT pg_drop_replication_slot($1)", 1, &pg->opt.slot,
			       NULL, err);
}

int pg_slot_drop(struct pg *pg, struct ez_error *err)
{
	int64_t until = mono_us() + BUSY_US;

	for (;;) {
		struct pg_slot slot;
		PGconn *conn;
		int rc = pg_sql_conn(pg, &conn, err);

		if (rc == EZ_OK)
			rc = pg_slot_read(pg, conn, &slot, err);
		if (rc == EZ_OK)
			rc = pg_slot_check(pg, &slot, err);
		if (rc < 0 || !slot.exists)
			return rc;
		if (!slot.is_active) {
			rc = drop_now(pg, conn, err);
			if (rc == EZ_OK || strcmp(err->code, "55006") != 0)
				return rc;
		}
		if (mono_us() >= until)
			return fail_active(pg, &slot, err);
		rc = pause_a_little(pg, conn, BUSY_STEP_US, err);
		if (rc < 0)
			return rc;
	}
}

/* Of this job alone, as its name says: two jobs with one slot are a mistake, not a past. */
static int end_session(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	static const char sql[] =
		"SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_replication_slots s"
		" JOIN pg_catalog.pg_stat_activity a ON a.pid OPERATOR(pg_catalog.=) s.active_pid"
		" WHERE s.slot_name OPERATOR(pg_catalog.=) $1 AND (a.application_name OPERATOR(pg_catalog.=) $2"
		" OR a.application_name OPERATOR(pg_catalog.=) pg_catalog.current_setting('application_name'))";
	_cleanup_(freep) char *stream = xasprintf("ezcdc %s stream", pg->job);
	const char *const values[] = { pg->opt.slot, stream };
	_cleanup_(pg_clear) PGresult *res = NULL;
	int rc = pg_query_params(pg, conn, "end the session that has the slot", sql, 2, values,
				 &res, err);

	if (rc == EZ_OK && PQntuples(res) > 0)
		pg->host->log(5, "slot %s was still in use by an earlier run, pid %s: ended",
			      pg->opt.slot, PQgetvalue(res, 0, 0));
	return rc;
}

int pg_slot_take(struct pg *pg, struct ez_error *err)
{
	int64_t until = mono_us() + BUSY_US;
	int32_t ended = 0;

	for (;;) {
		struct pg_slot slot;
		PGconn *conn;
		int rc = pg_sql_conn(pg, &conn, err);

		if (rc == EZ_OK)
			rc = pg_slot_read(pg, conn, &slot, err);
		if (rc < 0 || !slot.exists || !slot.is_active)
			return rc;
		if (slot.active_pid != ended)
			rc = end_session(pg, conn, err);
		ended = slot.active_pid;
		if (rc == EZ_OK && mono_us() >= until)
			rc = fail_active(pg, &slot, err);
		if (rc == EZ_OK)
			rc = pause_a_little(pg, conn, TAKE_STEP_US, err);
		if (rc < 0)
			return rc;
	}
}
