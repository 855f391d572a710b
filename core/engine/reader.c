/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/reader.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/begin.h"
#include "engine/engine.h"
#include "engine/job.h"
#include "engine/loader.h"

/*
 * The loop of the stream, and who waits for whom.
 *
 * The source's poll returns whenever it has emitted what there was, before it sleeps. Then
 * the loop looks around: has the keeper released a position, is the batch due, is there
 * room. A batch is due by size inside out.c, by age here; by age it only goes when the
 * writer has nothing to do, so that a slow sink gets bigger batches rather than more.
 *
 * Without room, or paused, idle() is called instead of poll: the source keeps its
 * connection alive and takes nothing. Whatever makes room (a durable batch, the writer
 * running dry) wakes the source if `reader_waits` says that somebody sleeps on it.
 *
 * A source inside one long transaction can wait for room that only its own batch occupies.
 * Then nothing is in flight, and the batch is cut where it stands.
 */
enum {
	POLL_MS = 1000,
	STALL_MS = 100,
	STATUS_US = US_PER_SEC,
	TOUCH_US = 5 * US_PER_SEC,
	STREAMING_BATCH_BYTES = 1024 * 1024, /* for EZ_CAP_STREAMING: fits the cache */
};

/* ------------------------------------------------------------------------- out's owner */

static void take_batch(void *arg, struct batch *b)
{
	struct reader *r = arg;

	atomic_fetch_add_explicit(&r->e->stats.bytes_in, b->pub.bytes, memory_order_relaxed);
	writer_push(&r->e->writer, b);
}

static void take_news(void *arg, struct table *before, struct table *now)
{
	struct reader *r = arg;

	if (r->e->job->sink.plugin->ops.sink.table)
		out_cut(&r->out);
	writer_news(&r->e->writer, before, now);
}

static void take_barrier(void *arg)
{
	struct reader *r = arg;

	writer_barrier(&r->e->writer);
}

static int take_reject(void *arg, const struct ez_event *ev, struct ez_error *err)
{
	struct reader *r = arg;

	return engine_reject(r->e, ev, 0, false, err);
}

static int passed_over(void *arg, const struct ez_event *ev, struct ez_error *err)
{
	struct reader *r = arg;

	return engine_pass_over(r->e, ev, err);
}

static void count(void *arg, const struct ez_table *t, const uint32_t *rows)
{
	struct reader *r = arg;

	stats_rows(&r->e->stats, t, rows);
}

static const struct out_ops out_ops = {
	.batch = take_batch,
	.news = take_news,
	.barrier = take_barrier,
	.reject = take_reject,
	.counted = count,
	.passed_over = passed_over,
};

int reader_open_chain(struct engine *e, struct chain *c, uint32_t worker,
		      struct ez_error *err)
{
	const struct job *job = e->job;

	c->transforms = xcalloc(job->n_transforms + 1, sizeof(*c->transforms));
	for (size_t i = 0; i < job->n_transforms; i++) {
		const struct job_plugin *p = &job->transforms[i];
		struct transform *t = &c->transforms[i];
		struct ez_open args;
		int rc;

		t->ops = &p->plugin->ops.transform;
		t->name = p->plugin->name;
		c->n = i + 1;
		args = engine_open_args(e, p->config, &e->reader.ctx,
					worker == 0 ? EZ_ROLE_MAIN : EZ_ROLE_READER, worker,
					1 + job->snapshot_workers);
		rc = t->ops->open(&args, &t->inst, err);
		if (rc < 0)
			return rc;
	}
	return EZ_OK;
}

/* -------------------------------------------------------------------------- streaming */

int reader_confirm(struct reader *r, struct ez_error *err)
{
	struct engine *e = r->e;
	struct mark mark;
	int rc = EZ_OK;

	if (!keeper_released(&e->keeper, &mark))
		return EZ_OK;
	if (r->ops->ack)
		rc = r->ops->ack(r->inst, mark_position(&mark), err);
	KILL_POINT("acked");
	atomic_store(&e->stats.order_confirmed, mark.order);
	stats_set_text(&e->stats, e->stats.position_confirmed,
		       sizeof(e->stats.position_confirmed), view_str(mark.text));
	return rc;
}

/*
 * Away from the source there is nothing to save, so a job that was given to another daemon
 * would never find that out; and where its connection was ended by that one, it would try to
 * get the slot back for ever (R23).
 */
static void note_absence(struct reader *r, bool is_connected)
{
	struct engine *e = r->e;

	r->was_connected |= is_connected;
	if (is_connected || !r->was_connected || e->job->epoch == 0 || mono_us() < r->touch_at_us)
		return;
	r->touch_at_us = mono_us() + TOUCH_US;
	keeper_touch(&e->keeper);
}

