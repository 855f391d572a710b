/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fold.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/view.h"

#include "host.h"

enum {
	SLOTS_MIN = 1024,
};

void fold_init(struct fold *f)
{
	*f = (struct fold){ .seed = random_u64() };
	arena_pool_init(&f->pool);
	arena_init(&f->arena, &f->pool, 0);
}

void fold_release(struct fold *f)
{
	arena_release(&f->arena);
	arena_pool_release(&f->pool);
	free(f->rows);
	free(f->slots);
	f->rows = NULL;
	f->slots = NULL;
}

size_t fold_bytes(const struct fold *f)
{
	return f->rows_size * sizeof(f->rows[0]) + f->n_slots * sizeof(f->slots[0]) +
	       arena_bytes(&f->arena) + arena_pool_cached_bytes(&f->pool);
}

/* ------------------------------------------------------------------ memory */

static int fail_memory(struct ez_error *err, size_t bytes)
{
	return host->fail(err, EZ_E_TRANSIENT, "ENOMEM",
			  "no memory to fold a batch: %zu bytes", bytes);
}

static int resize_slots(struct fold *f, size_t n, struct ez_error *err)
{
	uint64_t *slots = try_malloc(n * sizeof(*slots));

	if (!slots)
		return fail_memory(err, n * sizeof(*slots));
	free(f->slots);
	f->slots = slots;
	f->n_slots = n;
	memset(slots, 0, n * sizeof(*slots));
	for (size_t i = 0; i < f->n_rows; i++) {
		size_t at = f->rows[i].hash & (n - 1);

		while (slots[at] != 0)
			at = (at + 1) & (n - 1);
		slots[at] = (uint64_t)f->rows[i].hash << 32 | (i + 1);
	}
	return EZ_OK;
}

static int resize_rows(struct fold *f, size_t n, struct ez_error *err)
{
	struct fold_row *rows = try_realloc(f->rows, n * sizeof(*rows));

	if (!rows)
		return fail_memory(err, n * sizeof(*rows));
	f->rows = rows;
	f->rows_size = n;
	return EZ_OK;
}

static int begin(struct fold *f, size_t n, bool unique, struct ez_error *err)
{
	size_t slots = SLOTS_MIN;
	int rc = EZ_OK;

	arena_release(&f->arena);
	f->n_rows = 0;
	if (f->rows_size < n + 2)
		rc = resize_rows(f, n + n / 16 + 2, err);
	if (rc < 0 || unique)
		return rc;
	while (slots < n + n / 2)
		slots *= 2;
	if (slots > f->n_slots || slots * 8 < f->n_slots)
		return resize_slots(f, slots, err);
	memset(f->slots, 0, f->n_slots * sizeof(f->slots[0]));
	return EZ_OK;
}

/* A new row at the end; the two that one event may make always fit after this. */
static int make_room(struct fold *f, bool unique, struct ez_error *err)
{
	int rc = EZ_OK;

	if (UNLIKELY(f->rows_size - f->n_rows < 2))
		rc = resize_rows(f, f->rows_size * 2, err);
	if (rc >= 0 && UNLIKELY(!unique && (f->n_rows + 2) * 4 > f->n_slots * 3))
		rc = resize_slots(f, f->n_slots * 2, err);
	return rc;
}

/* ------------------------------------------------------------------ keys */

static bool has_key(const struct target *t, const struct ez_cell *cells)
{
	for (uint32_t k = 0; k < t->n_keys; k++)
		if (cells[t->keys[k]].kind != EZ_CELL_TEXT)
			return false;
	return true;
}

static uint32_t hash_key(const struct fold *f, const struct target *t,
			 const struct ez_cell *cells)
{
	uint64_t h = f->seed ^ random_mix(t->uid);

	for (uint32_t k = 0; k < t->n_keys; k++) {
		const struct ez_cell *c = &cells[t->keys[k]];

		h = view_hash_seeded(view_of(c->ptr, c->len), h);
	}
	return (uint32_t)(h ^ h >> 32);
}

