/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TABLE_MAKE_H
#define STARROCKS_TABLE_MAKE_H

#include <ezcdc/plugin.h>

#include "base/attr.h"

#include "ddl.h"
#include "table.h"

/*
 * The inside of struct targets: what table.c and table_prepare.c share.
 */
struct targets {
	const struct settings *settings;
	struct sqlc *sql; /* NULL: every table is as we would make it */
	struct ez_ctx *ctx;
	struct map by_uid;  /* to struct target *, one reference each */
	struct map by_name; /* the newest of each StarRocks table, likewise */
	struct target *last;
	struct renames *renames; /* NULL: nobody keeps notes; else keep() saves them */
	int (*keep)(void *arg, struct ez_error *err);
	void *arg;
};

/* The server as types depend on it. */
_must_check_ int targets_rules(struct targets *ts, struct type_rules *ret,
			       struct ez_error *err);

/* Takes the target over, also on failure: two tables with one name. */
_must_check_ int targets_put(struct targets *ts, struct target *t, struct ez_error *err);

/* Form and policy of a field whose type is known. `c` NULL: one of ours. */
void target_settle(struct field *f, const struct settings *s, const struct ez_column *c);

/* What the field's column is called at the server. */
void target_set_name(struct target *t, uint32_t field, struct ez_view name);

/* After a change of types. */
void target_finish(struct target *t);

#endif
