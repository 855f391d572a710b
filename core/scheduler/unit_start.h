/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_UNIT_START_H
#define SCHEDULER_UNIT_START_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct settings;
struct unit;

/* Starts the daemon of a unit that is wanted. 0 or -errno. */
_must_check_ int unit_spawn(struct unit *u);

/* What a program of ours gets to know of our environment; the list is the caller's, its
 * strings are not. With `is_remote` nothing of it reaches libpq (R28). */
_must_check_ _returns_nonnull_ char **unit_environment(bool is_remote);

/* An argument vector that grows. Strings are its own. */
struct args {
	char **items; /* ends with NULL */
	size_t n;
};
void args_add(struct args *a, char *owned);
void args_add_plugin_dirs(struct args *a, const struct settings *s);
void args_release(struct args *a);

#endif
