/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_RESOLVE_H
#define STARROCKS_RESOLVE_H

#include "base/attr.h"

struct ez_error;
struct loader;
struct progress;

/*
 * What the last run of the job may have left at the cluster is decided before this run loads
 * anything: a load that is committed late would put older rows over newer ones. The row of
 * the job says which labels that can be (R23).
 */
_must_check_ int resolve_last_run(struct loader *l, const struct progress *p,
				  struct ez_error *err);

#endif
