/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "monitor.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/view.h"
#include "conn.h"
#include "lsn.h"
#include "pgoutput.h"
#include "quote.h"

enum monitor_state { STATE_NONE, STATE_DIALLING, STATE_READY, STATE_ASKING };
enum monitor_question { ASK_MEASURE, ASK_HEARTBEAT };

struct pg_monitor {
	struct pg *pg;
	enum monitor_state state;
	enum monitor_question question;
	struct pg_dial dial;         /* STATE_DIALLING */
	PGconn *conn;                /* STATE_READY and STATE_ASKING */
	int64_t retry_us;            /* no dial before */
	int64_t measure_us, beat_us; /* when due */
	struct pg_measure measure;
	struct pg_dial probe_dial;
	enum pg_probe probe;
	bool has_complained; /* one log line per outage */
	char *measure_sql;
};

static const int64_t MEASURE_US = INT64_C(15) * US_PER_SEC;
static const int64_t RETRY_US = INT64_C(30) * US_PER_SEC;
/* Two descriptors may be in flight, and a poll set has room for one. */
static const int64_t BOTH_US = INT64_C(50) * US_PER_MS;
static const char BEAT_SQL[] =
	"SELECT CASE WHEN NOT pg_is_in_recovery() THEN"
	" pg_logical_emit_message(true, 'ezcdc.heartbeat', '') END";
enum { SQL_CAP_BYTES = 4096 };

static char *build_measure(const struct pg *pg)
{
	struct buf sql = BUF_INIT(SQL_CAP_BYTES);

	buf_add_str(&sql,
		    "SELECT c.lsn, pg_wal_lsn_diff(c.lsn, s.restart_lsn)::int8,"
		    " s.safe_wal_size FROM (SELECT CASE WHEN pg_is_in_recovery()"
		    " THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)"
		    " c(lsn) LEFT JOIN pg_replication_slots s ON s.slot_name = ");
	quote_literal(&sql, view_str(pg->opt.slot));
	return buf_take(&sql);
}

struct pg_monitor *pg_monitor_new(struct pg *pg)
{
	struct pg_monitor *m = xcalloc(1, sizeof(*m));

	m->pg = pg;
	m->measure = (struct pg_measure){ .retained_bytes = -1, .safe_bytes = -1 };
	m->measure_sql = build_measure(pg);
	m->measure_us = mono_us();
	m->beat_us =
		pg->opt.heartbeat_us > 0 ? mono_us() + pg->opt.heartbeat_us : INT64_MAX;
	return m;
}

void pg_monitor_free(struct pg_monitor *m)
{
	if (!m)
		return;
	pg_dial_close(&m->dial);
	pg_dial_close(&m->probe_dial);
	pg_disconnect(&m->conn);
	free(m->measure_sql);
	free(m);
}

static bool is_probing(const struct pg_monitor *m)
{
	return m->probe == PG_PROBE_RUNNING;
}

int pg_monitor_fd(const struct pg_monitor *m, short *ret_events)
{
	*ret_events = POLLIN;
	if (is_probing(m)) {
		*ret_events = m->probe_dial.events;
		return PQsocket(m->probe_dial.conn);
	}
	if (m->state == STATE_DIALLING) {
		*ret_events = m->dial.events;
		return PQsocket(m->dial.conn);
	}
	return m->conn ? PQsocket(m->conn) : -1;
}

int64_t pg_monitor_due_us(const struct pg_monitor *m)
{
	int64_t question = MIN(m->measure_us, m->beat_us), due;

	switch (m->state) {
	case STATE_NONE:
		due = MAX(question, m->retry_us);
		break;
	case STATE_DIALLING:
		due = m->dial.deadline_us;
		break;
	case STATE_READY:
		due = question;
		break;
	default:
		due = INT64_MAX;
	}
	if (!is_probing(m))
		return due;
	due = MIN(due, m->probe_dial.deadline_us);
	return m->state == STATE_DIALLING || m->state == STATE_ASKING
		       ? MIN(due, mono_us() + BOTH_US)
		       : due;
}

/* The figures are not known any more; try again later. */
static void give_up(struct pg_monitor *m, const char *why)
{
	if (!m->has_complained)
		m->pg->host->log(5, "the slot cannot be measured: %s", why);
	m->has_complained = true;
	pg_dial_close(&m->dial);
	pg_disconnect(&m->conn);
	m->state = STATE_NONE;
	m->retry_us = mono_us() + RETRY_US;
	m->measure.retained_bytes = -1;
	m->measure.safe_bytes = -1;
	m->measure.server = 0;
}

