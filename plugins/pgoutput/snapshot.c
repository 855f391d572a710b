/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "catalog.h"
#include "conn.h"
#include "locks.h"
#include "lsn.h"
#include "part_spec.h"
#include "pgoutput.h"
#include "plan.h"
#include "quote.h"
#include "slot.h"
#include "sql.h"

/*
 * One snapshot for everything, and nothing that it cannot see.
 *
 * CREATE_REPLICATION_SLOT exports a snapshot that shows exactly what was committed before
 * the slot's consistent point. It lives only until the next command on that connection, and
 * a walsender session cannot be kept busy with queries. So an ordinary session imports it at
 * once and exports it again under a new name; the replication connection is then free. This
 * lock session stays in its transaction until the last part is copied; it asks a trivial
 * question every 30 s, so that neither idle limits nor a firewall end it.
 *
 * MVCC does not cover TRUNCATE and rewriting ALTER TABLE: what they leave behind looks empty
 * to an older snapshot (decision R6, trap B16). Therefore the lock session takes ACCESS SHARE
 * on every table, and only then is each table's entry in the catalog compared, as the
 * snapshot shows it and as it is now (the side connection sees that). A difference means
 * that somebody was faster than the lock: the snapshot is given up and taken again. No
 * difference means that none can arise any more, because every such command needs a lock
 * that conflicts with ours. The locks are taken by reading no rows of each table rather than
 * by LOCK TABLE, which demands a privilege on the whole table where some columns may do.
 *
 * All locks are held until the whole snapshot is over, not just until their table's copy
 * ends: locks of one transaction cannot be given back one by one, and a session per table
 * would cost the server more than the wait costs whoever wants to alter a copied table.
 *
 * Readers take the same locks once more, for the reason that locks.h gives. If the lock
 * session is lost nevertheless, its exported name is gone with it, and a reader that begins
 * fails; one that has begun holds snapshot and locks of its own, and what it reads is right.
 */
struct pg_snapshot {
	struct pg *pg;
	PGconn *slot_conn; /* NULL unless the slot is temporary */
	PGconn *lock_conn; /* NULL: lost */
	int64_t due_us;
	bool is_asking; /* the trivial question is under way */
};

static const int64_t ALIVE_US = INT64_C(30) * US_PER_SEC;
enum { SQL_CAP_BYTES = 16 * 1024 * 1024 };

static int begin(struct pg *pg, PGconn *conn, const char *name, char ret_name[64],
		 struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	_cleanup_(pg_clear) PGresult *res = NULL;
	int rc;

	buf_add_str(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
			  " SET TRANSACTION SNAPSHOT ");
	quote_literal(&sql, view_str(name));
	buf_add_str(&sql, "; SELECT pg_export_snapshot()");
	rc = pg_query(pg, conn, "import the slot's snapshot", buf_cstr(&sql), &res, err);
	if (rc < 0)
		return rc;
	if (PQntuples(res) != 1 || !str_copy(ret_name, 64, pg_field(res, 0, 0)))
		return pg->host->fail(err, EZ_E_FATAL, "",
				      "the server exported no snapshot");
	return EZ_OK;
}

/* Replaces the one before. */
static struct pg_snapshot *keep_session(struct pg *pg, PGconn *conn)
{
	struct pg_snapshot *s = xcalloc(1, sizeof(*s));

	s->pg = pg;
	s->lock_conn = conn;
	s->due_us = mono_us() + ALIVE_US;
	pg_snapshot_free(pg->sql->snapshot);
	pg->sql->snapshot = s;
	return s;
}

int pg_snapshot_open(struct pg *pg, PGconn **slot_conn, bool keeps_slot_conn,
		     const struct pg_slot_made *slot, char ret_name[64],
		     struct ez_error *err)
{
	PGconn *conn = NULL;
	struct pg_snapshot *s;
	int rc = pg_connect(pg, "snapshot", false, &conn, err);

	if (rc == EZ_OK)
		rc = begin(pg, conn, slot->snapshot, ret_name, err);
	if (rc < 0) {
		pg_disconnect(&conn);
		return rc;
	}
	s = keep_session(pg, conn);
	if (keeps_slot_conn)
		s->slot_conn = TAKE_PTR(*slot_conn);
	else
		pg_disconnect(slot_conn);
	return EZ_OK;
}

/* The snapshot is taken by the first query, so it is older than what that query answers. */
static int begin_view(struct pg *pg, PGconn *conn, uint64_t *ret_lsn, char ret_name[64],
		      struct ez_error *err)
{
	static const char sql[] =
		"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
		" SELECT pg_export_snapshot(), CASE WHEN pg_is_in_recovery()"
		" THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END";
	_cleanup_(pg_clear) PGresult *res = NULL;
	int rc = pg_query(pg, conn, "take a snapshot", sql, &res, err);

