/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_UPLOADER_H
#define STARROCKS_UPLOADER_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "group.h"
#include "loader.h"
#include "progress.h"

/*
 * The thread that loads: it takes encoded groups in order and makes each durable before the
 * next one. While it does, the owner's thread collects and encodes the following group.
 *
 * News for the owner: `durable` has moved, something fails for now (`trouble`), something
 * has failed for good (`failure`), or a group lost rows and wants to be encoded anew
 * (`rework`), which only the owner can do. Each time host->wake is called. All of that is
 * guarded by `lock`; the loader and the progress belong to the thread while it runs and to
 * the owner before it was started and after uploader_quiesce().
 */
struct uploader {
	struct loader loader;
	struct progress *progress; /* NULL: a snapshot writer */
	const struct progress *fenced; /* whose fence it looks at, with `sql`; NULL: nobody's */
	struct sqlc *sql;
	bool is_atomic;            /* transactions over tables */
	struct ez_ctx *ctx;

	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	pthread_cond_t work, news;
	struct group *first, **last; /* encoded, not taken yet */
	struct group *current;
	struct group *rework;
	bool stop, has_failure;
	struct ez_error trouble, failure;
	int64_t trouble_since_us; /* 0: none */
	uint64_t durable;

	/* the thread's */
	uint64_t n_groups;
	uint64_t spoiled_lsn; /* of a transaction with rejected rows: not to be noted (ahead.h) */
	bool is_spoiled;      /* this run has rejected rows */
	unsigned probes;
	int64_t pace_us; /* between groups, when compaction is behind */
	int64_t loaded_us;
	size_t ceiling; /* bytes that a group had best have; guarded by lock */
	size_t ceiling_max;
};

_must_check_ int uploader_init(struct uploader *u, const struct settings *s,
			       struct ez_ctx *ctx, size_t ceiling, struct ez_error *err);
/* Stops the thread; what is not durable is given up. */
void uploader_release(struct uploader *u);

/* Takes the group over. */
_must_check_ int uploader_push(struct uploader *u, struct group *g, struct ez_error *err);

/* A group is under way or waiting. */
bool uploader_is_busy(struct uploader *u);

/* What has happened so far. EZ_AGAIN: *ret_rework wants to be encoded; give it back with
 * uploader_push_back(). Else as ez_sink's durable. */
_must_check_ int uploader_news(struct uploader *u, uint64_t *ret_number,
			       struct group **ret_rework, struct ez_error *err);
void uploader_push_back(struct uploader *u, struct group *g);

/* Waits for news, at most that long. */
void uploader_wait(struct uploader *u, uint32_t ms);

bool uploader_has_waiting(struct uploader *u);
size_t uploader_ceiling(struct uploader *u);
void uploader_interrupt(struct uploader *u);

#endif
