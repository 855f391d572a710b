/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_INTERNAL_H
#define SCHEDULER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "scheduler/agent.h"
#include "scheduler/children.h"
#include "scheduler/jobs_dir.h"
#include "scheduler/tasks.h"
#include "scheduler/unit.h"
#include "scheduler/unit_start.h"
#include "scheduler/want.h"
#include "scheduler/watch.h"

struct control;
struct control_ops;

/*
 * The scheduler's state, shared by the files that make it up: scheduler.c (the loop),
 * adopt.c (what an earlier worker left) and commands.c (worker.sock). Main thread.
 */
struct scheduler {
	const struct settings *settings;
	const char *ezcdc;
	struct tools tools;
	struct map units; /* by key: struct unit */
	struct want_set local, remote;
	bool local_known, remote_known; /* the set was stated since our start */

	struct jobs_dir *jobs; /* NULL: no folder */
	struct agent *agent;   /* NULL: no control plane */
	struct children children;
	struct watcher watcher;
	struct control *control;
	int signal_fd;
	int64_t watchdog_us;
	size_t count_told;
	bool draining, replacing, told_full;
};

/* Makes a unit for every note in the state root. */
void adopt_all(struct scheduler *s);

/* {"cmd":"status"}, {"cmd":"start","job":"shop"}, {"cmd":"stop","job":"shop"}. */
extern const struct control_ops worker_commands;

#endif
