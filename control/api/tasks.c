/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/jobs/change.h"

/*
 * What only a worker can find out: the control plane never connects to the databases of its
 * users. A task is made, and whoever asked looks at it or waits for it.
 */
const struct field empty_fields[] = { { .name = NULL } };

const struct field tables_query[] = {
	{ .name = "wait",
	  .type = FIELD_INT,
	  .min = 0,
	  .max = 60,
	  .help = "seconds; default 30" },
	{ .name = "refresh",
	  .type = FIELD_BOOL,
	  .help = "ask again even if an answer is minutes old" },
	{ .name = NULL },
};

const struct field log_query[] = {
	{ .name = "lines",
	  .type = FIELD_INT,
	  .min = 1,
	  .max = 2000,
	  .help = "default 200" },
	{ .name = "wait", .type = FIELD_INT, .min = 0, .max = 60 },
	{ .name = NULL },
};

const struct field letters_query[] = {
	{ .name = "limit",
	  .type = FIELD_INT,
	  .min = 1,
	  .max = 1000,
	  .help = "default 100" },
	{ .name = "wait", .type = FIELD_INT, .min = 0, .max = 60 },
	{ .name = NULL },
};

const struct field snapshot_fields[] = {
	{ .name = "tables",
	  .type = FIELD_STRINGS,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 1000 },
	{ .name = NULL },
};

/* ------------------------------------------------------------------ making */

/* Of a deployment. Reading a log is one, and viewers may. */
#define OPEN_TASKS_MAX "200"

struct wanted_task {
	const char *kind, *datasource_id, *job_id, *worker_id, *spec;
};

/* Columns: the task's id. No row: as many are open already as a deployment may have. */
static enum db_result make_task(struct request *r, const struct wanted_task *t,
				struct pg_result **ret_rows)
{
	return db_run(
		r->db, ret_rows,
		"with o as (select deployment_id from datasources where id = $2::uuid union all"
		" select deployment_id from jobs where id = $3::uuid limit 1)"
		" insert into tasks (deployment_id, kind, datasource_id, job_id, wanted_worker_id, spec,"
		" created_by) select deployment_id, $1, $2::uuid, $3::uuid, $4::uuid,"
		" coalesce($5, '{}')::jsonb, $6 from o where (select count(*) from tasks x"
		" where x.deployment_id = o.deployment_id and x.status in ('pending', 'running')) < $7::int"
		" returning id, case when wanted_worker_id is null then wake_deployment(deployment_id)"
		" else wake_worker(wanted_worker_id) end",
		t->kind, t->datasource_id, t->job_id, t->worker_id, t->spec, actor_of(r),
		OPEN_TASKS_MAX);
}

static void reply_too_many(struct request *r)
{
	reply_header(r, "Retry-After", "10");
	reply_error(r, 429, "too_many_tasks", NULL,
		    "the workers of this deployment have " OPEN_TASKS_MAX
		    " tasks to do: wait until some are done");
}

static void reply_task(struct request *r, const char *id)
{
	_cleanup_(freep) char *json =
		xasprintf("{\"task_id\":\"%s\",\"status\":\"pending\"}", id);

	reply(r, 202, json);
}

/* ------------------------------------------------------------------ datasources */

/* Column 0: its kind. */
static bool load_datasource(struct request *r, struct pg_result **ret_rows)
{
	enum db_result rc = db_run(
		r->db, ret_rows, "select kind from datasources where id = $1", r->ids[0]);

	if (rc != DB_OK)
		reply_db(r, rc);
	else if (db_rows(*ret_rows) == 0)
		reply_not_found(r);
	return rc == DB_OK && db_rows(*ret_rows) > 0;
}

void datasource_test(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL, *task = NULL;
	struct wanted_task t = { .datasource_id = r->ids[0] };
	enum db_result rc;

	if (!load_datasource(r, &rows))
		return;
	t.kind = strcmp(db_text(rows, 0, 0), "source") == 0 ? "check-source"
							    : "check-sink";
	rc = db_begin(r->db);
	if (rc == DB_OK)
		rc = make_task(r, &t, &task);
	if (rc == DB_OK && db_rows(task) == 0) {
		reply_too_many(r);
		return;
	}
	if (finish_change(r, rc,
			  &(struct audit){ .action = "datasource.test",
					   .type = "datasource",
					   .id = r->ids[0] }))
		reply_task(r, db_text(task, 0, 0));
}

/* ------------------------------------------------------------------ waiting */

/* Answers with the task's result, or waits for it up to `seconds`, then names the task. */
static void reply_result(struct request *r, const char *task_id, int64_t seconds)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	int64_t until = r->started_us + seconds * US_PER_SEC;
	enum db_result rc = db_run(
		r->db, &rows,
		"select status, coalesce(result, '{}')::jsonb || jsonb_build_object('task_id',"
		" id, 'at', rfc3339(finished_at)), error from tasks where id = $1",
		task_id);

	if (rc != DB_OK)
		reply_db(r, rc);
	else if (db_rows(rows) == 0)
		reply_not_found(r);
	else if (strcmp(db_text(rows, 0, 0), "succeeded") == 0)
		reply(r, 200, db_text(rows, 0, 1));
	else if (strcmp(db_text(rows, 0, 0), "failed") == 0)
		reply_error(r, 502, "task_failed", NULL, "%s",
			    db_is_null(rows, 0, 2) ? "the worker could not do it"
						   : db_text(rows, 0, 2));
	else if (r->wait_until_us == 1 || mono_us() >= until)
		reply_task(r, task_id);
	else
		/* Results tell no deployment: look again in a moment. */
		request_wait(r, "", MIN(until, mono_us() + US_PER_SEC / 4));
}

