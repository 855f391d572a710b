/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_ROWS_H
#define STARROCKS_ROWS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct settings;
struct sqlc;
struct target;

/*
 * The interface between the two halves of the plugin.
 *
 * One half knows tables and values: what a source table is called and looks like in
 * StarRocks (a target), and how events become rows. The other half loads bodies and knows
 * when they are durable. What goes from the first to the second is a list of `struct load`.
 *
 * Per group of batches and target there is one `struct rows`. Events are added as batches
 * are accepted; they are folded at once to one row per key, by pointers into the batches,
 * which the engine keeps until they are durable. rows_encode() turns what is left into
 * bodies, one for each set of columns. Nothing in here does I/O but what is said to.
 *
 * A row that cannot be expressed is EZ_E_DATA with err->batch and err->row. The caller lets
 * the engine reject that event, then makes the rows anew without it: so what the event had
 * hidden (an earlier, good state of the same row) comes to light.
 *
 * Threads: targets are made, changed and freed on the thread that owns the instance, and
 * only while no rows or loads refer to them; encoding only reads them. One `struct rows` is
 * used by one thread at a time.
 *
 * Memory: rows and bodies charge what they hold with host->mem and give it back when freed.
 */

/* What the table half needs to know of an instance. */
struct env {
	const struct settings *settings;
	struct ez_ctx *ctx;
	struct sqlc *sql;  /* MySQL session, opened on first use; owner's thread only */
	uint32_t version;  /* 30305 for 3.3.5; 0: unknown. From current_version() */
};

/* ------------------------------------------------------------------------- targets */

/*
 * The target of a shape, as it is on the server now. Reads over MySQL; built without a
 * MySQL client it trusts that the table is what we would have made. Changes nothing.
 */
_must_check_ int target_open(const struct env *env, const struct ez_table *shape,
			     struct target **ret, struct ez_error *err);

/* Makes or evolves the table as settings allow, waits for the change, then as
 * target_open. before == NULL: first seen. Safe to repeat. May take minutes: checks
 * `*stop` between steps and while waiting (EZ_E_CANCELLED). */
_must_check_ int target_prepare(const struct env *env, const struct ez_table *before,
				const struct ez_table *now, const volatile bool *stop,
				struct target **ret, struct ez_error *err);

void target_free(struct target *t); /* NULL is fine */

/* The table's name in StarRocks, without database; NUL-terminated. */
struct ez_view target_name(const struct target *t);

_must_check_ int target_is_empty(const struct env *env, const struct target *t,
				 bool *ret_empty, struct ez_error *err);
_must_check_ int target_truncate(const struct env *env, const struct target *t,
				 struct ez_error *err);

/* ---------------------------------------------------------------------------- rows */

enum load_format { LOAD_CSV, LOAD_JSON };

/* Where a row of a body came from: the newest event that is in it. */
struct load_row {
	size_t offset;  /* of its first byte in the body */
	uint64_t batch; /* number */
	uint32_t row;   /* index in that batch */
	uint32_t reserved;
};

/*
 * One body. Every row is followed by its separator: byte 0x02 in CSV (fields by 0x01), a
 * comma in JSON. So rows i .. j are the bytes from rows[i].offset to rows[j + 1].offset
 * (or the end), and any part of a body can be sent alone; JSON is sent as an array, with
 * `[`, without the last comma, with `]`. Never empty.
 */
struct load {
	struct load *next;
	const struct target *target;
	enum load_format format;
	bool partial;       /* partial_update: true */
	struct buf columns; /* value of the header; empty: not sent */
	struct buf body;
	struct load_row *rows;
	size_t n_rows;
	int64_t charged;    /* with host->mem, by whoever made it */
};

void load_free(struct load *l, struct ez_ctx *ctx);

struct rows;

_returns_nonnull_ struct rows *rows_new(const struct env *env, const struct target *t);
void rows_free(struct rows *r); /* NULL is fine */

/* Takes event number `row` of batch `batch` in: SNAPSHOT, INSERT, UPDATE or DELETE. `ev`
 * and what it points to stay valid as long as the rows do. */
_must_check_ int rows_add(struct rows *r, const struct ez_event *ev, uint64_t batch,
			  uint32_t row, struct ez_error *err);

/* Bytes of values that an encoding would have, roughly. */
size_t rows_bytes(const struct rows *r);

/* Makes the bodies, in a list; keys are disjoint between them. At most one load has
 * `partial` unset; it comes first. May be called again. */
_must_check_ int rows_encode(struct rows *r, struct load **ret_loads, struct ez_error *err);

/* --------------------------------------------------------------------------- MySQL */

/* Opens nothing yet. */
_returns_nonnull_ struct sqlc *sqlc_new(const struct settings *s);
void sqlc_free(struct sqlc *c); /* NULL is fine */

/* Any thread, for ever: whatever blocks returns EZ_E_CANCELLED soon. */
void sqlc_interrupt(struct sqlc *c);

/* Rows of a text result: `cells[i].ptr` NULL is SQL's NULL. Returning non-zero stops. */
typedef int sqlc_row_fn(void *arg, const struct ez_view *cells, size_t n_cells);

/*
 * One statement by COM_QUERY; connects, or connects again, as needed. `on_row` may be NULL.
 * EZ_E_TRANSIENT: no server could be reached or the session broke; EZ_E_PERMISSION;
 * EZ_E_CONFIG: the server refused the statement, err->code has its number; also when built
 * without a client library (sqlc_is_built()).
 */
_must_check_ int sqlc_run(struct sqlc *c, struct ez_view sql, sqlc_row_fn *on_row, void *arg,
			  struct ez_error *err);
bool sqlc_is_built(void);

/* Appends a literal or an identifier, quoted. */
void sqlc_add_text(struct buf *sql, struct ez_view v);
void sqlc_add_name(struct buf *sql, struct ez_view v);

/* --------------------------------------------------------------------------- check */

/* The SQL half of the preflight: users, rights, tables, columns, version. The HTTP half is
 * the caller's. */
_must_check_ int check_tables(const struct env *env, struct ez_report *report,
			      struct ez_error *err);

#endif
