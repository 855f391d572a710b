/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"

enum { STREAM_MAX_BYTES = 256 * 1024 };

struct stream {
	pthread_mutex_t lock;
	atomic_int refs;
	struct buf data;
	size_t sent; /* of data */
	bool ended, gone, waiting;
	void (*wait)(void *);
	void (*resume)(void *);
	void *arg;
	int64_t started_us;
};

struct stream *stream_new(void)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->refs, 1);
	buf_init(&s->data, STREAM_MAX_BYTES);
	s->started_us = mono_us();
	return s;
}

struct stream *stream_ref(struct stream *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void stream_unref(struct stream *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
		return;
	pthread_mutex_destroy(&s->lock);
	buf_release(&s->data);
	free(s);
}

static void wake(struct stream *s)
{
	if (!s->waiting)
		return;
	s->waiting = false;
	s->resume(s->arg);
}

static atomic_int connected;

void stream_add(struct stream *s, struct ez_view text)
{
	pthread_mutex_lock(&s->lock);
	if (!s->ended && !s->gone) {
		buf_add_view(&s->data, text);
		if (!buf_ok(&s->data))
			s->ended = true;
	}
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

void stream_end(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

bool stream_is_over(struct stream *s)
{
	bool over;

	pthread_mutex_lock(&s->lock);
	over = s->ended || s->gone;
	pthread_mutex_unlock(&s->lock);
	return over;
}

int64_t stream_started_us(const struct stream *s)
{
	return s->started_us;
}

void stream_connect(struct stream *s, void (*wait)(void *), void (*resume)(void *),
		    void *arg)
{
	atomic_fetch_add(&connected, 1);
	s->wait = wait;
	s->resume = resume;
	s->arg = arg;
}

void stream_disconnect(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->gone = true;
	s->waiting = false;
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_sub(&connected, 1);
}

int stream_connections(void)
{
	return atomic_load(&connected);
}

ssize_t stream_take(struct stream *s, char *to, size_t size)
{
	size_t n;
	bool ended;

	pthread_mutex_lock(&s->lock);
	n = MIN(s->data.len - s->sent, size);
	if (n > 0) {
		memcpy(to, s->data.ptr + s->sent, n);
		s->sent += n;
		if (s->sent == s->data.len && !s->ended) {
			buf_reset(&s->data);
			s->sent = 0;
		}
	} else if (!s->ended) {
		s->waiting = true;
		s->wait(s->arg);
	}
	ended = s->ended;
	pthread_mutex_unlock(&s->lock);
	if (n > 0)
		return (ssize_t)n;
	return ended ? -1 : 0;
}
