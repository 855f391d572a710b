/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LANE_H
#define ENGINE_LANE_H

#include <ezcdc/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/backoff.h"
#include "base/list.h"
#include "engine/bell.h"
#include "engine/checkpoint.h"
#include "engine/host.h"

struct batch;
struct engine;
struct plugin;

/*
 * A lane is one writer instance of the sink and the batches it has accepted that are not
 * durable yet. The stream has one (writer 0, owned by the writer's thread), every snapshot
 * copier has one of its own.
 *
 * lane_write() gives a batch to the sink, repeating while the sink says "transient" and
 * isolating rows that it says can never be loaded. lane_service() starts flushes when they
 * are due, asks what has become durable, and reports that in order, exactly once, through
 * `durable`. Both run on the owner's thread; host->wake and host->reject may come from the
 * sink's threads and ring or look up under `lock`.
 *
 * After an error that ends the job the lane is `broken`: batches are freed unwritten.
 */
/* What remains to be said of a batch once it is durable. */
struct landed {
	uint64_t number;
	size_t rows, bytes;
	int64_t commit_us; /* of its last whole transaction; 0: none ends in it */
	struct mark position; /* of the same; not set: none ends in it */
};

struct lane_ops {
	/* Everything up to and including this batch is durable. Called in order. */
	void (*durable)(void *arg, const struct landed *landed);
};

/* A batch that was written and is not durable. */
struct pending {
	struct landed landed;
	struct batch *batch; /* NULL: the sink never rejects after write */
	struct pending *next;
};

struct lane {
	struct engine *e;
	const struct plugin *plugin;
	void *inst;
	struct ez_ctx ctx;
	struct bell bell;
	const struct lane_ops *ops;
	void *arg;

	struct list link;          /* in engine.lanes */
	pthread_mutex_t inst_lock; /* of `inst`, for lane_interrupt() */
	pthread_mutex_t lock;      /* of the pending list, for host->reject */
	struct pending *first, **last;
	uint64_t written, flushing, durable; /* batch numbers */
	size_t unflushed_bytes;
	int64_t first_unflushed_us, last_flush_us, flush_started_us;
	int64_t retry_at_us; /* flush or durable said transient: not before */
	struct backoff backoff;
	int64_t failing_since_us;
	bool outstanding;    /* a flush was started that durable() has not confirmed */
	bool is_streaming;   /* EZ_CAP_STREAMING */
	bool broken;
	_Atomic bool waked;  /* the sink has called host->wake at least once */
	_Atomic bool draining; /* nothing is written before what is unflushed is durable */
	_Atomic bool hurry;  /* the job ends: flush whatever is unflushed at once */
};

/* Everything but the instance. */
void lane_init(struct lane *l, struct engine *e, const struct lane_ops *ops, void *arg);
void lane_release(struct lane *l);

/* Any thread: whatever blocks in the sink gives up, for ever. */
void lane_interrupt(struct lane *l);

/* Opens and closes the instance, on the thread that owns it. worker 0 is the stream's. */
_must_check_ int lane_open(struct lane *l, uint32_t worker, uint32_t n_workers,
			   struct ez_error *err);
void lane_close(struct lane *l);

/* Takes the batch over. Blocks while the sink refuses for a time. */
_must_check_ int lane_write(struct lane *l, struct batch *b, struct ez_error *err);

/* `force`: flush whatever is unflushed now. */
_must_check_ int lane_service(struct lane *l, bool force, struct ez_error *err);

/* mono_us at which lane_service wants to be called next; INT64_MAX: when rung. */
int64_t lane_next_us(const struct lane *l);

static inline bool lane_is_clean(const struct lane *l)
{
	return l->durable == l->written;
}

/* Flushes and waits until everything written is durable. */
_must_check_ int lane_drain(struct lane *l, struct ez_error *err);

/* Nothing more comes to be written before something is durable: the lane is drained, or the
 * stream has no room left to read. Any thread. */
bool lane_waits_in_vain(const struct lane *l);

/* After a transient error of any other call on the instance: waits until it may be tried
 * again. EZ_OK: try; else give up with err. */
_must_check_ int lane_put_off(struct lane *l, struct ez_error *err);

/* host->wake and host->reject */
void lane_wake(struct lane *l);
int lane_reject(struct lane *l, uint64_t batch, uint32_t row, struct ez_error *err);

#endif
