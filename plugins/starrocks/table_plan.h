/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TABLE_PLAN_H
#define STARROCKS_TABLE_PLAN_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "ddl.h"
#include "table.h"

/*
 * What a table at the server needs to become the target: the next statement, or all that is
 * wrong with it.
 *
 * The table as it is decides, not what was done before: after a crash in the middle the same
 * plan goes on from there. Only what the table cannot show is remembered within one call: a
 * column that was dropped to make room for another of its name.
 *
 * Columns that the target has and the source has not are left alone, unless the source had
 * them before and dropped them.
 */
enum plan_step {
	PLAN_DONE,
	PLAN_ALTER, /* `sql` mends one thing */
	PLAN_WRONG, /* `trouble` lists what cannot be mended, `sql` what would if allowed */
};

#define PLAN_NO_DROP UINT32_MAX

struct renames;

struct plan {
	const struct ez_table *before, *now; /* before may be NULL */
	struct target *target;               /* its types become those of the table */
	const struct settings *settings;
	const struct renames *renames; /* what columns may be called by now; may be NULL */
	uint32_t version;
	uint32_t n_mapped; /* fields that have another name at the server */
	bool *dropped;  /* of the columns of `before` */
	uint32_t drops; /* the one that the statement drops */
	struct buf sql, trouble;
	size_t n_troubles;
	char alter[64]; /* what the statement does, for the log */
	const struct ez_column *renames_to; /* the column that the statement renames, or NULL */
	struct buf from, to;                /* and its names */
};

void plan_init(struct plan *p, const struct settings *settings, uint32_t version,
	       const struct ez_table *before, const struct ez_table *now,
	       struct target *target);
void plan_release(struct plan *p);

enum plan_step plan_next(struct plan *p, const struct described *d);

/* The statement was accepted. */
void plan_did(struct plan *p);

#endif
