/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/queue.h"

#include <ezcdc/plugin.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/problems.h"

void queue_init(struct queue *q)
{
	*q = (struct queue){ .first = NULL };
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->called, NULL);
}

void queue_release(struct queue *q)
{
	pthread_cond_destroy(&q->called);
	pthread_mutex_destroy(&q->lock);
}

static struct item *item_new(struct batch *b, struct call *c)
{
	struct item *it = xcalloc(1, sizeof(*it));

	it->batch = b;
	it->call = c;
	return it;
}

static void append(struct queue *q, struct item *it)
{
	*q->last = it;
	q->last = &it->next;
}

void queue_push_batch(struct queue *q, struct batch *b)
{
	struct item *it = item_new(b, NULL);

	pthread_mutex_lock(&q->lock);
	append(q, it);
	atomic_fetch_add_explicit(&q->n_batches, 1, memory_order_relaxed);
	pthread_mutex_unlock(&q->lock);
}

int queue_call(struct queue *q, void (*ring)(void *), void *ring_arg,
	       int (*fn)(void *, struct ez_error *), void *arg, struct ez_error *err)
{
	struct call c = { .fn = fn, .arg = arg, .err = err };

	pthread_mutex_lock(&q->lock);
	if (q->closed) {
		pthread_mutex_unlock(&q->lock);
		return error_fill(err, EZ_E_CANCELLED, "", "the job is stopping");
	}
	append(q, item_new(NULL, &c));
	pthread_mutex_unlock(&q->lock);
	ring(ring_arg);
	pthread_mutex_lock(&q->lock);
	while (!c.done)
		pthread_cond_wait(&q->called, &q->lock);
	pthread_mutex_unlock(&q->lock);
	return c.rc;
}

void queue_post(struct queue *q, int (*fn)(void *, struct ez_error *), void *arg)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->fn = fn;
	c->arg = arg;
	c->async = true;
	pthread_mutex_lock(&q->lock);
	append(q, item_new(NULL, c));
	pthread_mutex_unlock(&q->lock);
}

bool queue_take(struct queue *q, struct item *ret)
{
	struct item *it;

	pthread_mutex_lock(&q->lock);
	it = q->first;
	if (it) {
		q->first = it->next;
		if (!q->first)
			q->last = &q->first;
		if (it->batch)
			atomic_fetch_sub_explicit(&q->n_batches, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&q->lock);
	if (!it)
		return false;
	*ret = *it;
	free(it);
	return true;
}

void queue_answer(struct queue *q, struct call *c, int rc)
{
	if (c->async) {
		free(c);
		return;
	}
	pthread_mutex_lock(&q->lock);
	c->rc = rc;
	c->done = true;
	pthread_cond_broadcast(&q->called);
	pthread_mutex_unlock(&q->lock);
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
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
