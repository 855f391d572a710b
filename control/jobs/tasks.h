/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_TASKS_H
#define CONTROL_JOBS_TASKS_H

#include <stdint.h>

#include "base/attr.h"
#include "control/catalog/db.h"

struct json_t;
struct keyring;

/*
 * Tasks: what a worker does once for a person, and answers: tests of connections, lists of
 * tables, logs. Pending until a poll takes them; done again by another worker when theirs
 * is lost; failed when nobody takes them within their time.
 */
struct open_task {
	char id[37], kind[24], job_id[37];
	int64_t epoch, timeout_seconds;
	char *spec;   /* as the catalog has it */
	char *config; /* what the worker gets, once prepared; holds secrets */
	char datasource_id[37];
};

enum { TASKS_OPEN_MAX = 100 };

struct open_tasks {
	struct open_task items[TASKS_OPEN_MAX];
	int n;
};

/* Gives pending tasks to the worker, in the caller's transaction. */
_must_check_ enum db_result tasks_claim(struct db *d, const char *worker_id);

/* Those that it has and that `known` (an array of ids) does not name. */
_must_check_ enum db_result tasks_open_for(struct db *d, const char *worker_id,
					   const struct json_t *known,
					   struct open_tasks *ret_tasks);
void open_tasks_release(struct open_tasks *t);

/* Makes the text for the worker; on a fault of the task itself it stays NULL. */
_must_check_ enum db_result task_prepare(struct db *d, struct keyring *k,
					 struct open_task *t);

#endif
