/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "uploader.h"

#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#include "dialect.h"
#include "host.h"
#include "probe.h"
#include "settings.h"
#include "sqlc.h"
#include "stream.h"
#include "table.h"
#include "txn.h"

/*
 * Sizes and pace follow what the cluster says. Too many versions: groups are spaced out, so
 * that more batches gather in each; the space shrinks again with every group that went well.
 * Memory is short: groups stop growing earlier. Neither ever spins, since every failure
 * waits (loader_put_off) and every wait grows.
 */
enum {
	PACE_MIN_US = 2 * US_PER_SEC,
	PACE_MAX_US = 60 * US_PER_SEC,
	CEILING_MIN = 1024 * 1024,
	RETRY_MIN_MS = 100,
	HICCUP_US = US_PER_SEC, /* shorter trouble is not worth a warning */
	RETRY_MAX_MS = 10000,
};

/* ------------------------------------------------------------------------ one group */

struct attempt_result {
	const struct load *bad; /* NULL: it could be any */
	struct refusal refusal;
};

/* Loads of which no two are of one table, taken off the list. */
static size_t take_part(struct load **rest, size_t *n_rest, struct load **part)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < *n_rest; i++) {
		bool is_there = false;

		for (size_t j = 0; j < n; j++)
			is_there |= strcmp(target_name(part[j]->target),
					   target_name(rest[i]->target)) == 0;
		if (is_there)
			rest[kept++] = rest[i];
		else
			part[n++] = rest[i];
	}
	*n_rest = kept;
	return n;
}

/* What the row of the job says once this group is committed: the position stays where it
 * was as long as no transaction ends. */
static struct load *row_of(struct uploader *u, const struct group *g)
{
	struct progress *p = u->progress;

	if (g->has_rejects)
		u->spoiled_lsn = g->last.lsn;
	if (g->last.lsn > 0 && g->last.lsn == u->spoiled_lsn)
		ahead_release(&p->ahead);
	else if (g->last.lsn > 0)
		ahead_all(&p->ahead, &g->last);
	if (g->position[0])
		return progress_load(u->progress, p->run, g->seq, g->position, g->order);
	return progress_load(u->progress, p->run, g->seq, p->position, p->order);
}

static void note_position(struct uploader *u, const struct group *g)
{
	struct progress *p = u->progress;

	p->seq = g->seq;
	if (!g->position[0])
		return;
	memcpy(p->position, g->position, sizeof(p->position));
	p->order = g->order;
}

/* The whole group in one transaction, with the row of the job; or in several when a table
 * needs loads that cannot share one. Then the row goes with the last. */
static int load_atomically(struct uploader *u, struct group *g, const struct label *label,
			   struct attempt_result *ret, struct ez_error *err)
{
	size_t n_rest = g->loads.n, n;
	_cleanup_(freep) struct load **rest = xcalloc(n_rest + 1, sizeof(struct load *));
	_cleanup_(freep) struct load **part = xcalloc(n_rest + 1, sizeof(struct load *));
	struct load *row = row_of(u, g);
	int rc = EZ_OK;

	for (size_t i = 0; i < n_rest; i++)
		rest[i] = g->loads.items[i];
	for (unsigned k = 0; rc == EZ_OK && (k == 0 || n_rest > 0); k++) {
		struct label own;

		n = take_part(rest, &n_rest, part);
		if (n_rest == 0)
			part[n++] = row;
		if (k > 0)
			host->metric(u->ctx, "split_transactions", 1);
		rc = label_add(&own, label, LABEL_PART, k, err);
		if (rc == EZ_OK)
			rc = txn_loads(&u->loader, part, n, &own, &ret->refusal, err);
		if (rc == EZ_E_DATA && ret->refusal.load < n)
			ret->bad = part[ret->refusal.load];
	}
	progress_load_free(row);
	if (rc == EZ_OK)
		note_position(u, g);
	return rc;
}

/*
 * Rows that were read back must not be loaded a second time: before they are loaded, the row
 * of the job says under which label and up to which event. False: there are none. A run that
 * has rejected rows says nothing: they would lie under the mark.
 */
