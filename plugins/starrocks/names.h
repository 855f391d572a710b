/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_NAMES_H
#define STARROCKS_NAMES_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * Names at the target: what a source's table and columns are called there, and how names
 * and texts are quoted in SQL.
 *
 * A column keeps its name unless StarRocks has the name for itself or a character that it
 * does not take: then each such character becomes "_", and a reserved name gets the prefix
 * "_src". The mapping looks at one name alone, so it is the same for ever; two columns that
 * meet in one name are found by whoever maps them all.
 */

/*
 * Appends the name of the table: `pattern` with {schema} and {table} replaced. False with a
 * reason (static text) when that is not a name a table can have.
 */
_must_check_ bool names_add_table(struct buf *b, struct ez_view pattern,
				  struct ez_view schema, struct ez_view table,
				  const char **ret_why);

/* Appends the name of a column. */
void names_add_column(struct buf *b, struct ez_view name);

/* As StarRocks compares names of columns. */
bool names_same_column(struct ez_view a, struct ez_view b);

/* Appends `name` in back-ticks. */
void names_quote(struct buf *b, struct ez_view name);

/* Appends 'text', escaped. */
void names_literal(struct buf *b, struct ez_view text);

#endif
