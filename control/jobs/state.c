/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/state.h"

#include <string.h>

static const char *const state_names[_JOB_STATE_MAX] = {
	[JOB_CREATED] = "created", [JOB_PENDING] = "pending", [JOB_STARTING] = "starting",
	[JOB_RUNNING] = "running", [JOB_PAUSED] = "paused",   [JOB_FAILED] = "failed",
	[JOB_STOPPED] = "stopped", [JOB_DELETED] = "deleted",
};

static const char *const event_names[_JOB_EVENT_MAX] = {
	[JOB_EV_START] = "start",     [JOB_EV_CANCEL] = "stop",
	[JOB_EV_CLAIM] = "claim",     [JOB_EV_UP] = "up",
	[JOB_EV_PAUSED] = "paused",   [JOB_EV_DRAINED] = "drained",
	[JOB_EV_ERROR] = "error",     [JOB_EV_LOST] = "lost",
	[JOB_EV_RETRY] = "retry",     [JOB_EV_DELETE] = "delete",
	[JOB_EV_RESTART] = "restart",
};

static const struct {
	enum job_state from;
	enum job_event event;
	enum job_state to;
} transitions[] = {
	{ JOB_CREATED, JOB_EV_START, JOB_PENDING },
	{ JOB_CREATED, JOB_EV_DELETE, JOB_DELETED },
	{ JOB_PENDING, JOB_EV_CLAIM, JOB_STARTING },
	{ JOB_PENDING, JOB_EV_CANCEL, JOB_STOPPED },
	{ JOB_STARTING, JOB_EV_UP, JOB_RUNNING },
	{ JOB_STARTING, JOB_EV_DRAINED, JOB_STOPPED },
	{ JOB_STARTING, JOB_EV_ERROR, JOB_FAILED },
	{ JOB_STARTING, JOB_EV_LOST, JOB_PENDING },
	{ JOB_STARTING, JOB_EV_RESTART, JOB_PENDING },
	{ JOB_RUNNING, JOB_EV_PAUSED, JOB_PAUSED },
	{ JOB_RUNNING, JOB_EV_DRAINED, JOB_STOPPED },
	{ JOB_RUNNING, JOB_EV_ERROR, JOB_FAILED },
	{ JOB_RUNNING, JOB_EV_LOST, JOB_PENDING },
	{ JOB_RUNNING, JOB_EV_RESTART, JOB_PENDING },
	{ JOB_PAUSED, JOB_EV_UP, JOB_RUNNING },
	{ JOB_PAUSED, JOB_EV_DRAINED, JOB_STOPPED },
	{ JOB_PAUSED, JOB_EV_ERROR, JOB_FAILED },
	{ JOB_PAUSED, JOB_EV_LOST, JOB_PENDING },
	{ JOB_PAUSED, JOB_EV_RESTART, JOB_PENDING },
	{ JOB_FAILED, JOB_EV_RETRY, JOB_PENDING },
	{ JOB_FAILED, JOB_EV_RESTART, JOB_PENDING },
	{ JOB_FAILED, JOB_EV_CANCEL, JOB_STOPPED },
	{ JOB_FAILED, JOB_EV_DELETE, JOB_DELETED },
	{ JOB_STOPPED, JOB_EV_START, JOB_PENDING },
	{ JOB_STOPPED, JOB_EV_DELETE, JOB_DELETED },
};

/* `states`: where a person may do it, in words. */
static const struct {
	const char *name, *states;
} actions[_JOB_ACTION_MAX] = {
	[JOB_DO_START] = { "start", "created|stopped" },
	[JOB_DO_PAUSE] = { "pause", "running" },
	[JOB_DO_RESUME] = { "resume", "running|paused" },
	[JOB_DO_STOP] = { "stop", "pending|starting|running|paused|failed" },
	[JOB_DO_RETRY] = { "retry", "failed" },
	[JOB_DO_RESTART] = { "restart", "starting|running|paused|failed" },
	[JOB_DO_SNAPSHOT] = { "snapshot", "running|paused" },
	[JOB_DO_DELETE] = { "delete", "created|failed|stopped" },
};

const char *job_state_to_str(enum job_state s)
{
	return state_names[s];
}

const char *job_event_to_str(enum job_event e)
{
	return event_names[e];
}

const char *job_action_to_str(enum job_action a)
{
	return actions[a].name;
}

bool job_state_parse(const char *s, enum job_state *ret_state)
{
	for (int i = 0; i < _JOB_STATE_MAX; i++) {
		if (strcmp(s, state_names[i]) == 0) {
			*ret_state = (enum job_state)i;
			return true;
		}
	}
	return false;
}

bool job_action_parse(const char *s, enum job_action *ret_action)
{
	for (int i = 0; i < _JOB_ACTION_MAX; i++) {
		if (strcmp(s, actions[i].name) == 0) {
			*ret_action = (enum job_action)i;
			return true;
		}
	}
	return false;
}

bool job_next(enum job_state from, enum job_event event, enum job_state *ret_to)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
		if (transitions[i].from == from && transitions[i].event == event) {
			*ret_to = transitions[i].to;
			return true;
		}
	}
	return false;
}

bool job_is_leased(enum job_state s)
{
	return s == JOB_STARTING || s == JOB_RUNNING || s == JOB_PAUSED;
}

bool job_action_is_allowed(enum job_state s, enum job_action a)
{
	const char *name = state_names[s], *at = actions[a].states;
	size_t n = strlen(name);

	for (; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, name, n) == 0 && (at[n] == '|' || at[n] == '\0'))
			return true;
	}
	return false;
}

const char *job_action_states(enum job_action a)
{
	return actions[a].states;
}

bool job_exit_is_transient(int exit_code)
{
	return exit_code != 64 && exit_code != 65 && exit_code != 77 && exit_code != 78;
}
