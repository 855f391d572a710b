/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/view.h"
#include "conn.h"
#include "pgoutput.h"
#include "reader.h"
#include "snapshot.h"
#include "tables.h"

enum { TEXT_CAP_BYTES = 64 * 1024 };
static const int64_t UNUSED_US = INT64_C(60) * US_PER_SEC;
static const int64_t TRUSTED_US = US_PER_SEC;

static int compile_tables(struct pg *pg, struct ez_error *err)
{
	size_t n = pg->host->count(pg->config, "tables");
	struct ez_view *items = xcalloc(n ? n : 1, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = pg->host->item(pg->config, "tables", i);
	pg->sql->tables = pg_tables_new(pg->host, items, n, err);
	free(items);
	return pg->sql->tables ? EZ_OK : EZ_E_CONFIG;
}

int pg_sql_open(struct pg *pg, struct ez_error *err)
{
	struct pg_sql *s = xcalloc(1, sizeof(*s));
	struct buf *texts[] = { &s->identity, &s->server,   &s->reason, &s->confirmed,
				&s->now,      &s->position, &s->token };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_init(texts[i], TEXT_CAP_BYTES);
	pg->sql = s;
	return compile_tables(pg, err);
}

void pg_sql_close(struct pg *pg)
{
	struct pg_sql *s = pg->sql;

	if (!s)
		return;
	pg_reader_free(s->reader);
	pg_snapshot_free(s->snapshot);
	pg_disconnect(&s->conn);
	pg_tables_free(s->tables);
	buf_release(&s->identity);
	buf_release(&s->server);
	buf_release(&s->reason);
	buf_release(&s->confirmed);
	buf_release(&s->now);
	buf_release(&s->position);
	buf_release(&s->token);
	free(s);
	pg->sql = NULL;
}

/* A session that has been idle may have ended without a word: one question tells. */
static int revive(struct pg *pg, struct ez_error *err)
{
	struct pg_sql *s = pg->sql;
	int rc;

	if (!s->conn || mono_us() - s->used_us < TRUSTED_US)
		return EZ_OK;
	rc = pg_query(pg, s->conn, "ask the source", "SELECT 1", NULL, err);
	if (rc == EZ_E_CANCELLED)
		return rc;
	if (rc < 0)
		pg_disconnect(&s->conn);
	return EZ_OK;
}

int pg_sql_conn(struct pg *pg, PGconn **ret_conn, struct ez_error *err)
{
	struct pg_sql *s = pg->sql;
	int rc;

	pg_sql_settle(pg);
	rc = revive(pg, err);
	if (rc == EZ_OK && !s->conn)
		rc = pg_connect(pg, "catalog", false, &s->conn, err);
	if (rc < 0)
		return rc;
	s->used_us = mono_us();
	*ret_conn = s->conn;
	return EZ_OK;
}

void pg_sql_settle(struct pg *pg)
{
	struct pg_sql *s = pg->sql;

	if (s->conn && (PQstatus(s->conn) != CONNECTION_OK ||
			PQtransactionStatus(s->conn) != PQTRANS_IDLE))
		pg_disconnect(&s->conn);
}

void pg_sql_idle(struct pg *pg)
{
	struct pg_sql *s = pg->sql;

	if (s->conn && mono_us() - s->used_us >= UNUSED_US)
		pg_disconnect(&s->conn);
	if (s->snapshot)
		pg_snapshot_idle(s->snapshot);
}

int64_t pg_sql_due_us(const struct pg *pg)
{
	const struct pg_sql *s = pg->sql;
	int64_t due = INT64_MAX;

	if (s->conn)
		due = s->used_us + UNUSED_US;
	if (s->snapshot)
		due = MIN(due, pg_snapshot_due_us(s->snapshot));
	return due;
}
