/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_WORKERS_RELEASE_H
#define CONTROL_WORKERS_RELEASE_H

#include "base/attr.h"
#include "control/catalog/db.h"

/*
 * Locks the jobs of a worker, in the order of ids. To be done before the worker's own row
 * is changed: reports change a job and then its worker.
 */
_must_check_ enum db_result workers_lock_jobs(struct db *d, const char *worker_id);

/*
 * Takes all jobs from a worker that is lost, leaves or was revoked: each becomes pending,
 * or stopped if that was wished, and is claimed under a higher epoch by whoever polls next.
 * What the old holder still does is fenced off by that epoch. Its tasks are done again by
 * others. In the caller's transaction.
 */
_must_check_ enum db_result workers_release_jobs(struct db *d, const char *worker_id,
						 const char *why);

#endif
