/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/http/queue.h"
#include "control/jobs/tasks.h"
#include "control/workers/api.h"
#include "control/workers/lot.h"
#include "control/workers/sets.h"

/*
 * The long poll: what a worker shall run, whole, and the tasks that are open for it.
 *
 * A poll of a worker with room claims pending jobs of its deployment: claim_jobs in
 * functions.sql. Each claim raises the job's epoch, in the same statement that names the
 * new holder, under the lock of the row: so no epoch has two holders, however many
 * instances serve polls at once. `set_version` of
 * the worker rises with every change of what it shall run; a poll that names another one
 * is answered at once.
 *
 * Rejected: sending changes only. A message that is lost would then have to be found out.
 */
const struct field poll_fields[] = {
	{ .name = "worker_id", .type = FIELD_UUID },
	{ .name = "seen", .type = FIELD_STRING, .max = 64 },
	{ .name = "wait_seconds", .type = FIELD_INT, .min = 0, .max = 30 },
	{ .name = "jobs", .type = FIELD_OBJECTS, .max = 1000 },
	{ .name = "tasks", .type = FIELD_STRINGS, .max = 1000 },
	{ .name = NULL },
};

/* What the catalog has for a worker. */
struct news {
	bool has_jobs_to_claim, has_tasks_to_claim;
	bool is_seen; /* the set is the one that the worker knows */
	bool has_tasks;
};

/*
 * One statement without locks, for however many: most polls have nothing to take, and there
 * are many.
 */
static const char look_sql[] =
	"select id, set_version, status = 'online' and not draining and not stopping"
	" and exists (select 1 from jobs j where j.deployment_id = w.deployment_id"
	" and j.status = 'pending' and (j.pinned_worker_id is null or j.pinned_worker_id = w.id))"
	" and max_jobs > (select count(*) from jobs where worker_id = w.id),"
	" status = 'online' and exists (select 1 from tasks t where t.deployment_id = w.deployment_id"
	" and t.status = 'pending' and (t.wanted_worker_id is null or t.wanted_worker_id = w.id)),"
	" exists (select 1 from tasks t where t.deployment_id = w.deployment_id"
	" and t.worker_id = w.id and t.status = 'running')"
	" from workers w where id = any ($1::uuid[])";

static void note(struct request **all, int n, struct news *news,
		 const struct pg_result *rows, int row)
{
	for (int i = 0; i < n; i++) {
		const char *seen = body_str(all[i], "seen");

		if (strcmp(all[i]->who.id, db_text(rows, row, 0)) == 0)
			news[i] = (struct news){
				.is_seen = seen &&
					   strcmp(seen, db_text(rows, row, 1)) == 0,
				.has_jobs_to_claim = db_bool(rows, row, 2),
				.has_tasks_to_claim = db_bool(rows, row, 3),
				.has_tasks = db_bool(rows, row, 4),
			};
	}
}

static enum db_result look(struct request **all, int n, struct news *ret)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *ids = lot_ids(all, n);
	enum db_result rc = db_run(all[0]->db, &rows, look_sql, ids);

	memset(ret, 0, (size_t)n * sizeof(*ret));
	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		note(all, n, ret, rows, i);
	return rc;
}

/* For those that may find something; then the news are others. */
static enum db_result claim_jobs(struct request **all, int n, struct news *news)
{
	struct request *may[LOT_MAX];
	_cleanup_(freep) char *ids = NULL;
	enum db_result rc;
	int n_may = 0;

	for (int i = 0; i < n; i++) {
		if (news[i].has_jobs_to_claim)
			may[n_may++] = all[i];
	}
	if (n_may == 0)
		return DB_OK;
	ids = lot_ids(may, n_may);
	rc = db_run(all[0]->db, NULL, "select claim_jobs($1::uuid[])", ids);
	return rc == DB_OK ? look(all, n, news) : rc;
}

/* ------------------------------------------------------------------ tasks */

