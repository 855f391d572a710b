/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_CSV_H
#define STARROCKS_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/view.h"

/*
 * The two CSV parsers of StarRocks, fed piece by piece as a body arrives.
 *
 * Without enclose and escape there is no quoting at all: the first parser cuts at delimiters.
 * With one of them the second parser unquotes first, so that callers who look for \N afterwards
 * find it in quotes as well, and lose it to `escape: \`. Blank lines are skipped by both. Bytes
 * behind the last row delimiter are kept for the next piece: a body without one at its end
 * is glued to the next body.
 */
enum {
	CSV_DELIMITER_MAX = 50,
};

struct csv_format {
	char separator[CSV_DELIMITER_MAX + 1], delimiter[CSV_DELIMITER_MAX + 1];
	size_t separator_len, delimiter_len;
	int enclose, escape; /* -1: none */
	bool trims;
	bool has_old_bug; /* a value that begins with a doubled enclose swallows a separator */
	int64_t skip; /* rows at the beginning */
};

/* Fields are borrowed for the call. */
typedef void csv_row_fn(void *arg, const struct ez_view *fields, size_t n,
			struct ez_view row);

struct csv {
	struct csv_format format;
	csv_row_fn *on_row;
	void *arg;
	struct buf carry;   /* an unfinished row */
	struct buf scratch; /* unquoted fields */
	struct ez_view *fields;
	size_t *ends; /* of fields in `scratch` */
	size_t n_fields, fields_size;
	size_t n_expected; /* columns; a last row without delimiter and with others is dropped */
};

void csv_init(struct csv *c, const struct csv_format *f, csv_row_fn *on_row, void *arg);
void csv_release(struct csv *c);
void csv_feed(struct csv *c, const char *data, size_t n);
/* The end: what is left is a row. */
void csv_end(struct csv *c);

#endif
