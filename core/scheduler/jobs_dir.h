/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_JOBS_DIR_H
#define SCHEDULER_JOBS_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "scheduler/want.h"

struct ez_error;
struct watcher;

/*
 * The drop-in folder: every file in it called *.conf is a job that is to run.
 *
 * A file counts from the moment it is whole: renamed into place, or closed by who wrote it; a
 * file that is still open for writing is left as it was known. A new content is accepted when
 * a check finds no fault in it. A file with faults costs one message, and the job goes on
 * with what was accepted before. Two files must not hold jobs of the same name: the one that
 * was there first wins.
 *
 * If the folder itself goes away or cannot be read, nothing changes until it is back.
 *
 * Main thread. jobs_dir_step() is called when its time has come; it asks for checks through
 * `check`, whose outcome comes back by jobs_dir_checked(); after either, jobs_dir_wants() may
 * be another set if `changed` was called.
 */
struct jobs_dir;

struct jobs_dir_ops {
	/* Begins to check the file at `path`; the token goes into jobs_dir_checked(). */
	void (*check)(void *arg, const char *path, const char *token);
	void (*changed)(void *arg);
};

_must_check_ int jobs_dir_new(const char *path, struct watcher *w,
			      const struct jobs_dir_ops *ops, void *arg,
			      struct jobs_dir **ret, struct ez_error *err);
void jobs_dir_free(struct jobs_dir *d);

/* When jobs_dir_step() wants to be called; INT64_MAX: only after events. */
int64_t jobs_dir_due_us(const struct jobs_dir *d);
void jobs_dir_step(struct jobs_dir *d);

/* Looks at the folder again soon, also at files that were refused and are the same. */
void jobs_dir_rescan(struct jobs_dir *d);

/* The check named by `token` is done; `fault` NULL: all is well. */
void jobs_dir_checked(struct jobs_dir *d, const char *token, const char *fault);

/* Whether every file was looked at once: before that the set is not the whole. */
bool jobs_dir_is_complete(const struct jobs_dir *d);

/* The file is there, but what it holds now was not accepted. */
bool jobs_dir_is_faulty(const struct jobs_dir *d, const char *path);

void jobs_dir_wants(const struct jobs_dir *d, struct want_set *ret);

#endif
