/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_START_H
#define ENGINE_START_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "engine/checkpoint.h"
#include "engine/job.h"

/*
 * Where a job begins: the decision alone, as a function of what the checkpoint, the sink
 * and the source say. It does nothing, so every combination can be tested.
 */
enum start_action {
	START_SNAPSHOT, /* make the slot, copy, then stream from its consistent point */
	START_SLOT,     /* make the slot, stream from its consistent point */
	START_PUBLISH,  /* the copy is complete: show it, then stream */
	START_STREAM,   /* stream from `from` */
};

struct start_facts {
	const struct checkpoint *cp;
	struct ez_position recovered;     /* of the sink; empty: it has none */
	bool sink_keeps;                  /* the sink keeps positions at all */
	const struct ez_source_info *info;
	enum job_snapshot snapshot;
	bool again;                       /* --again */
	const char *job;
};

struct start {
	enum start_action action;
	struct ez_position from; /* START_STREAM, START_PUBLISH; borrowed from the facts */
	bool drop_slot;          /* ours, half-made: may be made again */
	bool restart;            /* the snapshot was cut short before */
	bool first;              /* nothing was ever written: say where it begins */
};

/* A refusal is EZ_E_GONE or EZ_E_CONFIG with the remedy. */
_must_check_ int start_decide(const struct start_facts *f, struct start *ret,
			      struct ez_error *err);

#endif
