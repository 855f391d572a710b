/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/list.h"
#include "engine/batch.h"
#include "engine/budget.h"
#include "engine/checkpoint.h"
#include "engine/job.h"
#include "engine/keeper.h"
#include "engine/reader.h"
#include "engine/state_dir.h"
#include "engine/stats.h"
#include "engine/table.h"
#include "engine/writer.h"

struct dead_letters;

/*
 * One running job: everything its threads share.
 *
 *   reader   reads the source, transforms, builds batches     (reader.c, snapshot.c)
 *   writer   gives batches to the sink, learns what is durable (writer.c, lane.c)
 *   keeper   saves the checkpoint, then releases the position  (keeper.c)
 *   copiers  while a snapshot is copied: read and write parts  (copier.c)
 *   main     signals, control socket, metrics                  (run.c)
 *
 * Rows flow reader -> queue -> writer; positions flow writer -> keeper -> reader, which
 * confirms them to the source. No thread holds a lock across a plugin call.
 *
 * The first error that ends the job is kept in `failure`; engine_fail() then stops all.
 */
enum run_state {
	RUN_STARTING = 0,
	RUN_SNAPSHOT,
	RUN_STREAMING,
	RUN_PAUSED,
	RUN_STOPPING,
	RUN_FAILED,
	_RUN_STATE_MAX,
};
const char *run_state_to_str(enum run_state s);

struct engine_options {
	const char *state_dir;  /* NULL: the default */
	const char *until;      /* NULL, "now" or a position of the source */
	const char *metrics;    /* HOST:PORT or NULL */
	bool again;             /* snapshot = "only" once more */
	bool impatient;         /* --until, --check: three tries within 15 s */
	const char *managed;    /* who else decides on pause and stop (R26), or NULL */
};

struct engine {
	const struct job *job;
	struct engine_options opt;
	struct state_dir dir;
	struct batch_pool pool;
	struct budget budget;
	struct registry registry;
	struct stats stats;
	struct dead_letters *dead;
	char id[JOB_ID_MAX];    /* see job.h */
	size_t batch_bytes;     /* effective batch size, R10 */
	int64_t started_us;     /* mono_us */
	int64_t start_by_us;    /* mono_us until which a first start may fail transiently */

	struct keeper keeper;
	struct writer writer;
	struct reader reader;

	_Atomic int state;      /* enum run_state */
	_Atomic bool stopping;  /* drain and end */
	_Atomic bool aborting;  /* end at once, nothing is lost */
	_Atomic bool paused;
	_Atomic int64_t deadline_us; /* mono_us: when stopping becomes aborting */
	pthread_mutex_t lock;   /* of failure */
	pthread_mutex_t lanes_lock;
	struct list lanes;      /* struct lane.link: all there are, to be interrupted */
	struct ez_error failure; /* rc 0: none */
	struct bell done;       /* rung when the reader's thread has ended */
	_Atomic bool finished;
	int wake_fd;            /* eventfd of the main thread; -1: none */
};

/* Any thread: the job ends with this error, unless it already ends with another. */
void engine_fail(struct engine *e, const struct ez_error *err);

/* Any thread, also in no hurry: drain, save, confirm, end. */
void engine_stop(struct engine *e);
/* Any thread: end now. */
void engine_abort(struct engine *e);

/* Remembered in the checkpoint (R26). EZ_E_TRANSIENT: it holds, but is not saved yet. */
_must_check_ int engine_pause(struct engine *e, bool paused, struct ez_error *err);

/* For lane.c: from now on, and not any more, interrupted by an abort. */
void engine_add_lane(struct engine *e, struct list *link);
void engine_remove_lane(struct engine *e, struct list *link);

/* Any thread: the main thread looks around. */
void engine_ring_main(struct engine *e);

static inline bool engine_is_stopping(const struct engine *e)
{
	return atomic_load_explicit(&e->stopping, memory_order_relaxed);
}

static inline bool engine_is_aborting(const struct engine *e)
{
	return atomic_load_explicit(&e->aborting, memory_order_relaxed);
}

void engine_set_state(struct engine *e, enum run_state s);

/* What plugins get at open; `ctx` must outlive the instance. */
struct ez_open engine_open_args(struct engine *e, const struct ez_config *config,
				struct ez_ctx *ctx, uint32_t role, uint32_t worker,
				uint32_t n_workers);

/* A row that can never be loaded; err holds the reason. EZ_OK: it is in the dead letter file
 * and counted; else the policy is to stop. Any thread. */
_must_check_ int engine_reject(struct engine *e, const struct ez_event *ev, uint32_t part,
			       bool is_snapshot, struct ez_error *err);
/* The event is older than what the sink has: its dead letter stays, if it has one. */
_must_check_ int engine_pass_over(struct engine *e, const struct ez_event *ev,
				  struct ez_error *err);

/* Fills err with "the job is stopping" and returns EZ_E_CANCELLED. */
int engine_cancelled(struct ez_error *err);

/* Notes an error that will be retried: counted, shown in status, logged once per outage.
 * `since_us` is the caller's, 0 while all is well. */
void engine_note_retry(struct engine *e, const struct ez_error *err, const char *what,
		       int64_t *since_us);
void engine_note_recovered(struct engine *e, const char *what, int64_t *since_us);

/* Named instants at which tests end the process with SIGKILL: EZCDC_TEST_KILL=label:n ends
 * it the n-th time. Only in builds with --enable-test-hooks. */
#ifdef EZ_TEST_HOOKS
void engine_kill_point(const char *label);
#define KILL_POINT(label) engine_kill_point(label)
#else
#define KILL_POINT(label) ((void)0)
#endif

#endif
