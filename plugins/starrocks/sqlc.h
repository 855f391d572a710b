/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQLC_H
#define STARROCKS_SQLC_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#include "settings.h"

/*
 * A session of SQL with a front end, over the MySQL protocol: tables are made, altered and
 * looked at with it.
 *
 * Nothing but COM_QUERY and text results: StarRocks knows little more on old versions. The
 * connection is made when it is first needed, to the first front end of the list that
 * answers, and again after it broke; the password is asked for each time. A statement that
 * broke with its connection is not repeated: whether it was done is for the caller to find
 * out. Statements about metadata and their checks go over one connection, so a front end
 * that lags behind its leader does not matter.
 *
 * One owner, one thread; sqlc_interrupt() may come from any other and is for ever. Built
 * without the client library every call fails with EZ_E_CONFIG, see sqlc_is_available().
 *
 * Errors carry the server's number and text. SQLC_QUIET keeps the text out: that of a
 * statement with values of rows in it (R27).
 */
#define SQLC_VERSION(major, minor, patch) \
 ((uint32_t)((major)*10000 + (minor)*100 + (patch)))

enum sqlc_flag {
	SQLC_QUIET = 1u << 0,
};

struct sqlc;

/* A result: row after row of `n_columns` cells; a NULL pointer is NULL. */
struct sqlc_rows {
	struct ez_view *cells;
	size_t n_rows, n_columns;
	char *text; /* what the cells point into, NUL-terminated each */
};

bool sqlc_is_available(void);

/* Connects to nothing yet. The settings are borrowed. */
struct sqlc *sqlc_new(const struct settings *settings);

/* Before the first statement: answers may take hours. */
void sqlc_be_patient(struct sqlc *c);

struct sqlc *sqlc_free(struct sqlc *c);

/* Any thread: a call that blocks returns EZ_E_CANCELLED within a second or so. */
void sqlc_interrupt(struct sqlc *c);
bool sqlc_is_interrupted(const struct sqlc *c);

_must_check_ int sqlc_query(struct sqlc *c, struct ez_view sql, unsigned flags,
			    struct sqlc_rows *ret_rows, struct ez_error *err);
void sqlc_rows_release(struct sqlc_rows *rows);

/* A statement whose result, if it has one, does not matter. */
_must_check_ int sqlc_exec(struct sqlc *c, struct ez_view sql, struct ez_error *err);

/* SQLC_VERSION of the server; asked once. */
_must_check_ int sqlc_version(struct sqlc *c, uint32_t *ret_version,
			      struct ez_error *err);

/* As the server says it, once sqlc_version() has succeeded: "4.0.14-abcdef". */
struct ez_view sqlc_version_text(const struct sqlc *c);

/* The front end in use, "fe1:9030"; of the last try when there is none. */
struct ez_view sqlc_server(const struct sqlc *c);

/* Waits; EZ_E_CANCELLED when interrupted meanwhile. */
_must_check_ int sqlc_sleep(struct sqlc *c, uint32_t ms, struct ez_error *err);

static inline struct ez_view sqlc_cell(const struct sqlc_rows *r, size_t row,
				       size_t column)
{
	return r->cells[row * r->n_columns + column];
}

#endif