void reader_note_status(struct reader *r)
{
	struct stats *s = &r->e->stats;
	struct ez_source_status st = { .size = sizeof(st) };

	if (mono_us() < r->status_at_us || !r->ops->status)
		return;
	r->status_at_us = mono_us() + STATUS_US;
	if (r->ops->status(r->inst, &st) < 0)
		return;
	atomic_store(&s->order_received, st.received);
	atomic_store(&s->order_server, st.server);
	atomic_store(&s->retained_bytes, st.retained_bytes);
	atomic_store(&s->safe_bytes, st.safe_bytes);
	atomic_store(&s->held_bytes, st.held_bytes);
	atomic_store(&s->held, st.held);
	atomic_store(&s->reconnects, st.reconnects);
	atomic_store(&s->connected, (int)st.connected);
	note_absence(r, st.connected);
}

static bool writer_is_free(const struct writer *w)
{
	return atomic_load(&w->idle) && queue_batches(&w->queue) == 0;
}

/* Hands the batch over if it is due by age. mono_us of when to look again. */
static int64_t hand_over_by_age(struct reader *r)
{
	struct writer *w = &r->e->writer;
	int64_t due;

	if (!out_is_whole(&r->out))
		return INT64_MAX;
	due = out_due_us(&r->out);
	if (mono_us() < due)
		return due;
	if (!writer_is_free(w)) {
		atomic_store(&w->reader_waits, true);
		if (!writer_is_free(w))
			return INT64_MAX;
	}
	out_cut(&r->out);
	return INT64_MAX;
}

static void pass_idle(struct reader *r)
{
	struct ez_out *o = &r->out;

	if (!o->idle_is_news || (o->batch && o->batch->n_commits > 0) ||
	    !writer_is_clean(&r->e->writer))
		return;
	o->idle_is_news = false;
	atomic_store(&r->e->stats.order_idle, o->idle.order);
	keeper_idle(&r->e->keeper, o->idle);
}

/* max_inflight counts batches that the sink loads; a streaming sink's are small and many. */
static bool has_room(const struct reader *r)
{
	const struct writer *w = &r->e->writer;

	if (out_room(&r->out) == 0)
		return false;
	return w->lane.is_streaming || atomic_load(&w->pushed) - atomic_load(&w->landed) <
					       r->e->job->batch.max_inflight;
}

static int stall(struct reader *r, struct ez_error *err)
{
	struct writer *w = &r->e->writer;

	if (r->out.batch && !atomic_load(&r->e->paused) && writer_is_clean(w))
		out_cut(&r->out);
	atomic_store(&w->reader_waits, true);
	if (r->ops->idle)
		return r->ops->idle(r->inst, STALL_MS, err);
	sleep_us(STALL_MS * US_PER_MS);
	return EZ_OK;
}

static uint32_t wait_ms(int64_t look_us)
{
	int64_t ms = look_us == INT64_MAX ? POLL_MS : (look_us - mono_us() + 999) / US_PER_MS;

	return (uint32_t)MAX(MIN(ms, (int64_t)POLL_MS), (int64_t)0);
}

static int turn(struct reader *r, struct ez_error *err)
{
	int64_t look_us;
	int rc;

	atomic_store_explicit(&r->out.attention, false, memory_order_relaxed);
	rc = reader_confirm(r, err);
	if (rc < 0)
		return rc;
	reader_note_status(r);
	look_us = hand_over_by_age(r);
	pass_idle(r);
	if (atomic_load(&r->e->paused) || !has_room(r))
		return stall(r, err);
	rc = r->ops->poll(r->inst, &r->out, wait_ms(look_us), err);
	return rc;
}

static bool has_ended(const struct reader *r, int rc)
{
	return rc == EZ_EOF || r->out.reached || engine_is_stopping(r->e);
}

/* What was read is written, made durable, saved and confirmed. */
static int drain(struct reader *r, struct ez_error *err)
{
	struct engine *e = r->e;
	int rc = EZ_OK;

	out_finish(&r->out);
	writer_hurry(&e->writer);
	while (rc >= 0 && !writer_is_clean(&e->writer) && !engine_is_aborting(e)) {
		atomic_store(&e->writer.reader_waits, true);
		rc = reader_confirm(r, err);
		if (rc >= 0 && r->ops->idle)
			rc = r->ops->idle(r->inst, STALL_MS, err);
	}
	if (rc >= 0 && engine_is_aborting(e))
		rc = engine_cancelled(err);
	pass_idle(r);
	if (rc >= 0)
		rc = keeper_flush(&e->keeper, err);
	return rc < 0 ? rc : reader_confirm(r, err);
}

