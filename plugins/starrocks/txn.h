/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TXN_H
#define STARROCKS_TXN_H

#include <ezcdc/plugin.h>
#include <stddef.h>

#include "base/attr.h"

#include "loader.h"
#include "stream.h"

/*
 * Loads as one transaction over tables (4.0 and later): all become visible at once. No two
 * loads may be of one table. The label is "<label>a<attempt>"; an attempt is over, one way
 * or the other, before the next one begins. Otherwise as stream_loads(), except that after
 * EZ_E_DATA nothing is committed.
 */
_must_check_ int txn_loads(struct loader *l, struct load *const *loads, size_t n,
			   const struct label *label, struct refusal *ret,
			   struct ez_error *err);

/* Sees to it that a transaction or load of that label is over: committed (LABEL_DONE), or
 * rolled back and never to be (LABEL_FREE). */
_must_check_ int txn_resolve(struct loader *l, const struct label *label,
			     enum label_state *ret, struct ez_error *err);

/*
 * A dry run: are there rows in [from, to) of the load that are refused? Rolled back in any
 * case. If so, `ret` says where the cluster shows them.
 */
_must_check_ int txn_try(struct loader *l, const struct load *load, size_t from,
			 size_t to, const struct label *label, bool *ret_refused,
			 struct refusal *ret, struct ez_error *err);

#endif
