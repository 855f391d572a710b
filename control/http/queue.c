/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "control/http/request.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list ready, parked; /* guarded by lock */
	uint64_t generation;
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

void queue_park(struct queue *q, struct request *r)
{
	pthread_mutex_lock(&q->lock);
	if (q->closed || q->generation != r->generation)
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

void queue_wake(struct queue *q, const char *topic)
{
	pthread_mutex_lock(&q->lock);
	q->generation++;
	list_for_each(l, &q->parked) {
		struct request *r = LIST_OF(l, struct request, link);

		if (!topic || strcmp(r->topic, topic) == 0)
			make_ready(q, r);
	}
	pthread_mutex_unlock(&q->lock);
}

void queue_wake_due(struct queue *q)
{
	int64_t now = mono_us();

	pthread_mutex_lock(&q->lock);
	list_for_each(l, &q->parked) {
		struct request *r = LIST_OF(l, struct request, link);

		if (r->wait_until_us <= now)
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
