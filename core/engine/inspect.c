/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/checkpoint.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/report.h"
#include "engine/run.h"

/*
 * Looking at a job without running it: preflight, discovery, removal. Plugins are opened in
 * EZ_ROLE_CHECK, one after the other, on the calling thread; there are no other threads and
 * no lock is taken, so a check may go on beside a running daemon.
 */
enum {
	TRIES = 3,
	PATIENCE_US = 15 * US_PER_SEC,
};

/* The few members of struct engine that opening a plugin needs. */
static struct engine *look_new(const struct job *job, const char *state_dir)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->job = job;
	e->dir.path = state_dir_path(state_dir, job->name);
	e->dir.lock_fd = -1;
	e->batch_bytes = (size_t)MIN(job->batch.max_bytes, job->memory_bytes / 4);
	job_id_copy(job, e->id);
	return e;
}

static void look_free(struct engine *e)
{
	free(e->dir.path);
	free(e);
}

/* One plugin of the job, whatever its kind. */
struct look {
	const struct job_plugin *plugin;
	int (*open)(const struct ez_open *, void **, struct ez_error *);
	void (*close)(void *);
	int (*act)(void *inst, void *arg, struct ez_error *err);
	void *arg;
};

static int open_and_act(struct engine *e, const struct look *l, struct ez_error *err)
{
	struct ez_ctx ctx = { .e = NULL };
	struct ez_open args =
		engine_open_args(e, l->plugin->config, &ctx, EZ_ROLE_CHECK, 0, 1);
	void *inst = NULL;
	int rc = l->open(&args, &inst, err);

	if (rc < 0)
		return rc;
	rc = l->act(inst, l->arg, err);
	l->close(inst);
	return rc;
}

/* An unreachable server gets three tries within 15 s (R36). */
static int look(struct engine *e, const struct look *l, struct ez_error *err)
{
	int64_t until_us = mono_us() + PATIENCE_US;

	for (unsigned tries = 1;; tries++) {
		int rc = open_and_act(e, l, err);

		if (rc != EZ_E_TRANSIENT || tries >= TRIES || mono_us() > until_us)
			return rc;
		sleep_us((int64_t)tries * US_PER_SEC);
	}
}

/* ----------------------------------------------------------------------------- check */

struct check {
	struct ez_report *report;
	int (*check)(void *, struct ez_report *, struct ez_error *);
};

static int act_check(void *inst, void *arg, struct ez_error *err)
{
	const struct check *c = arg;

	return c->check ? c->check(inst, c->report, err) : EZ_OK;
}

static void check_one(struct engine *e, const char *section, struct look *l, struct check *c,
		      struct ez_error *first)
{
	struct ez_error err = ERROR_INIT;
	size_t failed = c->report->n_failed;
	int rc;

	report_section(c->report, section);
	l->act = act_check;
	l->arg = c;
	rc = look(e, l, &err);
	if (rc < 0)
		report_error(c->report, l->plugin->plugin ? l->plugin->plugin->name : "file",
			     &err);
	else if (c->report->n_failed > failed)
		host_table.fail(&err, EZ_E_CONFIG, "", "%s: the check found what must be changed",
				section);
	if (err.rc < 0 && first->rc == 0)
		*first = err;
}

static void check_source(struct engine *e, struct ez_report *r, struct ez_error *first)
{
	const struct ez_source *ops = &e->job->source.plugin->ops.source;
	struct look l = { &e->job->source, ops->open, ops->close, NULL, NULL };
	struct check c = { r, ops->check };

	check_one(e, "source", &l, &c, first);
}

static void check_sink(struct engine *e, struct ez_report *r, struct ez_error *first)
{
	const struct ez_sink *ops = &e->job->sink.plugin->ops.sink;
	struct look l = { &e->job->sink, ops->open, ops->close, NULL, NULL };
	struct check c = { r, ops->check };

	check_one(e, "sink", &l, &c, first);
}

static void check_store(struct engine *e, struct ez_report *r, struct ez_error *first)
{
	const struct ez_store *ops =
		e->job->store.plugin ? &e->job->store.plugin->ops.store : &store_file;
	struct look l = { &e->job->store, ops->open, ops->close, NULL, NULL };
	struct check c = { r, ops->check };

	check_one(e, "state", &l, &c, first);
}

