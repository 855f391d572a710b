/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_RENDER_H
#define STARROCKS_RENDER_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "table.h"

/*
 * A row as text that two parties make alike: we of the source's row, as the sink would have
 * loaded it, and StarRocks of its own row, in SQL. Equal texts are equal rows, so their
 * digests can be compared.
 *
 * The text is that of all columns of the source, joined by "|"; the key's that of the key
 * columns. Columns of ours and those that only the target has are left out. A value is
 *
 *   NULL                     -
 *   BOOLEAN                  1, 0
 *   integers, DECIMAL, DATE  as CAST(... AS VARCHAR) writes them
 *   DATETIME                 the first 19 characters, then six digits, whether the server
 *                            writes zeros at the end or not
 *   FLOAT, DOUBLE            the whole part and 15 digits of the rest, as integers: servers
 *                            do not agree on the text of floats. From 1e18 on P or M, which
 *                            is all that is compared; X is NaN
 *   VARCHAR                  its MD5, so that a row's text stays short
 *   VARBINARY                the MD5 of its bytes as upper-case hex digits
 *   JSON                     + (also for NULL's twin, the JSON value null: -). StarRocks keeps
 *                            the value and not the text, and writes it in its own way, so more
 *                            cannot be compared from outside
 *   ARRAY                    +
 */

/* Whether NULL or not is all that is compared of such a column. */
bool render_is_opaque(const struct field *f);

/* Appends the expression of the row's text, or with `key` that of its key. A target whose key
 * is the place of the change has no key in the source: there both are the row. */
void render_add_sql(struct buf *b, const struct target *t, bool key);

/* Appends the expression of the key for people: "7, de". */
void render_add_sql_shown(struct buf *b, const struct target *t);

struct render {
	struct buf row, key;  /* of the last render_row() */
	struct buf raw, near; /* a value as it would be loaded; clamped */
};

void render_init(struct render *r);
void render_release(struct render *r);

/* The texts of a row with n_source cells. EZ_SKIP: the target cannot hold it. */
_must_check_ int render_row(struct render *r, const struct target *t,
			    const struct ez_cell *cells, struct ez_error *err);

/* Appends the key for people, as render_add_sql_shown has it. */
void render_add_shown(struct render *r, const struct target *t,
		      const struct ez_cell *cells, struct buf *b);

#endif
