/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_ENCODE_H
#define STARROCKS_ENCODE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "sqlc.h"
#include "table.h"

/*
 * A batch as the bodies of loads: one row per key and load, whatever happened to it.
 *
 * encode_batch() first folds the events (fold.h), then writes what is left of each table
 * into one body, or one for each set of columns where large values were not sent. A body is
 * CSV with \x01 and \x02, or JSON when a value of the table holds one of these bytes or is
 * exactly \N, or when a column's type asks for it.
 *
 * Values that were not sent and that no earlier row of the batch has: with `one_set`, or when
 * the key changed as well, they are read back from the target, for which everything before
 * this batch has to be visible: `settle` is called first. Otherwise they make partial updates.
 *
 * Loads own their memory, charge it with host->mem and hold references on their targets;
 * they may be used and released on any one thread at a time. Nothing in them points into the
 * batch. An encoder has one owner and one thread.
 *
 * On failure nothing is returned. EZ_E_DATA names the row in err->row, counted in the array
 * of events; with `reject` the rows that it accepts are left out instead, as if their events
 * had not been there.
 */
enum load_format { LOAD_CSV, LOAD_JSON };

struct load {
	struct target *target;
	enum load_format format;
	bool is_partial; /* partial_update: true */
	char *columns;   /* the header `columns`, NULL: do not send it */
	struct buf body; /* whole: CSV ends with a delimiter, JSON is one array */
	uint32_t *rows;  /* row of the body to index in the batch's events */
	size_t n_rows, rows_size;
	struct ez_ctx *ctx; /* whose memory it is */
	size_t charged;
	bool is_read_back; /* rows have values that the target had: not to be loaded twice */
	uint64_t *missing;    /* is_partial: a bit for each field that is not in it */
	struct load *sibling; /* of the same target; while it is being encoded */
};

struct loads {
	struct load **items;
	size_t n, size;
};

struct encode_rules {
	/* One load a table: all that is missing is read back. So it is anyway for a table of
	 * which anything has to be. */
	bool one_set;
	/* Makes everything before this batch visible. */
	int (*settle)(void *arg, struct ez_error *err);
	/* A row that can never be loaded; EZ_OK: leave it out. NULL: fail. */
	int (*reject)(void *arg, uint32_t row, struct ez_error *err);
	void *arg;
};

struct encoder;

/* All three are borrowed; `sql` serves reading back, `ctx` may be NULL. */
struct encoder *encoder_new(struct targets *targets, struct sqlc *sql,
			    struct ez_ctx *ctx);
struct encoder *encoder_free(struct encoder *e);

/* Events of kind 't' must not be in the range, 'm' is passed over. */
_must_check_ int encode_batch(struct encoder *e, const struct ez_batch *batch,
			      size_t first, size_t n, const struct encode_rules *rules,
			      struct loads *ret_loads, struct ez_error *err);
void loads_release(struct loads *loads);

/* The body of rows [from, to) alone, appended to `b`. */
void load_slice(const struct load *load, size_t from, size_t to, struct buf *b);

/* Bytes that separate fields and rows, as the headers write them. */
#define LOAD_COLUMN_SEPARATOR "\\x01"
#define LOAD_ROW_DELIMITER    "\\x02"

#endif
