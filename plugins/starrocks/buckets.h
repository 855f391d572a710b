/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_BUCKETS_H
#define STARROCKS_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Rows counted and summed up by the first hex digits of their keys' digests, so that two sides
 * can be compared part by part.
 *
 * The source's rows are added one by one, in the finest buckets there are. buckets_settle()
 * merges these to as many as the number of rows deserves; then the target's sums are taken off
 * bucket by bucket, and what is left over differs. Sums wrap around, on purpose.
 */
enum {
	BUCKETS_DIGITS = 4,
	BUCKETS_MAX = 1 << (4 * BUCKETS_DIGITS),
};

struct bucket {
	uint64_t n, target_n;
	uint64_t a, b; /* sums of the halves of digests: source less target */
};

struct buckets {
	struct bucket *items;
	unsigned digits;
	uint64_t rows; /* of the source */
};

void buckets_init(struct buckets *b);
void buckets_release(struct buckets *b);
void buckets_reset(struct buckets *b);

/* Which of the finest the first 64 bits of a digest belong to. */
static inline unsigned buckets_number(uint64_t key)
{
	return (unsigned)(key >> (64 - 4 * BUCKETS_DIGITS));
}

/* The first 64 bits of the digests of key and row. */
void buckets_add(struct buckets *b, uint64_t key, uint64_t row);

/* No more rows come: buckets have as many digits as their number deserves. */
void buckets_settle(struct buckets *b);
unsigned buckets_digits(uint64_t rows);

/* Takes the target's numbers off. */
void buckets_take(struct buckets *b, size_t number, uint64_t n, uint64_t sum_a,
		  uint64_t sum_b);

/*
 * Those that differ, as one byte each on the heap: at least one, and no more than hold
 * `rows_max` rows together. NULL: none does. *ret_partial: not all of them.
 */
unsigned char *buckets_choose(const struct buckets *b, uint64_t rows_max,
			      bool *ret_partial);

#endif
