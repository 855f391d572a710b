/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTGRES_NAMES_H
#define POSTGRES_NAMES_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"

/*
 * The store's schema and table, as plain names and quoted for SQL. Owns its strings.
 */
struct store_names {
	char *schema, *table;
	char *quoted_schema, *relation; /* "ezcdc", "ezcdc"."checkpoint" */
};

/* A heap copy in double quotes. */
_returns_nonnull_ char *quote_name(const char *name);

/* False when a name is empty or longer than PostgreSQL keeps it. */
_must_check_ bool store_names_init(struct store_names *n, struct ez_view schema,
				   struct ez_view table);
void store_names_release(struct store_names *n);

#endif
