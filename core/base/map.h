/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * A hash map from bytes, or from 64-bit numbers, to a pointer.
 *
 * Entries stand in one array in the order of insertion; an open-addressed table of
 * indexes finds them. So iteration is a walk over the array in a stable order, and the
 * random seed that every map draws (keys may come from strangers) shows nowhere.
 *
 * A map is used with one kind of key for its whole life: the plain functions or the _u64
 * ones. Keys are copied; values are the caller's, and may be NULL: ask map_find to tell a
 * NULL value from a missing key. Entries move when the map grows, so a pointer to an
 * entry lasts until the next put. Aborts when memory is gone. Not thread safe.
 */
struct map_entry {
	uint64_t hash;
	union {
		struct ez_view key; /* ptr is the map's own copy, NUL-terminated */
		uint64_t id;        /* the key of the _u64 functions */
	};
	void *value;
	bool live;
};

struct map {
	struct map_entry *entries;
	uint32_t *index; /* entry number + 1, or 0; a power of two of them */
	size_t n_index;
	size_t n_entries; /* used in `entries`, removed ones included */
	size_t n_live;
	uint64_t seed;
	bool by_id;
};

#define MAP_INIT ((struct map){ .entries = NULL })

/* Frees keys and table, and each value with `free_value` unless that is NULL. */
void map_release(struct map *m, void (*free_value)(void *));

static inline size_t map_len(const struct map *m)
{
	return m->n_live;
}

/* The entry, or NULL. Its value may be changed in place. */
struct map_entry *map_find(const struct map *m, struct ez_view key);
struct map_entry *map_find_u64(const struct map *m, uint64_t id);

/* The value, or NULL when the key is missing. */
static inline void *map_get(const struct map *m, struct ez_view key)
{
	struct map_entry *e = map_find(m, key);

	return e ? e->value : NULL;
}

static inline void *map_get_u64(const struct map *m, uint64_t id)
{
	struct map_entry *e = map_find_u64(m, id);

	return e ? e->value : NULL;
}

/* Sets the value and returns the one it replaces, or NULL. */
void *map_put(struct map *m, struct ez_view key, void *value);
void *map_put_u64(struct map *m, uint64_t id, void *value);

/* Takes the entry out and returns its value, or NULL when the key is missing. */
void *map_remove(struct map *m, struct ez_view key);
void *map_remove_u64(struct map *m, uint64_t id);

/*
 * The entry at or after `*cursor` (0 to begin), in order of insertion; NULL at the end.
 * Entries may be removed on the way, the current one included; none may be put.
 */
struct map_entry *map_next(const struct map *m, size_t *cursor);

/* clang-format cannot lay out macros of several lines. */
/* clang-format off */

/* For each entry `e` (declared here) of map `m`. */
#define map_for_each(e, m) \
	for (size_t e##_at = 0, e##_once = 1; e##_once; e##_once = 0) \
		for (struct map_entry *e; (e = map_next((m), &e##_at)) != NULL;)

/* clang-format on */

#endif
