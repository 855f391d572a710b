/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/loader.h"
#include "engine/plan.h"
#include "engine/problems.h"
#include "engine/verify_place.h"

enum {
	ROUNDS_MAX = 6,
	TAKES_MAX = 20, /* of a snapshot, while tables are being rewritten */
	TRIES_MAX = 5,  /* of what failed for the moment */
	POLL_MS = 200,
	PAUSE_MS = 1000, /* between rounds */
	PROGRESS_MS = 300,
	BATCH_BYTES = 1024 * 1024,
	MIN_MEMORY_BYTES = 8 * 1024 * 1024,
	NAMES_MAX = 360, /* bytes of a list that an error has room for */
	LINE_MAX_BYTES = 160,
};

/* Whoever reads and compares: instances, and the table at hand. */
struct verifier {
	struct engine *e;
	const struct verify_request *request;
	struct verify_report *report;
	const struct ez_source *source;
	const struct ez_sink *sink;
	struct ez_ctx ctx;
	void *planner, *reader, *target;
	struct ez_out out;
	struct ez_plan plan;
	struct ez_prepared prepared;
	struct verify_table *table;
	uint64_t rows, refused; /* of the table, in this round */
	unsigned round;
	int64_t told_us;
	int rc; /* of a failed callback, for the end of the poll */
	struct ez_error error;
};

const char *verify_verdict_to_str(enum verify_verdict v)
{
	static const char *const names[_VERIFY_VERDICT_MAX] = {
		[VERIFY_EQUAL] = "equal",
		[VERIFY_DIFFERENT] = "different",
		[VERIFY_UNSETTLED] = "unsettled",
	};

	return v < _VERIFY_VERDICT_MAX ? names[v] : "unknown";
}

/* ----------------------------------------------------------------------------- report */

static void table_forget(struct verify_table *t)
{
	for (size_t i = 0; i < t->n_differences; i++)
		free(t->differences[i].key);
	free(t->differences);
	free(t->target);
	free(t->unchecked);
	t->differences = NULL;
	t->n_differences = 0;
	t->target = NULL;
	t->unchecked = NULL;
}

void verify_release(struct verify_report *r)
{
	for (size_t i = 0; i < r->n_tables; i++) {
		table_forget(&r->tables[i]);
		free(r->tables[i].source);
	}
	free(r->tables);
	*r = (struct verify_report){ .tables = NULL };
}

enum verify_verdict verify_verdict(const struct verify_report *r)
{
	enum verify_verdict worst = VERIFY_EQUAL;

	for (size_t i = 0; i < r->n_tables; i++) {
		if (r->tables[i].verdict == VERIFY_DIFFERENT)
			return VERIFY_DIFFERENT;
		if (r->tables[i].verdict == VERIFY_UNSETTLED)
			worst = VERIFY_UNSETTLED;
	}
	return worst;
}

static void note_compared(struct verifier *v, const struct ez_compared *c)
{
	struct verify_table *t = v->table;

	table_forget(t);
	t->target = view_dup(c->target);
	t->unchecked = view_dup(c->unchecked);
	t->source_rows = c->source_rows + v->refused;
	t->target_rows = c->target_rows;
	t->missing = c->missing;
	t->extra = c->extra;
	t->changed = c->changed;
	t->unsettled = c->unsettled;
	t->refused = c->refused + v->refused;
	t->partial = c->partial != 0;
	t->is_open = c->state == EZ_COMPARED_OPEN;
	t->verdict = c->state == EZ_COMPARED_EQUAL       ? VERIFY_EQUAL
		     : c->state == EZ_COMPARED_DIFFERENT ? VERIFY_DIFFERENT
							 : VERIFY_UNSETTLED;
	t->differences = xcalloc(c->n_differences + 1, sizeof(*t->differences));
	for (size_t i = 0; i < c->n_differences; i++)
		t->differences[i] = (struct verify_difference){
			.key = view_dup(c->differences[i]->key),
			.kind = c->differences[i]->kind,
		};
	t->n_differences = c->n_differences;
}

/* --------------------------------------------------------------------------- progress */

static void tell(struct verifier *v, const char *text)
{
	char line[LINE_MAX_BYTES];
	int64_t now = mono_us();

	if (!v->request->progress || now < v->told_us + PROGRESS_MS * US_PER_MS)
		return;
	v->told_us = now;
	if (v->table && text == NULL)
		(void)!str_format(line, sizeof(line), "round %u: %s, %llu rows", v->round,
				  v->table->source, (unsigned long long)v->rows);
	else if (!str_format(line, sizeof(line), "round %u: %s", v->round,
			     text ? text : ""))
		line[0] = '\0';
	v->request->progress(v->request->arg, line);
}

