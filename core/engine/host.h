/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include <ezcdc/plugin.h>

struct engine;
struct lane;

/*
 * The host table that every plugin of this process gets, and what it means by `struct
 * ez_ctx`: the engine and, for writer instances, the lane. Contexts are embedded in their
 * owners and outlive the instances.
 */
struct ez_ctx {
	struct engine *e;
	struct lane *lane; /* NULL for anything but a writer */
};

extern const struct ez_host host_table;

/* An empty struct for a caller to pass down. */
#define ERROR_INIT ((struct ez_error){ .size = sizeof(struct ez_error) })

#endif
