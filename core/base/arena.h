/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * Memory that dies together: a bump allocator for everything one batch holds.
 *
 * An arena takes chunks of ARENA_CHUNK_BYTES from a pool and cuts allocations off them
 * one after the other, so an allocation is an addition and a comparison, and nothing is
 * freed singly. Requests too big to share a chunk get a mapping of their own. Foreign
 * memory (a libpq buffer) is adopted instead of copied: its release function runs at
 * arena_release, newest first, and the record of it lives in the arena itself.
 *
 * An arena knows what it costs: arena_bytes() is every byte of chunks, own mappings and
 * adopted memory; arena_is_full() compares that with the cap given to arena_init, which
 * is what makes backpressure. The cap is reported, not enforced: the row at hand is
 * finished, then the batch is cut.
 *
 * An arena has one owner at a time; handing it to another thread needs a queue. The pool
 * is thread safe and must outlive its arenas. Chunks come from mmap, so that giving them
 * back really gives them back. Under AddressSanitizer chunks in the pool are poisoned:
 * use of a batch after its release is reported.
 *
 * arena_alloc aborts when memory is gone. For sizes that input decides, arena_try_alloc
 * returns NULL instead.
 */

enum {
	ARENA_CHUNK_BYTES = 256 * 1024,
	ARENA_ALIGN = 8,
};

struct arena_chunk;
struct arena_foreign;

struct arena_pool {
	pthread_mutex_t lock;
	struct arena_chunk *free;  /* guarded by lock */
	_Atomic size_t bytes_live; /* mapped and held by arenas, without adopted memory */
	_Atomic size_t bytes_cached; /* mapped and waiting in the free list */
};

struct arena {
	struct arena_pool *pool;
	char *pos, *end; /* what is left of the current chunk */
	struct arena_chunk *chunks;
	struct arena_foreign *adopted;
	size_t bytes;
	size_t cap_bytes;
};

void arena_pool_init(struct arena_pool *p);

/* Unmaps the free list. Every arena of the pool must have been released. */
void arena_pool_release(struct arena_pool *p);

/* Gives cached chunks back to the system until at most `keep_bytes` are cached. */
void arena_pool_trim(struct arena_pool *p, size_t keep_bytes);

static inline size_t arena_pool_live_bytes(const struct arena_pool *p)
{
	return atomic_load_explicit(&p->bytes_live, memory_order_relaxed);
}

static inline size_t arena_pool_cached_bytes(const struct arena_pool *p)
{
	return atomic_load_explicit(&p->bytes_cached, memory_order_relaxed);
}

/* Takes no memory yet. A cap of 0 means none. */
void arena_init(struct arena *a, struct arena_pool *pool, size_t cap_bytes);

/* Releases adopted memory, returns the chunks; the arena is as after arena_init. */
void arena_release(struct arena *a);

/* The slow path of both allocators: a new chunk or mapping, NULL without memory. */
void *arena_grow(struct arena *a, size_t n);

/* Aligned to 8 bytes, not zeroed; NULL when memory is gone. */
_must_check_ static inline void *arena_try_alloc(struct arena *a, size_t n)
{
	size_t rounded = (n + (ARENA_ALIGN - 1)) & ~(size_t)(ARENA_ALIGN - 1);
	char *p = a->pos;

	if (LIKELY(rounded >= n && rounded <= (size_t)(a->end - p) && p)) {
		a->pos = p + rounded;
		return p;
	}
	return arena_grow(a, n);
}

/* Prints one line and aborts. */
_noreturn_ _cold_ void arena_exhausted(size_t n);

_returns_nonnull_ _alloc_size_(2) static inline void *arena_alloc(struct arena *a,
								  size_t n)
{
	void *p = arena_try_alloc(a, n);

	if (UNLIKELY(!p))
		arena_exhausted(n);
	return p;
}

/* Zeroed, for `n` elements; aborts when the product overflows. */
_returns_nonnull_ void *arena_calloc(struct arena *a, size_t n, size_t size);

/* A copy of the bytes, with a NUL behind them that the view does not count. */
struct ez_view arena_dup(struct arena *a, struct ez_view v);

/* Takes `mem` over: `bytes` are charged, `release(mem)` runs at arena_release. */
void arena_adopt(struct arena *a, void *mem, size_t bytes, void (*release)(void *));

/* Every byte this arena keeps from others, in whole chunks, adopted memory included. */
static inline size_t arena_bytes(const struct arena *a)
{
	return a->bytes;
}

/* arena_bytes without what is still free in the current chunk. */
static inline size_t arena_used_bytes(const struct arena *a)
{
	return a->bytes - (size_t)(a->end - a->pos);
}

static inline bool arena_is_full(const struct arena *a)
{
	return a->cap_bytes != 0 && a->bytes >= a->cap_bytes;
}

#endif
