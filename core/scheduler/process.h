/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PROCESS_H
#define SCHEDULER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct limits;

/*
 * A process that the worker looks after: its own child, or one that an earlier worker left.
 *
 * The descriptor of a process (pidfd) is what everything goes through, so a number that the
 * system has given to another process does no harm. A process is identified over restarts of
 * the worker by its number and the instant it started, which come from /proc.
 *
 * The struct is a value with one owner; process_release() closes the descriptor and leaves
 * the process alone. Fallible functions return 0 or -errno.
 */
struct process {
	pid_t pid;
	int pidfd;           /* readable once it has ended; -1: none */
	uint64_t start_time; /* in ticks since the machine started */
};

#define PROCESS_NONE ((struct process){ .pidfd = -1 })

/* What a new process is given. It is the leader of a session, its signals are as new, and it
 * inherits these descriptors and nothing else. */
struct spawn {
	char *const *argv; /* argv[0] is a path, or a name to look for in $PATH */
	char *const *envp;
	int config_fd;     /* becomes 3; -1: none */
	int out_fd, err_fd;
	const struct limits *limits; /* NULL: none */
	int cgroup_fd;               /* of its cgroup.procs; -1: none */
};

_must_check_ int process_spawn(const struct spawn *how, struct process *ret);

/* -ESRCH: it has ended, or the number is another's by now. */
_must_check_ int process_adopt(pid_t pid, uint64_t start_time, struct process *ret);

enum {
	PROCESS_RUNS = -1,
	PROCESS_UNKNOWN = -2, /* not our child: only its end is known */
};

/* How it ended: its exit code, 128 + the signal, or one of the above. */
int process_poll(const struct process *p);

void process_signal(const struct process *p, int signal);
void process_release(struct process *p);

static inline bool process_is_set(const struct process *p)
{
	return p->pidfd >= 0;
}

/* An unnamed file in memory that holds the bytes, at its beginning; or -errno. */
_must_check_ int process_memory_file(const void *data, size_t len);

/* Identifies this start of the machine; "" if it cannot be told. */
struct boot_id {
	char text[40];
};
struct boot_id process_boot_id(void);

#endif
