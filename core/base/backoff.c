/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/backoff.h"

#include "base/attr.h"
#include "base/checked.h"

static uint64_t doubled(const struct backoff *b, uint64_t ms)
{
	uint64_t twice;

	return mul_overflows_u64(ms, 2, &twice) ? b->max_ms : MIN(twice, b->max_ms);
}

void backoff_init(struct backoff *b, uint64_t min_ms, uint64_t max_ms)
{
	b->min_ms = min_ms;
	b->max_ms = MAX(min_ms, max_ms);
	b->prng = PRNG_INIT(random_u64());
	backoff_reset(b);
}

uint64_t backoff_next_ms(struct backoff *b)
{
	uint64_t span = b->ceiling_ms - b->min_ms;
	uint64_t extra =
		span == UINT64_MAX ? prng_next(&b->prng) : prng_below(&b->prng, span + 1);

	b->ceiling_ms = doubled(b, b->ceiling_ms);
	b->tries++;
	return b->min_ms + extra;
}

void backoff_reset(struct backoff *b)
{
	b->ceiling_ms = doubled(b, b->min_ms);
	b->tries = 0;
}
