/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/change.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

static void copy(char *to, size_t size, const char *from)
{
	ENSURE(str_copy(to, size, view_str(from)), "a job would be mistaken for another");
}

enum db_result job_lock(struct db *d, const char *id, struct job_row *ret_row,
			bool *ret_found)
{
	_cleanup_(db_rows_freep) struct pg_result *r = NULL;
	enum db_result rc = db_run(
		d, &r,
		"select id, deployment_id, worker_id, name, status, desired, epoch,"
		" revision, tries, running_since < now() - interval '10 minutes'"
		" from jobs where id = $1 and status <> 'deleted' for update",
		id);

	if (rc != DB_OK)
		return rc;
	*ret_found = db_rows(r) > 0;
	if (!*ret_found)
		return DB_OK;
	copy(ret_row->id, sizeof(ret_row->id), db_text(r, 0, 0));
	copy(ret_row->deployment_id, sizeof(ret_row->deployment_id), db_text(r, 0, 1));
	copy(ret_row->worker_id, sizeof(ret_row->worker_id), db_text(r, 0, 2));
	copy(ret_row->name, sizeof(ret_row->name), db_text(r, 0, 3));
	copy(ret_row->desired, sizeof(ret_row->desired), db_text(r, 0, 5));
	ret_row->epoch = db_i64(r, 0, 6);
	ret_row->revision = db_i64(r, 0, 7);
	ret_row->tries = (int)db_i64(r, 0, 8);
	ret_row->was_up_long = db_bool(r, 0, 9);
	return job_state_parse(db_text(r, 0, 4), &ret_row->status) ? DB_OK : DB_REFUSED;
}

static enum db_result tell_job(struct db *d, const struct job_row *row)
{
	return db_run(
		d, NULL,
		"select tell('job', jsonb_build_object('job_id', id, 'name', name, 'status', status,"
		" 'desired', desired, 'phase', phase, 'error', left(error, 500),"
		" 'deployment_id', deployment_id)),"
		" case when status = 'pending' then wake_deployment(deployment_id) end"
		" from jobs where id = $1",
		row->id);
}

static enum db_result write_history(struct db *d, const struct job_row *row,
				    const char *event, const char *from,
				    const struct job_cause *c)
{
	_cleanup_(freep) char *epoch = xasprintf("%lld", (long long)row->epoch);

	return db_run(
		d, NULL,
		"insert into job_events (job_id, event, from_status, to_status, phase, actor, epoch,"
		" worker_id, message) select $1, $2, $3, $4, phase, $5, $6, nullif($7, '')::uuid, $8"
		" from jobs where id = $1",
		row->id, event, from, job_state_to_str(row->status), c->actor, epoch,
		row->worker_id, c->message);
}

static enum db_result touch_worker(struct db *d, const char *worker_id)
{
	return worker_id[0] ? db_run(d, NULL, "select touch_worker($1)", worker_id)
			    : DB_OK;
}

enum db_result job_move(struct db *d, struct job_row *row, const struct job_cause *c)
{
	enum job_state from = row->status, to;
	enum db_result rc;

	ENSURE(job_next(from, c->event, &to),
	       "a job would be in a state that does not exist");
	rc = db_run(
		d, NULL,
		"update jobs set status = $2, status_at = now(), updated_at = now(),"
		" phase = case when $3::boolean then phase end,"
		" worker_id = case when $3::boolean then worker_id end,"
		" retry_at = case when $2 = 'failed' then retry_at end,"
		" running_since = case when $2 = 'running' then coalesce(running_since, now())"
		" when $3::boolean then running_since end where id = $1",
		row->id, job_state_to_str(to), job_is_leased(to) ? "t" : "f");
	row->status = to;
	if (rc == DB_OK)
		rc = write_history(d, row, job_event_to_str(c->event),
				   job_state_to_str(from), c);
	/* What the worker is told to run is the same while it holds the job. */
	if (rc == DB_OK && !job_is_leased(to))
		rc = touch_worker(d, row->worker_id);
	if (!job_is_leased(to))
		row->worker_id[0] = '\0';
	return rc == DB_OK ? tell_job(d, row) : rc;
}

enum db_result job_desire(struct db *d, struct job_row *row, const char *desired,
			  const char *actor)
{
	_cleanup_(freep) char *event = xasprintf("wanted %s", desired);
	enum db_result rc;

	if (strcmp(row->desired, desired) == 0)
		return DB_OK;
	rc = db_run(d, NULL,
		    "update jobs set desired = $2, updated_at = now() where id = $1",
		    row->id, desired);
	copy(row->desired, sizeof(row->desired), desired);
	if (rc == DB_OK)
		rc = touch_worker(d, row->worker_id);
	return rc == DB_OK ? job_note(d, row, event, actor, NULL) : rc;
}

enum db_result job_note(struct db *d, const struct job_row *row, const char *event,
			const char *actor, const char *message)
{
	struct job_cause c = { .actor = actor, .message = message };
	enum db_result rc =
		write_history(d, row, event, job_state_to_str(row->status), &c);

	return rc == DB_OK ? tell_job(d, row) : rc;
}
