/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOAD_H
#define CORE_LOAD_H

#include <ezcdc/plugin.h>
#include <stddef.h>

#include "base/attr.h"

struct job;
struct loader;
struct secret_fds;

/*
 * Loading a job file as the programs do it: every further fault of the file is logged on a
 * line of its own, the error is the sentence for the last line.
 */
struct load_args {
	struct loader *loader;
	struct secret_fds *fds;
	const char *path; /* or */
	int fd;           /* not negative: read from there */
	const char *secrets_dir; /* not NULL: a job of the control plane (R28) */
	unsigned flags;          /* enum job_load_flag */
};

_must_check_ int load_job(const struct load_args *a, struct job **ret, struct ez_error *err);

/* Logs an error as the last line of a program: what happened and what to do. Returns the
 * exit code. */
int conclude_error(const struct ez_error *err);

#endif