/* The task of the first run is kept in the body of the request, which has none of its own. */
static const char *task_of(struct request *r)
{
	return body_str(r, "task_id");
}

static void remember_task(struct request *r, const char *id)
{
	if (!r->body)
		r->body = doc_new_object();
	doc_set(r->body, "task_id", doc_new_str(id));
}

static void start_or_wait(struct request *r, const struct wanted_task *t)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	int64_t seconds = doc_int(r->query, "wait", 30);
	enum db_result rc = DB_OK;

	if (!task_of(r)) {
		rc = make_task(r, t, &rows);
		if (rc == DB_OK && db_rows(rows) > 0)
			remember_task(r, db_text(rows, 0, 0));
	}
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (!task_of(r))
		reply_too_many(r);
	else
		reply_result(r, task_of(r), seconds);
}

/* An answer of the last minutes serves as well, unless the datasource has changed. */
static enum db_result find_recent(struct request *r, struct pg_result **ret_rows)
{
	return db_run(
		r->db, ret_rows,
		"select t.id from tasks t join datasources s on s.id = t.datasource_id"
		" where t.datasource_id = $1 and t.kind = 'discover' and t.created_at >= s.updated_at"
		" and (t.status in ('pending', 'running') or (t.status = 'succeeded'"
		" and t.finished_at > now() - interval '5 minutes'))"
		" order by t.created_at desc limit 1",
		r->ids[0]);
}

void datasource_tables(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL, *recent = NULL;
	enum db_result rc;

	if (!task_of(r)) {
		if (!load_datasource(r, &rows))
			return;
		if (strcmp(db_text(rows, 0, 0), "source") != 0) {
			reply_error(r, 409, "wrong_kind", NULL,
				    "only sources have tables to list");
			return;
		}
		if (!doc_bool(r->query, "refresh", false)) {
			rc = find_recent(r, &recent);
			if (rc == DB_OK && db_rows(recent) > 0)
				remember_task(r, db_text(recent, 0, 0));
		}
	}
	start_or_wait(r, &(struct wanted_task){ .kind = "discover",
						.datasource_id = r->ids[0] });
}

void task_get(struct request *r)
{
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows, "select task_doc(t) from tasks t where id = $1", r->ids[0]);

	reply_row(r, 200, rc, rows);
}

/* ------------------------------------------------------------------ jobs */

/* The worker that holds the job, or held it last. Column 0. */
static bool load_holder(struct request *r, struct pg_result **ret_rows)
{
	enum db_result rc = db_run(
		r->db, ret_rows,
		"select coalesce(j.worker_id, (select e.worker_id from job_events e where e.job_id = j.id"
		" and e.worker_id is not null order by e.id desc limit 1)), j.status from jobs j"
		" where j.id = $1 and j.status <> 'deleted'",
		r->ids[0]);

	if (rc != DB_OK)
		reply_db(r, rc);
	else if (db_rows(*ret_rows) == 0)
		reply_not_found(r);
	else if (db_is_null(*ret_rows, 0, 0))
		reply_error(r, 409, "never_ran", NULL, "no worker has had this job yet");
	else
		return true;
	return false;
}

static void ask_holder(struct request *r, const char *kind, const char *member, int64_t n)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *spec = xasprintf("{\"job_id\":\"%s\",\"%s\":%lld}",
						r->ids[0], member, (long long)n);

	if (task_of(r)) {
		start_or_wait(r, NULL);
		return;
	}
	if (load_holder(r, &rows))
		start_or_wait(r, &(struct wanted_task){ .kind = kind,
							.job_id = r->ids[0],
							.worker_id = db_text(rows, 0, 0),
							.spec = spec });
}

void job_log(struct request *r)
{
	ask_holder(r, "log", "lines", doc_int(r->query, "lines", 200));
}

void job_dead_letters(struct request *r)
{
	ask_holder(r, "dead-letters", "limit", doc_int(r->query, "limit", 100));
}

/* Copies tables again, while the daemon runs. */
void job_snapshot(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL, *task = NULL;
	_cleanup_(freep) char *tables = doc_dump(doc_get(r->body, "tables"));
	_cleanup_(freep) char *spec =
		xasprintf("{\"job_id\":\"%s\",\"tables\":%s}", r->ids[0], tables);
	struct wanted_task t = { .kind = "snapshot", .job_id = r->ids[0], .spec = spec };
	enum job_state s;
	enum db_result rc;

	if (!load_holder(r, &rows))
		return;
	if (!job_state_parse(db_text(rows, 0, 1), &s) ||
	    !job_action_is_allowed(s, JOB_DO_SNAPSHOT)) {
		reply_error(r, 409, "wrong_state", NULL,
			    "the job is %s: snapshot needs one that is %s",
			    db_text(rows, 0, 1), job_action_states(JOB_DO_SNAPSHOT));
		return;
	}
	t.worker_id = db_text(rows, 0, 0);
	rc = db_begin(r->db);
	if (rc == DB_OK)
		rc = make_task(r, &t, &task);
	if (rc == DB_OK && db_rows(task) == 0) {
		reply_too_many(r);
		return;
	}
	if (finish_change(r, rc,
			  &(struct audit){ .action = "job.snapshot",
					   .type = "job",
					   .id = r->ids[0],
					   .details = spec }))
		reply_task(r, db_text(task, 0, 0));
}
