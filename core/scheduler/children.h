/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_CHILDREN_H
#define SCHEDULER_CHILDREN_H

#include <ezcdc/plugin.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"

/*
 * Short-lived programs that the worker runs to learn something: `ezcdc check`, `discover`,
 * `plugins`. They get their job file by descriptor, write to files in memory, and are killed
 * when their time is over. Main thread.
 */
struct child_result {
	int code; /* as process_poll() says */
	bool timed_out;
	struct ez_view out, err; /* until the callback returns */
};

struct children {
	struct list list;
};

void children_init(struct children *c);

/* Kills and reaps all that still run, without calling back. */
void children_release(struct children *c);

struct child_job {
	char *const *argv;
	char *const *envp; /* NULL: ours */
	struct ez_view config; /* .ptr NULL: none; else descriptor 3 */
	unsigned timeout_ms;
	void (*done)(void *arg, const struct child_result *r);
	void *arg;
};

/* 0 or -errno; `done` is called later, once. */
_must_check_ int children_start(struct children *c, const struct child_job *job);

size_t children_count(const struct children *c);
size_t children_fds(const struct children *c, struct pollfd *fds, size_t cap);

/* Earliest instant (mono_us) at which one must be killed; INT64_MAX: none. */
int64_t children_due_us(const struct children *c);

/* Looks after those that ended and those whose time is over. */
void children_step(struct children *c);

#endif
