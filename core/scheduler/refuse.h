/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_REFUSE_H
#define SCHEDULER_REFUSE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * What a job of the control plane must not do on this machine (R28), so that whoever has the
 * control plane does not have the workers' files.
 *
 * This looks at the text alone, before any plugin sees it: every path must lie in an allowed
 * folder, whatever option it stands in, plugins are plain names, and connection strings name
 * no files. Secrets are the daemon's part: it is started so that they are text or names in
 * the worker's folder of secrets. Includes are refused by reading from a text.
 */
struct refuse_rules {
	const struct ez_config *top; /* of struct settings: allow_paths */
	const char *state_root;
};

/* NULL: it may run. Else why not, a heap string without values of options. */
_must_check_ char *refuse_config(const struct refuse_rules *rules, struct ez_view config);

/* The same of one connection string. */
_must_check_ char *refuse_conninfo(const struct refuse_rules *rules, struct ez_view text);

/* Whether a path lies in an allowed folder, and is none of our own files. */
_must_check_ bool refuse_path_is_allowed(const struct refuse_rules *rules, struct ez_view path);

#endif
