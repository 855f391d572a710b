/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_WRITER_H
#define ENGINE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "engine/lane.h"
#include "engine/queue.h"

struct engine;
struct table;

/*
 * The writer: the thread that owns writer 0 of the sink.
 *
 * It takes batches and calls from its queue, in order, and posts durable positions to the
 * keeper. Everything that anyone wants from writer 0 (recover, a new shape, the end of a
 * snapshot) happens as a call on this thread, after all batches that were pushed before.
 */
struct writer {
	struct engine *e;
	pthread_t thread;
	bool started;
	struct queue queue;
	struct lane lane;
	_Atomic bool idle;         /* nothing to write at this moment */
	_Atomic bool reader_waits; /* wake the source when idle */
	_Atomic uint64_t pushed;   /* batches, by the reader */
	_Atomic uint64_t landed;   /* of these, durable */
};

_must_check_ int writer_start(struct writer *w, struct engine *e, struct ez_error *err);

/* Writes what is queued, makes it durable, closes the sink. Aborting: without that. */
void writer_stop(struct writer *w);

void writer_push(struct writer *w, struct batch *b);
_must_check_ int writer_call(struct writer *w, int (*fn)(void *, struct ez_error *),
			     void *arg, struct ez_error *err);

/* Tells the sink of a shape before anything that is pushed later; earlier batches are
 * durable by then, unless the sink keeps order itself. Returns at once. Takes both
 * references. */
void writer_news(struct writer *w, struct table *before, struct table *now);

/* Everything pushed so far is durable before anything that is pushed later is written.
 * Returns at once. */
void writer_barrier(struct writer *w);

/* Any thread: from now on flush as soon as anything is unflushed. */
void writer_hurry(struct writer *w);

/* Nothing is queued, being written, or written and not durable. */
bool writer_is_clean(struct writer *w);

/* The sink needs no barriers: it keeps order itself. */
bool writer_is_ordered(const struct writer *w);

#endif
