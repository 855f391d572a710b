/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/table.h"

#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

struct known {
	struct table *newest; /* declared last, past ones apart */
	bool told;            /* the sink hears of it, in this run, before rows of it come */
	struct table *has;    /* what the sink has; NULL: nothing yet */
	struct table *next;   /* what it is being told of; NULL: nothing */
	uint64_t past;        /* up to this lsn another shape than the newest is past; 0: none */
};

static size_t text_bytes(const struct ez_table *t)
{
	size_t n = t->schema.len + t->name.len + 2;

	for (uint32_t i = 0; i < t->n_columns; i++) {
		const struct ez_column *c = t->columns[i];

		n += c->name.len + c->native.len + c->fallback.len + 3;
	}
	return n;
}

static struct ez_view copy_text(char **pos, struct ez_view v)
{
	char *to = *pos;

	if (v.len > 0)
		memcpy(to, v.ptr, v.len);
	to[v.len] = '\0';
	*pos += v.len + 1;
	return view_of(to, v.len);
}

/* The plugin may know a shorter struct than we do: what it lacks is zero. */
static void copy_column(struct ez_column *to, const struct ez_column *from, char **pos)
{
	memcpy(to, from, MIN(from->size, sizeof(*to)));
	to->size = sizeof(*to);
	to->name = copy_text(pos, from->name);
	to->native = copy_text(pos, from->native);
	to->fallback = copy_text(pos, from->fallback);
}

struct table *table_new(const struct ez_table *shape, uint64_t uid, uint32_t version)
{
	size_t n = shape->n_columns;
	size_t columns_at = sizeof(struct table);
	size_t pointers_at = columns_at + n * sizeof(struct ez_column);
	size_t text_at = pointers_at + n * sizeof(struct ez_column *);
	char *block = xcalloc(1, text_at + text_bytes(shape));
	struct table *t = (void *)block;
	struct ez_column *columns = (void *)(block + columns_at);
	const struct ez_column **pointers = (void *)(block + pointers_at);
	char *pos = block + text_at;
	uint32_t n_keys = 0;

	t->refs = 1;
	memcpy(&t->desc, shape, MIN(shape->size, sizeof(t->desc)));
	t->desc.size = sizeof(t->desc);
	t->desc.uid = uid;
	t->desc.version = version;
	t->desc.schema = copy_text(&pos, shape->schema);
	t->desc.name = copy_text(&pos, shape->name);
	t->desc.columns = pointers;
	for (size_t i = 0; i < n; i++) {
		copy_column(&columns[i], shape->columns[i], &pos);
		pointers[i] = &columns[i];
		n_keys += (columns[i].flags & EZ_COL_KEY) != 0;
	}
	t->desc.n_keys = n_keys;
	return t;
}

