/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include <ezcdc/plugin.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * The parts of a snapshot, as the source's plan() cuts them: copies, numbered from 0 in the
 * order they came. Filled on the reader's thread; read-only while copiers work.
 */
struct ez_plan {
	struct ez_part **parts; /* each one block with its spec */
	size_t n, cap;
};

void plan_release(struct ez_plan *p);

/* host->part */
int plan_add(struct ez_plan *p, const struct ez_part *part, struct ez_error *err);

#endif