/* Keeps the sessions of the snapshot alive. */
static int idle(void *arg, const char *text, struct ez_error *err)
{
	struct verifier *v = arg;

	tell(v, text);
	if (v->source->idle)
		return v->source->idle(v->planner, POLL_MS, err);
	sleep_us(POLL_MS * US_PER_MS);
	return EZ_OK;
}

/* ------------------------------------------------------------------------ out's owner */

static void take_batch(void *arg, struct batch *b)
{
	struct verifier *v = arg;

	v->rows += b->n_events;
	if (v->rc >= 0)
		v->rc = v->sink->compare_rows(v->target, &b->pub, &v->error);
	batch_free(&v->e->pool, b);
	tell(v, NULL);
}

static void take_news(void *arg, struct table *before, struct table *now)
{
	(void)arg;
	table_unref(before);
	table_unref(now);
}

/* A row that the job would have given to its dead letters. */
static int take_reject(void *arg, const struct ez_event *ev, struct ez_error *err)
{
	struct verifier *v = arg;

	(void)ev;
	(void)err;
	v->refused++;
	return EZ_OK;
}

static void take_counts(void *arg, const struct ez_table *t, const uint32_t *rows)
{
	(void)arg;
	(void)t;
	(void)rows;
}

static const struct out_ops out_ops = {
	.batch = take_batch,
	.news = take_news,
	.reject = take_reject,
	.counted = take_counts,
};

/* ----------------------------------------------------------------------------- tables */

static char *full_name(const struct ez_table *t)
{
	return xasprintf("%.*s.%.*s", VIEW_ARG(t->schema), VIEW_ARG(t->name));
}

static struct verify_table *table_by_id(struct verify_report *r, uint64_t id)
{
	for (size_t i = 0; i < r->n_tables; i++)
		if (r->tables[i].id == id)
			return &r->tables[i];
	return NULL;
}

static void list_tables(struct verifier *v)
{
	struct verify_report *r = v->report;

	r->tables = xcalloc(v->plan.n + 1, sizeof(*r->tables));
	for (size_t i = 0; i < v->plan.n; i++) {
		const struct ez_table *t = v->plan.parts[i]->table;

		if (table_by_id(r, t->id))
			continue;
		r->tables[r->n_tables++] = (struct verify_table){
			.id = t->id,
			.source = full_name(t),
			.verdict = VERIFY_UNSETTLED,
			.is_open = v->request->n_names == 0,
		};
	}
}

/* "orders" is a table of that name in any schema. */
static bool is_named(const char *full, const char *name)
{
	const char *dot = strchr(full, '.');

	return strcmp(full, name) == 0 || (dot && strcmp(dot + 1, name) == 0);
}

static int fail_unknown(const struct verify_report *r, const char *name,
			struct ez_error *err)
{
	_cleanup_(buf_release) struct buf list = BUF_INIT(NAMES_MAX);
	struct nearest near = nearest_init(name, strlen(name));

	for (size_t i = 0; i < r->n_tables; i++) {
		const char *full = r->tables[i].source;

		buf_addf(&list, "%s%s", i > 0 ? ", " : "", full);
		nearest_offer(&near, full);
		nearest_offer(&near, strchr(full, '.') + 1);
	}
	host_table.fail(err, EZ_E_CONFIG, "", "the job has no table %s%s%s%s", name,
			near.best ? "; did you mean " : "", near.best ? near.best : "",
			near.best ? "?" : "");
	return host_table.hint(err, "its tables are %s%s", buf_cstr(&list),
			       buf_ok(&list) ? "" : ", ...");
}

static int select_tables(struct verifier *v, struct ez_error *err)
{
	struct verify_report *r = v->report;
	size_t kept = 0;

	for (size_t i = 0; i < v->request->n_names; i++) {
		bool any = false;

		for (size_t j = 0; j < r->n_tables; j++)
			if (is_named(r->tables[j].source, v->request->names[i])) {
				r->tables[j].is_open = true;
				any = true;
			}
		if (!any)
			return fail_unknown(r, v->request->names[i], err);
	}
	for (size_t i = 0; i < r->n_tables; i++) {
		if (r->tables[i].is_open)
			r->tables[kept++] = r->tables[i];
		else
			free(r->tables[i].source);
	}
	r->n_tables = kept;
	return EZ_OK;
}

/* -------------------------------------------------------------------------- one table */