static void check_transforms(struct engine *e, struct ez_report *r, struct ez_error *first)
{
	for (size_t i = 0; i < e->job->n_transforms; i++) {
		const struct ez_transform *ops = &e->job->transforms[i].plugin->ops.transform;
		struct look l = { &e->job->transforms[i], ops->open, ops->close, NULL, NULL };
		struct check c = { r, NULL };

		check_one(e, "transform", &l, &c, first);
	}
}

int engine_check(const struct job *job, const struct engine_options *opt, unsigned what,
		 struct ez_report *report, struct ez_error *err)
{
	struct ez_error first = ERROR_INIT;
	struct engine *e = look_new(job, opt->state_dir);

	if (what & ENGINE_CHECK_SOURCE)
		check_source(e, report, &first);
	if (what == ENGINE_CHECK_ALL)
		check_transforms(e, report, &first);
	if (what & ENGINE_CHECK_SINK)
		check_sink(e, report, &first);
	if (what == ENGINE_CHECK_ALL)
		check_store(e, report, &first);
	look_free(e);
	if (first.rc < 0)
		*err = first;
	return first.rc;
}

/* -------------------------------------------------------------------------- discover */

static int act_discover(void *inst, void *arg, struct ez_error *err)
{
	struct check *c = arg;

	return c->check(inst, c->report, err);
}

int engine_discover(const struct job *job, struct ez_report *report, struct ez_error *err)
{
	const struct ez_source *ops = &job->source.plugin->ops.source;
	struct check c = { report, ops->discover };
	struct look l = { &job->source, ops->open, ops->close, act_discover, &c };
	struct engine *e;
	int rc;

	if (!ops->discover)
		return host_table.fail(err, EZ_E_CONFIG, "", "source \"%s\" cannot list tables",
				       job->source.plugin->name);
	e = look_new(job, NULL);
	rc = look(e, &l, err);
	look_free(e);
	return rc;
}

/* ------------------------------------------------------------------------------ drop */

struct drop {
	int (*drop)(void *, struct ez_error *);
};

static int act_drop(void *inst, void *arg, struct ez_error *err)
{
	const struct drop *d = arg;

	return d->drop ? d->drop(inst, err) : EZ_OK;
}

static void drop_one(struct engine *e, struct look *l, struct drop *d, struct ez_error *first)
{
	struct ez_error err = ERROR_INIT;

	l->act = act_drop;
	l->arg = d;
	if (look(e, l, &err) >= 0)
		return;
	log_msg(EZL_WARNING, "%s", err.text);
	if (first->rc == 0)
		*first = err;
}

static void drop_plugins(struct engine *e, struct ez_error *first)
{
	const struct ez_source *source = &e->job->source.plugin->ops.source;
	const struct ez_sink *sink = &e->job->sink.plugin->ops.sink;
	const struct ez_store *store =
		e->job->store.plugin ? &e->job->store.plugin->ops.store : &store_file;
	struct drop drops[] = { { source->drop }, { sink->forget }, { store->remove } };
	struct look looks[] = {
		{ &e->job->source, source->open, source->close, NULL, NULL },
		{ &e->job->sink, sink->open, sink->close, NULL, NULL },
		{ &e->job->store, store->open, store->close, NULL, NULL },
	};

	/* The slot first: without it the checkpoint is worth nothing, with it everything. */
	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		drop_one(e, &looks[i], &drops[i], first);
}

/* Only what is ours; a folder that holds anything else stays. */
static void remove_state(struct state_dir *d)
{
	static const char *const ours[] = { "checkpoint", "control.sock", "exit.json",
					    "dead-letter.jsonl", "worker.json", "log",
					    "log.1", "lock" };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		char *path = state_dir_file(d, ours[i]);

		(void)unlink(path);
		free(path);
	}
	(void)rmdir(d->path);
}

int engine_drop(const struct job *job, const struct engine_options *opt, struct ez_error *err)
{
	struct ez_error first = ERROR_INIT;
	struct engine *e = look_new(job, opt->state_dir);
	char *path = e->dir.path;
	int rc = state_dir_open(path, &e->dir, err);

	if (rc < 0) {
		look_free(e);
		return rc;
	}
	free(path);
	drop_plugins(e, &first);
	if (first.rc == 0)
		remove_state(&e->dir);
	state_dir_close(&e->dir);
	look_free(e);
	if (first.rc < 0)
		*err = first;
	return first.rc;
}
