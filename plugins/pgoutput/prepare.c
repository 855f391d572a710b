/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/buf.h"
#include "base/view.h"
#include "conn.h"
#include "lsn.h"
#include "part_spec.h"
#include "pgoutput.h"
#include "publication.h"
#include "slot.h"
#include "snapshot.h"
#include "sql.h"

/*
 * The publication comes before the slot: decoding reads it as it was at each change, and a
 * change older than the publication would end the stream.
 */
static int make_ready(struct pg *pg, uint32_t flags, struct ez_error *err)
{
	PGconn *conn;
	int rc;

	pg_snapshot_done(pg);
	rc = pg_sql_conn(pg, &conn, err);
	if (rc == EZ_OK)
		rc = pg_publication_ensure(pg, conn, err);
	if (rc == EZ_OK && (flags & EZ_PREPARE_DROP))
		rc = pg_slot_drop(pg, err);
	pg_sql_settle(pg);
	return rc;
}

static void fill(struct pg *pg, const struct pg_slot_made *slot, const char *snapshot,
		 struct ez_prepared *ret)
{
	struct pg_sql *s = pg->sql;
	struct snapshot_token token = {
		.name = view_str(snapshot),
		.lsn = slot->lsn,
		.time_us = pg->host->now_us(),
		.pid = pg_snapshot_pid(s->snapshot),
	};

	buf_reset(&s->position);
	buf_reset(&s->token);
	buf_add_str(&s->position, lsn_format(slot->lsn).text);
	if (snapshot[0])
		snapshot_token_add(&s->token, &token);
	*ret = (struct ez_prepared){
		.size = sizeof(*ret),
		.position = { .bytes = view_str(buf_cstr(&s->position)),
			      .order = slot->lsn },
		.snapshot = view_str(buf_cstr(&s->token)),
		.time_us = token.time_us,
	};
}

/* Nothing is made: the publication says what is read, or there is nothing to read. */
static int prepare_view(struct pg *pg, struct ez_prepared *ret, struct ez_error *err)
{
	struct pg_slot_made seen = { .lsn = 0 };
	char snapshot[64] = "";
	PGconn *conn;
	int rc;

	pg_snapshot_done(pg);
	rc = pg_sql_conn(pg, &conn, err);
	if (rc == EZ_OK)
		rc = pg_publication_require(pg, conn, err);
	pg_sql_settle(pg);
	if (rc == EZ_OK)
		rc = pg_snapshot_view(pg, &seen.lsn, snapshot, err);
	if (rc == EZ_OK)
		fill(pg, &seen, snapshot, ret);
	return rc;
}

int pg_prepare(struct pg *pg, uint32_t flags, struct ez_prepared *ret,
	       struct ez_error *err)
{
	bool is_temporary = flags & EZ_PREPARE_TEMPORARY;
	bool exports = flags & EZ_PREPARE_SNAPSHOT;
	struct pg_slot_made slot;
	char snapshot[64] = "";
	PGconn *conn = NULL;
	int rc;

	if (flags & EZ_PREPARE_VIEW)
		return prepare_view(pg, ret, err);
	rc = make_ready(pg, flags, err);
	if (rc == EZ_OK)
		rc = pg_connect(pg, "slot", true, &conn, err);
	if (rc == EZ_OK)
		rc = pg_slot_create(pg, conn, is_temporary, exports, &slot, err);
	if (rc == EZ_OK && exports)
		rc = pg_snapshot_open(pg, &conn, is_temporary, &slot, snapshot, err);
	pg_disconnect(&conn);
	if (rc == EZ_OK)
		fill(pg, &slot, snapshot, ret);
	return rc;
}
