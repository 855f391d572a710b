/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_WORKERS_LOT_H
#define CONTROL_WORKERS_LOT_H

#include "base/attr.h"

struct request;

/*
 * Helpers for requests that are served together.
 *
 * The ids of the senders as an array of PostgreSQL, to be freed.
 */
_must_check_ char *lot_ids(struct request **all, int n);

/* Answers all with the same. */
void lot_reply(struct request **all, int n, const char *json);

#endif
