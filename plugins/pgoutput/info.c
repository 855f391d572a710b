/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"
#include "conn.h"
#include "lsn.h"
#include "pgoutput.h"
#include "slot.h"
#include "sql.h"

/*
 * Which server and database this is: "<system identifier>/<timeline>/<database OID>".
 *
 * The system identifier is drawn by initdb and shared with physical standbys; the timeline
 * rises with each promotion; the OID tells a database from one that was made again under
 * its name. All of it is asked over a replication connection, which also proves that the
 * role may have one: IDENTIFY_SYSTEM knows a new timeline at once, pg_control_checkpoint()
 * only after the next checkpoint.
 */
struct identity {
	struct ez_view system;
	uint64_t timeline, database;
};

static const char STATE_SQL[] =
	"SELECT (SELECT oid FROM pg_database WHERE datname = current_database()),"
	" CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
	" ELSE pg_current_wal_flush_lsn() END";

static bool identity_parse(struct ez_view text, struct identity *ret)
{
	struct ez_view rest = text, timeline, database;

	return view_split(&rest, '/', &ret->system) &&
	       view_split(&rest, '/', &timeline) && view_split(&rest, '/', &database) &&
	       parse_u64(timeline, &ret->timeline) && parse_u64(database, &ret->database);
}

/* Fills sql->identity and sql->now. */
static int read_identity(struct pg *pg, PGconn *conn, uint64_t *ret_now,
			 struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *system = NULL, *state = NULL;
	struct pg_sql *s = pg->sql;
	int rc = pg_query(pg, conn, "identify the server", "IDENTIFY_SYSTEM", &system,
			  err);

	if (rc == EZ_OK)
		rc = pg_query(pg, conn, "read the server's position", STATE_SQL, &state,
			      err);
	if (rc < 0)
		return rc;
	if (!lsn_parse(pg_field(state, 0, 1), ret_now))
		return pg->host->fail(err, EZ_E_TRANSIENT, "",
				      "the server does not know its position yet");
	buf_reset(&s->identity);
	buf_add_view(&s->identity, pg_field(system, 0, 0));
	buf_add_char(&s->identity, '/');
	buf_add_view(&s->identity, pg_field(system, 0, 1));
	buf_add_char(&s->identity, '/');
	buf_add_view(&s->identity, pg_field(state, 0, 0));
	return EZ_OK;
}

/* A position whose text stays in `b`. */
static struct ez_position keep_position(struct buf *b, uint64_t lsn)
{
	struct lsn_text text = lsn_format(lsn);

	buf_reset(b);
	buf_add_str(b, text.text);
	return (struct ez_position){ .bytes = view_str(buf_cstr(b)), .order = lsn };
}

static struct ez_view keep_text(struct buf *b, const char *prefix, const char *text)
{
	buf_reset(b);
	buf_add_str(b, prefix);
	buf_add_str(b, text ? text : "");
	return view_str(buf_cstr(b));
}

static int collect(struct pg *pg, PGconn *conn, struct ez_source_info *ret,
		   struct ez_error *err)
{
	struct pg_sql *s = pg->sql;
	struct pg_slot slot;
	uint64_t now = 0;
	int rc = read_identity(pg, conn, &now, err);

	if (rc == EZ_OK)
		rc = pg_slot_read(pg, conn, &slot, err);
	if (rc == EZ_OK)
		rc = pg_slot_check(pg, &slot, err);
	if (rc == EZ_OK)
		rc = pg_slot_check_failover(pg, PQserverVersion(conn), err);
	if (rc < 0)
		return rc;
	*ret = (struct ez_source_info){
		.size = sizeof(*ret),
		.identity = view_str(buf_cstr(&s->identity)),
		.server = keep_text(&s->server, "PostgreSQL ",
				    PQparameterStatus(conn, "server_version")),
		.slot_name = view_str(pg->opt.slot),
		.now = keep_position(&s->now, now),
		.create = pg->opt.create,
	};
	if (!slot.exists)
		return EZ_OK;
	ret->slot = slot.is_lost ? EZ_SLOT_LOST : EZ_SLOT_READY;
	ret->slot_reason = keep_text(&s->reason, slot.reason, "");
	ret->confirmed = keep_position(&s->confirmed, slot.confirmed);
	return EZ_OK;
}

