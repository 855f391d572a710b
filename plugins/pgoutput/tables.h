/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_TABLES_H
#define PGOUTPUT_TABLES_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * The option `tables`: which tables a job wants.
 *
 * A pattern is "schema.table", or "table" for schema public. * matches any number of
 * characters and ? one; a part in double quotes is taken literally, with "" for a quote,
 * and may hold dots. ! in front excludes. The last pattern that matches decides; a list
 * of exclusions alone begins with everything, an empty list is everything. The schema
 * `ezcdc` and the server's own schemas are never selected.
 *
 * Matching is case-sensitive and by bytes: names are what pg_class says.
 */
struct pg_tables;

/* NULL and err when a pattern cannot be read. Patterns are copied. */
struct pg_tables *pg_tables_new(const struct ez_host *host, const struct ez_view *items,
				size_t n, struct ez_error *err);
void pg_tables_free(struct pg_tables *t);

bool pg_tables_match(const struct pg_tables *t, struct ez_view schema,
		     struct ez_view name);

/* No pattern was given: everything. */
bool pg_tables_is_all(const struct pg_tables *t);

size_t pg_tables_count(const struct pg_tables *t);
struct ez_view pg_tables_text(const struct pg_tables *t, size_t i);
bool pg_tables_is_exclusion(const struct pg_tables *t, size_t i);

/* Does pattern i alone, whatever its sign, match? */
bool pg_tables_match_one(const struct pg_tables *t, size_t i, struct ez_view schema,
			 struct ez_view name);

#endif
