/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_RELATION_H
#define PGOUTPUT_RELATION_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/map.h"

struct pg;
struct pg_relation;
struct protocol_relation;

/*
 * What the server has said about tables on this connection.
 *
 * A RELATION message comes before the first change of a table and again after whatever may
 * have altered it; each replaces what was known (trap C5: nothing of an old message is
 * kept). The descriptor that events carry is made when the first change needs it, so a
 * table that the job leaves out costs no question to the catalog. Everything is forgotten
 * when the connection ends (trap D1).
 *
 * One owner, one thread. Relations live until they are replaced or the cache is reset.
 */
struct relation {
	uint32_t oid;
	uint32_t n_columns;
	bool is_selected;             /* the job wants this table */
	const struct ez_table *table; /* the engine's; NULL until relation_declare */
	bool *is_identity; /* per column: part of what the server keeps of old rows */
	uint32_t n_keys;
	uint32_t *keys; /* indexes of the key columns, once declared */
	struct pg_relation *stated;
};

struct relations {
	struct map by_oid;
	struct relation *last; /* most changes are of the same table as the one before */
};

void relations_init(struct relations *r);
void relations_reset(struct relations *r);

/* Slow path of relation_find. */
struct relation *relations_lookup(struct relations *r, uint32_t oid);

/* NULL: the server never described it. */
static inline struct relation *relation_find(struct relations *r, uint32_t oid)
{
	if (LIKELY(r->last && r->last->oid == oid))
		return r->last;
	return relations_lookup(r, oid);
}

void relation_put(struct relations *r, const struct pg *pg,
		  const struct protocol_relation *message);

/*
 * Makes the descriptor, for changes of transaction `tx`, and declares it to the engine. EZ_E_TRANSIENT: the catalog cannot be
 * asked now; nothing has changed, try again.
 */
_must_check_ int relation_declare(struct relation *rel, struct pg *pg, const struct ez_commit *tx,
				  struct ez_out *out, struct ez_error *err);

/* Does the job want this table? */
_must_check_ bool relation_is_selected(const struct pg *pg,
				       const struct protocol_relation *message);

/* schema and name as the message has them; never NULL. */
struct ez_view relation_schema(const struct relation *rel);
struct ez_view relation_name(const struct relation *rel);

#endif
