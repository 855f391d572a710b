/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_PUBLISH_H
#define STARROCKS_PUBLISH_H

#include "model.h"

/*
 * Versions: a commit gives each of its tables the next one; they become visible strictly in
 * this order, each not before its time, and all tables of a transaction at once.
 * The lock is held.
 */

struct txn;

/* Adds the versions of a transaction that commits. False, with nothing done, when a table has
 * too many. */
_must_check_ bool publish_add(struct cluster *c, struct txn *x, char *ret_message,
			      size_t size);

/* Makes visible what may be. */
void publish_due(struct cluster *c, int64_t now_ms);

/* Whether the table takes another version now: what a load's plan checks. */
_must_check_ bool publish_has_room(struct cluster *c, struct table *t, char *ret_message,
				   size_t size);

#endif
