/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_QUEUE_H
#define ENGINE_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct batch;
struct ez_error;

/*
 * What the source's thread hands to the sink's thread, in order: batches, and calls that
 * must happen between two batches (a new table shape, a barrier, the sink's recover).
 *
 * Not bounded itself: the job's budget is, and who pushes batches asks it for room first.
 * The items are whole batches, so the lock is idle. The taker sleeps on a bell of its own,
 * which whoever pushes rings.
 */
struct call {
	int (*fn)(void *arg, struct ez_error *err);
	void *arg;
	struct ez_error *err;
	int rc;
	bool done;  /* under the queue's lock */
	bool async; /* nobody waits: the taker frees it */
};

struct item {
	struct item *next;
	struct batch *batch; /* or */
	struct call *call;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t called; /* a call is done */
	struct item *first, **last;
	_Atomic size_t n_batches;
	bool closed;
};

void queue_init(struct queue *q);
void queue_release(struct queue *q); /* must be empty */

void queue_push_batch(struct queue *q, struct batch *b);

/* Runs fn on the taker's thread after everything pushed before, and waits for it. After
 * queue_close: EZ_E_CANCELLED. */
_must_check_ int queue_call(struct queue *q, void (*ring)(void *), void *ring_arg,
			    int (*fn)(void *, struct ez_error *), void *arg,
			    struct ez_error *err);

/* The same without waiting, so that a source may cause it from inside its poll; fn owns arg
 * and handles its own errors. */
void queue_post(struct queue *q, int (*fn)(void *, struct ez_error *), void *arg);

/* False: nothing there now. */
bool queue_take(struct queue *q, struct item *ret);
void queue_answer(struct queue *q, struct call *c, int rc);

/* Nothing more comes; pending calls are answered with EZ_E_CANCELLED by the taker. */
void queue_close(struct queue *q);
bool queue_is_closed(struct queue *q);

static inline size_t queue_batches(const struct queue *q)
{
	return atomic_load_explicit(&q->n_batches, memory_order_relaxed);
}

#endif
