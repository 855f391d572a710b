/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_GROUP_H
#define STARROCKS_GROUP_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "ahead.h"
#include "encode.h"

/*
 * Batches that are loaded together.
 *
 * Batches are added on the engine's thread while earlier groups are being loaded; then the
 * group is encoded, as if it were one batch, and goes to the uploader. Events stay in the
 * engine's memory; the group has pointers to them until it is freed, which is after its
 * batches are durable.
 *
 * A row that is refused is taken out and the group encoded anew, so that what the row had
 * hidden (an earlier state of the same key) is loaded.
 */
struct group {
	struct group *next;
	uint64_t seq;         /* number in this run; the uploader's, 0: not loaded yet */
	uint64_t first, newest; /* numbers of its batches */
	const struct ez_event **events;
	struct group_place {
		uint64_t batch;
		uint32_t row, reserved;
	} * places; /* of the events */
	bool *gone; /* rejected: left out when it is encoded next */
	size_t n_events, size_events;
	uint32_t flags, part; /* of a copy: EZ_BATCH_SNAPSHOT, and which part it is of */
	size_t bytes;         /* of values */
	struct ahead_place last; /* where it ends */
	bool has_rejects;
	char position[EZ_POSITION_MAX +
		      1]; /* behind the last whole transaction; "": none */
	uint64_t order;
	unsigned version; /* rises each time it is encoded anew */
	struct loads loads;
	struct ez_ctx *ctx;
	size_t charged;
	size_t expected; /* bytes of bodies that are not made yet */
};

_returns_nonnull_ struct group *group_new(struct ez_ctx *ctx);
struct group *group_free(struct group *g);

/* Takes events [from, to) of the batch in; messages and truncates are not rows. `before` is
 * the place of the last event of the batch before. */
void group_add(struct group *g, const struct ez_batch *b, size_t from, size_t to,
	       const struct ahead_place *before);

/* Events [0, n) of the batch are in it, or in groups before it. */
void group_reach(struct group *g, const struct ez_batch *b, size_t n);
/* All of the batch is. */
void group_end_batch(struct group *g, const struct ez_batch *b);

/* `settle` as in encode_rules. EZ_E_DATA: a row cannot be expressed and may not be left out. */
_must_check_ int group_encode(struct group *g, struct encoder *e, bool one_set,
			      int (*settle)(void *arg, struct ez_error *err), void *arg,
			      struct ez_error *err);

/* All rows of that table are loaded: the group is without them. */
void group_leave_out(struct group *g, uint64_t table_id);

/* Lets the engine reject row `row` of a load, and takes it out of the group. EZ_E_DATA: the
 * policy is to stop. err holds the reason before. Encode again afterwards. */
_must_check_ int group_reject(struct group *g, const struct load *load, size_t row,
			      struct ez_error *err);

#endif
