/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_TASKS_H
#define SCHEDULER_TASKS_H

#include <ezcdc/plugin.h>

struct agent;
struct agent_task;
struct children;
struct settings;

/*
 * What an agent may ask for once. Checks, discovery and removal run as children of `ezcdc`;
 * log and dead letters are read here. The result goes to the agent as one object:
 *
 *   {"exit_code": 0 or null, "result": any or null, "error": "..." or null}
 *
 * The table of kinds stands in docs/worker-protocol.md; `drop` comes as
 * {"job_id", "epoch", "config"}.
 */
struct tasks {
	const struct settings *settings;
	const char *ezcdc; /* path, or name to look for */
	struct children *children;
	struct agent *agent;
};

/* Takes the task over. */
void tasks_begin(const struct tasks *t, struct agent_task *task);

#endif
