/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_READER_H
#define ENGINE_READER_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "engine/host.h"
#include "engine/out.h"

struct engine;

/*
 * The reader: the thread that owns the source, and with it the course of the job: where to
 * start, whether to copy first, streaming, the end.
 *
 * The source's instance is created and closed on this thread. Others may call
 * reader_wake(), nothing else.
 */
struct reader {
	struct engine *e;
	pthread_t thread;
	bool started;
	const struct ez_source *ops;
	void *inst;
	struct ez_ctx ctx;
	struct ez_out out;
	uint64_t until;        /* order; 0: none */
	int64_t status_at_us;
	int64_t touch_at_us; /* mono_us; of a job with an epoch, see note_absence() */
	bool was_connected;
	pthread_mutex_t wake_lock;
	void *waker;           /* inst while it may be woken; under wake_lock */
};

/* Before any other thread may wake it. */
void reader_init(struct reader *r, struct engine *e);
_must_check_ int reader_start(struct reader *r, struct engine *e, struct ez_error *err);
void reader_join(struct reader *r);

/* Any thread: look around soon. */
void reader_wake(struct reader *r);
/* Any thread: give up whatever blocks. */
void reader_interrupt(struct reader *r);

/* Opens an instance of each transform for one thread. */
_must_check_ int reader_open_chain(struct engine *e, struct chain *c, uint32_t worker,
				   struct ez_error *err);

/* Confirms to the source what the keeper has released. */
_must_check_ int reader_confirm(struct reader *r, struct ez_error *err);

/* Copies server-side numbers into the stats, about once a second. */
void reader_note_status(struct reader *r);

#endif
