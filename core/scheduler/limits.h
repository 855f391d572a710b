/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_LIMITS_H
#define SCHEDULER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * What one daemon may use. 0 means no limit.
 *
 * Where the worker's control group (version 2) is its own to divide, each daemon gets a group
 * of its own, and memory, CPU and processes are limited there. Elsewhere memory is limited
 * through the size of the data segment, which is coarser, and CPU and processes are not.
 */
struct limits {
	uint64_t memory_bytes;
	uint32_t cpu_percent; /* 100: one core */
	uint32_t open_files;
	int32_t nice;
};

/* In a new process, before it becomes the program: what needs no control group. */
void limits_apply(const struct limits *l, bool has_cgroup);

/* The worker's own group, or NULL when groups cannot be made. Moves the worker into a group
 * below it, because only leaves may hold processes. */
struct cgroups;
_must_check_ struct cgroups *cgroups_new(const struct limits *l);
void cgroups_free(struct cgroups *c);

/* Makes the group of a job and returns a descriptor of its cgroup.procs; -1: none. `c` may be
 * NULL. */
_must_check_ int cgroups_open(struct cgroups *c, const char *job);

/* Removes an empty group. */
void cgroups_remove(struct cgroups *c, const char *job);

#endif
