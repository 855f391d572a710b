/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/batch.h"
#include "engine/dead_letter.h"
#include "engine/engine.h"
#include "engine/job.h"
#include "engine/loader.h"

/*
 * When to flush.
 *
 * A flush is the price of durability: an fsync, or a transaction published. One is under
 * way at most; what is written meanwhile is covered by the next, so a slow flush makes the
 * next one bigger rather than more frequent. It starts
 *  - at once, for a sink that loads batches: its batch was aged and sized before;
 *  - for a streaming sink, which gets small batches early, when the oldest unflushed row
 *    has waited max_age, or a whole batch's worth is unflushed;
 *  - in any case when somebody waits for it, or the budget is spent.
 *
 * A sink that calls host->wake is asked for news when it rings; any other every few
 * milliseconds while a flush is under way.
 */
enum {
	FLUSH_GAP_MIN_US = 20 * US_PER_MS,
	FLUSH_GAP_MAX_US = US_PER_SEC,
	ASK_AGAIN_US = 5 * US_PER_MS,
	ASK_AGAIN_WAKING_US = US_PER_SEC,
};

static const struct ez_sink *ops_of(const struct lane *l)
{
	return &l->plugin->ops.sink;
}

void lane_init(struct lane *l, struct engine *e, const struct lane_ops *ops, void *arg)
{
	const struct job *job = e->job;

	*l = (struct lane){
		.e = e,
		.plugin = job->sink.plugin,
		.ctx = { .e = e, .lane = l },
		.ops = ops,
		.arg = arg,
		.is_streaming = plugin_can(job->sink.plugin, EZ_CAP_STREAMING),
	};
	l->last = &l->first;
	bell_init(&l->bell);
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->inst_lock, NULL);
	backoff_init(&l->backoff, (uint64_t)job->retry.min_us / US_PER_MS,
		     (uint64_t)job->retry.max_us / US_PER_MS);
	engine_add_lane(e, &l->link);
}

void lane_release(struct lane *l)
{
	engine_remove_lane(l->e, &l->link);
	bell_release(&l->bell);
	pthread_mutex_destroy(&l->inst_lock);
	pthread_mutex_destroy(&l->lock);
}

int lane_open(struct lane *l, uint32_t worker, uint32_t n_workers, struct ez_error *err)
{
	struct ez_open args = engine_open_args(
		l->e, l->e->job->sink.config, &l->ctx,
		worker == 0 ? EZ_ROLE_MAIN : EZ_ROLE_READER, worker, n_workers);

	void *inst = NULL;
	int rc = ops_of(l)->open(&args, &inst, err);

	pthread_mutex_lock(&l->inst_lock);
	l->inst = inst;
	pthread_mutex_unlock(&l->inst_lock);
	/* An abort that came before there was an instance. */
	if (engine_is_aborting(l->e))
		lane_interrupt(l);
	return rc;
}

void lane_interrupt(struct lane *l)
{
	pthread_mutex_lock(&l->inst_lock);
	if (l->inst && ops_of(l)->interrupt)
		ops_of(l)->interrupt(l->inst);
	pthread_mutex_unlock(&l->inst_lock);
	bell_ring(&l->bell);
}

static void drop_pending(struct lane *l)
{
	while (l->first) {
		struct pending *p = l->first;

		l->first = p->next;
		batch_free(&l->e->pool, p->batch);
		free(p);
	}
	l->last = &l->first;
}

void lane_close(struct lane *l)
{
	void *inst;

	pthread_mutex_lock(&l->inst_lock);
	inst = TAKE_PTR(l->inst);
	pthread_mutex_unlock(&l->inst_lock);
	if (inst)
		ops_of(l)->close(inst);
	drop_pending(l);
}

void lane_wake(struct lane *l)
{
	atomic_store_explicit(&l->waked, true, memory_order_relaxed);
	bell_ring(&l->bell);
}

/* ------------------------------------------------------------------------- retries */

/* Something failed for now: when to try again, and whether at all. */
static int put_off(struct lane *l, const char *what, struct ez_error *err)
{
	int64_t give_up_us = l->e->job->retry.give_up_after_us;
	uint64_t wait_ms = err->retry_after_ms ? err->retry_after_ms :
						 backoff_next_ms(&l->backoff);

	engine_note_retry(l->e, err, what, &l->failing_since_us);
	if (give_up_us > 0 && mono_us() - l->failing_since_us > give_up_us)
		return EZ_E_TRANSIENT;
	l->retry_at_us = mono_us() + (int64_t)wait_ms * US_PER_MS;
	return EZ_AGAIN;
}

static void succeeded(struct lane *l, const char *what)
{
	if (LIKELY(l->failing_since_us == 0))
		return;
	backoff_reset(&l->backoff);
	l->retry_at_us = 0;
	engine_note_recovered(l->e, what, &l->failing_since_us);
}

static int wait_for_retry(struct lane *l, struct ez_error *err)
{
	while (mono_us() < l->retry_at_us && !engine_is_aborting(l->e))
		bell_wait(&l->bell, l->retry_at_us);
	if (engine_is_aborting(l->e))
		return engine_cancelled(err);
	return EZ_OK;
}

