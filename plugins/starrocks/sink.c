/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/random.h"
#include "base/str.h"

#include "compare.h"
#include "dialect.h"
#include "encode.h"
#include "group.h"
#include "host.h"
#include "resolve.h"
#include "sqlc.h"
#include "stream.h"
#include "table.h"

/*
 * The StarRocks sink: how a batch gets there, and what a crash leaves.
 *
 *   engine's thread                      uploader's thread
 *   write ─► open group ─► flush:        begin, loads, commit ─► durable, host->wake
 *            encoded and pushed ───────► one group after the other
 *
 * Batches that come while a group is being loaded gather in the open group, which flush()
 * encodes and hands over: so the slower the cluster, the bigger the groups. A group that has
 * its full size is encoded at once and waits, so the next body is ready when the cluster is.
 *
 * Memory. Events stay in the engine's batches until they are durable; a group has pointers
 * to them. Bodies belong to the loads of the group, are charged with host->mem and freed
 * when the group is durable. The uploader never touches events, but for telling the engine
 * which one to reject.
 *
 * 4.0 and later. A group is one transaction over all its tables and the row of the job in
 * _ez_progress (progress.h), so rows and position become visible at the same instant.
 *   crash before begin            nothing there
 *   ... before commit             the transaction is open: the next run finds its label, rolls
 *                                 it back and waits until that is certain (resolve.c)
 *   ... before the answer         the next run finds it committed: the row has the position
 *   ... before the checkpoint     recover() returns the row's position, which is newer
 * So each source transaction is there once and whole, as long as it fits one group and one
 * load per table; else it comes in several transactions, counted, and the position moves with
 * the last. The row then also says how far into it they went (ahead.h), and the next run
 * passes over that.
 *
 * Below 4.0. Each load is a transaction of its own under a label made of job, run, group and
 * number; after a lost answer the label is asked for (stream.c). A crash within a group
 * leaves some of its loads done; the next run waits until those that are open are decided,
 * then loads from the checkpoint again. Rows are upserts and deletes by key: the tables go
 * through some states twice and end up equal. Rows with values that were read back from the
 * target would not: which events they end with is noted before they are loaded (ahead.h).
 *
 * The copy at a job's beginning is done by instances of their own, load by load. Tables that
 * the job copies are named in its row before their first row is loaded: when the copy begins
 * again these, and only these, are emptied.
 */

enum {
	PATIENCE_MS = 500,
	HOLD_US = 3 * US_PER_SEC, /* for the rest of a transaction */
	FIRST_PACKED_JSON = SQLC_VERSION(3, 2, 7),
};

/* Which run of which job this process is; snapshot writers learn it from writer 0. */
struct run {
	struct list link;
	char *key;
	uint64_t run, n_instances;
};

static pthread_mutex_t runs_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list runs = LIST_SELF(runs);

static struct run *find_run(const char *key)
{
	struct run *r;

	list_for_each(pos, &runs) {
		r = LIST_OF(pos, struct run, link);
		if (strcmp(r->key, key) == 0)
			return r;
	}
	r = xcalloc(1, sizeof(*r));
	r->key = xstrdup(key);
	list_add_tail(&runs, &r->link);
	return r;
}

static char *run_key(const struct sink *k)
{
	return xasprintf("%s/%.*s", k->id, VIEW_ARG(k->s.database));
}

static void publish_run(const struct sink *k, uint64_t run)
{
	_cleanup_(freep) char *key = run_key(k);

	pthread_mutex_lock(&runs_lock);
	find_run(key)->run = run;
	pthread_mutex_unlock(&runs_lock);
}

/* Labels of this instance are no other's. */
static int join_run(struct sink *k, struct ez_error *err)
{
	_cleanup_(freep) char *key = run_key(k);
	struct run *r;
	struct label run;
	uint32_t version = 0;
	int rc = EZ_OK;

	if (sqlc_is_available() && k->s.compression != BODY_PLAIN)
		rc = sqlc_version(k->sql, &version, err);
	if (rc < 0)
		return rc;
	k->uploader.loader.packs_json = version >= (uint32_t)FIRST_PACKED_JSON;
	pthread_mutex_lock(&runs_lock);
	r = find_run(key);
	r->n_instances++;
	rc = label_run(&run, view_str(k->id), r->run, err);
	if (rc == EZ_OK)
		rc = label_add(&k->uploader.loader.run, &run, LABEL_WRITER,
			       r->n_instances, err);
	pthread_mutex_unlock(&runs_lock);
	k->is_ready = rc == EZ_OK;
	return rc;
}