static bool expect_ahead(struct uploader *u, const struct group *g)
{
	bool any = false;

	u->is_spoiled |= g->has_rejects;
	for (size_t i = 0; i < g->loads.n && !u->is_spoiled; i++) {
		const struct load *load = g->loads.items[i];

		if (!load->is_read_back)
			continue;
		any = true;
		ahead_expect(&u->progress->ahead,
			     &(struct ahead_mark){ .table = load->target->id,
						   .place = g->last,
						   .group = g->seq,
						   .version = g->version,
						   .load = (uint32_t)i });
	}
	return any;
}

static int note_ahead(struct uploader *u, const struct group *g, const struct label *label,
		      struct ez_error *err)
{
	struct load *note = progress_load(u->progress, u->progress->run, g->seq - 1, "", 0);
	struct load *loads[] = { note };
	struct refusal refusal;
	struct label own;
	int rc = label_add(&own, label, LABEL_PART, 0, err);

	if (rc == EZ_OK)
		rc = stream_loads(&u->loader, loads, 1, &own, &refusal, err);
	progress_load_free(note);
	return rc;
}

/*
 * A load was refused, so the group is going to be encoded anew. What was read back and is
 * loaded must not be read again: the group goes on without it.
 */
static int leave_out_loaded(struct uploader *u, struct group *g, const struct label *label,
			    struct ez_error *err)
{
	for (size_t i = 0; i < g->loads.n; i++) {
		const struct load *load = g->loads.items[i];
		struct label own;
		bool is_done = false;
		int rc = load->is_read_back ? label_add(&own, label, LABEL_LOAD, i, err) : EZ_OK;

		if (load->is_read_back && rc == EZ_OK)
			rc = loader_is_done(&u->loader, own.text, &is_done, err);
		if (rc < 0)
			return rc;
		if (is_done)
			group_leave_out(g, load->target->id);
		ahead_learn(&u->progress->ahead, g->seq, (uint32_t)i, is_done);
	}
	return EZ_OK;
}

/* Each load for itself; beside them the note that the group before is done. */
static int load_singly(struct uploader *u, struct group *g, const struct label *label,
		       struct attempt_result *ret, struct ez_error *err)
{
	size_t n = g->loads.n;
	_cleanup_(freep) struct load **loads = xcalloc(n + 2, sizeof(struct load *));
	struct load *note = NULL;
	bool is_noted = u->progress && expect_ahead(u, g);
	int rc = is_noted ? note_ahead(u, g, label, err) : EZ_OK;

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		loads[i] = g->loads.items[i];
	if (u->progress && !is_noted && g->seq > 1) {
		note = progress_load(u->progress, u->progress->run, g->seq - 1, "", 0);
		loads[n++] = note;
	}
	rc = stream_loads(&u->loader, loads, n, label, &ret->refusal, err);
	if (rc == EZ_E_DATA && ret->refusal.load < n)
		ret->bad = loads[ret->refusal.load];
	progress_load_free(note);
	if (rc == EZ_OK && is_noted)
		ahead_settle(&u->progress->ahead, g->seq);
	if (rc == EZ_E_DATA && u->progress) {
		struct ez_error why = { .size = sizeof(why) };

		rc = leave_out_loaded(u, g, label, &why);
		rc = rc < 0 ? error_copy(err, &why) : EZ_E_DATA;
	}
	return rc;
}

static int load_group(struct uploader *u, struct group *g, struct attempt_result *ret,
		      struct ez_error *err)
{
	bool is_atomic = u->is_atomic && u->progress;
	struct label label;
	int rc;

	*ret = (struct attempt_result){ .refusal = { .load = SIZE_MAX } };
	if (g->loads.n == 0 && (!is_atomic || !g->position[0]))
		return EZ_OK;
	if (g->seq == 0)
		g->seq = ++u->n_groups;
	rc = label_group(&label, &u->loader.run, g->seq, g->version, err);
	if (rc < 0)
		return rc;
	return is_atomic ? load_atomically(u, g, &label, ret, err)
			 : load_singly(u, g, &label, ret, err);
}

/* ----------------------------------------------------------------------------- pace */

