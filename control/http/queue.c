/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"
#include "base/view.h"
#include "control/http/request.h"

/*
 * Thousands of polls are parked at once, and something happens a thousand times a second.
 * So a parked request stands in three places: in the slot of a wheel that its time falls
 * into, among those of its worker, and among those of its topic. None of these is ever
 * walked through for the sake of one.
 *
 * What concerns one worker wakes its poll at once. What concerns a deployment wakes those
 * that wait there a herd at a time: thousands that look at once for one job would keep the
 * catalog from everything else.
 *
 * Rejected: waking the one poll that can take the job. It may have room and be gone.
 */
enum {
	RECENT_WAKES = 1024,
	HERD = 64,
	TICK_US = 25 * US_PER_MS, /* of the wheel, and between herds */
	TICKS = 2048,
	IDLE_MS = 250,
	BUCKETS = 4096,
};

/* Between the beginnings of two lots. */
static const int64_t gap_us[_LANE_MAX] = {
	[LANE_POLL] = 30 * US_PER_MS,
	[LANE_REPORT] = 60 * US_PER_MS,
	[LANE_BEAT] = 80 * US_PER_MS,
	[LANE_SAMPLES] = 120 * US_PER_MS,
};

struct line {
	struct list ready;
	int64_t begun_us; /* of the last lot */
	bool busy;
};

/* All of it is guarded by the lock. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct line lines[_LANE_MAX];
	struct list wheel[TICKS];    /* by time */
	struct list owners[BUCKETS]; /* by worker */
	struct list topics[BUCKETS]; /* by topic */
	struct list due;             /* woken, but others are before them */
	int n_parked;
	int64_t tick; /* the last that was looked at */
	int64_t herd_us;
	uint64_t generation;
	char recent[RECENT_WAKES][37]; /* topics, by generation */
	bool closed;
};

static void init_lists(struct list *all, int n)
{
	for (int i = 0; i < n; i++)
		list_init(&all[i]);
}

struct queue *queue_new(void)
{
	struct queue *q = xcalloc(1, sizeof(*q));
	pthread_condattr_t attr;

	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
	for (int i = 0; i < _LANE_MAX; i++)
		list_init(&q->lines[i].ready);
	init_lists(q->wheel, TICKS);
	init_lists(q->owners, BUCKETS);
	init_lists(q->topics, BUCKETS);
	list_init(&q->due);
	q->tick = mono_us() / TICK_US;
	q->generation = 1;
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* ------------------------------------------------------------------ to be served */

static enum lane lane_of(const struct request *r)
{
	return r->alone || !r->route ? LANE_PLAIN : r->route->lane;
}

/* One thread is told of the first in a line; it or another takes the rest along. */
static void make_ready(struct queue *q, struct request *r)
{
	enum lane lane = lane_of(r);
	struct line *l = &q->lines[lane];

	if (r->parked)
		q->n_parked--;
	r->parked = false;
	list_remove(&r->of_owner);
	list_remove(&r->of_topic);
	list_remove(&r->of_due);
	list_remove(&r->link);
	if (lane == LANE_PLAIN || list_is_empty(&l->ready))
		pthread_cond_signal(&q->changed);
	list_add_tail(&l->ready, &r->link);
}

bool queue_push(struct queue *q, struct request *r)
{
	bool open;

	pthread_mutex_lock(&q->lock);
	open = !q->closed;
	if (open)
		make_ready(q, r);
	pthread_mutex_unlock(&q->lock);
	return open;
}

/*
 * Of the lanes that may be served now the one that has waited longest for its turn. None:
 * when to look again, INT64_MAX for when something changes.
 */
static struct line *next_line(struct queue *q, int64_t now, int64_t *ret_wait_until)
{
	struct line *best = NULL;

