/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_SQL_H
#define PGOUTPUT_SQL_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct pg;
struct pg_tables;
struct pg_snapshot;
struct pg_reader;

/*
 * The state of the SQL half of an instance, made by pg_sql_open().
 *
 * `conn` is the side connection for questions to the catalog. It is opened when needed and
 * closed again after a minute without a question, so a streaming job costs the server one
 * connection less. Text that info() and prepare() return lives in the buffers here until
 * the next call.
 */
struct pg_sql {
	PGconn *conn;
	int64_t used_us; /* when conn was last used, monotonic */
	struct pg_tables *tables;     /* the option `tables`, compiled */
	struct pg_snapshot *snapshot; /* MAIN: exporting and lock sessions; NULL: none */
	struct pg_reader *reader;     /* READER: the part being copied; NULL: none */
	struct buf identity, server, reason, confirmed, now; /* of info() */
	struct buf position, token;                          /* of prepare() */
};

/* The side connection, connected if need be; borrowed until the next call. */
_must_check_ int pg_sql_conn(struct pg *pg, PGconn **ret_conn, struct ez_error *err);

/* After a failure on the side connection: forget it if it is broken. */
void pg_sql_settle(struct pg *pg);

/*
 * Upkeep, to be called from idle() and poll(): keeps the sessions of a snapshot alive,
 * closes a side connection that nobody uses. Never blocks; cheap when nothing is due.
 */
void pg_sql_idle(struct pg *pg);

/* When pg_sql_idle() is due next, monotonic; INT64_MAX: never. */
int64_t pg_sql_due_us(const struct pg *pg);

#endif
