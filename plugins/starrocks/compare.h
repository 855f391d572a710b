/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_COMPARE_H
#define STARROCKS_COMPARE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "sqlc.h"
#include "table.h"

/*
 * Comparing tables of StarRocks with the source's, by checksums: see compare.c.
 *
 * The functions are the callbacks of struct ez_sink; one table at a time, round after round.
 * What compare_end() returns is valid until the next call. One owner, one thread.
 */
struct comparing;

/* Both are borrowed. Before the first statement of `sql`. */
struct comparing *comparing_new(struct sqlc *sql, struct targets *targets);
struct comparing *comparing_free(struct comparing *c);

_must_check_ int comparing_begin(struct comparing *c, const struct ez_table *table,
				 uint32_t round, struct ez_error *err);
_must_check_ int comparing_rows(struct comparing *c, const struct ez_batch *b,
				struct ez_error *err);
/* EZ_E_TRANSIENT: may be called again. */
_must_check_ int comparing_end(struct comparing *c, bool last, struct ez_compared *ret,
			       struct ez_error *err);

#endif