static int start(struct reader *r, void *arg, struct ez_error *err)
{
	const struct ez_position *from = arg;

	return r->ops->start(r->inst, *from, r->until, err);
}

static int stream(struct reader *r, struct beginning *plan, struct ez_error *err)
{
	struct engine *e = r->e;
	struct ez_position from = { view_str(plan->from), plan->from_order };
	int rc;

	r->out.until = r->until;
	r->out.reached = r->until > 0 && r->until <= plan->from_order;
	rc = begin_patiently(r, start, &from, err);
	if (rc < 0)
		return rc;
	engine_set_state(e, atomic_load(&e->paused) ? RUN_PAUSED : RUN_STREAMING);
	log_msg(EZL_INFO, "streaming from %s", plan->from);
	while (rc >= 0 && !has_ended(r, rc))
		rc = turn(r, err);
	if (rc >= 0 || rc == EZ_E_CANCELLED) {
		engine_set_state(e, RUN_STOPPING);
		rc = drain(r, err);
	}
	return rc;
}

/* -------------------------------------------------------------------------- the thread */

static void set_waker(struct reader *r, void *inst)
{
	pthread_mutex_lock(&r->wake_lock);
	r->waker = inst;
	pthread_mutex_unlock(&r->wake_lock);
}

static int open_all(struct reader *r, struct ez_error *err)
{
	struct engine *e = r->e;
	struct ez_open args = engine_open_args(e, e->job->source.config, &r->ctx, EZ_ROLE_MAIN,
					       0, 1 + e->job->snapshot_workers);
	bool small = plugin_can(e->job->sink.plugin, EZ_CAP_STREAMING);
	int rc = r->ops->open(&args, &r->inst, err);

	if (rc < 0)
		return rc;
	set_waker(r, r->inst);
	r->out.limits = (struct out_limits){
		.bytes = small ? MIN(e->batch_bytes, (size_t)STREAMING_BATCH_BYTES) :
				 e->batch_bytes,
		.rows = e->job->batch.max_rows,
		.age_us = e->job->batch.max_age_us,
	};
	r->out.limits.tx_bytes = r->out.limits.bytes;
	r->out.wants_barriers = !writer_is_ordered(&e->writer);
	return reader_open_chain(e, &r->out.chain, 0, err);
}

static int run(struct reader *r, struct ez_error *err)
{
	struct beginning plan = { .done = false };
	int rc = open_all(r, err);

	if (rc >= 0)
		rc = begin_job(r, &plan, err);
	if (rc >= 0 && !plan.done)
		rc = stream(r, &plan, err);
	return rc;
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	struct engine *e = r->e;
	struct ez_error err = ERROR_INIT;
	int rc = run(r, &err);

	if (rc < 0 && !(rc == EZ_E_CANCELLED && engine_is_stopping(e) && !engine_is_aborting(e)))
		engine_fail(e, &err);
	out_release(&r->out);
	set_waker(r, NULL);
	if (r->inst)
		r->ops->close(r->inst);
	atomic_store(&e->finished, true);
	bell_ring(&e->done);
	engine_ring_main(e);
	return NULL;
}

void reader_init(struct reader *r, struct engine *e)
{
	*r = (struct reader){ .e = e };
	pthread_mutex_init(&r->wake_lock, NULL);
}

int reader_start(struct reader *r, struct engine *e, struct ez_error *err)
{
	r->ops = &e->job->source.plugin->ops.source;
	r->ctx = (struct ez_ctx){ .e = e };
	out_init(&r->out, &e->pool, &e->budget, &e->registry);
	r->out.ops = &out_ops;
	r->out.arg = r;
	if (pthread_create(&r->thread, NULL, reader_main, r) != 0)
		return host_table.fail(err, EZ_E_FATAL, "", "no thread for the source: %m");
	r->started = true;
	return EZ_OK;
}

void reader_join(struct reader *r)
{
	if (r->started)
		pthread_join(r->thread, NULL);
	r->started = false;
}

/* Under the lock, so that the instance is not closed meanwhile; wake and interrupt of a
 * source never block. */
static void tell(struct reader *r, void (*what)(void *))
{
	pthread_mutex_lock(&r->wake_lock);
	if (r->waker && what)
		what(r->waker);
	pthread_mutex_unlock(&r->wake_lock);
}

void reader_wake(struct reader *r)
{
	atomic_store_explicit(&r->out.attention, true, memory_order_relaxed);
	if (r->ops)
		tell(r, r->ops->wake);
}

void reader_interrupt(struct reader *r)
{
	if (r->ops)
		tell(r, r->ops->interrupt);
}
