/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/writer.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/job.h"
#include "engine/loader.h"

static void ring(void *arg)
{
	struct writer *w = arg;

	bell_ring(&w->lane.bell);
}

static void note_durable(void *arg, const struct landed *landed)
{
	struct writer *w = arg;
	struct engine *e = w->e;
	bool waits;

	if (landed->commit_us > 0) {
		histogram_add(&e->stats.end_to_end, now_us() - landed->commit_us);
		atomic_store(&e->stats.last_commit_us, landed->commit_us);
	}
	if (mark_is_set(&landed->position)) {
		atomic_store(&e->stats.order_durable, landed->position.order);
		keeper_durable(&e->keeper, mark_position(&landed->position));
	}
	atomic_fetch_add(&w->landed, 1);
	waits = atomic_exchange(&w->reader_waits, false);
	if (waits)
		reader_wake(&e->reader);
}

static const struct lane_ops lane_ops = { .durable = note_durable };

static void fail(struct writer *w, const struct ez_error *err)
{
	if (err->rc != EZ_E_CANCELLED)
		engine_fail(w->e, err);
	reader_wake(&w->e->reader);
}

static void note_written(struct engine *e, const struct batch *b)
{
	const struct ez_commit *last = batch_last_commit(b);

	atomic_fetch_add_explicit(&e->stats.batches, 1, memory_order_relaxed);
	atomic_store_explicit(&e->stats.batch_rows_last, b->n_events, memory_order_relaxed);
	atomic_store_explicit(&e->stats.batch_bytes_last, b->pub.bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&e->stats.bytes_out, b->pub.bytes, memory_order_relaxed);
	if (b->pub.flags & EZ_BATCH_CONTINUED)
		atomic_fetch_add_explicit(&e->stats.split_transactions, !b->tx_open,
					  memory_order_relaxed);
	if (last)
		atomic_store(&e->stats.order_written, last->position.order);
}

static void take(struct writer *w, struct item *it)
{
	struct ez_error err = ERROR_INIT;

	if (it->call) {
		queue_answer(&w->queue, it->call, it->call->fn(it->call->arg, it->call->err));
		return;
	}
	note_written(w->e, it->batch);
	if (lane_write(&w->lane, it->batch, &err) < 0)
		fail(w, &err);
}

static void service(struct writer *w)
{
	struct ez_error err = ERROR_INIT;

	if (lane_service(&w->lane, false, &err) < 0)
		fail(w, &err);
}

static void rest(struct writer *w)
{
	atomic_store(&w->idle, true);
	if (atomic_exchange(&w->reader_waits, false))
		reader_wake(&w->e->reader);
	bell_wait(&w->lane.bell, lane_next_us(&w->lane));
	atomic_store(&w->idle, false);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct ez_error err = ERROR_INIT;
	struct item it;

	for (;;) {
		if (queue_take(&w->queue, &it))
			take(w, &it);
		else if (queue_is_closed(&w->queue))
			break;
		else
			rest(w);
		service(w);
	}
	if (!engine_is_aborting(w->e) && !w->lane.broken && lane_drain(&w->lane, &err) < 0)
		fail(w, &err);
	lane_close(&w->lane);
	return NULL;
}

static int open_lane(void *arg, struct ez_error *err)
{
	struct writer *w = arg;

	return lane_open(&w->lane, 0, 1 + w->e->job->snapshot_workers, err);
}

int writer_start(struct writer *w, struct engine *e, struct ez_error *err)
{
	w->e = e;
	queue_init(&w->queue);
	lane_init(&w->lane, e, &lane_ops, w);
	if (pthread_create(&w->thread, NULL, writer_main, w) != 0)
		return host_table.fail(err, EZ_E_FATAL, "", "no thread for the sink: %m");
	w->started = true;
	return writer_call(w, open_lane, w, err);
}

void writer_stop(struct writer *w)
{
	if (!w->started)
		return;
	queue_close(&w->queue);
	ring(w);
	pthread_join(w->thread, NULL);
	w->started = false;
	queue_release(&w->queue);
	lane_release(&w->lane);
}

void writer_push(struct writer *w, struct batch *b)
{
	atomic_fetch_add(&w->pushed, 1);
	queue_push_batch(&w->queue, b);
	ring(w);
}

