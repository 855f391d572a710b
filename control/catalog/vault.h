/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_CATALOG_VAULT_H
#define CONTROL_CATALOG_VAULT_H

#include "base/attr.h"
#include "base/view.h"
#include "control/catalog/db.h"

struct keyring;
struct secret;

/*
 * Secrets in the catalog: sealed values by the id of their owner (a datasource, a job, a
 * task, an alert channel) and a name that is the path of the option, "password" or
 * "transforms/0/key". The seal holds for that owner and name only.
 */
_must_check_ enum db_result vault_put(struct db *d, struct keyring *k, const char *owner,
				      const char *name, struct ez_view value);

/*
 * The secrets of many owners at once, still sealed: `owners` as an array of PostgreSQL.
 * Then vault_open for each of them; false when one of its secrets cannot be opened.
 */
_must_check_ enum db_result vault_read(struct db *d, const char *owners,
				       struct pg_result **ret_rows);
_must_check_ bool vault_open(struct keyring *k, const struct pg_result *rows,
			     const char *owner,
			     void (*each)(void *arg, const char *name,
					  const struct secret *value),
			     void *arg);

/* Calls `each` for every secret of the owner; DB_REFUSED when one cannot be opened. */
_must_check_ enum db_result vault_each(struct db *d, struct keyring *k, const char *owner,
				       void (*each)(void *arg, const char *name,
						    const struct secret *value),
				       void *arg);

/* Those whose name begins with `prefix`; "" for all. */
_must_check_ enum db_result vault_drop(struct db *d, const char *owner,
				       const char *prefix);

/*
 * Seals up to `limit` values anew that are not under the first key. `ret_left`: how many
 * are still to be done. Readers see the old value or the new one; rows that others are
 * changing are passed over.
 */
_must_check_ enum db_result vault_rotate(struct db *d, struct keyring *k, int limit,
					 int64_t *ret_left);

/* Waits for every transaction that has written a secret. */
_must_check_ enum db_result vault_barrier(struct db *d);

#endif