static int read_part(struct verifier *v, const struct ez_part *part, struct ez_error *err)
{
	int rc = v->source->part_open(v->reader, v->prepared.snapshot, part, err);

	if (rc < 0)
		return rc;
	v->out.part = part->number;
	do {
		rc = v->source->poll(v->reader, &v->out, POLL_MS, err);
		if (v->rc < 0)
			break;
	} while (rc >= 0 && rc != EZ_EOF);
	v->source->part_close(v->reader);
	if (rc >= 0 && v->rc >= 0)
		out_finish(&v->out);
	if (v->rc < 0) {
		*err = v->error;
		return v->rc;
	}
	return rc < 0 ? rc : EZ_OK;
}

/* Between two parts, without waiting: the session that holds the snapshot is kept alive. */
static int read_rows(struct verifier *v, struct ez_error *err)
{
	int rc = EZ_OK;

	for (size_t i = 0; i < v->plan.n && rc >= 0; i++) {
		if (v->plan.parts[i]->table->id != v->table->id)
			continue;
		rc = read_part(v, v->plan.parts[i], err);
		if (rc >= 0 && v->source->idle)
			rc = v->source->idle(v->planner, 0, err);
	}
	return rc;
}

static int ask_target(struct verifier *v, struct ez_error *err)
{
	struct ez_compared c = { .size = sizeof(c) };

	for (unsigned tries = 1;; tries++) {
		int rc = v->sink->compare_end(v->target, v->round == ROUNDS_MAX, &c, err);

		if (rc >= 0)
			note_compared(v, &c);
		if (rc != EZ_E_TRANSIENT || tries == TRIES_MAX)
			return rc;
		sleep_us((int64_t)tries * US_PER_SEC);
	}
}

/* The shape that rows of the table arrive in. */
static const struct ez_table *shape_of(const struct verifier *v)
{
	for (size_t i = 0; i < v->plan.n; i++)
		if (v->plan.parts[i]->table->id == v->table->id)
			return out_final(v->plan.parts[i]->table);
	return NULL;
}

static int compare_table(struct verifier *v, struct ez_error *err)
{
	const struct ez_table *shape = shape_of(v);
	int rc;

	if (!shape)
		return host_table.fail(err, EZ_E_CONFIG, "",
				       "table %s is not part of the job any more",
				       v->table->source);
	v->rows = 0;
	v->refused = 0;
	rc = v->sink->compare_begin(v->target, shape, v->round, err);
	if (rc >= 0)
		rc = read_rows(v, err);
	if (rc < 0)
		return rc;
	tell(v, "asking the target");
	return ask_target(v, err);
}

/* -------------------------------------------------------------------------- one round */

static int take_snapshot(struct verifier *v, struct ez_error *err)
{
	for (unsigned takes = 1;; takes++) {
		int rc;

		v->prepared = (struct ez_prepared){ .size = sizeof(v->prepared) };
		rc = v->source->prepare(v->planner, EZ_PREPARE_VIEW | EZ_PREPARE_SNAPSHOT,
					&v->prepared, err);
		if (rc >= 0)
			rc = v->source->plan(v->planner, &v->plan, &v->out, err);
		if (rc == EZ_OK || (rc != EZ_AGAIN && rc != EZ_E_TRANSIENT))
			return rc;
		plan_release(&v->plan);
		if (takes == TAKES_MAX || (rc == EZ_E_TRANSIENT && takes == TRIES_MAX))
			return rc < 0 ? rc
				      : host_table.fail(err, EZ_E_TRANSIENT, "",
							"tables keep being rewritten");
		sleep_us(PAUSE_MS * US_PER_MS);
	}
}

/* A reader's session stays in the snapshot it has begun with, so each round has its own. */
static int open_reader(struct verifier *v, struct ez_error *err)
{
	struct ez_open args = engine_open_args(v->e, v->e->job->source.config, &v->ctx,
					       EZ_ROLE_READER, 1, 2);

	return v->source->open(&args, &v->reader, err);
}

static int compare_tables(struct verifier *v, struct ez_error *err)
{
	struct verify_watch watch = { v->e, v->source, v->planner, idle, v };
	int rc = verify_wait(&watch, v->prepared.position, &v->report->place, err);

	if (rc >= 0)
		rc = open_reader(v, err);
	for (size_t i = 0; i < v->report->n_tables && rc >= 0; i++) {
		v->table = &v->report->tables[i];
		if (v->table->is_open)
			rc = compare_table(v, err);
	}
	v->table = NULL;
	if (v->reader)
		v->source->close(v->reader);
	v->reader = NULL;
	return rc;
}

static int run_round(struct verifier *v, struct ez_error *err)
{
	int rc;

	tell(v, "taking a snapshot of the source");
	rc = take_snapshot(v, err);
	if (rc >= 0 && v->round == 1) {
		list_tables(v);
		rc = select_tables(v, err);
	}
	if (rc >= 0)
		rc = compare_tables(v, err);
	plan_release(&v->plan);
	if (v->source->snapshot_done)
		v->source->snapshot_done(v->planner);
	return rc;
}