int writer_call(struct writer *w, int (*fn)(void *, struct ez_error *), void *arg,
		struct ez_error *err)
{
	return queue_call(&w->queue, ring, w, fn, arg, err);
}

void writer_hurry(struct writer *w)
{
	atomic_store(&w->lane.hurry, true);
	ring(w);
}

bool writer_is_clean(struct writer *w)
{
	return atomic_load(&w->pushed) == atomic_load(&w->landed);
}

bool writer_is_ordered(const struct writer *w)
{
	return plugin_can(w->lane.plugin, EZ_CAP_ORDERED);
}

/* ----------------------------------------------------------------- shapes, barriers */

static int barrier(void *arg, struct ez_error *unused)
{
	struct writer *w = arg;
	struct ez_error err = ERROR_INIT;

	(void)unused;
	if (!w->lane.broken && lane_drain(&w->lane, &err) < 0)
		fail(w, &err);
	return EZ_OK;
}

void writer_barrier(struct writer *w)
{
	queue_post(&w->queue, barrier, w);
	ring(w);
}

struct news {
	struct writer *w;
	struct table *before, *now;
};

/* What the sink was told of, for the checkpoint. */
struct shapes {
	struct told *tables;
	size_t n, cap;
};

static void collect(void *arg, struct table *newest, struct table *before)
{
	struct shapes *s = arg;

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->tables = xreallocarray(s->tables, s->cap, sizeof(*s->tables));
	}
	s->tables[s->n++] = (struct told){ .newest = table_ref(newest),
					   .before = before ? table_ref(before) : NULL };
}

static void store_shapes(struct checkpoint *cp, void *arg)
{
	struct shapes *s = arg;

	checkpoint_set_tables(cp, s->tables, s->n);
}

static int keep_shapes(struct writer *w, struct ez_error *err)
{
	struct shapes shapes = { .tables = NULL };

	registry_each(&w->e->registry, collect, &shapes);
	return keeper_change(&w->e->keeper, store_shapes, &shapes, err);
}

/* What a run finds as the last one left it is no change. */
static bool is_change(const struct news *n)
{
	return n->before && n->before != n->now;
}

/*
 * Everything from before a change is durable, and then what the target is about to become is
 * on disk, before it does: so a run that is cut off in the middle goes on from what the target
 * was, and rows from before the change that come again are known to be there.
 */
static int prepare_change(struct writer *w, const struct news *n, struct ez_error *err)
{
	bool waits = is_change(n) || !writer_is_ordered(w);
	int rc = waits ? lane_drain(&w->lane, err) : EZ_OK;

	if (rc < 0 || !is_change(n))
		return rc;
	registry_intend(&w->e->registry, n->now);
	return keep_shapes(w, err);
}

static int tell_sink(struct writer *w, const struct news *n, struct ez_error *err)
{
	const struct ez_sink *ops = &w->lane.plugin->ops.sink;
	int rc = prepare_change(w, n, err);

	while (rc >= 0) {
		rc = ops->table(w->lane.inst, n->before ? &n->before->desc : NULL,
				&n->now->desc, err);
		if (rc != EZ_E_TRANSIENT)
			break;
		rc = lane_put_off(&w->lane, err);
	}
	if (rc < 0 || n->before == n->now)
		return rc;
	registry_did(&w->e->registry, n->now);
	return keep_shapes(w, err);
}

static int run_news(void *arg, struct ez_error *unused)
{
	struct news *n = arg;
	struct writer *w = n->w;
	struct ez_error err = ERROR_INIT;

	(void)unused;
	if (!w->lane.broken && tell_sink(w, n, &err) < 0) {
		w->lane.broken = true;
		fail(w, &err);
	}
	table_unref(n->before);
	table_unref(n->now);
	free(n);
	return EZ_OK;
}

void writer_news(struct writer *w, struct table *before, struct table *now)
{
	struct news *n;

	if (!w->lane.plugin->ops.sink.table) {
		table_unref(before);
		table_unref(now);
		return;
	}
	n = xcalloc(1, sizeof(*n));
	*n = (struct news){ .w = w, .before = before, .now = now };
	queue_post(&w->queue, run_news, n);
	ring(w);
}
