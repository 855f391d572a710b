/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/map.h"

#include "base/alloc.h"
#include "base/random.h"

/*
 * The index holds entry numbers plus one; 0 is a free place. Removing only marks the
 * entry: its place in the index stays taken, so probing goes on past it, until the next
 * rebuild drops it from both. At most three quarters of the places are ever taken, so a
 * probe ends.
 *
 * For numbers the hash is a bijection of the key, so equal hashes are equal keys and the
 * lookup needs no second comparison.
 */

enum {
	FIRST_PLACES = 8,
};

static size_t entries_max(size_t n_index)
{
	return n_index / 4 * 3;
}

static uint64_t hash_id(const struct map *m, uint64_t id)
{
	return random_mix(id ^ m->seed);
}

static struct map_entry *lookup(const struct map *m, uint64_t hash,
				const struct ez_view *key)
{
	size_t mask = m->n_index - 1;

	if (m->n_index == 0)
		return NULL;
	for (size_t at = hash & mask; m->index[at] != 0; at = (at + 1) & mask) {
		struct map_entry *e = &m->entries[m->index[at] - 1];

		if (e->hash == hash && e->live && (!key || view_eq(e->key, *key)))
			return e;
	}
	return NULL;
}

struct map_entry *map_find(const struct map *m, struct ez_view key)
{
	ASSERT(!m->by_id);
	return lookup(m, view_hash_seeded(key, m->seed), &key);
}

struct map_entry *map_find_u64(const struct map *m, uint64_t id)
{
	ASSERT(m->by_id || m->n_index == 0);
	return lookup(m, hash_id(m, id), NULL);
}

static void index_entry(struct map *m, size_t number)
{
	size_t mask = m->n_index - 1;
	size_t at = m->entries[number].hash & mask;

	while (m->index[at] != 0)
		at = (at + 1) & mask;
	m->index[at] = (uint32_t)number + 1;
}

/* Drops removed entries and makes room for at least one more. */
static void rebuild(struct map *m)
{
	size_t n = 0;

	if (m->n_index == 0)
		m->n_index = FIRST_PLACES;
	else if (m->n_live > entries_max(m->n_index) / 2)
		m->n_index *= 2;
	ENSURE(m->n_index <= UINT32_MAX, "map has too many entries");
	for (size_t i = 0; i < m->n_entries; i++) {
		if (m->entries[i].live)
			m->entries[n++] = m->entries[i];
	}
	m->n_entries = n;
	m->entries =
		xreallocarray(m->entries, entries_max(m->n_index), sizeof(*m->entries));
	free(m->index);
	m->index = xcalloc(m->n_index, sizeof(*m->index));
	for (size_t i = 0; i < n; i++)
		index_entry(m, i);
}

/* A new entry of which the caller fills in the key. */
static struct map_entry *append(struct map *m, uint64_t hash, void *value)
{
	struct map_entry *e;

	if (m->n_entries == entries_max(m->n_index))
		rebuild(m);
	e = &m->entries[m->n_entries];
	*e = (struct map_entry){ .hash = hash, .value = value, .live = true };
	index_entry(m, m->n_entries);
	m->n_entries++;
	m->n_live++;
	return e;
}

static void *replace(struct map_entry *e, void *value)
{
	void *old = e->value;

	e->value = value;
	return old;
}

void *map_put(struct map *m, struct ez_view key, void *value)
{
	struct map_entry *e = map_find(m, key);

	if (e)
		return replace(e, value);
	if (m->n_index == 0)
		m->seed = random_u64();
	e = append(m, view_hash_seeded(key, m->seed), value);
	e->key = view_of(view_dup(key), key.len);
	return NULL;
}

void *map_put_u64(struct map *m, uint64_t id, void *value)
{
	struct map_entry *e = map_find_u64(m, id);

	if (e)
		return replace(e, value);
	if (m->n_index == 0)
		m->seed = random_u64();
	m->by_id = true;
	append(m, hash_id(m, id), value)->id = id;
	return NULL;
}

static void *take_out(struct map *m, struct map_entry *e)
{
	if (!e)
		return NULL;
	if (!m->by_id)
		freep(&e->key.ptr);
	e->live = false;
	m->n_live--;
	return e->value;
}

void *map_remove(struct map *m, struct ez_view key)
{
	return take_out(m, map_find(m, key));
}

void *map_remove_u64(struct map *m, uint64_t id)
{
	return take_out(m, map_find_u64(m, id));
}

struct map_entry *map_next(const struct map *m, size_t *cursor)
{
	while (*cursor < m->n_entries) {
		struct map_entry *e = &m->entries[(*cursor)++];

		if (e->live)
			return e;
	}
	return NULL;
}

void map_release(struct map *m, void (*free_value)(void *))
{
	map_for_each(e, m) {
		void *value = take_out(m, e);

		if (free_value)
			free_value(value);
	}
	free(m->entries);
	free(m->index);
	*m = MAP_INIT;
}