int lane_put_off(struct lane *l, struct ez_error *err)
{
	return put_off(l, "sink", err) < 0 ? EZ_E_TRANSIENT : wait_for_retry(l, err);
}

/* ---------------------------------------------------------------------------- write */

/* Takes one event out, so that the rest can be written. */
static void remove_event(struct batch *b, size_t row)
{
	struct ez_commit *tx = b->commits[b->events[row]->tx->index];

	memmove(&b->events[row], &b->events[row + 1],
		(b->n_events - row - 1) * sizeof(b->events[0]));
	b->n_events--;
	tx->n_events--;
	for (size_t i = tx->index + 1; i < b->n_commits; i++)
		b->commits[i]->first--;
	b->pub.n_events = b->n_events;
}

static int reject_row(struct lane *l, struct batch *b, size_t row, struct ez_error *err)
{
	return engine_reject(l->e, b->events[row], b->pub.part,
			     (b->pub.flags & EZ_BATCH_SNAPSHOT) != 0, err);
}

static int write_once(struct lane *l, const struct ez_batch *pub, struct ez_error *err)
{
	for (;;) {
		int rc = ops_of(l)->write(l->inst, pub, err);

		if (rc >= 0) {
			succeeded(l, "sink");
			return EZ_OK;
		}
		if (rc != EZ_E_TRANSIENT || put_off(l, "sink", err) < 0)
			return rc;
		rc = wait_for_retry(l, err);
		if (rc < 0)
			return rc;
	}
}

/*
 * The sink refused a range of events and cannot say which row: halve it. Pieces that are
 * accepted stay accepted; a piece of one row is the bad one. Positions come with the last
 * piece only.
 */
static int write_pieces(struct lane *l, struct batch *b, size_t from, size_t n, bool last,
			struct ez_error *err)
{
	struct ez_batch piece = b->pub;
	int rc;

	piece.events += from;
	piece.n_events = n;
	if (!last) {
		piece.n_commits = 0;
		piece.flags |= EZ_BATCH_PIECE;
	}
	rc = write_once(l, &piece, err);
	if (rc != EZ_E_DATA)
		return rc;
	if (n > 1) {
		rc = write_pieces(l, b, from, n / 2, false, err);
		return rc < 0 ? rc : write_pieces(l, b, from + n / 2, n - n / 2, last, err);
	}
	if (n == 1 && reject_row(l, b, from, err) < 0)
		return EZ_E_DATA;
	if (n == 0 || !last)
		return n == 0 ? EZ_E_DATA : EZ_OK;
	piece.n_events = 0; /* the positions still have to arrive */
	return write_once(l, &piece, err);
}

static int write_isolating(struct lane *l, struct batch *b, struct ez_error *err)
{
	for (;;) {
		int rc = write_once(l, &b->pub, err);

		if (rc != EZ_E_DATA)
			return rc;
		if (err->row >= b->n_events)
			return write_pieces(l, b, 0, b->n_events, true, err);
		if (reject_row(l, b, err->row, err) < 0)
			return EZ_E_DATA;
		remove_event(b, err->row);
	}
}

static struct pending *pending_new(const struct lane *l, struct batch *b)
{
	const struct ez_commit *last = batch_last_commit(b);
	struct pending *p = xcalloc(1, sizeof(*p));

	p->landed.number = b->pub.number;
	p->landed.rows = b->n_events;
	p->landed.bytes = b->pub.bytes;
	if (last) {
		p->landed.commit_us = last->time_us;
		mark_set(&p->landed.position, last->position);
	}
	p->batch = l->is_streaming ? NULL : b;
	return p;
}

/* Before the write: host->reject may come while it goes on. */
static struct pending *enlist(struct lane *l, struct batch *b)
{
	struct pending *p = pending_new(l, b);

	pthread_mutex_lock(&l->lock);
	*l->last = p;
	l->last = &p->next;
	pthread_mutex_unlock(&l->lock);
	return p;
}

static void settle(struct lane *l, uint64_t number)
{
	while (l->first && l->first->landed.number <= number) {
		struct pending *p = l->first;

		pthread_mutex_lock(&l->lock);
		l->first = p->next;
		if (!l->first)
			l->last = &l->first;
		pthread_mutex_unlock(&l->lock);
		l->durable = p->landed.number;
		l->ops->durable(l->arg, &p->landed);
		batch_free(&l->e->pool, p->batch);
		free(p);
	}
}

static int became_durable(struct lane *l, uint64_t number, struct ez_error *err)
{
	int rc;

	if (number <= l->durable)
		return EZ_OK;
	ENSURE(number <= l->written, "the sink says a batch is durable that it never got");
	rc = dead_letters_sync(l->e->dead, err);
	if (rc < 0)
		return rc;
	KILL_POINT("batch-durable");
	settle(l, number);
	return EZ_OK;
}

