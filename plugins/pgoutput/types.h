/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_TYPES_H
#define PGOUTPUT_TYPES_H

#include <ezcdc/plugin.h>
#include <stdint.h>

#include "base/view.h"

/*
 * The server's types as logical types. Built-in scalars go by OID; everything else by what
 * pg_type says of it. A domain is resolved to its base before it comes here.
 */
struct pg_type {
	uint32_t oid;
	int32_t mod;
	char kind; /* pg_type.typtype: b, c, e, m, p, r; 0: the catalog has it no more */
	struct ez_view name;
};

/* A type that is no array. */
uint32_t pg_type_to_ez(const struct pg_type *t);

/* Fills type, element, precision, scale and length. `element`: of an array, else NULL. */
void pg_type_describe(struct ez_column *c, const struct pg_type *base,
		      const struct pg_type *element);

#endif
