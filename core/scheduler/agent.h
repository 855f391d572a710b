/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_AGENT_H
#define SCHEDULER_AGENT_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "scheduler/want.h"

struct agent;
struct settings;

/*
 * The agent plugin and the thread it lives on.
 *
 * The plugin blocks in the network, so it has a thread of its own; the scheduler never waits
 * for it. Between them stand two mailboxes under one lock: what the agent wants (the whole
 * set, tasks) and what the worker has to say (the newest status of each job, results, option
 * tables). agent_fd() is readable when there is news from the agent.
 *
 * All functions are the main thread's.
 */

/* What the worker says about a job. Copied. */
struct agent_status {
	const char *id;      /* of the job, as the agent gave it */
	struct ez_view json; /* the daemon's status document; may be empty */
	const char *error;   /* NULL: none */
	uint64_t revision, epoch;
	int32_t exit_code;   /* -1: none */
	uint32_t state;      /* of struct ez_job_status */
};

struct agent_task {
	char *id, *kind, *config;
};
void agent_task_free(struct agent_task *t);

/* What a host has for agents beside what the engine's has: set by agent_host(). */
struct ez_host agent_host(void);

/* Opens the plugin on its thread and returns when that has succeeded. */
_must_check_ int agent_start(const struct settings *s, struct agent **ret, struct ez_error *err);

/* Interrupts, closes and ends the thread. NULL is fine. */
void agent_stop(struct agent *a);

int agent_fd(const struct agent *a);
void agent_clear(struct agent *a); /* the descriptor is read */

/* The newest set, if there is one since the last call. */
_must_check_ bool agent_take_set(struct agent *a, struct want_set *ret);

/* The next task, or NULL; the caller's. */
struct agent_task *agent_take_task(struct agent *a);

void agent_put_status(struct agent *a, const struct agent_status *s);
void agent_put_result(struct agent *a, const char *task, int rc, struct ez_view json);
void agent_put_plugins(struct agent *a, struct ez_view json);

/* The worker drains: the plugin is told. */
void agent_leave(struct agent *a);

/* There is nothing left to say: what was put has been handed to the plugin. */
bool agent_is_quiet(struct agent *a);

#endif
