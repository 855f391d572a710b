/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"
#include "base/view.h"
#include "control/http/request.h"

/*
 * What concerns one worker wakes its poll at once. What concerns a deployment wakes a few of
 * the polls that wait there, and the others bit by bit: thousands that look at once for one
 * job would keep the catalog from everything else, and most look by themselves before long.
 *
 * Rejected: waking the one poll that can take the job. It may have room and be gone.
 */
enum {
	RECENT_WAKES = 256,
	HERD = 16,
	HERD_PARTS = 40,
	HERD_US = 250 * US_PER_MS,
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list ready, parked; /* guarded by lock */
	int n_due;                 /* of the parked ones, to be woken bit by bit */
	int64_t herd_us;           /* when the next of them are */
	uint64_t generation;
	char recent[RECENT_WAKES][37]; /* topics, by generation */
	bool closed;
};

struct queue *queue_new(void)
{
	struct queue *q = xcalloc(1, sizeof(*q));

	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	list_init(&q->ready);
	list_init(&q->parked);
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

static void make_ready(struct queue *q, struct request *r)
{
	q->n_due -= r->due;
	r->due = false;
	list_remove(&r->link);
	list_add_tail(&q->ready, &r->link);
	pthread_cond_signal(&q->changed);
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

struct request *queue_take(struct queue *q)
{
	struct list *l;

	pthread_mutex_lock(&q->lock);
	while (list_is_empty(&q->ready) && !q->closed)
		pthread_cond_wait(&q->changed, &q->lock);
	l = list_take_first(&q->ready);
	pthread_mutex_unlock(&q->lock);
	return l ? LIST_OF(l, struct request, link) : NULL;
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
	pthread_mutex_lock(&q->lock);
	if (q->closed || was_woken(q, r))
		make_ready(q, r);
	else
		list_add_tail(&q->parked, &r->link);
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

static void remember(struct queue *q, const char *topic)
{
	char *to = q->recent[++q->generation % RECENT_WAKES];

	/* What cannot be told apart concerns everybody. */
	if (!topic || !str_copy(to, sizeof(q->recent[0]), view_str(topic)))
		to[0] = '\0';
}

void queue_wake(struct queue *q, const char *topic)
{
	int n = 0;

	pthread_mutex_lock(&q->lock);
	remember(q, topic);
	list_for_each(l, &q->parked) {
		struct request *r = LIST_OF(l, struct request, link);

		if (topic && is_own(r, topic)) {
			make_ready(q, r);
		} else if (!topic || strcmp(r->topic, topic) == 0) {
			if (n++ < HERD) {
				make_ready(q, r);
			} else if (!r->due) {
				r->due = true;
				q->n_due++;
			}
		}
	}
	pthread_mutex_unlock(&q->lock);
}

void queue_wake_due(struct queue *q)
{
	int64_t now = mono_us();
	int n = 0;

	pthread_mutex_lock(&q->lock);
	if (q->n_due > 0 && now >= q->herd_us) {
		n = MAX((int)HERD, q->n_due / HERD_PARTS);
		q->herd_us = now + HERD_US;
	}
	list_for_each(l, &q->parked) {
		struct request *r = LIST_OF(l, struct request, link);

		if (r->wait_until_us <= now || (r->due && n-- > 0))
			make_ready(q, r);
	}
	pthread_mutex_unlock(&q->lock);
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	list_for_each(l, &q->parked)
		make_ready(q, LIST_OF(l, struct request, link));
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
