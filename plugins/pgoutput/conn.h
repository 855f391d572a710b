/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_CONN_H
#define PGOUTPUT_CONN_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct pg;

/*
 * Connections to the server, and queries over them: nothing here blocks longer than the
 * instance is wanted.
 *
 * Every connection is made from the job's conninfo with the newest password, and begins
 * with the same pinned settings (conn.c has the list): what a value looks like as text does
 * not depend on the role or the database. The settings go with the startup packet, which
 * outranks ALTER ROLE and ALTER DATABASE.
 *
 * A dial is a connection in the making, driven without blocking. pg_connect() drives one to
 * its end, waiting on the socket and on the instance's wake_fd. Waits end with
 * EZ_E_CANCELLED as soon as the instance is interrupted; a mere wake is drained and its
 * flag left for poll and idle.
 *
 * Errors are classified here (decisions R14, R36): transient, permission, configuration,
 * gone. Texts come from the server or libpq with the password taken out, and never hold the
 * DETAIL or CONTEXT of a server message, which may quote rows.
 */
struct pg_dial {
	PGconn *conn;
	int64_t deadline_us; /* of the monotonic clock */
	short events;        /* what to wait for on PQsocket(conn) */
	uint8_t phase;
	bool replication;
};

#define PG_DIAL_INIT ((struct pg_dial){ .conn = NULL })

/*
 * Begins a connection. `purpose` stands in pg_stat_activity behind the job's name: "stream",
 * "snapshot". A replication connection is refused unless the server itself answers.
 */
_must_check_ int pg_dial_start(struct pg *pg, struct pg_dial *d, const char *purpose,
			       bool replication, struct ez_error *err);

/* EZ_OK: ready, take it. EZ_AGAIN: call again when `events` or the deadline have come. On
 * an error the dial is closed. */
_must_check_ int pg_dial_step(struct pg *pg, struct pg_dial *d, struct ez_error *err);

/* Hands the connection of a finished dial over. */
PGconn *pg_dial_take(struct pg_dial *d);
void pg_dial_close(struct pg_dial *d);

/* The same at one go. */
_must_check_ int pg_connect(struct pg *pg, const char *purpose, bool replication,
			    PGconn **ret_conn, struct ez_error *err);

/* Closes and forgets; fits _cleanup_. */
void pg_disconnect(PGconn **conn);

/*
 * Waits for poll(2) `events` on the connection's socket, at most until `deadline_us` of the
 * monotonic clock (INT64_MAX: for ever). EZ_OK, EZ_AGAIN at the deadline, or cancelled.
 */
_must_check_ int pg_wait(struct pg *pg, PGconn *conn, short events, int64_t deadline_us,
			 struct ez_error *err);

/* Sends a query, without blocking on the socket buffer longer than the instance lives. */
_must_check_ int pg_send(struct pg *pg, PGconn *conn, const char *sql,
			 struct ez_error *err);

/* Waits for the next result of what was sent; NULL: that was the last one. */
_must_check_ int pg_next_result(struct pg *pg, PGconn *conn, int64_t deadline_us,
				PGresult **ret_res, struct ez_error *err);

/*
 * Runs one query (or replication command) and returns its result: rows, command or the
 * beginning of a COPY. `ret_res` may be NULL. `what` is for messages: "create the slot".
 */
_must_check_ int pg_query(struct pg *pg, PGconn *conn, const char *what, const char *sql,
			  PGresult **ret_res, struct ez_error *err);

/* The same with text parameters; not for replication connections. */
_must_check_ int pg_query_params(struct pg *pg, PGconn *conn, const char *what,
				 const char *sql, int n, const char *const *values,
				 PGresult **ret_res, struct ez_error *err);

void pg_clear(PGresult **res);

/* Fill err from what libpq says about the connection, or from a failed result. */
int pg_fail_conn(struct pg *pg, const PGconn *conn, const char *what,
		 struct ez_error *err);
int pg_fail_result(struct pg *pg, const PGconn *conn, const PGresult *res,
		   const char *what, struct ez_error *err);

/* The class of an SQLSTATE: what failed in a query, or for a connection. */
int pg_sqlstate_class(const char *sqlstate);

/* The fields of a result as views; empty for NULL. */
struct ez_view pg_field(const PGresult *res, int row, int column);
uint64_t pg_field_u64(const PGresult *res, int row, int column);
int64_t pg_field_i64(const PGresult *res, int row, int column);
bool pg_field_bool(const PGresult *res, int row, int column);

#endif