	if (rc < 0)
		return rc;
	if (PQntuples(res) != 1 || !str_copy(ret_name, 64, pg_field(res, 0, 0)) ||
	    !lsn_parse(pg_field(res, 0, 1), ret_lsn))
		return pg->host->fail(err, EZ_E_TRANSIENT, "",
				      "the server exported no snapshot");
	return EZ_OK;
}

int pg_snapshot_view(struct pg *pg, uint64_t *ret_lsn, char ret_name[64],
		     struct ez_error *err)
{
	PGconn *conn = NULL;
	int rc = pg_connect(pg, "snapshot", false, &conn, err);

	if (rc == EZ_OK)
		rc = begin_view(pg, conn, ret_lsn, ret_name, err);
	if (rc < 0) {
		pg_disconnect(&conn);
		return rc;
	}
	(void)keep_session(pg, conn);
	return EZ_OK;
}

void pg_snapshot_free(struct pg_snapshot *s)
{
	if (!s)
		return;
	pg_disconnect(&s->lock_conn);
	pg_disconnect(&s->slot_conn);
	free(s);
}

int64_t pg_snapshot_pid(const struct pg_snapshot *s)
{
	return s && s->lock_conn ? PQbackendPID(s->lock_conn) : 0;
}

static void note_lost(struct pg_snapshot *s)
{
	s->pg->host->log(4, "the session that holds the snapshot was lost");
	pg_disconnect(&s->lock_conn);
	s->due_us = INT64_MAX;
	s->is_asking = false;
}

static void read_answer(struct pg_snapshot *s)
{
	PGresult *res;
	bool ok = true;

	if (PQflush(s->lock_conn) < 0 || PQconsumeInput(s->lock_conn) != 1) {
		note_lost(s);
		return;
	}
	if (PQisBusy(s->lock_conn))
		return;
	while ((res = PQgetResult(s->lock_conn)) != NULL) {
		ok = ok && PQresultStatus(res) == PGRES_TUPLES_OK;
		PQclear(res);
	}
	s->is_asking = false;
	s->due_us = mono_us() + ALIVE_US;
	if (!ok)
		note_lost(s);
}

void pg_snapshot_idle(struct pg_snapshot *s)
{
	if (!s->lock_conn)
		return;
	if (s->is_asking) {
		read_answer(s);
	} else if (mono_us() >= s->due_us) {
		s->is_asking = true;
		if (PQsendQuery(s->lock_conn, "SELECT 1") != 1)
			note_lost(s);
		else
			read_answer(s);
	}
}

int64_t pg_snapshot_due_us(const struct pg_snapshot *s)
{
	return s->is_asking ? mono_us() + 100 * US_PER_MS : s->due_us;
}

/* Waits for the answer to the trivial question, so that another can be asked. */
static int settle(struct pg_snapshot *s, struct ez_error *err)
{
	PGresult *res = NULL;
	int rc = EZ_OK;

	if (!s->lock_conn)
		return s->pg->host->fail(err, EZ_E_TRANSIENT, "",
					 "the session that holds the snapshot was lost");
	while (s->is_asking && rc == EZ_OK) {
		rc = pg_next_result(s->pg, s->lock_conn, INT64_MAX, &res, err);
		if (rc == EZ_OK && !res)
			s->is_asking = false;
		PQclear(TAKE_PTR(res));
	}
	return rc;
}

static bool is_missing(const struct ez_error *err)
{
	return strcmp(err->code, "42P01") == 0 || strcmp(err->code, "3F000") == 0;
}

/* EZ_AGAIN: one of them is gone, by its name at least. */
static int lock(struct pg *pg, PGconn *conn, const struct pg_published_list *tables,
		const struct pg_storage_list *storage, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	int rc;

	for (size_t i = 0; i < tables->n; i++) {
		buf_add_str(&sql, "SELECT FROM ONLY ");
		quote_table(&sql, tables->tables[i].rel.schema,
			    tables->tables[i].rel.name);
		buf_add_str(&sql, " LIMIT 0;");
	}
	for (size_t i = 0; i < storage->n; i++) {
		if (storage->items[i].kind == 'f')
			continue;
		buf_add_str(&sql, "SELECT FROM ONLY ");
		quote_table(&sql, storage->items[i].schema, storage->items[i].name);
		buf_add_str(&sql, " LIMIT 0;");
	}
	if (!buf_ok(&sql))
		return pg->host->fail(err, EZ_E_CONFIG, "",
				      "too many tables for one snapshot");
	rc = pg_query(pg, conn, "lock the tables", buf_cstr(&sql), NULL, err);
	if (rc == EZ_E_PERMISSION)
		return pg->host->hint(
			err,
			"GRANT SELECT on it to \"%s\"; ezcdc check lists all "
			"that is missing",
			PQuser(conn));
	if (strcmp(rc < 0 ? err->code : "", "53200") == 0)
		return pg->host->hint(err,
				      "raise max_locks_per_transaction at the server");
	return rc < 0 && is_missing(err) ? EZ_AGAIN : rc;
}

