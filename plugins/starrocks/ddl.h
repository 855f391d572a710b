/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_DDL_H
#define STARROCKS_DDL_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"

#include "settings.h"
#include "sqlc.h"
#include "table.h"
#include "type.h"

/*
 * Tables at the server: what is there, and the statements that make and change them.
 *
 * Changing a table is asynchronous: ALTER returns while the work goes on, one at a time for
 * each table, and rows that come too early lose the new column without a word. So whoever
 * alters waits for the job, then looks whether the column is there: that, and no job's state,
 * is the proof.
 */
struct described_column {
	struct ez_view name;
	struct type type;
	struct ez_view fallback; /* its default; a NULL pointer: none */
	bool is_key, is_nullable;
};

struct described {
	struct described_column *columns;
	size_t n;
	bool has_primary_key;
	struct sqlc_rows rows; /* what the names point into */
};

/* EZ_EOF: there is no such table (or database). */
_must_check_ int ddl_describe(struct sqlc *sql, struct ez_view database,
			      struct ez_view table, struct described *ret,
			      struct ez_error *err);
void described_release(struct described *d);

/* NULL when there is none. */
const struct described_column *described_find(const struct described *d,
					      struct ez_view name);

/* "`database`.`table`" */
void ddl_add_name(struct buf *b, struct ez_view database, struct ez_view table);

/* Makes the database if it is not there: who may not make databases can use one that is. */
_must_check_ int ddl_make_database(struct sqlc *sql, struct ez_view database,
				   struct ez_error *err);

/* CREATE TABLE IF NOT EXISTS for a target on a server of that version. */
void ddl_add_create(struct buf *b, const struct target *t, uint32_t version);

/* "`c` VARCHAR(10) NULL DEFAULT 'x'"; a fallback with a NULL pointer: without one. */
void ddl_add_column(struct buf *b, const struct field *f, struct ez_view fallback);

/*
 * The source's default as the target would store it, for rows that are there already. A NULL
 * pointer when there is none to give; may point into `text`.
 */
struct ez_view ddl_fallback(const struct field *f, const struct ez_column *c,
			    struct buf *text);

struct ddl_job {
	char state[32]; /* "" when there has been none */
	char text[256]; /* why it was cancelled */
};

/* Waits until no schema change of the table runs; says how the newest one ended. */
_must_check_ int ddl_wait(struct sqlc *sql, struct ez_view database, struct ez_view table,
			  struct ddl_job *ret, struct ez_error *err);

/* Whether the server only says that another change is going on. */
bool ddl_is_busy(const struct ez_error *err);

#endif
