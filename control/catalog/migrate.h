/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_CATALOG_MIGRATE_H
#define CONTROL_CATALOG_MIGRATE_H

#include "base/attr.h"
#include "control/catalog/db.h"

/*
 * Brings the catalog's schema up to date.
 *
 * The files of control/migrations are compiled in. The numbered ones run once each, in one
 * transaction together; functions.sql, which holds what builds documents, runs each time.
 * An advisory lock keeps instances that start together apart. A catalog that is newer than
 * this program is refused.
 */
struct migration {
	int version;
	const char *name;
	const char *const *lines; /* NULL ends them */
};

/* In order; the last has version 0 and is functions.sql. Generated. */
extern const struct migration migrations[];
extern const int n_migrations;

/* `ret_applied`: how many were. A sentence in `why` on failure. */
_must_check_ enum db_result migrate(struct db *d, int *ret_applied, struct buf *why);

#endif
