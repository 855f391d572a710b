/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_FE_H
#define STARROCKS_FE_H

#include "exchange.h"

/* What the front end's parts share. The lock is held but in fe_lacks_expect. */

/* The next living back end, or -1. */
int fe_choose_be(struct cluster *c);
/* 307 there, as faults want it; or "No backend alive." */
void fe_redirect_to_be(struct exchange *x, int be);
/* False on the leader itself. */
bool fe_redirect_to_leader(struct exchange *x);
/* True when the request had to say Expect and did not: the answer is there. */
bool fe_lacks_expect(struct exchange *x);

#endif
