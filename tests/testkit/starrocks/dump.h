/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_DUMP_H
#define STARROCKS_DUMP_H

#include "model.h"

/*
 * Tables as JSON lines for assertions. Integers, booleans (0, 1), FLOAT and DOUBLE are numbers,
 * JSON and nested values are themselves, VARBINARY is hex, everything else is a string.
 * The lock is held.
 */

/* What is visible, in the order of the keys' canonical text; numbers by value. */
void dump_table(const struct table *t, struct buf *out);

/* One line a version: number, txn, label, times, counts, and rows in the order of the load. */
void dump_history(const struct table *t, bool with_rows, struct buf *out);

void dump_summary(const struct table *t, struct buf *out);

/* A value as above. */
void dump_value(const struct column_type *t, struct ez_view v, struct buf *out);

#endif
