/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_CATALOG_DB_H
#define CONTROL_CATALOG_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

struct pg_result;

/*
 * A connection to the catalog, and statements with parameters.
 *
 * Text of statements is always a constant of ours or is put together from such; whatever
 * came from outside travels as a parameter ($1, $2, ...), as text or NULL. Rows come back as text, times
 * and documents mostly as JSON that the server has built.
 *
 * A connection has one owner at a time: each thread that serves requests has its own. It is
 * made when it is first needed and again after it broke, so a catalog that restarts costs
 * the requests of that moment, which fail with DB_DOWN, and nothing else.
 */
struct db;

enum db_result {
	DB_OK = 0,
	DB_DOWN = -1,    /* no server, or the connection broke: try again later */
	DB_EXISTS = -2,  /* a unique key */
	DB_IN_USE = -3,  /* a foreign key */
	DB_REFUSED = -4, /* any other error; the log names it */
};

_must_check_ struct db *db_new(const char *conninfo, const char *application);
void db_free(struct db *d);

/* For _cleanup_. */
void db_freep(struct db **d);

/* Connects if need be; a sentence without secrets in `why` (may be NULL). */
_must_check_ enum db_result db_connect(struct db *d, struct buf *why);

/*
 * Runs one statement with as many `const char *` parameters as it names; NULL is null. The
 * rows are the caller's, db_rows_free; NULL for `ret_rows` drops them. After a failure in
 * a transaction everything up to db_rollback fails as well.
 */
_must_check_ enum db_result db_run(struct db *d, struct pg_result **ret_rows,
				   const char *sql, ...);

/* Several statements without parameters, in one transaction: for migrations. */
_must_check_ enum db_result db_script(struct db *d, const char *sql);

_must_check_ enum db_result db_begin(struct db *d);
_must_check_ enum db_result db_commit(struct db *d);

/* Ends a transaction that is open; else nothing. */
void db_rollback(struct db *d);

/* What the server said last, without values of parameters; "" for nothing. */
const char *db_last_error(const struct db *d);

/* ------------------------------------------------------------------ rows */

void db_rows_free(struct pg_result *r);
void db_rows_freep(struct pg_result **r);
int db_rows(const struct pg_result *r);

/* Rows that the statement changed. */
int64_t db_changed(const struct pg_result *r);

bool db_is_null(const struct pg_result *r, int row, int column);

/* "" for null; lasts as long as the rows. */
const char *db_text(const struct pg_result *r, int row, int column);
struct ez_view db_view(const struct pg_result *r, int row, int column);

/* NULL for null. */
const char *db_text_or_null(const struct pg_result *r, int row, int column);

/* 0 for null. */
int64_t db_i64(const struct pg_result *r, int row, int column);
bool db_bool(const struct pg_result *r, int row, int column);

/* ------------------------------------------------------------------ notifications */

_must_check_ enum db_result db_listen(struct db *d, const char *channel);

/* The socket to poll, -1 when there is no connection. */
int db_fd(const struct db *d);

/* The payload of the next notification, to be freed; NULL when there is none. */
_must_check_ char *db_notification(struct db *d);
bool db_is_up(const struct db *d);

/* Rises with every new connection: what belongs to a session is gone then. */
uint64_t db_connects(const struct db *d);

/* ------------------------------------------------------------------ connection strings */

/*
 * Whether libpq can read it, and whether it holds a password, which belongs into an option
 * of its own.
 */
_must_check_ bool conninfo_parse(const char *conninfo, bool *ret_has_password);

#endif