int pg_info(struct pg *pg, struct ez_source_info *ret, struct ez_error *err)
{
	PGconn *conn = NULL;
	int rc = pg_connect(pg, "info", true, &conn, err);

	if (rc == EZ_OK)
		rc = collect(pg, conn, ret, err);
	pg_disconnect(&conn);
	return rc;
}

/* Where the timeline ended, from lines "<timeline>\t<switch point>\t<reason>". */
static bool find_switch(struct ez_view history, uint64_t timeline, uint64_t *ret_lsn)
{
	struct ez_view line, number, lsn;
	uint64_t n;

	while (view_split(&history, '\n', &line)) {
		if (view_split(&line, '\t', &number) && view_split(&line, '\t', &lsn) &&
		    parse_u64(view_trim(number), &n) && n == timeline)
			return lsn_parse(view_trim(lsn), ret_lsn);
	}
	return false;
}

static int fail_gone(struct pg *pg, struct ez_error *err)
{
	return pg->host->hint(
		err, "connect to the server that has it, or copy everything again: "
		     "ezcdc drop, then start the job");
}

static int check_timeline(struct pg *pg, PGconn *conn, const struct identity *was,
			  const struct identity *is, struct ez_position from,
			  struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *res = NULL;
	uint64_t end = 0;
	char sql[64];
	int rc;

	if (was->timeline == is->timeline)
		return EZ_OK;
	if (!str_format(sql, sizeof(sql), "TIMELINE_HISTORY %u", (unsigned)is->timeline))
		return EZ_E_FATAL;
	if (was->timeline > is->timeline) {
		(void)pg->host->fail(
			err, EZ_E_GONE, "",
			"the server is on timeline %u, the job was on %u: it was set "
			"back, or is an old primary",
			(unsigned)is->timeline, (unsigned)was->timeline);
		return fail_gone(pg, err);
	}
	rc = pg_query(pg, conn, "read the timeline's history", sql, &res, err);
	if (rc < 0)
		return rc;
	if (find_switch(pg_field(res, 0, 1), was->timeline, &end) && from.order <= end)
		return EZ_OK;
	(void)pg->host->fail(
		err, EZ_E_GONE, "",
		"position %.*s is not in the history of the server, which left "
		"timeline %u at %s",
		VIEW_ARG(from.bytes), (unsigned)was->timeline,
		end ? lsn_format(end).text : "an unknown place");
	return fail_gone(pg, err);
}

static int compare(struct pg *pg, PGconn *conn, struct ez_view stored,
		   struct ez_position from, struct ez_error *err)
{
	struct identity was, is;
	uint64_t now = 0;
	int rc = read_identity(pg, conn, &now, err);

	if (rc < 0)
		return rc;
	if (!identity_parse(stored, &was))
		return pg->host->fail(err, EZ_E_FATAL, "",
				      "the stored identity \"%.*s\" cannot "
				      "be read",
				      VIEW_ARG(stored));
	if (!identity_parse(buf_view(&pg->sql->identity), &is))
		return pg->host->fail(err, EZ_E_FATAL, "",
				      "the server's identity cannot be read");
	if (!view_eq(was.system, is.system) || was.database != is.database) {
		(void)pg->host->fail(err, EZ_E_CONFIG, "",
				     "this is not the %s that the job has copied from",
				     view_eq(was.system, is.system) ? "database"
								    : "server");
		return pg->host->hint(
			err, "correct the conninfo; or, if the source has really "
			     "moved, ezcdc drop and copy everything again");
	}
	rc = check_timeline(pg, conn, &was, &is, from, err);
	if (rc < 0 || from.order <= now)
		return rc;
	(void)pg->host->fail(
		err, EZ_E_GONE, "",
		"the server's log ends at %s, before position %.*s: it was restored "
		"from a backup, or lost data",
		lsn_format(now).text, VIEW_ARG(from.bytes));
	return fail_gone(pg, err);
}

int pg_same(struct pg *pg, struct ez_view identity, struct ez_position from,
	    struct ez_error *err)
{
	PGconn *conn = NULL;
	int rc = pg_connect(pg, "info", true, &conn, err);

	if (rc == EZ_OK)
		rc = compare(pg, conn, identity, from, err);
	pg_disconnect(&conn);
	return rc;
}
