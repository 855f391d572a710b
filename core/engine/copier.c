/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/copier.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/job.h"
#include "engine/loader.h"

enum { POLL_MS = 200 };

static void copy_failed(struct copy *c, const struct ez_error *err)
{
	pthread_mutex_lock(&c->lock);
	if (c->error.rc == 0)
		c->error = *err;
	pthread_mutex_unlock(&c->lock);
	copy_cancel(c);
}

/* ------------------------------------------------------------------------ out's owner */

static void take_batch(void *arg, struct batch *b)
{
	struct copier *k = arg;
	struct engine *e = k->copy->e;

	atomic_fetch_add_explicit(&e->stats.batches, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&e->stats.bytes_in, b->pub.bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&e->stats.bytes_out, b->pub.bytes, memory_order_relaxed);
	if (k->stats)
		atomic_fetch_add_explicit(&k->stats->copied_rows, b->n_events,
					  memory_order_relaxed);
	if (k->rc < 0) {
		batch_free(&e->pool, b);
		return;
	}
	k->rc = lane_write(&k->lane, b, &k->error);
	if (k->rc >= 0)
		k->rc = lane_service(&k->lane, false, &k->error);
	KILL_POINT("snapshot-part-written");
}

static void take_news(void *arg, struct table *before, struct table *now)
{
	struct copier *k = arg;

	writer_news(&k->copy->e->writer, before, now);
}

static int take_reject(void *arg, const struct ez_event *ev, struct ez_error *err)
{
	struct copier *k = arg;

	return engine_reject(k->copy->e, ev, k->out.part, true, err);
}

static void count(void *arg, const struct ez_table *t, const uint32_t *rows)
{
	struct copier *k = arg;

	stats_rows(&k->copy->e->stats, t, rows);
}

static const struct out_ops out_ops = {
	.batch = take_batch,
	.news = take_news,
	.reject = take_reject,
	.counted = count,
};

static void note_durable(void *arg, const struct landed *landed)
{
	(void)arg;
	(void)landed;
}

static const struct lane_ops lane_ops = { .durable = note_durable };

/* ------------------------------------------------------------------------- the thread */

static int open_all(struct copier *k, struct ez_error *err)
{
	struct engine *e = k->copy->e;
	uint32_t n = (uint32_t)k->copy->n_copiers + 1;
	struct ez_open args = engine_open_args(e, e->job->source.config, &k->ctx,
					       EZ_ROLE_READER, k->worker, n);
	size_t share = e->batch_bytes / k->copy->n_copiers;
	int rc = k->source->open(&args, &k->inst, err);

	if (rc >= 0)
		rc = lane_open(&k->lane, k->worker, n, err);
	if (rc >= 0)
		rc = reader_open_chain(e, &k->out.chain, k->worker, err);
	k->out.is_snapshot = true;
	k->out.limits.bytes = k->lane.is_streaming ? MIN(share, (size_t)1 << 20) : share;
	k->out.limits.tx_bytes = k->out.limits.bytes;
	k->out.limits.rows = e->job->batch.max_rows;
	k->out.limits.age_us = INT64_MAX / 2;
	k->out.room_floor = ARENA_CHUNK_BYTES;
	return rc;
}

static bool is_cancelled(const struct copier *k)
{
	return atomic_load(&k->copy->cancelled) || engine_is_stopping(k->copy->e);
}

static int read_part(struct copier *k, struct ez_error *err)
{
	for (;;) {
		int rc;

		if (is_cancelled(k))
			return engine_cancelled(err);
		rc = k->source->poll(k->inst, &k->out, POLL_MS, err);
		if (k->rc < 0) {
			*err = k->error;
			return k->rc;
		}
		if (rc < 0)
			return rc;
		if (rc == EZ_EOF)
			return EZ_OK;
		if (lane_service(&k->lane, false, err) < 0)
			return err->rc;
	}
}

struct table_stats *copy_stats(struct engine *e, const struct ez_part *part)
{
	const struct ez_table *t = out_final(part->table);

	return stats_table(&e->stats, t->schema, t->name);
}

/* The last part of a table that becomes durable makes the table done. */
static void part_done(struct copier *k, const struct ez_part *part)
{
	struct copy *c = k->copy;
	uint32_t left;

	atomic_fetch_add(&k->stats->parts_done, 1);
	left = atomic_fetch_sub(&c->left[c->table_of_part[part->number]], 1) - 1;
	if (left == 0)
		atomic_store(&k->stats->state, TABLE_COPIED);
	atomic_fetch_add(&c->parts_done, 1);
	bell_ring(c->bell);
}

