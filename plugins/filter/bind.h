/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_BIND_H
#define FILTER_BIND_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "filter/decimal.h"
#include "filter/where.h"

/*
 * An expression made ready for the columns of one table.
 *
 * Binding finds the columns, decides by their types how values are compared, and brings the
 * literals into the form that takes. It fails for a column that is not there, for a literal
 * that is no value of the column's type, and for < and > on types whose text has no order.
 *
 * A bound expression borrows the program and owns the rest; it does not refer to the table.
 */
enum compare_how {
	COMPARE_EXACT = 1, /* equal or not, by bytes */
	COMPARE_BYTES,
	COMPARE_PADDED, /* by bytes, blanks at the end do not count: char(n) */
	COMPARE_NUMBER,
	COMPARE_MOMENT,
};

struct bound_column {
	uint32_t index; /* in the table */
	uint32_t type;  /* enum ez_type */
	uint32_t how;   /* enum compare_how */
};

struct bound_literal {
	struct ez_view text;
	struct decimal number; /* COMPARE_NUMBER */
};

struct where_bound {
	const struct where *where;
	struct bound_column *columns;   /* as where->columns */
	struct bound_literal *literals; /* as where->literals */
	struct buf bytes;               /* what the literals point into */
};

/* False with the place and the reason, and nothing to release. */
_must_check_ bool where_bind(const struct where *w, const struct ez_table *t,
			     struct where_bound *ret_bound,
			     struct where_error *ret_error);
void where_bound_release(struct where_bound *b);

#endif
