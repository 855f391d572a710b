/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/workers/release.h"

#include <string.h>

#include "control/jobs/change.h"

static enum db_result release_one(struct db *d, const char *job_id, const char *worker_id,
				  const char *why)
{
	struct job_row row;
	bool found = false;
	enum db_result rc = job_lock(d, job_id, &row, &found);
	struct job_cause cause = { .event = JOB_EV_LOST,
				   .actor = "orchestrator",
				   .message = why };

	if (rc != DB_OK || !found || strcmp(row.worker_id, worker_id) != 0 ||
	    !job_is_leased(row.status))
		return rc;
	if (strcmp(row.desired, "stopped") == 0)
		cause.event = JOB_EV_DRAINED;
	return job_move(d, &row, &cause);
}

enum db_result workers_lock_jobs(struct db *d, const char *worker_id)
{
	return db_run(d, NULL,
		      "select id from jobs where worker_id = $1 order by id for update",
		      worker_id);
}

enum db_result workers_release_jobs(struct db *d, const char *worker_id, const char *why)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc =
		db_run(d, &rows, "select id from jobs where worker_id = $1 order by id",
		       worker_id);

	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		rc = release_one(d, db_text(rows, i, 0), worker_id, why);
	if (rc == DB_OK)
		rc = db_run(
			d, NULL,
			"update tasks set status = 'pending', worker_id = null, claimed_at = null"
			" where worker_id = $1 and status = 'running'",
			worker_id);
	return rc;
}
