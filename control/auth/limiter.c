/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/auth/limiter.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/view.h"

enum { KEYS_MAX = 20000 };

struct bucket {
	double tokens;
	int64_t at_us;
};

struct limiter {
	pthread_mutex_t lock;
	struct map buckets; /* guarded by lock */
	double per_second, burst;
};

struct limiter *limiter_new(double per_second, double burst)
{
	struct limiter *l = xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	l->per_second = per_second;
	l->burst = burst;
	return l;
}

void limiter_free(struct limiter *l)
{
	if (!l)
		return;
	map_release(&l->buckets, free);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void refill(struct limiter *l, struct bucket *b, int64_t now)
{
	b->tokens += (double)(now - b->at_us) / US_PER_SEC * l->per_second;
	b->tokens = MIN(b->tokens, l->burst);
	b->at_us = now;
}

static void make_room(struct limiter *l, int64_t now)
{
	map_for_each(e, &l->buckets) {
		struct bucket *b = e->value;

		refill(l, b, now);
		if (b->tokens >= l->burst)
			free(map_remove(&l->buckets, e->key));
	}
	if (map_len(&l->buckets) >= KEYS_MAX)
		map_release(&l->buckets, free);
}

static struct bucket *bucket_of(struct limiter *l, const char *key)
{
	struct bucket *b = map_get(&l->buckets, view_str(key));
	int64_t now = mono_us();

	if (b) {
		refill(l, b, now);
		return b;
	}
	if (map_len(&l->buckets) >= KEYS_MAX)
		make_room(l, now);
	b = xcalloc(1, sizeof(*b));
	b->tokens = l->burst;
	b->at_us = now;
	map_put(&l->buckets, view_str(key), b);
	return b;
}

bool limiter_take(struct limiter *l, const char *key, int64_t *ret_wait_ms)
{
	struct bucket *b;
	bool ok;

	pthread_mutex_lock(&l->lock);
	b = bucket_of(l, key);
	ok = b->tokens >= 1;
	if (ok)
		b->tokens -= 1;
	*ret_wait_ms = ok ? 0 : (int64_t)((1 - b->tokens) / l->per_second * 1000) + 1;
	pthread_mutex_unlock(&l->lock);
	return ok;
}

bool limiter_has(struct limiter *l, const char *key)
{
	bool ok;

	pthread_mutex_lock(&l->lock);
	ok = bucket_of(l, key)->tokens >= 1;
	pthread_mutex_unlock(&l->lock);
	return ok;
}

void limiter_forgive(struct limiter *l, const char *key)
{
	pthread_mutex_lock(&l->lock);
	bucket_of(l, key)->tokens = l->burst;
	pthread_mutex_unlock(&l->lock);
}
