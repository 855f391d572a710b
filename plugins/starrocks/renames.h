/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_RENAMES_H
#define STARROCKS_RENAMES_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "ddl.h"

/*
 * Columns and tables that this job has renamed in StarRocks, or was about to.
 *
 * A table alone cannot tell: after a crash the source sends rows again that are older than
 * the change, under the old name, and a target without that column looks as if it had been
 * dropped. So each renaming is noted in the job's row (progress.h) before it is done. The
 * next run, as long as it meets names that have notes, looks for their columns under the
 * newer ones; when it comes to a shape that needs no note, what follows is new
 * (renames_settle). A run that begins with such a shape has no use for the notes any more.
 *
 * Names are StarRocks'. Changed by the owner's thread, while no group is being loaded.
 */
enum { RENAMED_TABLE = UINT32_MAX }; /* in place of a column: the table itself */

struct rename {
	uint64_t table;  /* ez_table.id */
	uint32_t column; /* ez_column.id, which a column keeps; 0: unknown */
	char *from, *to;
	bool is_old; /* of a run before this one: its old names may come again */
};

struct renames {
	struct rename *items; /* oldest first */
	size_t n;
};

void renames_release(struct renames *r);

/* The same twice in a row is one. */
void renames_add(struct renames *r, uint64_t table, uint32_t column, struct ez_view from,
		 struct ez_view to);
bool renames_has(const struct renames *r, uint64_t table);
void renames_forget(struct renames *r, uint64_t table);
/* The job's checkpoint knows the column by `name` already: if that is what an older run made
 * of it, its old names come again no more. */
void renames_reached(struct renames *r, uint64_t table, uint32_t column, struct ez_view name);
/* Those of the table are kept for the next run alone. */
void renames_settle(struct renames *r, uint64_t table);

/*
 * What a column of the table is called in StarRocks, which shows `d`, when the source calls
 * it `name`: one of the names it got later, if it has that now; else `name`.
 */
struct ez_view renames_now(const struct renames *r, uint64_t table, uint32_t column,
			   struct ez_view name, const struct described *d);

/* The name that a table had last when it began with `name`; empty: no other. */
struct ez_view renames_table(const struct renames *r, uint64_t table,
			     struct ez_view name);

/* As text of letters, digits and ">:", appended; and back, as those of an older run: what is
 * not such text is passed over. */
void renames_format(const struct renames *r, struct buf *b);
void renames_parse(struct renames *r, struct ez_view text);

#endif