static int copy_part(struct copier *k, const struct ez_part *part, struct ez_error *err)
{
	int rc = k->source->part_open(k->inst, k->copy->snapshot, part, err);

	if (rc < 0)
		return rc;
	k->out.part = part->number;
	k->stats = copy_stats(k->copy->e, part);
	atomic_store(&k->stats->state, TABLE_COPYING);
	rc = read_part(k, err);
	k->source->part_close(k->inst);
	if (rc < 0)
		return rc;
	out_finish(&k->out);
	if (k->rc < 0) {
		*err = k->error;
		return k->rc;
	}
	rc = lane_drain(&k->lane, err);
	if (rc >= 0) {
		KILL_POINT("snapshot-durable");
		part_done(k, part);
	}
	return rc;
}

static void *copier_main(void *arg)
{
	struct copier *k = arg;
	struct copy *c = k->copy;
	struct ez_error err = ERROR_INIT;
	int rc = open_all(k, &err);

	while (rc >= 0) {
		size_t i = atomic_fetch_add(&c->next_part, 1);

		if (i >= c->plan->n)
			break;
		rc = copy_part(k, c->plan->parts[i], &err);
	}
	if (rc < 0)
		copy_failed(c, &err);
	out_release(&k->out);
	if (k->inst)
		k->source->close(k->inst);
	lane_close(&k->lane);
	atomic_fetch_sub(&c->running, 1);
	bell_ring(c->bell);
	return NULL;
}

/* ------------------------------------------------------------------------ from outside */

/* Parts of one table stand together in a plan, but nothing depends on it. */
static void count_tables(struct copy *c)
{
	size_t n_tables = 0;

	c->table_of_part = xcalloc(c->plan->n + 1, sizeof(*c->table_of_part));
	c->left = xcalloc(c->plan->n + 1, sizeof(*c->left));
	for (size_t i = 0; i < c->plan->n; i++) {
		const struct ez_part *part = c->plan->parts[i];
		size_t t = n_tables;

		for (size_t j = i; j-- > 0;)
			if (c->plan->parts[j]->table->id == part->table->id) {
				t = c->table_of_part[j];
				break;
			}
		n_tables += t == n_tables;
		c->table_of_part[i] = (uint32_t)t;
		c->left[t]++;
	}
}

static int copier_start(struct copy *c, struct copier *k, uint32_t worker,
			struct ez_error *err)
{
	struct engine *e = c->e;

	*k = (struct copier){
		.copy = c,
		.worker = worker,
		.source = &e->job->source.plugin->ops.source,
		.ctx = { .e = e },
		.error = ERROR_INIT,
	};
	out_init(&k->out, &e->pool, &e->budget, &e->registry);
	k->out.ops = &out_ops;
	k->out.arg = k;
	lane_init(&k->lane, e, &lane_ops, k);
	atomic_fetch_add(&c->running, 1);
	if (pthread_create(&k->thread, NULL, copier_main, k) != 0) {
		atomic_fetch_sub(&c->running, 1);
		out_release(&k->out);
		lane_release(&k->lane);
		return host_table.fail(err, EZ_E_FATAL, "", "no thread for the copy: %m");
	}
	c->n_started++;
	return EZ_OK;
}

int copy_start(struct copy *c, struct ez_error *err)
{
	size_t n = MIN((size_t)c->e->job->snapshot_workers, c->plan->n);

	pthread_mutex_init(&c->lock, NULL);
	c->error = ERROR_INIT;
	count_tables(c);
	c->copiers = xcalloc(MAX(n, (size_t)1), sizeof(*c->copiers));
	c->n_copiers = n;
	for (size_t i = 0; i < n; i++)
		if (copier_start(c, &c->copiers[i], (uint32_t)i + 1, err) < 0)
			return err->rc;
	return EZ_OK;
}

void copy_cancel(struct copy *c)
{
	atomic_store(&c->cancelled, true);
	bell_ring(c->bell);
}

int copy_finish(struct copy *c, struct ez_error *err)
{
	int rc;

	for (size_t i = 0; i < c->n_started; i++) {
		pthread_join(c->copiers[i].thread, NULL);
		lane_release(&c->copiers[i].lane);
	}
	rc = c->error.rc;
	if (rc < 0)
		*err = c->error;
	free(c->copiers);
	free(c->left);
	free(c->table_of_part);
	pthread_mutex_destroy(&c->lock);
	return rc < 0 ? rc : EZ_OK;
}
