/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_COPIER_H
#define ENGINE_COPIER_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "engine/host.h"
#include "engine/lane.h"
#include "engine/out.h"
#include "engine/plan.h"

struct engine;
struct copy;

/*
 * A copier is a thread with a source instance, an instance of each transform and a writer
 * instance of its own. It takes one part after the other, reads it, writes it, and waits
 * until it is durable before it calls the part done.
 */
struct copier {
	struct copy *copy;
	pthread_t thread;
	uint32_t worker;
	const struct ez_source *source;
	void *inst;
	struct ez_ctx ctx;
	struct ez_out out;
	struct lane lane;
	int rc;                     /* of a failed lane_write, for the end of the poll */
	struct ez_error error;
	struct table_stats *stats;  /* of the part at hand */
};

/* What all copiers of one snapshot share. */
struct copy {
	struct engine *e;
	const struct ez_plan *plan;
	struct ez_view snapshot;     /* the source's token */
	_Atomic size_t next_part;
	_Atomic size_t parts_done;
	_Atomic size_t running;      /* copiers that have not ended */
	_Atomic bool cancelled;
	pthread_mutex_t lock;        /* of error */
	struct ez_error error;       /* the first; rc 0: none */
	struct bell *bell;           /* rung when a part or a copier is done */
	struct copier *copiers;
	size_t n_copiers, n_started;
	_Atomic uint32_t *left;      /* per part's table: parts that are not done */
	uint32_t *table_of_part;     /* index into `left` */
};

/* Starts as many copiers as the job allows and there are parts for. */
_must_check_ int copy_start(struct copy *c, struct ez_error *err);

/* The counters of the table that a part belongs to. */
struct table_stats *copy_stats(struct engine *e, const struct ez_part *part);

/* Makes them end soon. */
void copy_cancel(struct copy *c);

/* Joins them; EZ_OK when every part is durable. */
_must_check_ int copy_finish(struct copy *c, struct ez_error *err);

#endif
