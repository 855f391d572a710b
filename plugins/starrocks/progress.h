/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_PROGRESS_H
#define STARROCKS_PROGRESS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "ahead.h"
#include "encode.h"
#include "loader.h"
#include "renames.h"
#include "table.h"

struct settings;
struct sqlc;

/*
 * The row that the job has in the table _ez_progress of the target database.
 *
 * It says which run of the job loads (each start of the daemon is one, with a higher number), the
 * last group of batches that this run is known to have loaded, and the position behind it.
 * On 4.0 and later the row is part of the group's transaction, so it is exact, and recover()
 * returns its position. Below, it is written beside the following group and says only which
 * labels may still be outstanding; then its position is empty.
 *
 * The row also says which tables the job has begun to copy: before that they were empty, so
 * when the copy begins again they may be emptied. Nobody else's rows ever are. Behind those
 * marks, in the same column, are the notes of renamed columns (renames.h) and of what was
 * loaded behind the position (ahead.h).
 *
 * Runs are claimed: the label of a claim is made of job and run, and a label serves once, so
 * two daemons cannot both think that they are run n.
 */
struct progress {
	const struct settings *s;
	struct ez_view job; /* the base of names: "ezcdc_shop" */
	uint64_t epoch;
	char owner[17]; /* tells our claims from others' */

	/* the row */
	bool has_row;
	uint64_t run, seq, row_epoch, order;
	char position[EZ_POSITION_MAX + 1];
	char row_owner[17];
	struct buf copying; /* marks of the tables that a snapshot has begun to copy */
	struct renames renames; /* columns that were renamed; behind these in the row */
	struct ahead ahead;     /* what was loaded behind the position; behind those */

	struct target target; /* as much of one as loading needs */
};

#define PROGRESS_TABLE "_ez_progress"

void progress_init(struct progress *p, const struct settings *s, struct ez_view job,
		   uint64_t epoch);
void progress_release(struct progress *p);

/* Reads the row, making the table if that is allowed. EZ_E_BUSY: a newer epoch has one. */
_must_check_ int progress_read(struct progress *p, struct sqlc *c, struct ez_error *err);

/* A load of one row: what the row is to be. Freed with progress_load_free. */
struct load *progress_load(struct progress *p, uint64_t run, uint64_t seq,
			   const char *position, uint64_t order);
/* The row goes. */
struct load *progress_removal(struct progress *p);
void progress_load_free(struct load *load);

/* Whether this job has begun to copy that table; a mark that it has. */
bool progress_is_copying(const struct progress *p, const char *table);
void progress_mark_copying(struct progress *p, const char *table);

/*
 * The fence, for jobs with an epoch: a row of its own that says which epoch loads.
 *
 * A daemon that was stopped in the middle of what it did, for however long, goes on as if
 * nothing had happened, until it hears of its successor. So it looks at the fence between
 * loading and committing, and the successor writes it before it finds out which labels of
 * the last run are outstanding. Either the one sees the fence and gives up; or its
 * transaction was open before the fence was, and the other sees that and ends it.
 */
_must_check_ int progress_fence(struct progress *p, struct sqlc *c, struct loader *l,
				struct ez_error *err);

/* EZ_E_BUSY: a newer epoch loads. Any thread, with its own session. */
_must_check_ int progress_guard(const struct progress *p, struct sqlc *c,
				struct ez_error *err);

/* Makes this process the newest run: p->run. The loader's label is set. */
_must_check_ int progress_claim(struct progress *p, struct sqlc *c, struct loader *l,
				struct ez_error *err);

#endif
