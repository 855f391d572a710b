/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/jobs/change.h"

/*
 * start, pause, resume, stop, retry, restart and delete. What a worker holds is only
 * desired to change: the answer says so with `desired`, and the state follows.
 */
const struct field job_delete_query[] = {
	{ .name = "drop",
	  .type = FIELD_BOOL,
	  .help = "a worker drops slot, publication and notes at source and sink as well" },
	{ .name = NULL },
};

static enum db_result start(struct request *r, struct job_row *row, enum job_event event)
{
	enum db_result rc = db_run(
		r->db, NULL,
		"update jobs set desired = 'running', error = null, exit_code = null,"
		" tries = 0, retry_at = null where id = $1",
		row->id);

	if (rc != DB_OK)
		return rc;
	return job_move(r->db, row,
			&(struct job_cause){ .event = event, .actor = actor_of(r) });
}

static enum db_result stop(struct request *r, struct job_row *row)
{
	enum db_result rc;

	if (job_is_leased(row->status))
		return job_desire(r->db, row, "stopped", actor_of(r));
	rc = db_run(r->db, NULL, "update jobs set desired = 'stopped' where id = $1",
		    row->id);
	if (rc != DB_OK)
		return rc;
	return job_move(
		r->db, row,
		&(struct job_cause){ .event = JOB_EV_CANCEL, .actor = actor_of(r) });
}

static enum db_result act(struct request *r, struct job_row *row, enum job_action a)
{
	switch (a) {
	case JOB_DO_START:
		return start(r, row, JOB_EV_START);
	case JOB_DO_RETRY:
		return start(r, row, JOB_EV_RETRY);
	case JOB_DO_RESTART:
		return start(r, row, JOB_EV_RESTART);
	case JOB_DO_PAUSE:
		return job_desire(r->db, row, "paused", actor_of(r));
	case JOB_DO_RESUME:
		return job_desire(r->db, row, "running", actor_of(r));
	case JOB_DO_STOP:
		return stop(r, row);
	default:
		return DB_REFUSED;
	}
}

static bool is_allowed(struct request *r, const struct job_row *row, enum job_action a)
{
	if (job_action_is_allowed(row->status, a) &&
	    !(job_is_leased(row->status) && strcmp(row->desired, "stopped") == 0 &&
	      a != JOB_DO_STOP))
		return true;
	reply_error(r, 409, "wrong_state", NULL,
		    "the job is %s%s: %s needs one that is %s",
		    job_state_to_str(row->status),
		    strcmp(row->desired, "stopped") == 0 && job_is_leased(row->status)
			    ? " and being stopped"
			    : "",
		    job_action_to_str(a), job_action_states(a));
	return false;
}

/* Locks the job and sees whether it may be. False when it has answered. */
static bool begin_action(struct request *r, enum job_action a, struct job_row *row)
{
	bool found = false;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = job_lock(r->db, r->ids[0], row, &found);
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (!found)
		reply_not_found(r);
	return rc == DB_OK && found && is_allowed(r, row, a);
}

void job_act(struct request *r)
{
	struct pg_result *rows = NULL;
	struct job_row row;
	enum job_action a;
	enum db_result rc;
	char action[32];

	if (!job_action_parse(r->route->arg, &a) || !begin_action(r, a, &row))
		return;
	rc = act(r, &row, a);
	if (!str_format(action, sizeof(action), "job.%s", r->route->arg) ||
	    !finish_change(r, rc,
			   &(struct audit){ .action = action,
					    .type = "job",
					    .id = row.id,
					    .name = row.name }))
		return;
	rc = db_run(
		r->db, &rows,
		"select json_build_object('job_id', id, 'status', status, 'desired', desired)"
		" from jobs where id = $1",
		row.id);
	reply_row(r, 200, rc, rows);
}

/* The task keeps the deleted job until it is done. */
static enum db_result drop(struct request *r, const struct job_row *row,
			   struct pg_result **ret_rows)
{
	return db_run(
		r->db, ret_rows,
		"insert into tasks (deployment_id, kind, job_id, wanted_worker_id, timeout_seconds,"
		" created_by) select deployment_id, 'drop', id, pinned_worker_id, 120, $2 from jobs"
		" where id = $1 returning json_build_object('job_id', job_id, 'status', 'deleted',"
		" 'task_id', id), case when wanted_worker_id is null then wake_deployment(deployment_id)"
		" else wake_worker(wanted_worker_id) end",
		row->id, actor_of(r));
}

void job_delete(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	bool drops = doc_bool(r->query, "drop", false);
	struct job_row row;
	enum db_result rc;

	if (!begin_action(r, JOB_DO_DELETE, &row))
		return;
	rc = job_move(
		r->db, &row,
		&(struct job_cause){ .event = JOB_EV_DELETE, .actor = actor_of(r) });
	if (rc == DB_OK && drops)
		rc = drop(r, &row, &rows);
	if (!finish_change(
		    r, rc,
		    &(struct audit){ .action = "job.delete",
				     .type = "job",
				     .id = row.id,
				     .name = row.name,
				     .details = drops ? "{\"drop\":true}" : NULL }))
		return;
	if (drops)
		reply(r, 202, db_text(rows, 0, 0));
	else
		r->status = 204;
}