/* -------------------------------------------------------------------- the job's row */

/* Writes the row of the job, with what it says now. */
static int write_row(struct sink *k, struct load *load, struct ez_error *err)
{
	struct load *loads[] = { load };
	struct refusal refusal;
	struct label label;
	int rc =
		label_add(&label, &k->uploader.loader.run, LABEL_NOTE, ++k->n_notes, err);

	if (rc == EZ_OK)
		rc = stream_loads(&k->uploader.loader, loads, 1, &label, &refusal, err);
	progress_load_free(load);
	return rc;
}

/* With no group under way: everything up to the last one is done. */
static int keep_notes(void *arg, struct ez_error *err)
{
	struct sink *k = arg;
	struct progress *p = &k->progress;

	return write_row(
		k, progress_load(p, p->run, k->uploader.n_groups, p->position, p->order),
		err);
}

/* -------------------------------------------------------------------- open and close */

int sink_open(const struct ez_open *open, struct sink **ret, struct ez_error *err)
{
	struct sink *k = xcalloc(1, sizeof(*k));
	int rc;

	k->ctx = open->ctx;
	k->id = view_dup(open->id);
	k->epoch = open->epoch;
	k->is_main = open->role != EZ_ROLE_READER;
	k->batch_bytes = (size_t)open->batch_bytes;
	k->hold_bytes = (size_t)open->memory / 3;
	rc = settings_read(&k->s, open->config, err);
	if (rc == EZ_OK) {
		k->sql = sqlc_new(&k->s);
		k->targets = targets_new(&k->s, k->sql, k->ctx);
		k->encoder = encoder_new(k->targets, k->sql, k->ctx);
		k->reworker = encoder_new(k->targets, k->sql, k->ctx);
		progress_init(&k->progress, &k->s, view_str(k->id), k->epoch);
		k->has_uploader = true;
		rc = uploader_init(&k->uploader, &k->s, k->ctx,
				   MAX(k->batch_bytes, (size_t)1024 * 1024), err);
	}
	if (rc < 0) {
		sink_free(k);
		return rc;
	}
	if (k->is_main) {
		k->uploader.progress = &k->progress;
		targets_remember(k->targets, &k->progress.renames, keep_notes, k);
	}
	if (k->epoch > 0 && sqlc_is_available()) {
		k->uploader.fenced = &k->progress;
		k->uploader.sql = sqlc_new(&k->s);
	}
	*ret = k;
	return EZ_OK;
}

struct sink *sink_free(struct sink *k)
{
	if (!k)
		return NULL;
	if (k->has_uploader)
		uploader_release(&k->uploader);
	group_free(k->open);
	if (k->sql) {
		comparing_free(k->comparing);
		encoder_free(k->encoder);
		encoder_free(k->reworker);
		targets_free(k->targets);
		sqlc_free(k->sql);
		progress_release(&k->progress);
		ahead_release(&k->replay);
	}
	settings_release(&k->s);
	free(k->id);
	free(k);
	return NULL;
}

void sink_interrupt(struct sink *k)
{
	sqlc_interrupt(k->sql);
	uploader_interrupt(&k->uploader);
}

struct comparing *sink_comparing(struct sink *k)
{
	if (!k->comparing)
		k->comparing = comparing_new(k->sql, k->targets);
	return k->comparing;
}

/* --------------------------------------------------------------------------- groups */

/* A group lost rows: what remains is encoded on the thread that knows the tables. */
static int rework(struct sink *k, struct group *g, struct ez_error *err)
{
	int rc = group_encode(g, k->reworker, k->uploader.is_atomic && k->is_main, NULL,
			      NULL, err);

	if (rc == EZ_OK)
		uploader_push_back(&k->uploader, g);
	return rc;
}

