/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "control/api/common.h"
#include "control/jobs/change.h"
#include "control/workers/api.h"
#include "control/workers/reports.h"

/*
 * What workers say of their jobs, and what follows from it for the job's state.
 *
 * A message counts only if it is of the present holder: same worker, same epoch. Messages
 * may overtake each other, so one that was sent earlier than the last accepted is passed
 * over.
 */
const struct field status_fields[] = {
	{ .name = "worker_id", .type = FIELD_UUID },
	{ .name = "sent_at", .type = FIELD_TIME, .flags = FIELD_REQUIRED },
	{ .name = "epoch", .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ .name = "revision", .type = FIELD_INT },
	{ .name = "state",
	  .type = FIELD_ENUM,
	  .flags = FIELD_REQUIRED,
	  .choices = "starting|running|paused|failed|stopped" },
	{ .name = "exit_code",
	  .type = FIELD_INT,
	  .flags = FIELD_NULLABLE,
	  .min = -1024,
	  .max = 1024 },
	{ .name = "error", .type = FIELD_STRING, .flags = FIELD_NULLABLE, .max = 16384 },
	{ .name = "status", .type = FIELD_OBJECT, .flags = FIELD_NULLABLE },
	{ .name = NULL },
};

const struct field result_fields[] = {
	{ .name = "worker_id", .type = FIELD_UUID },
	{ .name = "status",
	  .type = FIELD_ENUM,
	  .flags = FIELD_REQUIRED,
	  .choices = "succeeded|failed" },
	{ .name = "exit_code",
	  .type = FIELD_INT,
	  .flags = FIELD_NULLABLE,
	  .min = -1024,
	  .max = 1024 },
	{ .name = "result", .type = FIELD_ANY },
	{ .name = "error", .type = FIELD_STRING, .flags = FIELD_NULLABLE, .max = 65536 },
	{ .name = NULL },
};

enum {
	RETRY_MIN_MS = 1000,
	RETRY_MAX_MS = 300 * 1000,
};

/* ------------------------------------------------------------------ what follows */

struct report {
	struct job_row row;
	char *actor;
	const char *state, *error, *phase;
	bool has_exit_code;
	int exit_code;
};

/* Exponential from one second to five minutes, with full jitter. */
static int64_t retry_delay_ms(int tries)
{
	int64_t ceiling = RETRY_MIN_MS;

	for (int i = 0; i < tries && ceiling < RETRY_MAX_MS; i++)
		ceiling *= 2;
	ceiling = MIN(ceiling, (int64_t)RETRY_MAX_MS);
	return ceiling / 2 + (int64_t)(random_u64() % (uint64_t)(ceiling / 2 + 1));
}

static enum db_result fail_job(struct db *d, struct report *p)
{
	bool again = job_exit_is_transient(p->has_exit_code ? p->exit_code : 78);
	int tries = p->row.was_up_long ? 0 : p->row.tries;
	_cleanup_(freep) char *delay = NULL, *count = NULL;
	enum db_result rc;

	again = again && tries < JOB_TRIES_MAX && strcmp(p->row.desired, "stopped") != 0;
	if (again)
		delay = xasprintf("%" PRId64 " milliseconds", retry_delay_ms(tries));
	count = xasprintf("%d", again ? tries + 1 : tries);
	rc = db_run(
		d, NULL,
		"update jobs set tries = $2::int, retry_at = now() + $3::interval where id = $1",
		p->row.id, count, delay);
	if (rc != DB_OK)
		return rc;
	return job_move(d, &p->row,
			&(struct job_cause){ .event = JOB_EV_ERROR,
					     .actor = p->actor,
					     .message = p->error });
}

static enum db_result move(struct db *d, struct report *p, enum job_event event)
{
	return job_move(d, &p->row,
			&(struct job_cause){ .event = event, .actor = p->actor });
}

static enum db_result follow(struct db *d, struct report *p)
{
	enum job_state s = p->row.status;
	enum db_result rc = DB_OK;

	if (strcmp(p->state, "failed") == 0)
		return fail_job(d, p);
	if (strcmp(p->state, "stopped") == 0)
		return move(d, p, JOB_EV_DRAINED);
	if (strcmp(p->state, "running") == 0) {
		bool goes_on = s == JOB_PAUSED && strcmp(p->row.desired, "running") == 0;

		return s == JOB_STARTING || goes_on ? move(d, p, JOB_EV_UP) : DB_OK;
	}
	if (strcmp(p->state, "paused") != 0 || s == JOB_PAUSED)
		return DB_OK;
	if (s == JOB_STARTING)
		rc = move(d, p, JOB_EV_UP);
	if (rc == DB_OK && strcmp(p->row.desired, "paused") == 0)
		rc = move(d, p, JOB_EV_PAUSED);
	return rc;
}

