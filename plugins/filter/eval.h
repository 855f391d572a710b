/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_EVAL_H
#define FILTER_EVAL_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "filter/bind.h"

/*
 * Holds a row against an expression.
 *
 * SQL has three truth values, and NULL in a comparison gives the third. Here comes a
 * fourth trouble: a value that the source did not send. The answer is therefore the set of
 * truth values that the expression may have: one of them for a row that is all there, more
 * when the missing value could decide either way. A row is dropped only if the expression
 * cannot be true, so nothing is lost because a value was not sent.
 */
enum truth {
	TRUTH_TRUE = 1u << 0,
	TRUTH_FALSE = 1u << 1,
	TRUTH_NULL = 1u << 2,
	TRUTH_ANY = TRUTH_TRUE | TRUTH_FALSE | TRUTH_NULL,
};

struct row {
	const struct ez_cell *cells; /* NULL: nothing is known */
	const struct ez_cell *old;   /* the whole old row, for values kept; or NULL */
};

/* A set of enum truth, never empty. */
unsigned where_eval(const struct where_bound *b, const struct row *row);

#endif