	*ret_wait_until = INT64_MAX;
	for (int i = 0; i < _LANE_MAX; i++) {
		struct line *l = &q->lines[i];
		int64_t from = l->begun_us + gap_us[i];

		if (l->busy || list_is_empty(&l->ready))
			continue;
		if (from > now && !q->closed)
			*ret_wait_until = MIN(*ret_wait_until, from);
		else if (!best || l->begun_us < best->begun_us)
			best = l;
	}
	return best;
}

static void wait_until(struct queue *q, int64_t us)
{
	struct timespec t = { .tv_sec = us / US_PER_SEC,
			      .tv_nsec = us % US_PER_SEC * 1000 };

	if (us == INT64_MAX)
		pthread_cond_wait(&q->changed, &q->lock);
	else
		pthread_cond_timedwait(&q->changed, &q->lock, &t);
}

static bool is_empty(const struct queue *q)
{
	for (int i = 0; i < _LANE_MAX; i++) {
		if (!list_is_empty(&q->lines[i].ready))
			return false;
	}
	return true;
}

static int take_lot(struct queue *q, struct line *l, struct request **ret)
{
	bool plain = l == &q->lines[LANE_PLAIN];
	int n = 0;

	while (n < (plain ? 1 : (int)LOT_MAX) && !list_is_empty(&l->ready))
		ret[n++] = LIST_OF(list_take_first(&l->ready), struct request, link);
	l->begun_us = mono_us();
	l->busy = !plain;
	/* Whoever was told of those that stay behind may have been this thread. */
	if (!is_empty(q))
		pthread_cond_signal(&q->changed);
	return n;
}

int queue_take(struct queue *q, struct request *ret[LOT_MAX], enum lane *ret_lane)
{
	struct line *l;
	int64_t until;
	int n = 0;

	pthread_mutex_lock(&q->lock);
	for (;;) {
		l = next_line(q, mono_us(), &until);
		if (l || (q->closed && is_empty(q)))
			break;
		wait_until(q, until);
	}
	if (l) {
		n = take_lot(q, l, ret);
		*ret_lane = (enum lane)(l - q->lines);
	}
	pthread_mutex_unlock(&q->lock);
	return n;
}

void queue_done(struct queue *q, enum lane lane)
{
	struct line *l = &q->lines[lane];

	pthread_mutex_lock(&q->lock);
	l->busy = false;
	if (q->closed)
		pthread_cond_broadcast(&q->changed);
	else if (!list_is_empty(&l->ready))
		pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

/* ------------------------------------------------------------------ parked */

static uint32_t bucket_of(const char *topic)
{
	uint32_t h = 2166136261U;

	for (; *topic; topic++)
		h = (h ^ (unsigned char)*topic) * 16777619U;
	return (h ^ (h >> 16)) % BUCKETS;
}

static bool is_own(const struct request *r, const char *topic)
{
	return r->who.kind == WORKER && strcmp(r->who.id, topic) == 0;
}

/* Since it took its generation; what was forgotten may have concerned it. */
static bool was_woken(const struct queue *q, const struct request *r)
{
	if (q->generation - r->generation > RECENT_WAKES)
		return true;
	for (uint64_t g = r->generation + 1; g <= q->generation; g++) {
		const char *topic = q->recent[g % RECENT_WAKES];

		if (topic[0] == '\0' || strcmp(topic, r->topic) == 0 || is_own(r, topic))
			return true;
	}
	return false;
}

void queue_park(struct queue *q, struct request *r)
{
	int64_t tick = r->wait_until_us / TICK_US + 1;

	pthread_mutex_lock(&q->lock);
	r->alone = false;
	if (q->closed || was_woken(q, r)) {
		make_ready(q, r);
	} else {
		tick = MAX(MIN(tick, q->tick + TICKS - 1), q->tick + 1);
		list_add_tail(&q->wheel[tick % TICKS], &r->link);
		if (r->who.kind == WORKER)
			list_add_tail(&q->owners[bucket_of(r->who.id)], &r->of_owner);
		list_add_tail(&q->topics[bucket_of(r->topic)], &r->of_topic);
		r->parked = true;
		q->n_parked++;
	}
	pthread_mutex_unlock(&q->lock);
}

uint64_t queue_generation(struct queue *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->lock);
	n = q->generation;
	pthread_mutex_unlock(&q->lock);
	return n;
}

/* ------------------------------------------------------------------ woken */

static void remember(struct queue *q, const char *topic)
{
	char *to = q->recent[++q->generation % RECENT_WAKES];

	/* What cannot be told apart concerns everybody. */
	if (!topic || !str_copy(to, sizeof(q->recent[0]), view_str(topic)))
		to[0] = '\0';
}

static void make_due(struct queue *q, struct list *topics, const char *topic)
{
	list_for_each(l, topics) {
		struct request *r = LIST_OF(l, struct request, of_topic);

		if ((!topic || strcmp(r->topic, topic) == 0) &&
		    list_is_empty(&r->of_due))
			list_add_tail(&q->due, &r->of_due);
	}
}

static void wake_herd(struct queue *q, int64_t now)
{
	if (now < q->herd_us || list_is_empty(&q->due))
		return;
	q->herd_us = now + TICK_US;
	for (int i = 0; i < HERD && !list_is_empty(&q->due); i++)
		make_ready(q, LIST_OF(list_first(&q->due), struct request, of_due));
}

void queue_wake(struct queue *q, const char *topic)
{
	pthread_mutex_lock(&q->lock);
	remember(q, topic);
	if (topic) {
		uint32_t b = bucket_of(topic);

		list_for_each(l, &q->owners[b]) {
			struct request *r = LIST_OF(l, struct request, of_owner);

			if (is_own(r, topic))
				make_ready(q, r);
		}
		make_due(q, &q->topics[b], topic);
	} else {
		for (int b = 0; b < BUCKETS; b++)
			make_due(q, &q->topics[b], NULL);
	}
	wake_herd(q, mono_us());
	pthread_mutex_unlock(&q->lock);
}

int queue_wake_due(struct queue *q)
{
	int64_t now = mono_us(), last = now / TICK_US;
	int ms;

	pthread_mutex_lock(&q->lock);
	/* A long sleep: each slot once is enough. */
	q->tick = MAX(q->tick, last - TICKS);
	while (q->tick < last) {
		q->tick++;
		list_for_each(l, &q->wheel[q->tick % TICKS])
			make_ready(q, LIST_OF(l, struct request, link));
	}
	wake_herd(q, now);
	ms = q->n_parked > 0 ? TICK_US / US_PER_MS : (int)IDLE_MS;
	pthread_mutex_unlock(&q->lock);
	return ms;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	for (int i = 0; i < TICKS; i++) {
		list_for_each(l, &q->wheel[i])
			make_ready(q, LIST_OF(l, struct request, link));
	}
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

bool queue_is_closed(struct queue *q)
{
	bool closed;

	pthread_mutex_lock(&q->lock);
	closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}
