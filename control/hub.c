/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/hub.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/catalog/db.h"
#include "control/http/guests.h"
#include "control/http/queue.h"
#include "control/http/stream.h"
#include "control/json/doc.h"

enum {
	TRY_AGAIN_MS = 250,
	STREAM_LIFE_US = 900 * US_PER_SEC,
	BEAT_US = 15 * US_PER_SEC,
	SWEEP_US = 5 * US_PER_SEC,
	EVENT_MAX_BYTES = 64 * 1024,
	STREAMS_MAX = 1000,
};

struct hub {
	pthread_t thread;
	struct db *db;
	struct queue *queue;
	int stop_fd;
	atomic_bool stopping;
	pthread_mutex_t lock;
	struct stream *streams[STREAMS_MAX]; /* guarded by lock */
	int n_streams;                       /* guarded by lock */
	int64_t beat_us, retry_us, sweep_us;
	bool listening;
};

/* ------------------------------------------------------------------ streams */

void hub_add_stream(struct hub *h, struct stream *s)
{
	pthread_mutex_lock(&h->lock);
	if (h->n_streams < STREAMS_MAX && !atomic_load(&h->stopping))
		h->streams[h->n_streams++] = stream_ref(s);
	else
		stream_end(s);
	pthread_mutex_unlock(&h->lock);
}

int hub_streams(struct hub *h)
{
	int n;

	pthread_mutex_lock(&h->lock);
	n = h->n_streams;
	pthread_mutex_unlock(&h->lock);
	return n;
}

struct queue *hub_queue(struct hub *h)
{
	return h->queue;
}

static void tell_streams(struct hub *h, struct ez_view text)
{
	pthread_mutex_lock(&h->lock);
	for (int i = 0; i < h->n_streams; i++)
		stream_add(h->streams[i], text);
	pthread_mutex_unlock(&h->lock);
}

/* Lets go of those that are over, and ends those that have lived long enough. */
static void sweep_streams(struct hub *h, bool all)
{
	int64_t now = mono_us();
	int kept = 0;

	pthread_mutex_lock(&h->lock);
	for (int i = 0; i < h->n_streams; i++) {
		struct stream *s = h->streams[i];

		if (all || now - stream_started_us(s) > STREAM_LIFE_US)
			stream_end(s);
		if (stream_is_over(s))
			stream_unref(s);
		else
			h->streams[kept++] = s;
	}
	h->n_streams = kept;
	pthread_mutex_unlock(&h->lock);
}

/* ------------------------------------------------------------------ news */

static void tell(struct hub *h, int64_t id, const char *type, const struct json_t *data)
{
	struct buf text = BUF_INIT(EVENT_MAX_BYTES);
	_cleanup_(freep) char *json = doc_dump(data);

	/* What has no number is not kept, and cannot be told again. */
	if (id > 0)
		buf_addf(&text, "id: %lld\n", (long long)id);
	buf_addf(&text, "event: %s\ndata: %s\n\n", type, json);
	if (buf_ok(&text))
		tell_streams(h, buf_view(&text));
	buf_release(&text);
}

static void hand_on(struct hub *h, const char *payload)
{
	struct buf why = BUF_INIT(256);
	_cleanup_(doc_freep) struct json_t *j = doc_parse(view_str(payload), &why);
	const struct json_t *data = doc_get(j, "data");
	const char *type = doc_str(j, "type"), *topic;

	buf_release(&why);
	if (!type)
		return;
	if (strcmp(type, "wake") == 0) {
		topic = doc_str(data, "worker_id");
		if (!topic)
			topic = doc_str(data, "deployment_id");
		queue_wake(h->queue, topic);
	} else if (hub_streams(h) > 0) {
		/* Progress of many jobs comes as one. */
		for (size_t i = 0; i < doc_len(data) && doc_is(data, DOC_ARRAY); i++)
			tell(h, doc_int(j, "id", 0), type, doc_at(data, i));
		if (!doc_is(data, DOC_ARRAY))
			tell(h, doc_int(j, "id", 0), type, data);
	}
}

static void listen_again(struct hub *h)
{
	if (mono_us() < h->retry_us)
		return;
	h->retry_us = mono_us() + 2 * US_PER_SEC;
	if (db_listen(h->db, "ezcdc_control") != DB_OK) {
		log_msg(EZL_WARNING, "no news from the catalog: %s",
			db_last_error(h->db));
		return;
	}
	h->listening = true;
	queue_wake(h->queue, NULL);
	tell_streams(h, VIEW("event: reload\ndata: {}\n\n"));
}

static void wait_for_news(struct hub *h, int ms)
{
	struct pollfd fds[2] = {
		{ .fd = h->stop_fd, .events = POLLIN },
		{ .fd = h->listening ? db_fd(h->db) : -1, .events = POLLIN },
	};

	if (poll(fds, 2, ms) < 0 && errno != EINTR)
		sleep_us(TRY_AGAIN_MS * US_PER_MS);
}

static void take_news(struct hub *h)
{
	for (;;) {
		_cleanup_(freep) char *payload = db_notification(h->db);

		if (!payload)
			break;
		hand_on(h, payload);
	}
	if (!db_is_up(h->db))
		h->listening = false;
}

static void *run(void *arg)
{
	struct hub *h = arg;
	int ms;

	while (!atomic_load(&h->stopping)) {
		if (h->listening)
			take_news(h);
		if (!h->listening)
			listen_again(h);
		ms = queue_wake_due(h->queue);
		sweep_streams(h, false);
		if (mono_us() - h->sweep_us > SWEEP_US) {
			h->sweep_us = mono_us();
			guests_sweep(h->sweep_us);
		}
		if (mono_us() - h->beat_us > BEAT_US) {
			h->beat_us = mono_us();
			tell_streams(h, VIEW(": \n\n"));
		}
		wait_for_news(h, ms);
	}
	sweep_streams(h, true);
	return NULL;
}

/* ------------------------------------------------------------------ life */

struct hub *hub_start(const char *conninfo, struct queue *queue)
{
	struct hub *h = xcalloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	h->queue = queue;
	h->db = db_new(conninfo, "ezcdc-control listener");
	h->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->stop_fd >= 0 && pthread_create(&h->thread, NULL, run, h) == 0)
		return h;
	if (h->stop_fd >= 0)
		close(h->stop_fd);
	db_free(h->db);
	free(h);
	return NULL;
}

void hub_stop(struct hub *h)
{
	uint64_t one = 1;

	atomic_store(&h->stopping, true);
	if (write(h->stop_fd, &one, sizeof(one)) < 0)
		log_msg(EZL_DEBUG, "the listener notices its end by itself: %m");
	pthread_join(h->thread, NULL);
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	for (int i = 0; i < h->n_streams; i++)
		stream_unref(h->streams[i]);
	close(h->stop_fd);
	db_free(h->db);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
