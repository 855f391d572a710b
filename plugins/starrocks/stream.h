/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_STREAM_H
#define STARROCKS_STREAM_H

#include <ezcdc/plugin.h>
#include <stddef.h>

#include "base/attr.h"

struct label;
struct load;
struct loader;

/* Why a load was refused. */
struct refusal {
	size_t load;         /* which one of those that were given */
	char error_url[400]; /* where the cluster shows rows; may be empty */
};

/*
 * Loads, each a transaction of its own, by the label protocol: those of different tables at
 * the same time, those of one table in the order given. Load number i is labelled
 * "<label>_<i>". Returns when all are committed, whatever it takes; or with what only an
 * operator can mend; or with EZ_E_DATA when rows of one were refused, the others being
 * committed.
 */
_must_check_ int stream_loads(struct loader *l, struct load *const *loads, size_t n,
			      const struct label *label, struct refusal *ret,
			      struct ez_error *err);

#endif
