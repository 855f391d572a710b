/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_STATE_H
#define CONTROL_JOBS_STATE_H

#include <stdbool.h>

#include "base/attr.h"

/*
 * The states of a job and what moves it from one to another: two tables.
 *
 * What happened (a worker claimed it, its daemon is up, it failed, ...) changes the state
 * at once. What a person asks of a job that a worker holds changes only what is desired of
 * it; the state follows when the worker has reported. Pure functions.
 */
enum job_state {
	JOB_CREATED,
	JOB_PENDING,
	JOB_STARTING,
	JOB_RUNNING,
	JOB_PAUSED,
	JOB_FAILED,
	JOB_STOPPED,
	JOB_DELETED,
	_JOB_STATE_MAX,
};

enum job_event {
	JOB_EV_START,   /* a person wants it to run */
	JOB_EV_CANCEL,  /* stopped before any worker had it, or after it had failed */
	JOB_EV_CLAIM,   /* a worker's poll took it */
	JOB_EV_UP,      /* its daemon answers */
	JOB_EV_PAUSED,  /* its daemon has paused */
	JOB_EV_DRAINED, /* its daemon has ended as wished */
	JOB_EV_ERROR,   /* its daemon has given up */
	JOB_EV_LOST,    /* its worker is lost, or gave it back */
	JOB_EV_RETRY,   /* once more, by itself or by a person */
	JOB_EV_RESTART, /* stop and start in one */
	JOB_EV_DELETE,
	_JOB_EVENT_MAX,
};

enum job_action {
	JOB_DO_START,
	JOB_DO_PAUSE,
	JOB_DO_RESUME,
	JOB_DO_STOP,
	JOB_DO_RETRY,
	JOB_DO_RESTART,
	JOB_DO_SNAPSHOT,
	JOB_DO_DELETE,
	_JOB_ACTION_MAX,
};

const char *job_state_to_str(enum job_state s);
const char *job_event_to_str(enum job_event e);
const char *job_action_to_str(enum job_action a);
_must_check_ bool job_state_parse(const char *s, enum job_state *ret_state);
_must_check_ bool job_action_parse(const char *s, enum job_action *ret_action);

/* False when the event means nothing in that state. */
_must_check_ bool job_next(enum job_state from, enum job_event event,
			   enum job_state *ret_to);

/* Whether a worker may hold it. */
bool job_is_leased(enum job_state s);

/* Whether a person may do that now; `ret_states` is the list of states that allow it. */
_must_check_ bool job_action_is_allowed(enum job_state s, enum job_action a);
const char *job_action_states(enum job_action a);

/* Exit codes of daemons that are worth another try without a change by a person. */
bool job_exit_is_transient(int exit_code);

enum { JOB_TRIES_MAX = 10 };

#endif
