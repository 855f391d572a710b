/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_BUDGET_H
#define ENGINE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The memory of a job, counted in bytes: `memory` in the job file is the ceiling for
 * everything that grows with the data (R10).
 *
 * Batches charge their arenas, plugins charge what they hold beyond batches (encoded bodies,
 * transactions in progress). Nobody is ever refused: a source asks budget_room() before it
 * reads more, which is where backpressure begins. One message larger than the whole budget
 * therefore passes, alone.
 *
 * Any thread.
 */
struct budget {
	_Atomic int64_t used;
	_Atomic int64_t peak;
	int64_t limit;
	int64_t reserve; /* of the limit: not for sources, kept for a batch being encoded */
};

static inline int64_t budget_used(const struct budget *b)
{
	return atomic_load_explicit(&b->used, memory_order_relaxed);
}

static inline void budget_charge(struct budget *b, int64_t delta)
{
	int64_t now = atomic_fetch_add_explicit(&b->used, delta, memory_order_relaxed) + delta;

	if (now > atomic_load_explicit(&b->peak, memory_order_relaxed))
		atomic_store_explicit(&b->peak, now, memory_order_relaxed);
}

static inline size_t budget_room(const struct budget *b)
{
	int64_t left = b->limit - b->reserve - budget_used(b);

	return left > 0 ? (size_t)left : 0;
}

static inline bool budget_is_spent(const struct budget *b)
{
	return budget_used(b) >= b->limit;
}

#endif
