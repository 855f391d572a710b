/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_FAULT_H
#define STARROCKS_FAULT_H

#include "model.h"

/* Setting and clearing faults; fault_take stands in model.h. The lock is held. */

bool fault_kind_is_known(const char *kind);

/* Takes a copy; gives it a number. */
unsigned fault_add(struct cluster *c, const struct fault *f);

/* By number, or all with 0. */
void fault_clear(struct cluster *c, unsigned id);

void fault_dump(const struct cluster *c, struct buf *out);

#endif
