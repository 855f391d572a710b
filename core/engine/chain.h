/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CHAIN_H
#define ENGINE_CHAIN_H

#include <ezcdc/plugin.h>
#include <stddef.h>

#include "base/attr.h"
#include "engine/table.h"

/*
 * The transforms of a job, in order, as one thread sees them: an instance of each, and for
 * every table a plan of those that are interested in it. A table that no transform wants
 * has an empty plan, so its events pay nothing.
 */
struct transform {
	const struct ez_transform *ops;
	const char *name;
	void *inst;
};

struct chain {
	struct transform *transforms;
	size_t n;
	struct registry *uids; /* for the shapes between two transforms */
};

/* One interested transform; `out` is the shape of the events that leave it. */
struct link {
	const struct transform *transform;
	void *state;
	struct table *out;
};

struct chain_plan {
	struct link *links;
	size_t n_links;
};

/* Asks each transform about a shape. On failure nothing is kept. */
_must_check_ int chain_plan_make(const struct chain *c, const struct ez_table *in,
				 struct chain_plan *ret, struct ez_error *err);
void chain_plan_release(struct chain_plan *p);

/* The shape that leaves the last link, or `in`. */
const struct ez_table *chain_plan_shape(const struct chain_plan *p,
					const struct ez_table *in);

/* EZ_OK: the event goes on, in its new shape; EZ_SKIP: it is dropped. */
_must_check_ int chain_apply(const struct chain_plan *p, struct ez_event *ev,
			     struct ez_out *out, struct ez_error *err);

/* The same for a message, which has no table: every transform sees it, without a state. */
_must_check_ int chain_apply_message(const struct chain *c, struct ez_event *ev,
				     struct ez_out *out, struct ez_error *err);

/* host->reshape */
void chain_reshape(struct ez_shape *shape, const struct ez_table *table);

/* Closes the instances. */
void chain_release(struct chain *c);

#endif
