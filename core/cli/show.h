/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "base/buf.h"

struct json;

/*
 * A status document (status.h) as people read it.
 */

/* Everything, over some twenty lines. */
void show_status(const struct json *status, struct buf *out);

/* One line of a table, and its heading. */
void show_line_heading(struct buf *out);
void show_line(const struct json *status, struct buf *out);

/* Lag in bytes; for sorting. -1: unknown. */
int64_t show_lag_bytes(const struct json *status);

#endif