/* Waits for news of the uploader, and does what it asks for meanwhile. */
static int attend(struct sink *k, struct ez_error *err)
{
	struct group *g = NULL;
	uint64_t number;
	int rc = uploader_news(&k->uploader, &number, &g, err);

	if (rc == EZ_AGAIN) {
		rc = rework(k, g, err);
		if (rc == EZ_OK)
			return rc;
	}
	if (http_is_interrupted(k->uploader.loader.http))
		return host->fail(err, EZ_E_CANCELLED, "", "the job was stopped");
	if (rc < 0 && rc != EZ_E_TRANSIENT)
		return rc;
	uploader_wait(&k->uploader, 100);
	return EZ_OK;
}

/* Everything pushed so far is visible. */
static int settle(void *arg, struct ez_error *err)
{
	struct sink *k = arg;
	int rc = EZ_OK;

	while (uploader_is_busy(&k->uploader) && (rc == EZ_OK || rc == EZ_E_TRANSIENT))
		rc = attend(k, err);
	return rc == EZ_E_TRANSIENT ? EZ_OK : rc;
}

/*
 * Those who copy read as fast as they are let, whatever the budget: here is where they wait.
 * The stream's reader looks at the budget itself.
 */
static int hold_back(struct sink *k, struct ez_error *err)
{
	int rc = EZ_OK;

	while (!k->is_main && (rc == EZ_OK || rc == EZ_E_TRANSIENT) &&
	       (uploader_has_waiting(&k->uploader) ||
		(uploader_is_busy(&k->uploader) && host->mem(k->ctx, 0) == EZ_AGAIN)))
		rc = attend(k, err);
	return rc == EZ_E_TRANSIENT ? EZ_OK : rc;
}

static int seal(struct sink *k, struct ez_error *err)
{
	struct group *g = k->open;
	int rc;

	if (!g)
		return EZ_OK;
	rc = group_encode(g, k->encoder, k->uploader.is_atomic && k->is_main, settle, k,
			  err);
	if (rc < 0)
		return rc;
	k->open = NULL;
	k->flush_wanted = false;
	return uploader_push(&k->uploader, g, err);
}

/* The same, whatever passes; then everything is visible. */
static int seal_and_settle(struct sink *k, struct ez_error *err)
{
	for (;;) {
		int rc = seal(k, err);

		if (rc == EZ_OK)
			rc = settle(k, err);
		if (rc != EZ_E_TRANSIENT)
			return rc;
		rc = sqlc_sleep(k->sql, PATIENCE_MS, err);
		if (rc < 0)
			return rc;
	}
}

/* Part of the batch is taken already, so what passes is waited for. */
static int truncate_table(struct sink *k, const struct ez_table *t, struct ez_error *err)
{
	int rc = seal_and_settle(k, err);

	while (rc == EZ_OK) {
		rc = targets_truncate(k->targets, t, err);
		if (rc != EZ_E_TRANSIENT)
			break;
		host->log(4, "starrocks: %s; trying again", err->text);
		rc = sqlc_sleep(k->sql, PATIENCE_MS, err);
	}
	return rc;
}

static struct group *open_group(struct sink *k)
{
	if (!k->open)
		k->open = group_new(k->ctx);
	return k->open;
}

/*
 * A transaction that goes on in the next batch is better committed with it: then nobody sees
 * a part. Unless it does not fit, or its end does not come.
 */
static bool may_hold(const struct sink *k)
{
	return k->tail_is_open && k->uploader.is_atomic && k->open &&
	       k->open->bytes < k->hold_bytes && host->mem(k->ctx, 0) != EZ_AGAIN &&
	       mono_us() - k->written_us < HOLD_US;
}

/* It was loaded by the run before, behind the position. */
static bool came_before(struct sink *k, const struct ez_event *ev)
{
	k->replayed = ahead_next(&k->replayed, ev);
	if (ahead_is_over(&k->replay, ev))
		ahead_release(&k->replay);
	return ahead_covers(&k->replay, ev, &k->replayed);
}