struct table *table_ref(struct table *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void table_unref(struct table *t)
{
	if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
		free(t);
}

static bool column_is_same(const struct ez_column *a, const struct ez_column *b)
{
	return view_eq(a->name, b->name) && view_eq(a->native, b->native) &&
	       view_eq(a->fallback, b->fallback) && a->type == b->type &&
	       a->flags == b->flags && a->id == b->id && a->native_type == b->native_type &&
	       a->type_mod == b->type_mod && a->element == b->element &&
	       a->precision == b->precision && a->scale == b->scale &&
	       a->length == b->length;
}

bool table_is_same(const struct ez_table *a, const struct ez_table *b)
{
	if (a->id != b->id || a->flags != b->flags || a->n_columns != b->n_columns ||
	    !view_eq(a->schema, b->schema) || !view_eq(a->name, b->name))
		return false;
	for (uint32_t i = 0; i < a->n_columns; i++)
		if (!column_is_same(a->columns[i], b->columns[i]))
			return false;
	return true;
}

void registry_init(struct registry *r)
{
	*r = (struct registry){ .tables = MAP_INIT };
	pthread_mutex_init(&r->lock, NULL);
}

static void known_free(void *p)
{
	struct known *k = p;

	table_unref(k->newest);
	table_unref(k->has);
	table_unref(k->next);
	free(k);
}

void registry_release(struct registry *r)
{
	map_release(&r->tables, known_free);
	pthread_mutex_destroy(&r->lock);
}

uint64_t registry_uid(struct registry *r)
{
	return atomic_fetch_add(&r->next_uid, 1) + 1;
}

static struct known *known_new(struct registry *r, const struct ez_table *shape,
			       uint32_t version)
{
	struct known *k = xcalloc(1, sizeof(*k));

	k->newest = table_new(shape, registry_uid(r), version);
	return k;
}

void registry_seed(struct registry *r, const struct ez_table *newest,
		   const struct ez_table *before)
{
	struct known *k;

	pthread_mutex_lock(&r->lock);
	if (!map_get_u64(&r->tables, newest->id)) {
		k = known_new(r, newest, newest->version);
		k->past = newest->lsn;
		k->has = before ? table_new(before, registry_uid(r), before->version) :
				  table_ref(k->newest);
		k->next = before ? table_ref(k->newest) : NULL;
		map_put_u64(&r->tables, newest->id, k);
	}
	pthread_mutex_unlock(&r->lock);
}

static const struct ez_column *column_named(const struct ez_table *t, struct ez_view name)
{
	for (uint32_t i = 0; i < t->n_columns; i++)
		if (view_eq(t->columns[i]->name, name))
			return t->columns[i];
	return NULL;
}

static bool has_number(const struct ez_table *t, uint32_t id)
{
	for (uint32_t i = 0; i < t->n_columns; i++)
		if (t->columns[i]->id == id)
			return true;
	return false;
}

/* The number that a column of unknown number had by this name and type; 0: none to have. */
static uint32_t number_before(const struct ez_table *before, const struct ez_table *now,
			      const struct ez_column *c)
{
	const struct ez_column *old = column_named(before, c->name);

	if (!old || old->native_type != c->native_type || has_number(now, old->id))
		return 0;
	return old->id;
}

/*
 * A source that lags reads of a column which the catalog of today has by another name, or no
 * more, and may be unable to tell its number. What was known of the table before can: as long
 * as nobody else has the number, a column of the same name and type is the same column.
 * Without this, its new name would later look like another column (trap D4).
 *
 * NULL: nothing is missing, or nothing is known.
 */
static struct table *numbered(const struct ez_table *before, const struct ez_table *shape)
{
	struct table *t = NULL;

	for (uint32_t i = 0; i < shape->n_columns; i++) {
		uint32_t id = shape->columns[i]->id;

		if (id == 0)
			id = number_before(before, shape, shape->columns[i]);
		if (id == shape->columns[i]->id)
			continue;
		if (!t)
			t = table_new(shape, shape->uid, shape->version);
		((struct ez_column *)(uintptr_t)t->desc.columns[i])->id = id;
	}
	return t;
}

/* The same columns, as far as a source that lags can tell: its catalog has changed since. */
static bool is_alike(const struct ez_table *a, const struct ez_table *b)
{
	if (a->n_columns != b->n_columns)
		return false;
	for (uint32_t i = 0; i < a->n_columns; i++) {
		const struct ez_column *x = a->columns[i], *y = b->columns[i];

		if (!view_eq(x->name, y->name) || x->native_type != y->native_type ||
		    x->type_mod != y->type_mod || (x->id && y->id && x->id != y->id))
			return false;
	}
	return true;
}

static bool is_past(struct known *k, const struct ez_table *shape)
{
	if (k->past == 0 || shape->lsn == 0)
		return false;
	if (shape->lsn <= k->past && !is_alike(&k->newest->desc, shape))
		return true;
	k->past = 0;
	return false;
}

static struct table *past(struct registry *r, const struct known *k,
			  const struct ez_table *shape)
{
	struct table *t = table_new(shape, registry_uid(r), k->newest->desc.version);

	t->is_past = true;
	return t;
}

/* A shape of a table that is known: makes it the newest, if it is not. */
static void learn(struct registry *r, struct known *k, const struct ez_table *shape,
		  struct table **ret_before)
{
	struct table *before = table_ref(k->told ? k->newest : k->has);

	if (!table_is_same(&k->newest->desc, shape)) {
		uint32_t version = k->newest->desc.version + 1;

		table_unref(k->newest);
		k->newest = table_new(shape, registry_uid(r), version);
		k->told = false;
	}
	if (k->told)
		table_unref(before);
	else
		*ret_before = before;
}

static struct table *intern(struct registry *r, const struct ez_table *shape, bool *ret_news,
			    struct table **ret_before)
{
	struct known *k = map_get_u64(&r->tables, shape->id);
	struct table *whole = k ? numbered(&k->newest->desc, shape) : NULL, *t;

	if (whole)
		shape = &whole->desc;
	if (k && is_past(k, shape)) {
		t = past(r, k, shape);
	} else {
		if (k) {
			learn(r, k, shape, ret_before);
		} else {
			k = known_new(r, shape, 1);
			map_put_u64(&r->tables, shape->id, k);
		}
		*ret_news = !k->told;
		k->told = true;
		t = table_ref(k->newest);
	}
	table_unref(whole);
	return t;
}

struct table *registry_intern(struct registry *r, const struct ez_table *shape,
			      bool *ret_news, struct table **ret_before)
{
	struct table *t;

	*ret_news = false;
	*ret_before = NULL;
	pthread_mutex_lock(&r->lock);
	t = intern(r, shape, ret_news, ret_before);
	pthread_mutex_unlock(&r->lock);
	return t;
}

/* Of a table that was declared. */
static struct known *known_of(struct registry *r, const struct table *t)
{
	struct known *k = map_get_u64(&r->tables, t->desc.id);

	ENSURE(k, "a sink is told of a table that nobody declared");
	return k;
}

void registry_intend(struct registry *r, struct table *now)
{
	struct known *k;

	pthread_mutex_lock(&r->lock);
	k = known_of(r, now);
	table_unref(k->next);
	k->next = k->has && k->has != now ? table_ref(now) : NULL;
	pthread_mutex_unlock(&r->lock);
}

void registry_did(struct registry *r, struct table *now)
{
	struct known *k;

	pthread_mutex_lock(&r->lock);
	k = known_of(r, now);
	table_unref(k->next);
	table_unref(k->has);
	k->next = NULL;
	k->has = table_ref(now);
	pthread_mutex_unlock(&r->lock);
}

void registry_each(struct registry *r,
		   void (*fn)(void *arg, struct table *newest, struct table *before), void *arg)
{
	pthread_mutex_lock(&r->lock);
	map_for_each (e, &r->tables) {
		const struct known *k = e->value;

		if (k->next)
			fn(arg, k->next, k->has);
		else if (k->has)
			fn(arg, k->has, NULL);
	}
	pthread_mutex_unlock(&r->lock);
}

uint64_t registry_past(struct registry *r, uint64_t table_id)
{
	const struct known *k;
	uint64_t lsn;

	pthread_mutex_lock(&r->lock);
	k = map_get_u64(&r->tables, table_id);
	lsn = k ? k->past : 0;
	pthread_mutex_unlock(&r->lock);
	return lsn;
}
