/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_COPY_H
#define PGOUTPUT_COPY_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Takes one row of COPY ... TO STDOUT in text format apart, in place.
 *
 * `row` is the row without its newline; escapes are undone where they stand, so the cells
 * point into it. False unless it has exactly `n` columns; the bytes are then spoilt. A row
 * without columns is empty.
 */
_must_check_ bool copy_split(char *row, size_t len, struct ez_cell *cells, uint32_t n);

#endif
