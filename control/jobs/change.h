/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_CHANGE_H
#define CONTROL_JOBS_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "control/catalog/db.h"
#include "control/jobs/state.h"

/*
 * Changes of a job's state, in the transaction of the caller, with the row locked: who
 * else wants to change it waits, and then sees what has become of it. Each change is
 * written to the job's history and told to browsers and workers at commit.
 */
struct job_row {
	char id[37], deployment_id[37];
	char worker_id[37]; /* "" when no worker holds it */
	char name[48];
	enum job_state status;
	char desired[16];
	int64_t epoch, revision;
	int tries;
	bool was_up_long; /* it ran for ten minutes: tries begin anew */
};

/* `ret_found` false: there is none, or it was deleted. */
_must_check_ enum db_result job_lock(struct db *d, const char *id,
				     struct job_row *ret_row, bool *ret_found);

struct job_cause {
	enum job_event event;
	const char *actor;   /* a person's name, "worker NAME", "orchestrator" */
	const char *message; /* NULL: none */
};

/* Moves it and brings `row` up to date; the event must mean something in its state. */
_must_check_ enum db_result job_move(struct db *d, struct job_row *row,
				     const struct job_cause *c);

/* running, paused or stopped, as the worker shall make it. */
_must_check_ enum db_result job_desire(struct db *d, struct job_row *row,
				       const char *desired, const char *actor);

/* Only history and news. */
_must_check_ enum db_result job_note(struct db *d, const struct job_row *row,
				     const char *event, const char *actor,
				     const char *message);

#endif
