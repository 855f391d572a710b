/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_MOMENT_H
#define FILTER_MOMENT_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * Dates and times as canonical text: made from what operators write, and put in order.
 *
 * Canonical text of one type sorts by bytes but for infinity, years of more than four
 * digits and years before Christ, which the comparison knows.
 */

/*
 * Appends the canonical form of a literal. `type` is EZ_TYPE_DATE, _TIME, _TIMESTAMP or
 * _TIMESTAMPTZ. A date alone stands for its midnight; "T", "Z" and "+00:00" are
 * understood, seconds may be left out. False: it is no such value, `to` is then undefined.
 */
_must_check_ bool moment_normalize(struct ez_view text, uint32_t type, struct buf *to);

/* <0, 0, >0 for canonical text of one type with a date in it. */
int moment_cmp(struct ez_view a, struct ez_view b);

#endif