static void adapt(struct uploader *u)
{
	pthread_mutex_lock(&u->lock);
	if (u->loader.saw_slow)
		u->pace_us = MIN(MAX(u->pace_us * 2, (int64_t)PACE_MIN_US),
				 (int64_t)PACE_MAX_US);
	else
		u->pace_us -= u->pace_us / 8;
	if (u->loader.saw_shrink)
		u->ceiling = MAX(u->ceiling / 2, (size_t)CEILING_MIN);
	else
		u->ceiling = MIN(u->ceiling + u->ceiling / 8, u->ceiling_max);
	u->loader.saw_slow = u->loader.saw_shrink = false;
	pthread_mutex_unlock(&u->lock);
}

static int keep_pace(struct uploader *u, struct ez_error *err)
{
	int64_t wait = u->loaded_us + u->pace_us - mono_us();

	if (u->pace_us < 100 * US_PER_MS || wait <= 0)
		return EZ_OK;
	return loader_sleep(&u->loader, (uint32_t)(wait / US_PER_MS), err);
}

/* --------------------------------------------------------------------------- thread */

static void tell(struct uploader *u)
{
	pthread_cond_broadcast(&u->news);
	pthread_mutex_unlock(&u->lock);
	if (u->ctx)
		host->wake(u->ctx);
}

static void note_trouble(void *arg, const struct ez_error *err)
{
	struct uploader *u = arg;

	host->log(7, "starrocks: %s", err->text);
	pthread_mutex_lock(&u->lock);
	if (u->trouble_since_us == 0)
		u->trouble_since_us = mono_us();
	u->trouble = *err;
	tell(u);
}

static void fail(struct uploader *u, const struct ez_error *err)
{
	pthread_mutex_lock(&u->lock);
	u->failure = *err;
	u->has_failure = true;
	tell(u);
}

/* The owner encodes the group anew. False: there will be no more. */
static bool get_reworked(struct uploader *u, struct group *g)
{
	bool go_on;

	pthread_mutex_lock(&u->lock);
	u->rework = g;
	tell(u);
	pthread_mutex_lock(&u->lock);
	while (u->rework && !u->stop && !u->has_failure)
		pthread_cond_wait(&u->work, &u->lock);
	go_on = !u->rework && !u->stop && !u->has_failure;
	pthread_mutex_unlock(&u->lock);
	return go_on;
}

/* Until the group is durable. */
static int work_on(struct uploader *u, struct group *g, struct ez_error *err)
{
	for (;;) {
		struct attempt_result result;
		int rc = keep_pace(u, err);

		if (rc == EZ_OK)
			rc = load_group(u, g, &result, err);
		if (rc != EZ_E_DATA)
			return rc;
		rc = probe_group(u, g, result.bad, &result.refusal, err);
		if (rc < 0)
			return rc;
		if (!get_reworked(u, g))
			return host->fail(err, EZ_E_CANCELLED, "", "the job was stopped");
	}
}

static struct group *take(struct uploader *u)
{
	struct group *g;

	pthread_mutex_lock(&u->lock);
	while (!u->first && !u->stop)
		pthread_cond_wait(&u->work, &u->lock);
	g = u->stop ? NULL : u->first;
	if (g) {
		u->first = g->next;
		if (!u->first)
			u->last = &u->first;
	}
	u->current = g;
	pthread_mutex_unlock(&u->lock);
	return g;
}

static int may_load(void *arg, struct ez_error *err)
{
	struct uploader *u = arg;

	return progress_guard(u->fenced, u->sql, err);
}

static void *uploader_main(void *arg)
{
	struct uploader *u = arg;
	struct ez_error err = { .size = sizeof(err) };
	struct group *g;

	u->loader.gives_up = false;
	if (u->fenced)
		u->loader.guard = may_load;
	while ((g = take(u)) != NULL) {
		uint64_t number = g->newest;
		int rc = work_on(u, g, &err);

		group_free(g);
		if (rc < 0) {
			fail(u, &err);
			break;
		}
		adapt(u);
		u->loaded_us = mono_us();
		pthread_mutex_lock(&u->lock);
		u->current = NULL;
		u->durable = MAX(u->durable, number);
		u->trouble_since_us = 0;
		tell(u);
	}
	return NULL;
}

/* ---------------------------------------------------------------------- the owner's */