int lane_write(struct lane *l, struct batch *b, struct ez_error *err)
{
	struct pending *p;
	size_t bytes = b->pub.bytes;
	int rc;

	if (l->broken) {
		batch_free(&l->e->pool, b);
		return EZ_OK;
	}
	p = enlist(l, b);
	rc = write_isolating(l, b, err);
	if (!p->batch)
		batch_free(&l->e->pool, b);
	if (rc < 0) {
		l->broken = true;
		return rc;
	}
	KILL_POINT("batch-written");
	l->written = p->landed.number;
	if (plugin_can(l->plugin, EZ_CAP_DURABLE_WRITE))
		return became_durable(l, l->written, err);
	if (l->unflushed_bytes == 0)
		l->first_unflushed_us = mono_us();
	l->unflushed_bytes += bytes + 1;
	return EZ_OK;
}

int lane_reject(struct lane *l, uint64_t batch, uint32_t row, struct ez_error *err)
{
	int rc = EZ_E_FATAL;

	pthread_mutex_lock(&l->lock);
	for (struct pending *p = l->first; p; p = p->next)
		if (p->landed.number == batch && p->batch && row < p->batch->n_events)
			rc = reject_row(l, p->batch, row, err);
	pthread_mutex_unlock(&l->lock);
	if (rc == EZ_E_FATAL)
		host_table.fail(err, rc, "", "the sink rejected a row of batch %llu, which it no "
				"longer holds", (unsigned long long)batch);
	return rc;
}

/* ---------------------------------------------------------------------------- flush */

static int64_t flush_due_us(const struct lane *l)
{
	int64_t gap = l->e->job->batch.max_age_us;

	if (l->unflushed_bytes == 0 || l->outstanding)
		return INT64_MAX;
	if (!l->is_streaming || atomic_load_explicit(&l->hurry, memory_order_relaxed) ||
	    l->unflushed_bytes >= l->e->batch_bytes || budget_room(&l->e->budget) == 0)
		return 0;
	gap = MAX(gap, (int64_t)FLUSH_GAP_MIN_US);
	return l->first_unflushed_us + MIN(gap, (int64_t)FLUSH_GAP_MAX_US);
}

static int start_flush(struct lane *l, struct ez_error *err)
{
	const struct ez_sink *ops = ops_of(l);
	int rc = EZ_OK;

	l->flush_started_us = mono_us();
	if (ops->flush)
		rc = ops->flush(l->inst, err);
	if (rc < 0)
		return rc;
	l->flushing = l->written;
	l->unflushed_bytes = 0;
	l->outstanding = true;
	atomic_fetch_add_explicit(&l->e->stats.flushes, 1, memory_order_relaxed);
	return EZ_OK;
}

static int ask_durable(struct lane *l, struct ez_error *err)
{
	uint64_t number = l->flushing;
	int rc = EZ_OK;

	if (ops_of(l)->durable)
		rc = ops_of(l)->durable(l->inst, 0, &number, err);
	if (rc < 0)
		return rc;
	rc = became_durable(l, number, err);
	if (rc >= 0 && l->outstanding && l->durable >= l->flushing) {
		l->outstanding = false;
		histogram_add(&l->e->stats.flush, mono_us() - l->flush_started_us);
	}
	return rc;
}

int lane_service(struct lane *l, bool force, struct ez_error *err)
{
	int rc = EZ_OK;

	if (l->broken || lane_is_clean(l) || mono_us() < l->retry_at_us)
		return EZ_OK;
	if (!l->outstanding && l->unflushed_bytes > 0 &&
	    (force || mono_us() >= flush_due_us(l)))
		rc = start_flush(l, err);
	if (rc >= 0 && l->outstanding)
		rc = ask_durable(l, err);
	if (rc >= 0) {
		succeeded(l, "sink");
		return EZ_OK;
	}
	if (rc == EZ_E_TRANSIENT && put_off(l, "sink", err) >= 0)
		return EZ_OK;
	l->broken = true;
	return rc;
}

int64_t lane_next_us(const struct lane *l)
{
	int64_t now = mono_us();

	if (l->broken || lane_is_clean(l))
		return INT64_MAX;
	if (now < l->retry_at_us)
		return l->retry_at_us;
	if (!l->outstanding)
		return flush_due_us(l);
	return now + (atomic_load_explicit(&l->waked, memory_order_relaxed) ?
			      ASK_AGAIN_WAKING_US :
			      ASK_AGAIN_US);
}

static int drain(struct lane *l, struct ez_error *err)
{
	for (;;) {
		int rc = lane_service(l, true, err);

		if (rc < 0)
			return rc;
		if (lane_is_clean(l))
			return EZ_OK;
		if (l->broken || engine_is_aborting(l->e))
			return engine_cancelled(err);
		bell_wait(&l->bell, MIN(lane_next_us(l), mono_us() + 100 * US_PER_MS));
	}
}

bool lane_waits_in_vain(const struct lane *l)
{
	return atomic_load_explicit(&l->draining, memory_order_relaxed) ||
	       (l == &l->e->writer.lane && budget_room(&l->e->budget) == 0);
}

int lane_drain(struct lane *l, struct ez_error *err)
{
	int rc;

	atomic_store_explicit(&l->draining, true, memory_order_relaxed);
	rc = drain(l, err);
	atomic_store_explicit(&l->draining, false, memory_order_relaxed);
	return rc;
}
