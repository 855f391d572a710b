/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_LITERAL_H
#define PGOUTPUT_LITERAL_H

#include "base/buf.h"
#include "base/view.h"

/*
 * Adds the value of a column default, as pg_get_expr() prints it, to `b` if it is a plain
 * constant: 'it''s'::text, 0, '-1'::integer, (0)::numeric, true. Anything that has to be
 * computed adds nothing, and so does NULL.
 */
void literal_add(struct buf *b, struct ez_view expr);

#endif