static bool same_key(const struct target *t, const struct ez_cell *a,
		     const struct ez_cell *b)
{
	for (uint32_t k = 0; k < t->n_keys; k++) {
		const struct ez_cell *x = &a[t->keys[k]], *y = &b[t->keys[k]];

		if (x->len != y->len || memcmp(x->ptr, y->ptr, x->len) != 0)
			return false;
	}
	return true;
}

/* The row of the key, made if there is none; `ret_new` says which. */
static struct fold_row *row_of(struct fold *f, struct target *t,
			       const struct ez_cell *key, bool *ret_new)
{
	uint32_t hash = hash_key(f, t, key);
	size_t at = hash & (f->n_slots - 1);
	struct fold_row *r;

	for (; f->slots[at] != 0; at = (at + 1) & (f->n_slots - 1)) {
		if (f->slots[at] >> 32 != hash)
			continue;
		r = &f->rows[(uint32_t)f->slots[at] - 1];
		if (r->target == t && same_key(t, r->cells, key)) {
			*ret_new = false;
			return r;
		}
	}
	f->slots[at] = (uint64_t)hash << 32 | (f->n_rows + 1);
	r = &f->rows[f->n_rows++];
	*r = (struct fold_row){ .target = t, .cells = key, .hash = hash };
	*ret_new = true;
	return r;
}

/* ------------------------------------------------------------------ events */

static bool is_sent(const struct ez_cell *c)
{
	return c->kind != EZ_CELL_UNCHANGED && c->kind != EZ_CELL_ABSENT;
}

static bool lacks_cells(const struct target *t, const struct ez_cell *cells)
{
	for (uint32_t i = 0; i < t->n_source; i++)
		if (!is_sent(&cells[i]))
			return true;
	return false;
}

/* `cells` with what it lacks from `image`, which may lack it too. */
static const struct ez_cell *merge(struct fold *f, const struct target *t,
				   const struct ez_cell *cells,
				   const struct ez_cell *image)
{
	struct ez_cell *to = arena_alloc(&f->arena, t->n_source * sizeof(*to));

	for (uint32_t i = 0; i < t->n_source; i++)
		to[i] = is_sent(&cells[i]) ? cells[i] : image[i];
	return to;
}

/* The state of a row before an event: what it keeps. */
struct past {
	const struct ez_cell *image; /* NULL: no event of the batch has it */
	const struct ez_cell *origin;
	uint32_t base;
};

static struct past past_of(const struct fold_row *r, bool is_new,
			   const struct ez_cell *key, uint32_t event)
{
	if (is_new)
		return (struct past){ .origin = key, .base = event };
	if (r->is_delete)
		return (struct past){ .base = event };
	return (struct past){ .image = r->cells, .origin = r->origin, .base = r->base };
}

static void set_upsert(struct fold *f, struct fold_row *r, const struct ez_cell *cells,
		       const struct past *past, uint32_t event)
{
	const struct target *t = r->target;

	r->cells = cells;
	r->event = event;
	r->base = event;
	r->origin = NULL;
	r->is_delete = false;
	r->is_missing = false;
	r->moved = false;
	if (!past || LIKELY(!lacks_cells(t, cells)))
		return;
	if (past->image)
		r->cells = merge(f, t, cells, past->image);
	r->base = past->base;
	r->origin = past->origin;
	r->is_missing = lacks_cells(t, r->cells);
	r->moved = r->origin && !same_key(t, r->origin, r->cells);
}

/* A row that is kept, marked as deleted, keeps its values too. */
static void set_delete(struct fold_row *r, bool is_new, const struct ez_cell *before,
		       uint32_t event)
{
	bool soft = r->target->settings->delete_mode == DELETE_SOFT;

	r->event = event;
	if (!soft || is_new || r->is_delete) {
		r->cells = before;
		r->base = event;
		r->origin = before;
		r->moved = false;
		r->is_missing = soft && lacks_cells(r->target, before);
	}
	r->is_delete = true;
}