static void add_member(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static enum db_result add_task(struct request *r, struct jsonw *w, struct open_task *t)
{
	enum db_result rc = task_prepare(r->db, r->app->keyring, t);

	/* A task that cannot be made has been failed in the catalog: the rest goes on. */
	if (rc != DB_OK || !t->config)
		return rc;
	jsonw_begin_object(w);
	add_member(w, "task_id", t->id);
	add_member(w, "kind", t->kind);
	add_member(w, "config", t->config);
	jsonw_key(w, "timeout_seconds");
	jsonw_i64(w, t->timeout_seconds);
	if (t->job_id[0]) {
		add_member(w, "job_id", t->job_id);
		jsonw_key(w, "epoch");
		jsonw_i64(w, t->epoch);
	}
	jsonw_end_object(w);
	return DB_OK;
}

static enum db_result add_tasks(struct request *r, struct jsonw *w,
				struct open_tasks *tasks)
{
	enum db_result rc = DB_OK;

	jsonw_key(w, "tasks");
	jsonw_begin_array(w);
	for (int i = 0; rc == DB_OK && i < tasks->n; i++)
		rc = add_task(r, w, &tasks->items[i]);
	if (rc == DB_OK)
		jsonw_end_array(w);
	return rc;
}

/* ------------------------------------------------------------------ the answer */

/* Nothing to say: later, or 204. */
static void wait_or_end(struct request *r)
{
	int64_t until = r->started_us + doc_int(r->body, "wait_seconds", 30) * US_PER_SEC;

	if (r->wait_until_us == 1 || mono_us() >= until)
		r->status = 204;
	else
		request_wait(r, r->who.deployment_id, until);
}

static enum db_result begin_snapshot(struct db *d)
{
	enum db_result rc = db_begin(d);

	if (rc == DB_OK)
		rc = db_run(d, NULL, "set transaction isolation level repeatable read");
	return rc;
}

static void answer(struct request *r, struct open_tasks *tasks)
{
	struct jsonw w;
	bool ok = false;
	enum db_result rc = begin_snapshot(r->db);

	if (rc == DB_OK)
		rc = sets_write(&r, 1, &w, &ok);
	if (rc == DB_OK && ok)
		rc = add_tasks(r, &w, tasks);
	if (rc == DB_OK && ok)
		rc = db_commit(r->db);
	if (rc != DB_OK || !ok || !buf_ok(&r->out)) {
		db_rollback(r->db);
		reply_db(r, rc == DB_OK ? DB_REFUSED : rc);
		return;
	}
	jsonw_end_object(&w);
	r->status = 200;
}

void worker_poll(struct request *r)
{
	struct open_tasks *tasks = xcalloc(1, sizeof(*tasks));
	struct news news;
	enum db_result rc = look(&r, 1, &news);

	if (rc == DB_OK && news.has_tasks_to_claim) {
		rc = tasks_claim(r->db, r->who.id);
		news.has_tasks = true;
	}
	if (rc == DB_OK && news.has_tasks)
		rc = tasks_open_for(r->db, r->who.id, doc_get(r->body, "tasks"), tasks);
	if (rc == DB_OK)
		rc = claim_jobs(&r, 1, &news);
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (news.is_seen && tasks->n == 0)
		wait_or_end(r);
	else
		answer(r, tasks);
	open_tasks_release(tasks);
	free(tasks);
}

/* ------------------------------------------------------------------ of many */

static void end_set(struct jsonw *w)
{
	jsonw_key(w, "tasks");
	jsonw_begin_array(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void answer_together(struct request **all, int n)
{
	struct jsonw w[LOT_MAX];
	bool ok[LOT_MAX];
	enum db_result rc = begin_snapshot(all[0]->db);

	if (rc == DB_OK)
		rc = sets_write(all, n, w, ok);
	if (rc == DB_OK)
		rc = db_commit(all[0]->db);
	for (int i = 0; rc == DB_OK && i < n; i++) {
		if (!ok[i])
			continue;
		end_set(&w[i]);
		all[i]->status = 200;
	}
	for (int i = 0; rc == DB_DOWN && i < n; i++)
		reply_db(all[i], rc);
}

/* Tasks are few, and left to the handler. */
void worker_polls(struct request **all, int n)
{
	struct request *changed[LOT_MAX];
	struct news news[LOT_MAX];
	enum db_result rc = look(all, n, news);
	int n_changed = 0;

	if (rc == DB_OK)
		rc = claim_jobs(all, n, news);
	for (int i = 0; i < n; i++) {
		if (rc == DB_DOWN)
			reply_db(all[i], rc);
		else if (rc != DB_OK || news[i].has_tasks || news[i].has_tasks_to_claim)
			continue;
		else if (news[i].is_seen)
			wait_or_end(all[i]);
		else
			changed[n_changed++] = all[i];
	}
	if (n_changed > 0)
		answer_together(changed, n_changed);
}
