/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_BATCH_H
#define ENGINE_BATCH_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "engine/table.h"

struct budget;

/*
 * A batch: the events between two hand-overs and all the memory they point to.
 *
 * Events, cells, values and commit entries live in the batch's arena and die with it; the
 * two arrays of pointers are plain heap memory that is reused from batch to batch. Every
 * byte is charged to the job's budget from when it is taken until batch_free().
 *
 * While it is built it belongs to one `struct ez_out`; handed over it belongs to the queue,
 * then to the sink's thread, which frees it. `pub` is what the sink sees; batch_seal() fills
 * it in.
 *
 * The end of a batch may be a transaction that goes on in the next one. What is complete
 * stands before `n_whole` (events) and `n_whole_commits`: a shutdown cuts back to that.
 */
struct batch {
	struct ez_batch pub;
	struct arena arena;
	struct budget *budget;
	struct batch *next;             /* link for the queue and the spare list */
	struct ez_event **events;
	struct ez_commit **commits;
	struct table **tables;          /* references held for the events */
	size_t n_events, cap_events;
	size_t n_commits, cap_commits;
	size_t n_tables, cap_tables;
	size_t n_whole, n_whole_commits;
	int64_t charged;                /* to the budget so far */
	int64_t first_us;               /* mono_us of the first event */
	int64_t sealed_us;
	bool tx_open;                   /* commits[n_commits - 1] is not complete */
};

/* Memory for the arrays of the next batch, so that building one allocates nothing. */
struct batch_pool {
	struct arena_pool arenas;
	pthread_mutex_t lock;
	struct batch *spare;
	unsigned n_spare;
};

void batch_pool_init(struct batch_pool *p);
void batch_pool_release(struct batch_pool *p);

struct batch *batch_new(struct batch_pool *p, struct budget *budget);
void batch_free(struct batch_pool *p, struct batch *b); /* NULL is fine */

/* Takes back what the arena has grown since the last call: call after adding. */
void batch_charge(struct batch *b);
static inline void batch_account(struct batch *b)
{
	if (UNLIKELY((int64_t)(arena_bytes(&b->arena) + b->cap_events * sizeof(void *)) !=
		     b->charged))
		batch_charge(b);
}

void batch_add_event_slow(struct batch *b);
static inline void batch_add_event(struct batch *b, struct ez_event *ev)
{
	if (UNLIKELY(b->n_events == b->cap_events))
		batch_add_event_slow(b);
	b->events[b->n_events++] = ev;
}

/* Opens a commit entry; an empty one before it is taken over, so that a long row of
 * transactions without events costs one entry. */
struct ez_commit *batch_begin(struct batch *b, const struct ez_commit *tx);

/* Completes the open entry. */
void batch_commit(struct batch *b, struct ez_position position);

/* Keeps a table descriptor alive as long as the batch. */
void batch_hold(struct batch *b, struct table *t);

/* Forgets an unfinished transaction at the end. False when nothing is left. */
bool batch_cut_open(struct batch *b);

/* Fills in `pub`; the batch is read-only from here on. */
void batch_seal(struct batch *b, uint64_t number, uint32_t flags, uint32_t part);

/* The last complete commit, or NULL when the batch is the middle of one transaction. */
const struct ez_commit *batch_last_commit(const struct batch *b);

#endif