static int fail_key(struct ez_error *err, const struct target *t, uint32_t event)
{
	host->fail(err, EZ_E_DATA, "",
		   "a change of table %s has no value in a key column", t->source);
	err->row = event;
	return EZ_E_DATA;
}

/* The key columns of `after` as they are, unsent ones from `before`. */
static const struct ez_cell *complete_key(struct fold *f, const struct target *t,
					  const struct ez_event *ev)
{
	if (LIKELY(has_key(t, ev->after)))
		return ev->after;
	return ev->before ? merge(f, t, ev->after, ev->before) : ev->after;
}

static int on_update(struct fold *f, struct target *t, const struct ez_event *ev,
		     uint32_t event, struct ez_error *err)
{
	const struct ez_cell *after = complete_key(f, t, ev);
	bool moves = (ev->flags & EZ_EV_KEY_CHANGED) && ev->before;
	struct fold_row *r;
	struct past past;
	bool is_new;

	if (!has_key(t, after) || (moves && !has_key(t, ev->before)))
		return fail_key(err, t, event);
	if (!moves || same_key(t, ev->before, after)) {
		r = row_of(f, t, after, &is_new);
		past = past_of(r, is_new, after, event);
		set_upsert(f, r, after, &past, event);
		return EZ_OK;
	}
	r = row_of(f, t, ev->before, &is_new);
	past = past_of(r, is_new, ev->before, event);
	set_delete(r, is_new, ev->before, event);
	r = row_of(f, t, after, &is_new);
	set_upsert(f, r, after, &past, event);
	return EZ_OK;
}

static int on_key_event(struct fold *f, struct target *t, const struct ez_event *ev,
			uint32_t event, struct ez_error *err)
{
	const struct ez_cell *key = ev->op == EZ_OP_DELETE ? ev->before : ev->after;
	struct fold_row *r;
	bool is_new;

	if (ev->op == EZ_OP_UPDATE)
		return on_update(f, t, ev, event, err);
	if (UNLIKELY(!has_key(t, key)))
		return fail_key(err, t, event);
	r = row_of(f, t, key, &is_new);
	if (ev->op == EZ_OP_DELETE)
		set_delete(r, is_new, key, event);
	else
		set_upsert(f, r, key, NULL, event);
	return EZ_OK;
}

/* Every event is a row of its own. */
static int on_other_event(struct fold *f, struct target *t, const struct ez_event *ev,
			  uint32_t event, struct ez_error *err)
{
	if (ev->op != EZ_OP_INSERT && ev->op != EZ_OP_SNAPSHOT) {
		host->fail(
			err, EZ_E_CONFIG, "",
			"table %s has no key, so its rows cannot be updated or deleted",
			t->source);
		return host->hint(err, "give the table a primary key at the source, or "
				       "leave it out of the job");
	}
	if (!t->by_place && !has_key(t, ev->after))
		return fail_key(err, t, event);
	f->rows[f->n_rows++] = (struct fold_row){
		.target = t, .cells = ev->after, .event = event, .base = event
	};
	return EZ_OK;
}

int fold_events(struct fold *f, struct targets *targets, const struct ez_batch *batch,
		size_t first, size_t n, const uint64_t *skip, bool unique,
		struct ez_error *err)
{
	int rc = begin(f, n, unique, err);

	for (size_t i = 0; i < n && rc >= 0; i++) {
		const struct ez_event *ev = batch->events[first + i];
		uint32_t event = (uint32_t)(first + i);
		struct target *t;

		if (ev->op == EZ_OP_MESSAGE || (skip && (skip[i / 64] >> i % 64 & 1)))
			continue;
		ASSERT(ev->op != EZ_OP_TRUNCATE);
		rc = targets_get(targets, ev->table, &t, err);
		if (rc >= 0)
			rc = make_room(f, unique, err);
		if (rc < 0)
			return rc;
		if (unique || t->by_place)
			rc = on_other_event(f, t, ev, event, err);
		else
			rc = on_key_event(f, t, ev, event, err);
	}
	return rc;
}
