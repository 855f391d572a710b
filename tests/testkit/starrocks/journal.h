/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_JOURNAL_H
#define STARROCKS_JOURNAL_H

#include "model.h"

/* What journal_add keeps: the newest lines, at most JOURNAL_MAX of them. The lock is held. */
enum {
	JOURNAL_MAX = 200000,
};

void journal_dump(const struct cluster *c, struct buf *out);
void journal_clear(struct cluster *c);
void journal_free(struct cluster *c);

#endif
