/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_COMPARE_SQL_H
#define STARROCKS_COMPARE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "table.h"

/*
 * The statements of compare.c, and the numbers in their answers.
 */
enum {
	COMPARE_KEYS_MAX = 200 * 1000, /* rows of one answer */
};

/* A bucket's digits, its number of rows, the sums of both halves of their digests. */
void compare_add_sums(struct buf *b, const struct target *t, unsigned digits);

/* Of the rows in buckets that are set in `chosen`: the digests of key and row, the key. */
void compare_add_keys(struct buf *b, const struct target *t, unsigned digits,
		      const unsigned char *chosen);

void compare_add_count(struct buf *b, const struct target *t);

/* Exactly `digits` of them, lower-case: "00ff". */
_must_check_ bool compare_parse_hex(struct ez_view v, size_t digits, uint64_t *ret);

#endif