static int take_rows(struct sink *k, const struct ez_batch *b, struct ez_error *err)
{
	size_t from = 0;

	for (size_t i = 0; i < b->n_events; i++) {
		int rc;
		bool is_there = UNLIKELY(k->replay.n > 0) && came_before(k, b->events[i]);

		if (LIKELY(b->events[i]->op != EZ_OP_TRUNCATE && !is_there))
			continue;
		if (i > from)
			group_add(open_group(k), b, from, i, &k->tail);
		from = i + 1;
		if (is_there)
			continue;
		if (k->open)
			group_reach(k->open, b, i);
		rc = truncate_table(k, b->events[i]->table, err);
		if (rc < 0)
			return rc;
	}
	group_add(open_group(k), b, from, b->n_events, &k->tail);
	if (b->n_events > 0)
		k->tail = ahead_place_of(b, b->n_events - 1, &k->tail);
	group_end_batch(k->open, b);
	return EZ_OK;
}

int sink_write(struct sink *k, const struct ez_batch *b, struct ez_error *err)
{
	int rc = k->is_ready ? EZ_OK : join_run(k, err);

	if (k->is_main && !k->is_streaming) {
		k->is_streaming = true;
		buf_reset(&k->progress.copying); /* the copy is over */
	}
	if (rc == EZ_OK)
		rc = hold_back(k, err);
	if (rc == EZ_OK)
		rc = take_rows(k, b, err);
	if (rc < 0)
		return rc;
	k->tail_is_open = (b->flags & EZ_BATCH_OPEN) != 0;
	k->written_us = mono_us();
	if (may_hold(k) ||
	    (!k->flush_wanted && (k->open->bytes < uploader_ceiling(&k->uploader) ||
				  uploader_has_waiting(&k->uploader))))
		return EZ_OK;
	rc = seal(k, err);
	return rc == EZ_E_TRANSIENT ? EZ_OK : rc; /* it is taken; durable tries again */
}

int sink_flush(struct sink *k, struct ez_error *err)
{
	k->flush_wanted = k->open != NULL;
	return may_hold(k) ? EZ_OK : seal(k, err);
}

int sink_durable(struct sink *k, uint32_t wait_ms, uint64_t *ret_number,
		 struct ez_error *err)
{
	struct group *g = NULL;
	int rc = EZ_OK;

	if (k->flush_wanted && !may_hold(k))
		rc = seal(k, err);
	if (rc == EZ_OK)
		rc = uploader_news(&k->uploader, ret_number, &g, err);
	if (rc == EZ_AGAIN)
		rc = rework(k, g, err);
	else if (rc == EZ_OK && wait_ms > 0)
		uploader_wait(&k->uploader, wait_ms);
	return rc;
}

/* --------------------------------------------------------------------------- start */

static int without_sql(struct sink *k, struct ez_error *err)
{
	int rc;

	k->progress.run = random_u64() >> 1;
	publish_run(k, k->progress.run);
	k->is_ready = true;
	k->uploader.progress = NULL;
	host->log(4,
		  "starrocks: built without a MySQL client: tables must be there, and no "
		  "position is kept in the target");
	rc = label_run(&k->uploader.loader.run, view_str(k->id), k->progress.run, err);
	return rc < 0 ? rc : EZ_EOF;
}

static int take_ahead(struct sink *k, struct ez_error *err)
{
	struct progress *p = &k->progress;
	struct label run;
	int rc = label_run(&run, p->job, p->run, err);

	if (rc == EZ_OK)
		rc = ahead_decide(&p->ahead, &k->uploader.loader, &run, p->seq, err);
	if (rc == EZ_OK)
		ahead_copy(&k->replay, &p->ahead);
	return rc;
}

/* What the last run did, to the end, and that it is over. */
static int succeed(struct sink *k, struct ez_error *err)
{
	struct progress *p = &k->progress;
	struct loader *l = &k->uploader.loader;
	int rc = progress_read(p, k->sql, err);

	if (rc == EZ_OK)
		rc = progress_fence(p, k->sql, l, err);
	if (rc == EZ_OK && p->has_row && k->epoch > 0)
		rc = progress_read(p, k->sql, err); /* up to the fence the last run may have gone on */
	if (rc == EZ_OK)
		rc = resolve_last_run(l, p, err);
	if (rc == EZ_OK && p->has_row)
		rc = progress_read(p, k->sql, err); /* the last group may have been committed */
	if (rc == EZ_OK)
		rc = take_ahead(k, err);
	return rc == EZ_OK ? progress_claim(p, k->sql, l, err) : rc;
}

