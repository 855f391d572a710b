/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_SHAPE_H
#define PGOUTPUT_SHAPE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

struct pg;

/*
 * From what the server says about a relation to the descriptor that events carry.
 *
 * There is one way to it, for the stream's RELATION messages and for the snapshot alike, so
 * that both give the same shape: the caller states what it knows (struct pg_relation), the
 * catalog adds what a RELATION message lacks (column numbers, NOT NULL, defaults, the names
 * and bases of types), and both are put together here.
 *
 * What the caller states wins: names, types, type modifiers and, with identity DEFAULT or
 * INDEX, the key. The catalog is of today while the relation may be of yesterday: a column
 * that the catalog no longer has by that name and type gets what can be known without it,
 * its number being 0 unless its place among its neighbours leaves only one candidate.
 */
struct pg_relation_column {
	struct ez_view name;
	uint32_t type; /* OID */
	int32_t type_mod;
	bool key;
};

struct pg_relation {
	uint32_t oid;
	struct ez_view schema, name;
	char identity; /* pg_class.relreplident: d, n, f, i */
	uint32_t xid;  /* whose changes follow; 0: the snapshot's */
	uint32_t n_columns;
	const struct pg_relation_column *columns;
};

/* A descriptor with everything it points to in one block of memory. */
struct pg_shape {
	struct ez_table table; /* uid and version are the engine's to set */
};

/*
 * Looks the relation up over the instance's side connection and builds its descriptor.
 * Blocks for one or two round trips, plus connecting if need be; EZ_E_TRANSIENT when the
 * server cannot be reached, or other sessions do not see the transaction `xid` yet (its
 * commit is sent to us first, trap B2): then nothing is known, try again.
 */
_must_check_ int pg_shape_of(struct pg *pg, const struct pg_relation *rel,
			     struct pg_shape **ret_shape, struct ez_error *err);

/* A deep copy of any descriptor. */
struct pg_shape *pg_shape_dup(const struct ez_table *table);

void pg_shape_free(struct pg_shape *shape);

#endif
