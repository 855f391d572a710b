/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SNAPSHOT_H
#define ENGINE_SNAPSHOT_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "engine/start.h"

struct reader;

/*
 * The copy that stands at a job's beginning, on the reader's thread: makes the slot with
 * its snapshot, cuts the tables into parts, lets copiers read and write them, shows the
 * result. Started again from the beginning, with a new slot, when anything that the
 * snapshot depends on is lost. Leaves the checkpoint in PHASE_STREAMING (or PHASE_COPIED)
 * and the consistent point in *ret_from, text in `text` of EZ_POSITION_MAX + 1.
 */
_must_check_ int snapshot_run(struct reader *r, const struct start *start,
			      struct ez_position *ret_from, char *text, struct ez_error *err);

/* Makes the slot without a copy. */
_must_check_ int snapshot_slot_only(struct reader *r, const struct start *start,
				    struct ez_position *ret_from, char *text,
				    struct ez_error *err);

/* The last step alone, after a crash between "durable" and "shown". */
_must_check_ int snapshot_publish(struct reader *r, struct ez_error *err);

#endif
