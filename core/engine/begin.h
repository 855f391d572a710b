/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_BEGIN_H
#define ENGINE_BEGIN_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "engine/start.h"

struct reader;

/*
 * Everything before the first streamed row, on the reader's thread: asks sink, source and
 * checkpoint where things stand, decides (start.h), carries the decision out. An
 * unreachable source is tried again for as long as a first start may take.
 */
struct beginning {
	struct start start;
	char from[EZ_POSITION_MAX + 1]; /* where streaming starts */
	uint64_t from_order;
	bool done; /* snapshot = "only": nothing to stream */
};

/* Repeats a step of the start while it is transient, for as long as a first start may take
 * from now: a snapshot may have gone before. */
_must_check_ int begin_patiently(struct reader *r,
				 int (*step)(struct reader *, void *, struct ez_error *),
				 void *arg, struct ez_error *err);

_must_check_ int begin_job(struct reader *r, struct beginning *ret, struct ez_error *err);

#endif
