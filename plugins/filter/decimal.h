/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_DECIMAL_H
#define FILTER_DECIMAL_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Decimal numbers of any length, compared as they are written: no binary fractions.
 *
 * Takes what PostgreSQL prints for integers, numeric and floats: digits with sign, fraction
 * and exponent, NaN, Infinity, -Infinity. Order as in PostgreSQL: NaN equals itself and is
 * above all, minus zero equals zero. A value borrows the text it was parsed from.
 */
struct decimal {
	struct ez_view digits; /* from the first that is not 0; may hold the point */
	int64_t top;           /* power of ten of that digit */
	int rank;              /* -1 -Infinity, 0 a number, 1 Infinity, 2 NaN */
	int sign;              /* -1, 0, 1; of numbers */
};

_must_check_ bool decimal_parse(struct ez_view text, struct decimal *ret_d);

/* <0, 0, >0 */
int decimal_cmp(const struct decimal *a, const struct decimal *b);

#endif
