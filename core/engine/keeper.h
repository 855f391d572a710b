/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_KEEPER_H
#define ENGINE_KEEPER_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "engine/bell.h"
#include "engine/checkpoint.h"
#include "engine/host.h"

struct engine;

/*
 * The keeper saves the checkpoint and only then lets a position go to the source.
 *
 * It has a thread of its own because a save is an fsync or a round trip to another server,
 * and must delay neither rows nor the answers that the source's server waits for. News that
 * arrive during a save are merged into the next one: the newest position wins, the store is
 * never asked more often than it can answer, and at most ten times a second.
 *
 * keeper_durable() and keeper_idle() leave news and return at once; keeper_change() changes
 * the checkpoint and returns when that is on disk. What keeper_released() gives is saved.
 */
struct keeper {
	struct engine *e;
	pthread_t thread;
	bool started;
	struct bell bell;
	struct ez_ctx ctx;
	const struct ez_store *ops;
	void *inst;
	const struct ez_config *config;

	pthread_mutex_t lock;
	pthread_cond_t saved;
	struct checkpoint cp;      /* under lock */
	uint64_t wanted, done;     /* changes asked for and saved */
	bool urgent;
	bool loaded, failed, stopping;
	struct ez_error load_error;
	struct mark released;      /* newest saved position */
	bool released_news;
	int64_t idle_saved_us, saved_us;
	bool idle_waits; /* an idle position is to be saved when its time has come */
};

/* Starts the thread, which opens the store and loads; returns once that is done. */
_must_check_ int keeper_start(struct keeper *k, struct engine *e, struct ez_error *err);

/* Saves what is outstanding, ends the thread. */
void keeper_stop(struct keeper *k);

/* Any thread: give up a store that blocks. */
void keeper_interrupt(struct keeper *k);

/* A copy of the checkpoint's plain members; `identity` and `tables` are borrowed from the
 * keeper and may be read before streaming begins. */
void keeper_peek(struct keeper *k, struct checkpoint *ret);

void keeper_durable(struct keeper *k, struct ez_position p);
void keeper_idle(struct keeper *k, struct ez_position p);

/* Saves although there is no news, soon: a newer epoch is noticed by that. */
void keeper_touch(struct keeper *k);

/* Applies `change` to the checkpoint and waits until it is saved. */
_must_check_ int keeper_change(struct keeper *k, void (*change)(struct checkpoint *, void *),
			       void *arg, struct ez_error *err);

/* The same for the main thread, which has others to serve: waits a few seconds at most. Then
 * EZ_E_TRANSIENT: the change holds and is saved when the store works again. */
_must_check_ int keeper_change_soon(struct keeper *k,
				    void (*change)(struct checkpoint *, void *), void *arg,
				    struct ez_error *err);

/* The newest position that may be confirmed, if it is news since the last call. */
bool keeper_released(struct keeper *k, struct mark *ret);

/* All news are saved (for the end of a job). */
_must_check_ int keeper_flush(struct keeper *k, struct ez_error *err);

#endif
