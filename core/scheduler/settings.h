/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_SETTINGS_H
#define SCHEDULER_SETTINGS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "engine/options.h"
#include "scheduler/limits.h"

struct loader;
struct plugin;
struct problems;

/*
 * The worker's configuration file, read and validated. Immutable; its strings live as long
 * as it does.
 */
struct settings {
	struct ez_config *top, *limit;
	const char *jobs_dir; /* NULL: no folder of job files */
	const char *state_root, *secrets_dir;
	uint32_t max_jobs;
	int64_t stop_timeout_us;
	struct limits limits;

	const struct plugin *agent; /* NULL: no control plane */
	struct ez_config *agent_config;
};

/*
 * `path` NULL: the default file, which may be missing; then all is as by default. Adds the
 * worker's plugin folders to `loader`. EZ_E_CONFIG with every fault in `p`.
 */
_must_check_ int settings_load(const char *path, struct loader *loader, struct problems *p,
			       struct settings *ret, struct ez_error *err);
void settings_release(struct settings *s);

/* Options of the file, for its manual page; end with NULL. */
extern const struct ez_option *const settings_options[];
extern const struct ez_option *const settings_limit_options[];

#endif
