/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

#include "base/random.h"

/*
 * How long to wait before the next try: exponential with full jitter.
 *
 * The n-th wait is uniform between `min_ms` and a ceiling that starts at twice `min_ms`
 * and doubles up to `max_ms`, so many clients that failed together do not come back
 * together. A plain value with one owner; nothing to release.
 */
struct backoff {
	uint64_t min_ms, max_ms;
	uint64_t ceiling_ms;
	uint32_t tries; /* since init or reset */
	struct prng prng;
};

/* `max_ms` below `min_ms` counts as `min_ms`. */
void backoff_init(struct backoff *b, uint64_t min_ms, uint64_t max_ms);

/* The next wait. */
uint64_t backoff_next_ms(struct backoff *b);

/* After a success: the next failure starts from the beginning. */
void backoff_reset(struct backoff *b);

#endif