static bool is_any_open(const struct verify_report *r)
{
	for (size_t i = 0; i < r->n_tables; i++)
		if (r->tables[i].is_open)
			return true;
	return false;
}

static int run_rounds(struct verifier *v, struct ez_error *err)
{
	for (v->round = 1; v->round <= ROUNDS_MAX; v->round++) {
		int rc = run_round(v, err);

		if (rc < 0)
			return rc;
		v->report->rounds = v->round;
		if (!is_any_open(v->report))
			break;
		sleep_us(PAUSE_MS * US_PER_MS);
	}
	return EZ_OK;
}

/* ------------------------------------------------------------------ beginning and end */

static int check_abilities(const struct job *job, struct ez_error *err)
{
	const struct plugin *source = job->source.plugin, *sink = job->sink.plugin;
	const struct ez_sink *ops = &sink->ops.sink;

	if (!plugin_can(sink, EZ_CAP_COMPARE) || !ops->compare_begin ||
	    !ops->compare_rows || !ops->compare_end)
		return host_table.fail(err, EZ_E_CONFIG, "",
				       "sink \"%s\" cannot read its target back",
				       sink->name);
	if (!plugin_can(source, EZ_CAP_VIEW | EZ_CAP_SNAPSHOT) ||
	    !source->ops.source.prepare || !source->ops.source.plan ||
	    !source->ops.source.part_open)
		return host_table.fail(err, EZ_E_CONFIG, "",
				       "source \"%s\" cannot be read for a comparison",
				       source->name);
	return EZ_OK;
}

static struct engine *engine_for(const struct job *job, const char *state_dir)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	uint64_t memory = MAX(job->memory_bytes, (uint64_t)MIN_MEMORY_BYTES);

	e->job = job;
	e->dir.path = state_dir_path(state_dir, job->name);
	e->dir.lock_fd = -1;
	e->batch_bytes = (size_t)MIN(job->batch.max_bytes, memory / 4);
	e->budget.limit = (int64_t)memory;
	job_id_copy(job, e->id);
	batch_pool_init(&e->pool);
	registry_init(&e->registry);
	stats_init(&e->stats);
	return e;
}

static void engine_forget(struct engine *e)
{
	registry_release(&e->registry);
	batch_pool_release(&e->pool);
	stats_release(&e->stats);
	free(e->dir.path);
	free(e);
}

static int open_all(struct verifier *v, struct ez_error *err)
{
	const struct job *job = v->e->job;
	struct ez_open source =
		engine_open_args(v->e, job->source.config, &v->ctx, EZ_ROLE_CHECK, 0, 1);
	struct ez_open sink =
		engine_open_args(v->e, job->sink.config, &v->ctx, EZ_ROLE_CHECK, 0, 1);
	int rc;

	out_init(&v->out, &v->e->pool, &v->e->budget, &v->e->registry);
	v->out.ops = &out_ops;
	v->out.arg = v;
	v->out.is_snapshot = true;
	v->out.limits.bytes = MIN(v->e->batch_bytes, (size_t)BATCH_BYTES);
	v->out.limits.tx_bytes = v->out.limits.bytes;
	v->out.limits.rows = job->batch.max_rows;
	v->out.limits.age_us = INT64_MAX / 2;
	v->out.room_floor = ARENA_CHUNK_BYTES;
	rc = v->source->open(&source, &v->planner, err);
	if (rc >= 0)
		rc = v->sink->open(&sink, &v->target, err);
	if (rc >= 0)
		rc = reader_open_chain(v->e, &v->out.chain, 1, err);
	return rc;
}

static void close_all(struct verifier *v)
{
	if (v->target)
		v->sink->close(v->target);
	if (v->planner)
		v->source->close(v->planner);
	out_release(&v->out);
}

int engine_verify(const struct job *job, const struct verify_request *request,
		  struct verify_report *ret, struct ez_error *err)
{
	struct verify_report report = { .tables = NULL };
	struct verifier v = {
		.request = request,
		.report = &report,
		.source = &job->source.plugin->ops.source,
		.sink = &job->sink.plugin->ops.sink,
		.error = ERROR_INIT,
	};
	int rc = check_abilities(job, err);

	if (rc < 0)
		return rc;
	v.e = engine_for(job, request->state_dir);
	rc = open_all(&v, err);
	if (rc >= 0)
		rc = run_rounds(&v, err);
	close_all(&v);
	engine_forget(v.e);
	if (rc < 0)
		verify_release(&report);
	else
		*ret = report;
	return rc < 0 ? rc : EZ_OK;
}
