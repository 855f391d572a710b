/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/keeper.h"

#include <stdlib.h>
#include <time.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/job.h"
#include "engine/loader.h"

/*
 * Why a position may be confirmed.
 *
 * The server forgets what it is told is flushed, so the order is: durable in the sink, then
 * saved here, then confirmed. A crash between any two of these repeats work and loses
 * nothing: the sink that keeps its own position skips what it has, another one gets the same
 * transactions again. `released` is only ever set from a checkpoint that a save has
 * returned for; reader_confirm() takes nothing else.
 *
 * An idle position (the log moved on with nothing in it for us) is worth an fsync every ten
 * seconds at most, and is saved before it is released like any other (R1). The last one is
 * saved as well, though nothing comes after it: a server that shuts down waits for it.
 */
enum {
	SAVE_GAP_US = 100 * US_PER_MS,
	IDLE_GAP_US = 10 * US_PER_SEC,
	SOON_US = 3 * US_PER_SEC,
	CHECKPOINT_MAX_BYTES = 64 * 1024 * 1024,
};

static void init(struct keeper *k, struct engine *e)
{
	const struct job_plugin *store = &e->job->store;

	*k = (struct keeper){
		.e = e,
		.ctx = { .e = e },
		.ops = store->plugin ? &store->plugin->ops.store : &store_file,
		.config = store->config,
		.cp = CHECKPOINT_INIT,
	};
	bell_init(&k->bell);
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->saved, NULL);
}

/* ------------------------------------------------------------------- on the thread */

static int open_store(struct keeper *k, struct ez_error *err)
{
	struct ez_open args = engine_open_args(k->e, k->config, &k->ctx, EZ_ROLE_MAIN, 0, 1);

	return k->ops->open(&args, &k->inst, err);
}

static int load(struct keeper *k, struct ez_error *err)
{
	struct ez_view text;
	int rc = k->ops->load(k->inst, &text, err);

	if (rc == EZ_EOF)
		return EZ_OK;
	return rc < 0 ? rc : checkpoint_parse(text, &k->cp, err);
}

/* Transient failures are retried for as long as the job may take to start. */
static int load_patiently(struct keeper *k, struct ez_error *err)
{
	struct backoff backoff;
	int64_t since_us = 0;

	backoff_init(&backoff, 100, 5000);
	for (;;) {
		int rc = k->inst ? EZ_OK : open_store(k, err);

		if (rc >= 0)
			rc = load(k, err);
		if (rc != EZ_E_TRANSIENT || engine_is_stopping(k->e) ||
		    mono_us() > k->e->start_by_us)
			return rc;
		engine_note_retry(k->e, err, "checkpoint store", &since_us);
		bell_wait(&k->bell, mono_us() + (int64_t)backoff_next_ms(&backoff) * US_PER_MS);
	}
}

static void fill_in(struct keeper *k)
{
	if (!str_copy(k->cp.job, sizeof(k->cp.job), view_str(k->e->job->name)))
		k->cp.job[0] = '\0';
	k->cp.epoch = k->e->job->epoch;
	k->cp.dead_letters = atomic_load(&k->e->stats.dead_letters);
}

static void release(struct keeper *k, const struct mark *resume)
{
	if (!resume || (mark_is_set(&k->released) && resume->order <= k->released.order))
		return;
	k->released = *resume;
	k->released_news = true;
}

/* Under lock; lets go of it while the store works. */
static int save(struct keeper *k, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(CHECKPOINT_MAX_BYTES);
	uint64_t wanted = k->wanted;
	const struct mark *newest = checkpoint_resume(&k->cp);
	struct mark resume = newest ? *newest : (struct mark){ .order = 0 };
	bool may_release = k->cp.phase == PHASE_STREAMING && newest, had_idle = k->idle_waits;
	int rc;

	fill_in(k);
	checkpoint_format(&k->cp, &text);
	k->urgent = false;
	k->saved_us = mono_us();
	if (had_idle)
		k->idle_saved_us = k->saved_us;
	k->idle_waits = false;
	pthread_mutex_unlock(&k->lock);
	rc = k->ops->save(k->inst, buf_view(&text), err);
	KILL_POINT("checkpoint-saved");
	pthread_mutex_lock(&k->lock);
	if (rc < 0) {
		k->idle_waits |= had_idle;
		return rc;
	}
	k->done = wanted;
	if (may_release)
		release(k, &resume);
	pthread_cond_broadcast(&k->saved);
	return EZ_OK;
}

static int64_t due_us(const struct keeper *k)
{
	if (k->wanted == k->done)
		return k->idle_waits ? k->idle_saved_us + IDLE_GAP_US : INT64_MAX;
	return k->urgent || k->stopping ? 0 : k->saved_us + SAVE_GAP_US;
}

static void give_up(struct keeper *k, const struct ez_error *err)
{
	k->failed = true;
	k->load_error = *err;
	pthread_cond_broadcast(&k->saved);
	pthread_mutex_unlock(&k->lock);
	engine_fail(k->e, err);
	pthread_mutex_lock(&k->lock);
}

static void run(struct keeper *k)
{
	struct backoff backoff;
	int64_t since_us = 0, retry_us = 0;

	backoff_init(&backoff, 100, 10000);
	while (!k->failed && !(k->stopping && (k->wanted == k->done || since_us))) {
		struct ez_error err = ERROR_INIT;
		int64_t due = MAX(due_us(k), retry_us);
		int rc;

		if (mono_us() < due) {
			pthread_mutex_unlock(&k->lock);
			bell_wait(&k->bell, due);
			pthread_mutex_lock(&k->lock);
			continue;
		}
		rc = save(k, &err);
		if (rc >= 0) {
			backoff_reset(&backoff);
			retry_us = 0;
			engine_note_recovered(k->e, "checkpoint store", &since_us);
			reader_wake(&k->e->reader);
		} else if (rc == EZ_E_TRANSIENT) {
			engine_note_retry(k->e, &err, "checkpoint store", &since_us);
			retry_us = mono_us() + (int64_t)backoff_next_ms(&backoff) * US_PER_MS;
		} else {
			give_up(k, &err);
		}
	}
}

