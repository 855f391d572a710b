/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "buckets.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	ROWS_PER_BUCKET = 16, /* few, as long as there are not too many buckets */
	CHOSEN_MAX = 4096,    /* a statement names each */
};

void buckets_init(struct buckets *b)
{
	*b = (struct buckets){ .items = xcalloc(BUCKETS_MAX, sizeof(*b->items)) };
	buckets_reset(b);
}

void buckets_release(struct buckets *b)
{
	free(b->items);
	b->items = NULL;
}

void buckets_reset(struct buckets *b)
{
	memset(b->items, 0, BUCKETS_MAX * sizeof(*b->items));
	b->digits = BUCKETS_DIGITS;
	b->rows = 0;
}

void buckets_add(struct buckets *b, uint64_t key, uint64_t row)
{
	struct bucket *one = &b->items[buckets_number(key)];

	b->rows++;
	one->n++;
	one->a += row >> 32;
	one->b += row & UINT32_MAX;
}

unsigned buckets_digits(uint64_t rows)
{
	unsigned digits = 1;

	while (digits < BUCKETS_DIGITS && rows >> (4 * digits) >= ROWS_PER_BUCKET)
		digits++;
	return digits;
}

void buckets_settle(struct buckets *b)
{
	unsigned shift;

	b->digits = buckets_digits(b->rows);
	shift = 4 * (BUCKETS_DIGITS - b->digits);
	for (unsigned i = 0; shift > 0 && i < BUCKETS_MAX; i++) {
		struct bucket from = b->items[i];
		struct bucket *to = &b->items[i >> shift];

		b->items[i] = (struct bucket){ .n = 0 };
		to->n += from.n;
		to->a += from.a;
		to->b += from.b;
	}
}

void buckets_take(struct buckets *b, size_t number, uint64_t n, uint64_t sum_a,
		  uint64_t sum_b)
{
	struct bucket *one = &b->items[number];

	one->target_n += n;
	one->a -= sum_a;
	one->b -= sum_b;
}

static bool differs(const struct bucket *b)
{
	return b->n != b->target_n || b->a != 0 || b->b != 0;
}

unsigned char *buckets_choose(const struct buckets *b, uint64_t rows_max,
			      bool *ret_partial)
{
	unsigned n_buckets = 1u << (4 * b->digits);
	unsigned char *chosen = NULL;
	uint64_t rows = 0;
	size_t n = 0;

	*ret_partial = false;
	for (unsigned i = 0; i < n_buckets; i++) {
		uint64_t weight = MAX(b->items[i].n, b->items[i].target_n);

		if (!differs(&b->items[i]))
			continue;
		if (n > 0 && (rows + weight > rows_max || n == CHOSEN_MAX)) {
			*ret_partial = true;
			break;
		}
		if (!chosen)
			chosen = xcalloc(n_buckets, 1);
		chosen[i] = 1;
		rows += weight;
		n++;
	}
	return chosen;
}
