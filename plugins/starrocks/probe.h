/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_PROBE_H
#define STARROCKS_PROBE_H

#include <ezcdc/plugin.h>

#include "base/attr.h"
#include "base/buf.h"

struct group;
struct load;
struct refusal;
struct uploader;

/*
 * Finds the rows that the cluster refused and lets the engine reject them. The cluster says
 * how many there are, not reliably which; so slices of the body are tried by transactions
 * that are never committed, halving until single rows are left. `bad`: the load, NULL when
 * it could be any of the group. EZ_OK: at least one row is out, encode anew. EZ_E_DATA: the
 * policy is to stop.
 */
_must_check_ int probe_group(struct uploader *u, struct group *g, const struct load *bad,
			     const struct refusal *refusal, struct ez_error *err);

/* The first reason in an error log of the cluster, without values of rows (R27). */
void probe_reason(struct ez_view log, struct buf *ret);

#endif
