/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/stats.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

enum { NAME_MAX_BYTES = 64 * 1024 };

const int64_t histogram_bounds_us[HISTOGRAM_BUCKETS - 1] = {
	1000,    2000,    5000,     10000,    20000,    50000,     100000,   200000,
	500000,  1000000, 2000000,  5000000,  10000000, 30000000,  60000000,
};

void histogram_add(struct histogram *h, int64_t us)
{
	size_t i = 0;

	us = MAX(us, (int64_t)0);
	while (i < HISTOGRAM_BUCKETS - 1 && us > histogram_bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, (uint64_t)us, memory_order_relaxed);
}

int64_t histogram_quantile(const struct histogram *h, double q)
{
	double wanted = q * (double)atomic_load(&h->count), seen = 0;
	int64_t low = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		double here = (double)atomic_load(&h->counts[i]);
		int64_t high = histogram_bounds_us[i];

		if (here > 0 && seen + here >= wanted)
			return low + (int64_t)((double)(high - low) * (wanted - seen) / here);
		seen += here;
		low = high;
	}
	return seen < wanted ? low : 0;
}

void stats_init(struct stats *s)
{
	*s = (struct stats){ .tables = MAP_INIT, .plugin = MAP_INIT };
	pthread_mutex_init(&s->lock, NULL);
	atomic_store(&s->retained_bytes, -1);
	atomic_store(&s->safe_bytes, -1);
	atomic_store(&s->started_us, now_us());
}

static void table_stats_free(void *p)
{
	struct table_stats *t = p;

	free(t->name);
	free(t);
}

void stats_release(struct stats *s)
{
	map_release(&s->tables, table_stats_free);
	map_release(&s->plugin, free);
	pthread_mutex_destroy(&s->lock);
}

static bool needs_quotes(struct ez_view part)
{
	for (size_t i = 0; i < part.len; i++)
		if (part.ptr[i] == '.' || part.ptr[i] == '"')
			return true;
	return false;
}

static void add_part(struct buf *b, struct ez_view part)
{
	if (!needs_quotes(part)) {
		buf_add_view(b, part);
		return;
	}
	buf_add_char(b, '"');
	for (size_t i = 0; i < part.len; i++) {
		if (part.ptr[i] == '"')
			buf_add_char(b, '"');
		buf_add_char(b, part.ptr[i]);
	}
	buf_add_char(b, '"');
}

void stats_table_name(struct buf *b, struct ez_view schema, struct ez_view name)
{
	add_part(b, schema);
	buf_add_char(b, '.');
	add_part(b, name);
}

static struct table_stats *table_stats_new(const struct buf *name)
{
	struct table_stats *t = xcalloc(1, sizeof(*t));

	t->name = view_dup(buf_view(name));
	return t;
}

struct table_stats *stats_table(struct stats *s, struct ez_view schema, struct ez_view name)
{
	_cleanup_(buf_release) struct buf key = BUF_INIT(NAME_MAX_BYTES);
	struct table_stats *t;

	stats_table_name(&key, schema, name);
	pthread_mutex_lock(&s->lock);
	t = map_get(&s->tables, buf_view(&key));
	if (!t) {
		t = table_stats_new(&key);
		map_put(&s->tables, buf_view(&key), t);
	}
	pthread_mutex_unlock(&s->lock);
	return t;
}

void stats_rows(struct stats *s, const struct ez_table *t, const uint32_t *rows)
{
	struct table_stats *ts;
	uint64_t total = 0;

	for (int i = 0; i < OUT_OPS; i++)
		total += rows[i];
	atomic_fetch_add_explicit(&s->rows, total, memory_order_relaxed);
	if (!t)
		return;
	ts = stats_table(s, t->schema, t->name);
	for (int i = 0; i < OUT_OPS; i++)
		if (rows[i] > 0)
			atomic_fetch_add_explicit(&ts->rows[i], rows[i], memory_order_relaxed);
	atomic_store_explicit(&ts->last_us, now_us(), memory_order_relaxed);
}

void stats_metric(struct stats *s, const char *name, int64_t delta)
{
	_Atomic int64_t *v;

	pthread_mutex_lock(&s->lock);
	v = map_get(&s->plugin, view_str(name));
	if (!v) {
		v = xcalloc(1, sizeof(*v));
		map_put(&s->plugin, view_str(name), v);
	}
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add_explicit(v, delta, memory_order_relaxed);
}

void stats_error(struct stats *s, const struct ez_error *err)
{
	stats_set_text(s, s->last_error, sizeof(s->last_error), view_str(err->text));
	pthread_mutex_lock(&s->lock);
	s->last_error_us = now_us();
	pthread_mutex_unlock(&s->lock);
}

void stats_set_text(struct stats *s, char *member, size_t size, struct ez_view text)
{
	pthread_mutex_lock(&s->lock);
	if (!str_copy(member, size, text))
		member[size - 1] = '\0';
	pthread_mutex_unlock(&s->lock);
}
