/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/arena.h"

#include <sys/mman.h>

#include "base/alloc.h"
#include "base/checked.h"

#if defined(__has_feature)
# if __has_feature(address_sanitizer)
#  define ARENA_POISONS 1
# endif
#elif defined(__SANITIZE_ADDRESS__)
# define ARENA_POISONS 1
#endif

#ifdef ARENA_POISONS
void __asan_poison_memory_region(const volatile void *p, size_t n);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
#else
# define __asan_poison_memory_region(p, n)   ((void)(p), (void)(n))
# define __asan_unpoison_memory_region(p, n) ((void)(p), (void)(n))
#endif

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes; /* the whole mapping; ARENA_CHUNK_BYTES for one that is pooled */
};

/* Foreign memory that this arena releases. Newest first. */
struct arena_foreign {
	struct arena_foreign *next;
	void *mem;
	void (*release)(void *);
};

enum {
	PAGE_BYTES = 4096,
	ROOM_BYTES = ARENA_CHUNK_BYTES - (int)sizeof(struct arena_chunk),
	/* Larger requests get a mapping of their own: at most a quarter chunk is wasted. */
	SHARED_MAX_BYTES = ROOM_BYTES / 4,
};

static struct arena_chunk *map_chunk(size_t bytes)
{
	struct arena_chunk *c;

	if (alloc_is_failing())
		return NULL;
	c = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return NULL;
	c->bytes = bytes;
	return c;
}

static void unmap_chunk(struct arena_chunk *c)
{
	size_t bytes = c->bytes;

	__asan_unpoison_memory_region(c, bytes);
	munmap(c, bytes);
}

static void unmap_chunks(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *next = c->next;

		unmap_chunk(c);
		c = next;
	}
}

void arena_pool_init(struct arena_pool *p)
{
	pthread_mutex_init(&p->lock, NULL);
	p->free = NULL;
	atomic_init(&p->bytes_live, 0);
	atomic_init(&p->bytes_cached, 0);
}

void arena_pool_release(struct arena_pool *p)
{
	ASSERT(arena_pool_live_bytes(p) == 0);
	arena_pool_trim(p, 0);
	pthread_mutex_destroy(&p->lock);
}

void arena_pool_trim(struct arena_pool *p, size_t keep_bytes)
{
	struct arena_chunk *surplus = NULL;

	pthread_mutex_lock(&p->lock);
	while (p->free && arena_pool_cached_bytes(p) > keep_bytes) {
		struct arena_chunk *c = p->free;

		p->free = c->next;
		c->next = surplus;
		surplus = c;
		atomic_fetch_sub(&p->bytes_cached, ARENA_CHUNK_BYTES);
	}
	pthread_mutex_unlock(&p->lock);
	unmap_chunks(surplus);
}

static struct arena_chunk *pool_take(struct arena_pool *p)
{
	struct arena_chunk *c;

	pthread_mutex_lock(&p->lock);
	c = p->free;
	if (c) {
		p->free = c->next;
		atomic_fetch_sub(&p->bytes_cached, ARENA_CHUNK_BYTES);
	}
	pthread_mutex_unlock(&p->lock);
	if (c)
		__asan_unpoison_memory_region(c, ARENA_CHUNK_BYTES);
	else
		c = map_chunk(ARENA_CHUNK_BYTES);
	return c;
}

/* Puts a chain of pooled chunks from `first` to `last` back, under one lock. */
static void pool_give(struct arena_pool *p, struct arena_chunk *first,
		      struct arena_chunk *last, size_t bytes)
{
	pthread_mutex_lock(&p->lock);
	last->next = p->free;
	p->free = first;
	atomic_fetch_add(&p->bytes_cached, bytes);
	pthread_mutex_unlock(&p->lock);
}

void arena_init(struct arena *a, struct arena_pool *pool, size_t cap_bytes)
{
	*a = (struct arena){ .pool = pool, .cap_bytes = cap_bytes };
}

static void release_adopted(struct arena *a)
{
	while (a->adopted) {
		struct arena_foreign *f = a->adopted;

		a->adopted = f->next;
		f->release(f->mem);
	}
}

static void release_chunks(struct arena *a)
{
	struct arena_chunk *first = NULL, *last = NULL, *c = a->chunks;
	size_t pooled_bytes = 0, all_bytes = 0;

	while (c) {
		struct arena_chunk *next = c->next;

		all_bytes += c->bytes;
		if (c->bytes != ARENA_CHUNK_BYTES) {
			unmap_chunk(c);
		} else {
			__asan_poison_memory_region(c + 1, ROOM_BYTES);
			pooled_bytes += c->bytes;
			c->next = first;
			first = c;
			last = last ? last : c;
		}
		c = next;
	}
	atomic_fetch_sub(&a->pool->bytes_live, all_bytes);
	if (first)
		pool_give(a->pool, first, last, pooled_bytes);
}

void arena_release(struct arena *a)
{
	release_adopted(a);
	if (a->chunks)
		release_chunks(a);
	arena_init(a, a->pool, a->cap_bytes);
}

static void *keep_chunk(struct arena *a, struct arena_chunk *c)
{
	c->next = a->chunks;
	a->chunks = c;
	a->bytes += c->bytes;
	atomic_fetch_add(&a->pool->bytes_live, c->bytes);
	return c + 1;
}

/*
 * A mapping of one odd page more or less must not be mistaken for a pooled chunk, whose
 * size is how release_chunks knows it.
 */
static void *alloc_own(struct arena *a, size_t n)
{
	struct arena_chunk *c;
	size_t bytes;

	if (add_overflows_size(n, sizeof(*c) + PAGE_BYTES - 1, &bytes))
		return NULL;
	bytes -= bytes % PAGE_BYTES;
	if (bytes == ARENA_CHUNK_BYTES)
		bytes += PAGE_BYTES;
	c = map_chunk(bytes);
	return c ? keep_chunk(a, c) : NULL;
}

void *arena_grow(struct arena *a, size_t n)
{
	struct arena_chunk *c;
	char *p;

	if (n > SHARED_MAX_BYTES)
		return alloc_own(a, n);
	c = pool_take(a->pool);
	if (!c)
		return NULL;
	p = keep_chunk(a, c);
	a->pos = p + (n + (ARENA_ALIGN - 1)) / ARENA_ALIGN * ARENA_ALIGN;
	a->end = p + ROOM_BYTES;
	return p;
}

void arena_exhausted(size_t n)
{
	alloc_failed(n);
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (mul_overflows_size(n, size, &bytes))
		arena_exhausted(SIZE_MAX);
	p = arena_alloc(a, bytes);
	memset(p, 0, bytes);
	return p;
}

struct ez_view arena_dup(struct arena *a, struct ez_view v)
{
	char *copy = arena_alloc(a, v.len + 1);

	if (v.len > 0)
		memcpy(copy, v.ptr, v.len);
	copy[v.len] = '\0';
	return view_of(copy, v.len);
}

void arena_adopt(struct arena *a, void *mem, size_t bytes, void (*release)(void *))
{
	struct arena_foreign *f = arena_alloc(a, sizeof(*f));

	*f = (struct arena_foreign){ .next = a->adopted, .mem = mem, .release = release };
	a->adopted = f;
	a->bytes += bytes;
}