static void ask(struct pg_monitor *m)
{
	int64_t now = mono_us();
	bool beats = now >= m->beat_us;

	if (!beats && now < m->measure_us)
		return;
	m->question = beats ? ASK_HEARTBEAT : ASK_MEASURE;
	if (beats)
		m->beat_us = now + m->pg->opt.heartbeat_us;
	else
		m->measure_us = now + MEASURE_US;
	if (PQsendQuery(m->conn, beats ? BEAT_SQL : m->measure_sql) != 1 ||
	    PQflush(m->conn) < 0) {
		give_up(m, "the connection was lost");
		return;
	}
	m->state = STATE_ASKING;
}

static void note_measure(struct pg_monitor *m, const PGresult *res)
{
	struct pg_measure now = { .retained_bytes = -1,
				  .safe_bytes = -1,
				  .at_us = mono_us() };

	if (!lsn_parse(pg_field(res, 0, 0), &now.server))
		now.server = 0;
	if (!PQgetisnull(res, 0, 1))
		now.retained_bytes = MAX(pg_field_i64(res, 0, 1), (int64_t)0);
	if (!PQgetisnull(res, 0, 2))
		now.safe_bytes = MAX(pg_field_i64(res, 0, 2), (int64_t)0);
	m->measure = now;
}

static void read_answer(struct pg_monitor *m)
{
	PGresult *res;

	if (PQflush(m->conn) < 0 || PQconsumeInput(m->conn) != 1) {
		give_up(m, "the connection was lost");
		return;
	}
	while (!PQisBusy(m->conn)) {
		res = PQgetResult(m->conn);
		if (!res) {
			m->state = STATE_READY;
			return;
		}
		if (PQresultStatus(res) != PGRES_TUPLES_OK) {
			give_up(m, PQresultErrorField(res, PG_DIAG_SQLSTATE)
					   ? PQresultErrorField(res, PG_DIAG_SQLSTATE)
					   : "the connection was lost");
			PQclear(res);
			return;
		}
		if (m->question == ASK_MEASURE)
			note_measure(m, res);
		PQclear(res);
	}
}

static void dial(struct pg_monitor *m)
{
	struct ez_error err = { .size = sizeof(err) };
	int rc;

	if (m->state == STATE_NONE) {
		if (mono_us() < MAX(m->retry_us, MIN(m->measure_us, m->beat_us)))
			return;
		rc = pg_dial_start(m->pg, &m->dial, "monitor", false, &err);
		if (rc < 0) {
			give_up(m, err.text);
			return;
		}
		m->state = STATE_DIALLING;
	}
	rc = pg_dial_step(m->pg, &m->dial, &err);
	if (rc < 0) {
		give_up(m, err.text);
	} else if (rc == EZ_OK) {
		m->conn = pg_dial_take(&m->dial);
		m->state = STATE_READY;
		m->has_complained = false;
	}
}

/* The server itself turned the probe away, or nobody is there. */
static bool is_leaving(const struct ez_error *err)
{
	if (err->code[0])
		return strncmp(err->code, "57P", 3) == 0;
	return err->rc == EZ_E_TRANSIENT && !strstr(err->text, "no answer in time") &&
	       !strstr(err->text, "name resolution");
}

static void end_probe(struct pg_monitor *m, int rc, const struct ez_error *err)
{
	if (rc == EZ_AGAIN)
		return;
	pg_dial_close(&m->probe_dial);
	m->probe = rc < 0 && is_leaving(err) ? PG_PROBE_LEAVING : PG_PROBE_ALIVE;
}

void pg_monitor_probe(struct pg_monitor *m)
{
	struct ez_error err = { .size = sizeof(err) };
	int rc;

	if (is_probing(m))
		return;
	m->probe = PG_PROBE_RUNNING;
	rc = pg_dial_start(m->pg, &m->probe_dial, "probe", false, &err);
	end_probe(m, rc, &err);
}

enum pg_probe pg_monitor_probe_take(struct pg_monitor *m)
{
	enum pg_probe answer = m->probe;

	if (answer != PG_PROBE_RUNNING)
		m->probe = PG_PROBE_NONE;
	return answer;
}

void pg_monitor_step(struct pg_monitor *m)
{
	struct ez_error err = { .size = sizeof(err) };

	if (is_probing(m))
		end_probe(m, pg_dial_step(m->pg, &m->probe_dial, &err), &err);
	if (m->state == STATE_NONE || m->state == STATE_DIALLING)
		dial(m);
	if (m->state == STATE_READY) {
		/* Notices an ended session before a question is lost on it. */
		if (PQconsumeInput(m->conn) != 1)
			give_up(m, "the connection was lost");
		else
			ask(m);
	}
	if (m->state == STATE_ASKING)
		read_answer(m);
}

struct pg_measure pg_monitor_measure(const struct pg_monitor *m)
{
	return m->measure;
}