/* ------------------------------------------------------------------ status */

const char *report_phase(const struct request *r)
{
	const char *state = doc_str(doc_get(r->body, "status"), "state");

	if (strcmp(body_str(r, "state"), "starting") == 0)
		return "init";
	if (!state)
		return NULL;
	if (strcmp(state, "snapshot") == 0 || strcmp(state, "streaming") == 0)
		return state;
	return strcmp(state, "starting") == 0 ? "init" : NULL;
}

/* `ret_fresh` false: a message that was overtaken. Browsers hear of progress at once. */
static enum db_result store(struct request *r, struct report *p, bool *ret_fresh)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *code =
		p->has_exit_code ? xasprintf("%d", p->exit_code) : NULL;
	struct json_t *status = doc_get(r->body, "status");
	_cleanup_(freep) char *report =
		doc_is(status, DOC_OBJECT) ? doc_dump(status) : NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"update jobs set report_sent_at = $2, reported_at = now(), updated_at = now(),"
		" phase = coalesce($3, phase), error = $4, exit_code = $5::int,"
		" report = coalesce($6::jsonb, report) where id = $1"
		" and (report_sent_at is null or report_sent_at <= $2)"
		" returning pg_notify('ezcdc_control', jsonb_build_object('type', 'progress', 'data',"
		" jsonb_build_array(jsonb_build_object('job_id', id, 'phase', phase)))::text)",
		p->row.id, body_str(r, "sent_at"), p->phase, p->error, code, report);

	if (rc == DB_OK)
		*ret_fresh = db_rows(rows) > 0;
	return rc;
}

static bool is_holder(struct request *r, const struct job_row *row)
{
	if (strcmp(row->worker_id, r->who.id) == 0 &&
	    row->epoch == doc_int(r->body, "epoch", 0))
		return true;
	reply_error(r, 409, "stale_epoch", NULL,
		    "job %s is held under epoch %" PRId64 "%s", row->id, row->epoch,
		    row->worker_id[0] ? "" : " by nobody");
	return false;
}

static bool lock(struct request *r, struct report *p)
{
	bool found = false;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = job_lock(r->db, r->ids[0], &p->row, &found);
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (!found)
		reply_not_found(r);
	return rc == DB_OK && found && is_holder(r, &p->row);
}

void worker_status(struct request *r)
{
	_cleanup_(freep) char *actor = xasprintf("worker %s", r->who.name);
	struct report p = { .actor = actor,
			    .state = body_str(r, "state"),
			    .error = body_str(r, "error"),
			    .phase = report_phase(r),
			    .has_exit_code =
				    doc_is(doc_get(r->body, "exit_code"), DOC_INT),
			    .exit_code = (int)doc_int(r->body, "exit_code", 0) };
	bool fresh = false;
	enum db_result rc;

	if (!lock(r, &p))
		return;
	rc = store(r, &p, &fresh);
	if (rc == DB_OK && fresh)
		rc = follow(r->db, &p);
	if (rc == DB_OK)
		rc = db_commit(r->db);
	if (rc == DB_OK)
		reply(r, 200, "{}");
	else
		reply_db(r, rc);
}

/* ------------------------------------------------------------------ tasks */

void worker_result(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct json_t *result = doc_get(r->body, "result");
	_cleanup_(freep) char *text =
		result && !doc_is(result, DOC_NULL) ? doc_dump(result) : NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"with done as (update tasks set status = $3, result = $4, error = $5, finished_at = now()"
		" where id = $1 and worker_id = $2 and status = 'running' returning *)"
		" select tell('task', jsonb_build_object('task_id', id, 'kind', kind, 'status', status,"
		" 'datasource_id', datasource_id, 'job_id', job_id)) is null from done"
		" union all select true from tasks where id = $1 and worker_id = $2"
		" and status in ('succeeded', 'failed')",
		r->ids[0], r->who.id, body_str(r, "status"), text, body_str(r, "error"));

	if (rc != DB_OK)
		reply_db(r, rc);
	else if (db_rows(rows) == 0)
		reply_not_found(r);
	else
		reply(r, 200, "{}");
}