int uploader_init(struct uploader *u, const struct settings *s, struct ez_ctx *ctx,
		  size_t ceiling, struct ez_error *err)
{
	pthread_condattr_t attr;

	*u = (struct uploader){
		.ctx = ctx,
		.ceiling = ceiling,
		.ceiling_max = ceiling,
		.loader = { .s = s,
			    .ctx = ctx,
			    .gives_up = true,
			    .trouble = note_trouble,
			    .arg = u,
			    .last = { .size = sizeof(struct ez_error) } },
		.trouble = { .size = sizeof(struct ez_error) },
		.failure = { .size = sizeof(struct ez_error) },
	};
	u->last = &u->first;
	backoff_init(&u->loader.backoff, RETRY_MIN_MS, RETRY_MAX_MS);
	pthread_mutex_init(&u->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&u->work, &attr);
	pthread_cond_init(&u->news, &attr);
	pthread_condattr_destroy(&attr);
	u->loader.http = http_new(s);
	if (!u->loader.http)
		return host->fail(err, EZ_E_FATAL, "", "libcurl does not work");
	return EZ_OK;
}

void uploader_release(struct uploader *u)
{
	uploader_interrupt(u);
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	pthread_cond_broadcast(&u->work);
	pthread_mutex_unlock(&u->lock);
	if (u->is_started)
		pthread_join(u->thread, NULL);
	while (u->first) {
		struct group *g = u->first;

		u->first = g->next;
		group_free(g);
	}
	http_free(u->loader.http);
	if (u->sql)
		sqlc_free(u->sql);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->work);
	pthread_cond_destroy(&u->news);
}

int uploader_push(struct uploader *u, struct group *g, struct ez_error *err)
{
	if (!u->is_started) {
		if (pthread_create(&u->thread, NULL, uploader_main, u) != 0)
			return host->fail(err, EZ_E_FATAL, "",
					  "no thread for loading: %m");
		u->is_started = true;
	}
	pthread_mutex_lock(&u->lock);
	g->next = NULL;
	*u->last = g;
	u->last = &g->next;
	pthread_cond_broadcast(&u->work);
	pthread_mutex_unlock(&u->lock);
	return EZ_OK;
}

bool uploader_is_busy(struct uploader *u)
{
	bool is_busy;

	pthread_mutex_lock(&u->lock);
	is_busy = u->current || u->first;
	pthread_mutex_unlock(&u->lock);
	return is_busy;
}

int uploader_news(struct uploader *u, uint64_t *ret_number, struct group **ret_rework,
		  struct ez_error *err)
{
	int rc = EZ_OK;

	pthread_mutex_lock(&u->lock);
	*ret_number = u->durable;
	if (u->has_failure) {
		rc = error_copy(err, &u->failure);
	} else if (u->rework) {
		*ret_rework = u->rework;
		rc = EZ_AGAIN;
	} else if (u->trouble_since_us > 0 &&
		   mono_us() - u->trouble_since_us >= HICCUP_US) {
		rc = error_copy(err, &u->trouble);
	}
	pthread_mutex_unlock(&u->lock);
	return rc;
}

void uploader_push_back(struct uploader *u, struct group *g)
{
	pthread_mutex_lock(&u->lock);
	ASSERT(u->rework == g);
	if (g)
		u->rework = NULL;
	pthread_cond_broadcast(&u->work);
	pthread_mutex_unlock(&u->lock);
}

void uploader_wait(struct uploader *u, uint32_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&u->lock);
	pthread_cond_timedwait(&u->news, &u->lock, &until);
	pthread_mutex_unlock(&u->lock);
}

bool uploader_has_waiting(struct uploader *u)
{
	bool has;

	pthread_mutex_lock(&u->lock);
	has = u->first != NULL;
	pthread_mutex_unlock(&u->lock);
	return has;
}

size_t uploader_ceiling(struct uploader *u)
{
	size_t ceiling;

	pthread_mutex_lock(&u->lock);
	ceiling = u->ceiling;
	pthread_mutex_unlock(&u->lock);
	return ceiling;
}

void uploader_interrupt(struct uploader *u)
{
	http_interrupt(u->loader.http);
	if (u->sql)
		sqlc_interrupt(u->sql);
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	pthread_cond_broadcast(&u->work);
	pthread_cond_broadcast(&u->news);
	pthread_mutex_unlock(&u->lock);
}