static void *keeper_main(void *arg)
{
	struct keeper *k = arg;
	struct ez_error err = ERROR_INIT;
	int rc = load_patiently(k, &err);

	pthread_mutex_lock(&k->lock);
	k->load_error = err;
	k->load_error.rc = rc;
	k->loaded = true;
	k->failed = rc < 0;
	pthread_cond_broadcast(&k->saved);
	run(k);
	pthread_cond_broadcast(&k->saved);
	pthread_mutex_unlock(&k->lock);
	if (k->inst)
		k->ops->close(k->inst);
	return NULL;
}

/* --------------------------------------------------------------------- from outside */

int keeper_start(struct keeper *k, struct engine *e, struct ez_error *err)
{
	int rc;

	init(k, e);
	if (pthread_create(&k->thread, NULL, keeper_main, k) != 0)
		return host_table.fail(err, EZ_E_FATAL, "", "no thread for checkpoints: %m");
	k->started = true;
	pthread_mutex_lock(&k->lock);
	while (!k->loaded)
		pthread_cond_wait(&k->saved, &k->lock);
	rc = k->load_error.rc;
	if (rc < 0)
		*err = k->load_error;
	pthread_mutex_unlock(&k->lock);
	return rc < 0 ? rc : EZ_OK;
}

void keeper_stop(struct keeper *k)
{
	if (!k->started)
		return;
	pthread_mutex_lock(&k->lock);
	k->stopping = true;
	pthread_mutex_unlock(&k->lock);
	bell_ring(&k->bell);
	pthread_join(k->thread, NULL);
	k->started = false;
	checkpoint_release(&k->cp);
	bell_release(&k->bell);
	pthread_cond_destroy(&k->saved);
	pthread_mutex_destroy(&k->lock);
}

void keeper_interrupt(struct keeper *k)
{
	bell_ring(&k->bell);
	if (k->ops->interrupt && k->inst)
		k->ops->interrupt(k->inst);
}

void keeper_peek(struct keeper *k, struct checkpoint *ret)
{
	pthread_mutex_lock(&k->lock);
	*ret = k->cp;
	pthread_mutex_unlock(&k->lock);
}

void keeper_durable(struct keeper *k, struct ez_position p)
{
	pthread_mutex_lock(&k->lock);
	if (p.order >= k->cp.position.order) {
		mark_set(&k->cp.position, p);
		k->wanted++;
	}
	pthread_mutex_unlock(&k->lock);
	bell_ring(&k->bell);
}

void keeper_idle(struct keeper *k, struct ez_position p)
{
	const struct mark *newest;
	bool news = false;

	pthread_mutex_lock(&k->lock);
	newest = checkpoint_resume(&k->cp);
	if (!newest || p.order > newest->order) {
		mark_set(&k->cp.idle, p);
		news = !k->idle_waits;
		k->idle_waits = true;
	}
	pthread_mutex_unlock(&k->lock);
	if (news)
		bell_ring(&k->bell);
}

void keeper_touch(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->urgent = true;
	k->wanted++;
	pthread_mutex_unlock(&k->lock);
	bell_ring(&k->bell);
}

static int wait_saved(struct keeper *k, uint64_t ticket, int64_t until_us, struct ez_error *err)
{
	int rc = EZ_OK;

	bell_ring(&k->bell);
	while (k->done < ticket && !k->failed && !engine_is_aborting(k->e) &&
	       mono_us() < until_us) {
		struct timespec at;

		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_sec++;
		pthread_cond_timedwait(&k->saved, &k->lock, &at);
	}
	if (k->failed) {
		*err = k->load_error;
		rc = err->rc;
	} else if (k->done < ticket && engine_is_aborting(k->e)) {
		rc = engine_cancelled(err);
	} else if (k->done < ticket) {
		rc = host_table.fail(err, EZ_E_TRANSIENT, "",
				     "it holds from now on, but could not be saved yet: the "
				     "checkpoint store does not answer");
	}
	return rc;
}

static int change_until(struct keeper *k, void (*change)(struct checkpoint *, void *),
			void *arg, int64_t until_us, struct ez_error *err)
{
	int rc;

	pthread_mutex_lock(&k->lock);
	change(&k->cp, arg);
	k->urgent = true;
	rc = wait_saved(k, ++k->wanted, until_us, err);
	pthread_mutex_unlock(&k->lock);
	return rc;
}

int keeper_change(struct keeper *k, void (*change)(struct checkpoint *, void *), void *arg,
		  struct ez_error *err)
{
	return change_until(k, change, arg, INT64_MAX, err);
}

int keeper_change_soon(struct keeper *k, void (*change)(struct checkpoint *, void *), void *arg,
		       struct ez_error *err)
{
	return change_until(k, change, arg, mono_us() + SOON_US, err);
}

int keeper_flush(struct keeper *k, struct ez_error *err)
{
	int rc;

	pthread_mutex_lock(&k->lock);
	k->urgent = true;
	rc = wait_saved(k, ++k->wanted, INT64_MAX, err);
	pthread_mutex_unlock(&k->lock);
	return rc;
}

bool keeper_released(struct keeper *k, struct mark *ret)
{
	bool news;

	pthread_mutex_lock(&k->lock);
	news = k->released_news;
	k->released_news = false;
	if (news)
		*ret = k->released;
	pthread_mutex_unlock(&k->lock);
	return news;
}