struct lists {
	struct pg_published_list tables;
	struct pg_storage_list storage;
};

static int lists_read(struct pg *pg, PGconn *conn, struct lists *l, struct ez_error *err)
{
	int rc = pg_list_published(pg, conn, &l->tables, err);

	return rc < 0 ? rc : pg_list_storage(pg, conn, &l->tables, &l->storage, err);
}

static void lists_release(struct lists *l)
{
	pg_published_list_release(&l->tables);
	pg_storage_list_release(&l->storage);
}

static const struct ez_view *changed_table(const struct lists *was,
					   const struct lists *is)
{
	for (size_t i = 0; i < was->tables.n; i++) {
		const struct pg_published *a = &was->tables.tables[i];
		const struct pg_published *b = pg_published_find(&is->tables, a->rel.oid);

		if (!b || !pg_published_is_same(&was->tables, a, &is->tables, b))
			return &a->rel.name;
	}
	return NULL;
}

static const struct ez_view *changed_storage(const struct lists *was,
					     const struct lists *is)
{
	for (size_t i = 0; i < was->storage.n; i++) {
		const struct pg_storage *a = &was->storage.items[i];
		const struct pg_storage *b = pg_storage_find(&is->storage, a->oid);

		if (!b || a->filenode != b->filenode || !view_eq(a->schema, b->schema) ||
		    !view_eq(a->name, b->name))
			return &a->name;
	}
	return NULL;
}

/* Is everything now as the snapshot shows it? */
static int compare(struct pg *pg, const struct lists *was, struct ez_error *err)
{
	struct lists is = { .tables.n = 0 };
	const struct ez_view *changed;
	PGconn *conn;
	int rc = pg_sql_conn(pg, &conn, err);

	if (rc == EZ_OK)
		rc = lists_read(pg, conn, &is, err);
	if (rc == EZ_OK) {
		changed = changed_table(was, &is);
		if (!changed)
			changed = changed_storage(was, &is);
		if (changed) {
			pg->host->log(
				5,
				"table %.*s was altered while the snapshot was being "
				"taken: taking it again",
				VIEW_ARG(*changed));
			rc = EZ_AGAIN;
		}
	}
	lists_release(&is);
	return rc;
}

/* On the side connection, which must not wait for long while the locks are held. */
static int compare_and_cut(struct pg *pg, struct ez_plan *plan, struct ez_out *out,
			   const struct lists *was, struct ez_error *err)
{
	PGconn *conn;
	int rc = pg_sql_conn(pg, &conn, err);

	if (rc == EZ_OK)
		rc = pg_lock_patience(pg, conn, err);
	if (rc == EZ_OK)
		rc = compare(pg, was, err);
	if (rc == EZ_OK)
		rc = pg_plan_parts(pg, plan, out, &was->tables, &was->storage, err);
	if (rc == EZ_OK)
		rc = pg_lock_no_patience(pg, conn, err);
	if (rc < 0 && pg_lock_is_timeout(err)) {
		pg->host->log(5, "somebody waits to alter a table that is to be copied: taking "
				 "the snapshot again");
		rc = EZ_AGAIN;
	}
	if (rc != EZ_OK)
		pg_disconnect(&pg->sql->conn);
	return rc;
}

int pg_plan(struct pg *pg, struct ez_plan *plan, struct ez_out *out, struct ez_error *err)
{
	struct pg_snapshot *s = pg->sql->snapshot;
	struct lists was = { .tables.n = 0 };
	int rc;

	if (!s)
		return pg->host->fail(err, EZ_E_FATAL, "", "plan without a snapshot");
	rc = settle(s, err);
	if (rc == EZ_OK)
		rc = lists_read(pg, s->lock_conn, &was, err);
	if (rc == EZ_OK && was.tables.n > 0)
		rc = lock(pg, s->lock_conn, &was.tables, &was.storage, err);
	if (rc == EZ_OK)
		rc = compare_and_cut(pg, plan, out, &was, err);
	lists_release(&was);
	return rc;
}

/* The locks of one transaction go together, in pg_snapshot_done(): see above. */
void pg_table_done(struct pg *pg, uint64_t table_id)
{
	pg->host->log(7, "table %llu is copied", (unsigned long long)table_id);
}

void pg_snapshot_done(struct pg *pg)
{
	pg_snapshot_free(pg->sql->snapshot);
	pg->sql->snapshot = NULL;
}