int sink_recover(struct sink *k, struct ez_position *ret, struct ez_error *err)
{
	struct progress *p = &k->progress;
	uint32_t version = 0;
	int rc;

	if (!sqlc_is_available())
		return without_sql(k, err);
	rc = sqlc_version(k->sql, &version, err);
	if (rc == EZ_OK)
		rc = succeed(k, err);
	if (rc < 0)
		return rc;
	k->uploader.is_atomic = version >= dialect_starrocks.multi_table_since;
	k->uploader.loader.packs_json = version >= (uint32_t)FIRST_PACKED_JSON;
	k->is_ready = true;
	publish_run(k, p->run);
	host->log(6, "starrocks: %.*s, run %llu%s", VIEW_ARG(sqlc_version_text(k->sql)),
		  (unsigned long long)p->run,
		  k->uploader.is_atomic ? ", transactions over tables" : "");
	if (!k->uploader.is_atomic || !p->position[0])
		return EZ_EOF;
	*ret = (struct ez_position){ view_str(p->position), p->order };
	return EZ_OK;
}

int sink_table(struct sink *k, const struct ez_table *before, const struct ez_table *now,
	       struct ez_error *err)
{
	/* What is new, or new only to this process, has no loads under way. */
	bool is_changed = (before && before->version != now->version) ||
			  renames_has(&k->progress.renames, now->id);
	int rc = is_changed ? seal_and_settle(k, err) : EZ_OK;

	return rc < 0 ? rc : targets_prepare(k->targets, before, now, err);
}

/* ------------------------------------------------------------------------- snapshot */

static int remember_copy(struct sink *k, const char *table, struct ez_error *err)
{
	struct progress *p = &k->progress;

	if (!sqlc_is_available() || progress_is_copying(p, table))
		return EZ_OK;
	progress_mark_copying(p, table);
	return write_row(k, progress_load(p, p->run, 0, p->position, p->order), err);
}

static int refuse_rows(const char *table, struct ez_error *err)
{
	host->fail(err, EZ_E_CONFIG, "", "table %s in StarRocks already holds rows",
		   table);
	return host->hint(
		err, "empty it, or set target = \"append\" in the source to copy into "
		     "it as it is");
}

int sink_snapshot_begin(struct sink *k, const struct ez_snapshot *s,
			const struct ez_table *t, struct ez_error *err)
{
	struct target *target = NULL;
	bool is_empty = true;
	int rc = targets_prepare(k->targets, NULL, t, err);

	ahead_release(&k->progress.ahead); /* of an earlier life of the job */
	ahead_release(&k->replay);
	if (rc == EZ_OK)
		rc = targets_get(k->targets, t, &target, err);
	if (rc < 0)
		return rc;
	if (!s->append && s->restart &&
	    progress_is_copying(&k->progress, target_name(target))) {
		rc = targets_truncate(k->targets, t, err);
	} else if (!s->append && sqlc_is_available()) {
		rc = targets_is_empty(k->targets, t, &is_empty, err);
		if (rc == EZ_OK && !is_empty)
			rc = refuse_rows(target_name(target), err);
	}
	return rc < 0 ? rc : remember_copy(k, target_name(target), err);
}

int sink_snapshot_end(struct sink *k, const struct ez_snapshot *s, struct ez_error *err)
{
	(void)k;
	(void)s;
	(void)err;
	return EZ_OK; /* rows are seen as they come; the next row of the job says it is over */
}

/* -------------------------------------------------------------------------- forget */

int sink_forget(struct sink *k, struct ez_error *err)
{
	int rc;

	if (!sqlc_is_available())
		return EZ_OK;
	rc = progress_read(&k->progress, k->sql, err);
	if (rc < 0 || !k->progress.has_row)
		return rc == EZ_E_CONFIG ? EZ_OK : rc;
	rc = label_run(&k->uploader.loader.run, view_str(k->id), random_u64(), err);
	return rc < 0 ? rc : write_row(k, progress_removal(&k->progress), err);
}
