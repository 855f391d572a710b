/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_WORKERS_SETS_H
#define CONTROL_WORKERS_SETS_H

#include "base/attr.h"
#include "control/catalog/db.h"

struct jsonw;
struct request;

/*
 * What each of the senders shall run: begins the answer of all[i] with `w[i]`, which is
 * left open for more members. `ret_ok[i]` false: it could not be made, and nothing of it
 * counts. In a transaction of one snapshot: the version belongs to exactly that set.
 */
_must_check_ enum db_result sets_write(struct request **all, int n, struct jsonw *w,
				       bool *ret_ok);

#endif
