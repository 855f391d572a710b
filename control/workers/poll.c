/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/catalog/vault.h"
#include "control/jobs/config.h"
#include "control/jobs/tasks.h"
#include "control/workers/api.h"

/*
 * The long poll: what a worker shall run, whole, and the tasks that are open for it.
 *
 * A poll of a worker with room claims pending jobs of its deployment. Each claim raises the
 * job's epoch, in the same statement that names the new holder, under the lock of the row:
 * so no epoch has two holders, however many instances serve polls at once. `set_version` of
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

enum { CONFIG_MAX_BYTES = 2 * 1024 * 1024 };

/*
 * Only for workers that live, have room and the plugins. Locked, so that two polls of one
 * worker do not both fill the same room.
 */
static const char claim_sql[] =
	"with w as (select * from workers where id = $1 and status = 'online' and not draining"
	" and not stopping and seen_at > now() - interval '60 seconds' for update),"
	" room as (select greatest(w.max_jobs - (select count(*) from jobs where worker_id = w.id), 0) as n"
	" from w),"
	" mine as (select j.id from jobs j, w where j.status = 'pending' and j.deployment_id = w.deployment_id"
	" and (j.pinned_worker_id is null or j.pinned_worker_id = w.id)"
	" and (not exists (select 1 from worker_plugins p where p.worker_id = w.id) or"
	" (exists (select 1 from worker_plugins p join datasources s on p.kind = 'source' and p.name = s.plugin"
	" where p.worker_id = w.id and s.id = j.source_id) and"
	" exists (select 1 from worker_plugins p join datasources s on p.kind = 'sink' and p.name = s.plugin"
	" where p.worker_id = w.id and s.id = j.sink_id)))"
	" order by j.status_at, j.id limit (select n from room) for update of j skip locked),"
	" claimed as (update jobs set status = 'starting', status_at = now(), updated_at = now(),"
	" worker_id = $1, epoch = epoch + 1, phase = 'init', report = null, report_sent_at = null,"
	" reported_at = null, running_since = null where id in (select id from mine)"
	" returning id, name, epoch, deployment_id),"
	" history as (insert into job_events (job_id, event, from_status, to_status, phase, actor, epoch,"
	" worker_id) select c.id, 'claim', 'pending', 'starting', 'init', 'worker ' || w.name, c.epoch, w.id"
	" from claimed c, w)"
	" select tell('job', jsonb_build_object('job_id', id, 'name', name, 'status', 'starting',"
	" 'deployment_id', deployment_id)), touch_worker($1) from claimed";

static enum db_result claim(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(r->db, &rows, claim_sql, r->who.id);
	if (rc == DB_OK)
		rc = tasks_claim(r->db, r->who.id);
	if (rc == DB_OK)
		rc = db_commit(r->db);
	else
		db_rollback(r->db);
	return rc;
}

/* ------------------------------------------------------------------ the set */

static void add_member(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

/* Columns: id, name, desired, revision, epoch. */
static enum db_result add_job(struct request *r, struct jsonw *w,
			      const struct pg_result *rows, int i)
{
	struct buf text = BUF_INIT(CONFIG_MAX_BYTES), why = BUF_INIT(1024);
	enum db_result rc =
		config_of_job(r->db, r->app->keyring, db_text(rows, i, 0), &text, &why);

	if (rc == DB_OK) {
		jsonw_begin_object(w);
		add_member(w, "job_id", db_text(rows, i, 0));
		add_member(w, "name", db_text(rows, i, 1));
		add_member(w, "state", db_text(rows, i, 2));
		jsonw_key(w, "revision");
		jsonw_i64(w, db_i64(rows, i, 3));
		jsonw_key(w, "epoch");
		jsonw_i64(w, db_i64(rows, i, 4));
		jsonw_key(w, "config");
		jsonw_view(w, buf_view(&text));
		jsonw_end_object(w);
	}
	if (text.ptr)
		explicit_bzero(text.ptr, text.len);
	buf_release(&text);
	buf_release(&why);
	return rc;
}

/* In one snapshot of the catalog: the version belongs to exactly this set. */
static enum db_result add_set(struct request *r, struct jsonw *w)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL, *version = NULL;
	enum db_result rc =
		db_run(r->db, &version, "select set_version from workers where id = $1",
		       r->who.id);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"select id, name, desired, revision, epoch from jobs where worker_id = $1"
			" and status in ('starting', 'running', 'paused') order by id",
			r->who.id);
	if (rc != DB_OK)
		return rc;
	jsonw_begin_object(w);
	add_member(w, "version", db_text(version, 0, 0));
	jsonw_key(w, "jobs");
	jsonw_begin_array(w);
	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		rc = add_job(r, w, rows, i);
	if (rc == DB_OK)
		jsonw_end_array(w);
	return rc;
}

/* ------------------------------------------------------------------ tasks */

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

struct news {
	bool is_claimable; /* there may be something that it could take */
	bool is_seen;      /* the set is the one that the worker knows */
	bool has_tasks;
};

/* One statement without locks: most polls have nothing to take, and there are many. */
static enum db_result look(struct request *r, struct news *ret)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	const char *seen = body_str(r, "seen");
	enum db_result rc = db_run(
		r->db, &rows,
		"select set_version, status = 'online' and (exists (select 1 from tasks t"
		" where t.deployment_id = w.deployment_id and t.status = 'pending'"
		" and (t.wanted_worker_id is null or t.wanted_worker_id = w.id))"
		" or (not draining and not stopping and exists (select 1 from jobs j"
		" where j.deployment_id = w.deployment_id and j.status = 'pending'"
		" and (j.pinned_worker_id is null or j.pinned_worker_id = w.id))"
		" and max_jobs > (select count(*) from jobs where worker_id = w.id))),"
		" exists (select 1 from tasks t where t.deployment_id = w.deployment_id"
		" and t.worker_id = w.id and t.status = 'running')"
		" from workers w where id = $1",
		r->who.id);

	*ret = (struct news){ .is_seen = false };
	if (rc != DB_OK || db_rows(rows) == 0)
		return rc;
	ret->is_seen = seen && strcmp(seen, db_text(rows, 0, 0)) == 0;
	ret->is_claimable = db_bool(rows, 0, 1);
	ret->has_tasks = db_bool(rows, 0, 2);
	return DB_OK;
}

/* Nothing to say: later, or 204. */
static void wait_or_end(struct request *r)
{
	int64_t until = r->started_us + doc_int(r->body, "wait_seconds", 30) * US_PER_SEC;

	if (r->wait_until_us == 1 || mono_us() >= until)
		r->status = 204;
	else
		request_wait(r, r->who.deployment_id, until);
}

static void answer(struct request *r, struct open_tasks *tasks)
{
	struct jsonw w = JSONW_INIT(&r->out);
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(r->db, NULL,
			    "set transaction isolation level repeatable read");
	if (rc == DB_OK)
		rc = add_set(r, &w);
	if (rc == DB_OK)
		rc = add_tasks(r, &w, tasks);
	if (rc == DB_OK)
		rc = db_commit(r->db);
	if (rc != DB_OK || !buf_ok(&r->out)) {
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
	enum db_result rc = look(r, &news);

	if (rc == DB_OK && news.is_claimable) {
		rc = claim(r);
		if (rc == DB_OK)
			rc = look(r, &news);
	}
	if (rc == DB_OK && news.has_tasks)
		rc = tasks_open_for(r->db, r->who.id, doc_get(r->body, "tasks"), tasks);
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (news.is_seen && tasks->n == 0)
		wait_or_end(r);
	else
		answer(r, tasks);
	open_tasks_release(tasks);
	free(tasks);
}
