/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "stream.h"

#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/view.h"
#include "lsn.h"
#include "monitor.h"
#include "pgoutput.h"
#include "sql.h"

/*
 * Control goes back to the engine before every wait if there was anything for it, so that
 * a batch can leave at once; the wait then stands at the beginning of the next poll().
 */

enum {
	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 10000,
	FINISH_WAIT_MS = 1000,
	REFRESH_WAIT_MS = 200,
	MESSAGES_PER_LOOK = 128, /* between looks at the clock */
};
static const int64_t TICK_US = INT64_C(10) * US_PER_MS;
static const int64_t SLICE_US = INT64_C(10) * US_PER_MS; /* of reading in one poll */
static const int64_t PROBE_US = INT64_C(10) * US_PER_SEC;

struct pg_stream *stream_new(struct pg *pg)
{
	struct held_config config = { .host = pg->host,
				      .ctx = pg->ctx,
				      .folder = pg->scratch,
				      .limit_bytes = (size_t)(pg->memory / 8) };
	struct pg_stream *s = xcalloc(1, sizeof(*s));

	s->pg = pg;
	link_init(&s->link, pg);
	decode_init(&s->decode, pg);
	flow_init(&s->flow);
	backoff_init(&s->backoff, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
	s->held = held_new(&config);
	s->unwanted = MAP_INIT;
	return s;
}

void stream_free(struct pg_stream *s)
{
	struct ez_error err = { .size = sizeof(err) };

	if (!s)
		return;
	if (link_is_up(&s->link) && feedback_send(s, mono_us(), false, &err) == EZ_OK)
		link_finish(&s->link, FINISH_WAIT_MS);
	link_close(&s->link);
	held_drop(s->held, s->replay);
	held_free(s->held);
	map_release(&s->unwanted, NULL);
	decode_release(&s->decode);
	PQfreemem(s->raw);
	free(s->identity);
	free(s);
}

static bool is_stuck(const struct pg_stream *s)
{
	return s->raw || s->has_replayed;
}

/* Timers. Cheap when none is due. */
static int tick(struct pg_stream *s, bool is_reading, struct ez_error *err)
{
	int64_t now = mono_us();
	int rc;

	if (now < s->tick_us && !s->wants_status)
		return EZ_OK;
	s->tick_us = now + TICK_US;
	pg_monitor_step(s->pg->monitor);
	pg_sql_idle(s->pg);
	if (!link_is_up(&s->link))
		return EZ_OK;
	rc = feedback_step(s, now, is_reading, err);
	if (rc < 0)
		rc = reconnect_failed(s, rc, err);
	return rc < 0 ? rc : EZ_OK;
}

/* Gives libpq's buffer back after a huge message (decision R10). */
static void refresh_link(struct pg_stream *s)
{
	s->is_fat = false;
	s->pg->host->log(7, "reconnecting to give memory back after a large message");
	link_finish(&s->link, REFRESH_WAIT_MS);
	(void)malloc_trim(0);
	s->retry_us = 0;
}

static int take_message(struct pg_stream *s, char *message, size_t len,
			struct ez_error *err)
{
	int rc = feed_message(s, &message, len, err);

	if (UNLIKELY(rc == EZ_E_TRANSIENT)) {
		s->raw = message;
		s->raw_len = len;
		return reconnect_or_wait(s, err);
	}
	if (LIKELY(message))
		PQfreemem(message);
	if (UNLIKELY(s->is_fat) && rc >= 0 && feed_is_empty(s))
		refresh_link(s);
	return rc;
}

/* Takes up what was postponed. EZ_SKIP: done, there is more; EZ_OK: it is to wait. */
static int retry(struct pg_stream *s, struct ez_error *err)
{
	char *message = TAKE_PTR(s->raw);
	int rc = take_message(s, message, s->raw_len, err);

	return rc == EZ_OK && !s->raw ? EZ_SKIP : rc;
}

static int replay(struct pg_stream *s, struct ez_error *err)
{
	int rc = feed_replay(s, MESSAGES_PER_LOOK, err);

	if (rc == EZ_E_TRANSIENT)
		return reconnect_or_wait(s, err);
	return rc == EZ_OK ? EZ_SKIP : rc;
}

/* A new message came over the connection: it works. */
static void note_heard(struct pg_stream *s)
{
	s->heard_us = mono_us();
	s->deaf = 0;
	s->last_error[0] = '\0';
	backoff_reset(&s->backoff);
}

/* EZ_AGAIN: libpq and the socket have nothing more. */
static int next_message(struct pg_stream *s, char **ret_message, size_t *ret_len,
			struct ez_error *err)
{
	int rc;

	while ((rc = link_read(&s->link, ret_message, ret_len, err)) == EZ_AGAIN) {
		rc = link_more(&s->link, err);
		if (rc != EZ_OK)
			break;
	}
	return rc;
}

/* Timers, and the end of a slice of reading: EZ_SKIP. */
static int look_around(struct pg_stream *s, int64_t *end_us, struct ez_error *err)
{
	int64_t now = mono_us();
	int rc = tick(s, true, err);

	if (*end_us == 0)
		*end_us = now + SLICE_US;
	return rc == EZ_OK && now >= *end_us ? EZ_SKIP : rc;
}

/*
 * Reads what there is. EZ_OK: the socket is empty; EZ_SKIP: there is more, but time is up
 * or something comes first; EZ_AGAIN: the engine wants control.
 */
static int read_all(struct pg_stream *s, struct ez_error *err)
{
	int64_t end_us = 0;
	char *message;
	size_t len;

	for (unsigned n = 1;; n++) {
		int rc = next_message(s, &message, &len, err);

		if (rc == EZ_AGAIN)
			return EZ_OK;
		if (UNLIKELY(rc < 0)) {
			rc = reconnect_failed(s, rc, err);
			return rc < 0 ? rc : EZ_OK;
		}
		if (n == 1)
			note_heard(s);
		flow_add(&s->flow, len);
		rc = take_message(s, message, len, err);
		if (rc == EZ_OK &&
		    UNLIKELY(n % MESSAGES_PER_LOOK == 0 || s->wants_status))
			rc = look_around(s, &end_us, err);
		if (UNLIKELY(rc != EZ_OK))
			return rc;
		if (UNLIKELY(s->replay || s->raw || !link_is_up(&s->link)))
			return EZ_SKIP;
	}
}

/* One step of whatever is next; results as read_all(). */
static int work(struct pg_stream *s, struct ez_error *err)
{
	int rc;

	if (UNLIKELY(is_stuck(s)) && mono_us() < s->retry_us)
		return EZ_OK;
	if (s->replay)
		return replay(s, err);
	if (UNLIKELY(s->raw))
		return retry(s, err);
	rc = reconnect_step(s, err);
	if (rc != EZ_OK)
		return rc < 0 ? rc : EZ_OK;
	return read_all(s, err);
}

/* The server's position becomes ours when nothing is on its way to the engine. */
static void report_quiet(struct pg_stream *s)
{
	struct decode *d = &s->decode;
	struct lsn_text text;

	if (d->quiet_lsn <= d->emitted_lsn || !feed_is_quiet(s))
		return;
	d->emitted_lsn = d->quiet_lsn;
	s->pg->host->idle_at(d->out, lsn_position(d->quiet_lsn, &text));
}

static int64_t next_due_us(const struct pg_stream *s, bool is_reading)
{
	int64_t due = MIN(pg_monitor_due_us(s->pg->monitor), pg_sql_due_us(s->pg));

	/* What is due but would not be done must not be waited for. */
	if (is_reading && is_stuck(s))
		due = MIN(due, s->retry_us);
	if (s->link.state == LINK_CLOSED && s->is_started && !s->replay)
		due = MIN(due, s->retry_us);
	if (!link_is_up(&s->link))
		return MIN(due, link_due_us(&s->link));
	return MIN(due, feedback_due_us(s, is_reading));
}

static short socket_events(const struct pg_stream *s, bool is_reading)
{
	if (!link_is_up(&s->link))
		return link_events(&s->link);
	if (is_reading && !is_stuck(s))
		return link_events(&s->link);
	/* Data is to stay where it is; only the end of the connection counts. */
	return (short)(POLLRDHUP | (s->link.needs_flush ? POLLOUT : 0));
}

/* Sleeps until something happens. Returns what happened on the connection. */
static short sleep_until(struct pg_stream *s, int64_t deadline_us, bool is_reading)
{
	struct pollfd fds[3] = { { .fd = link_fd(&s->link) },
				 { .fd = s->pg->wake_fd, .events = POLLIN } };
	int64_t left_us = MIN(deadline_us, next_due_us(s, is_reading)) - mono_us();
	struct timespec ts;

	fds[0].events = socket_events(s, is_reading);
	fds[2].fd = pg_monitor_fd(s->pg->monitor, &fds[2].events);
	left_us = MAX(left_us, INT64_C(0));
	ts.tv_sec = left_us / US_PER_SEC;
	ts.tv_nsec = left_us % US_PER_SEC * 1000;
	if (ppoll(fds, ARRAY_LEN(fds), &ts, NULL) <= 0 || fds[2].revents)
		s->tick_us = 0;
	if (fds[1].revents)
		pg_drain_wake(s->pg);
	return fds[0].revents;
}

/* The wait of poll(): a nap while data flows, else a sleep. */
static void wait_for_data(struct pg_stream *s, int64_t deadline_us)
{
	int64_t now = mono_us();
	bool can_read = link_is_up(&s->link) && !is_stuck(s);
	uint32_t nap_us = can_read ? flow_wait(&s->flow) : 0;
	short events;

	if (nap_us > 0) {
		sleep_us(MIN((int64_t)nap_us, deadline_us - now));
		return;
	}
	events = sleep_until(s, deadline_us, true);
	if (!can_read)
		return;
	if (events & ~POLLOUT) {
		s->link.must_fill = true;
		flow_woken(&s->flow, mono_us() - now);
	} else {
		flow_stopped(&s->flow);
	}
}

static int fail_interrupted(const struct pg_stream *s, struct ez_error *err)
{
	return s->pg->host->fail(err, EZ_E_CANCELLED, "", "interrupted");
}

static int poll_until(struct pg_stream *s, int64_t deadline_us, struct ez_error *err)
{
	uint64_t events = s->decode.n_emitted, lsn = s->decode.emitted_lsn;
	int rc;

	for (;;) {
		if (pg_is_interrupted(s->pg))
			return fail_interrupted(s, err);
		rc = tick(s, true, err);
		if (rc < 0)
			return rc;
		if (s->pg->host->room(s->decode.out) == 0)
			return EZ_AGAIN;
		rc = work(s, err);
		if (rc == EZ_AGAIN || rc < 0)
			return rc < 0 ? rc : EZ_OK;
		report_quiet(s);
		s->is_napping = rc == EZ_OK;
		if (s->decode.n_emitted != events || s->decode.emitted_lsn != lsn)
			return EZ_OK;
		if (mono_us() >= deadline_us || atomic_exchange(&s->pg->woken, false))
			return EZ_AGAIN;
		if (rc == EZ_OK)
			wait_for_data(s, deadline_us);
	}
}

int stream_poll(struct pg_stream *s, struct ez_out *out, uint32_t wait_ms,
		struct ez_error *err)
{
	int64_t now = mono_us();
	int64_t deadline_us = now + (int64_t)wait_ms * US_PER_MS;
	int rc;

	if (s->stalled_us) {
		s->stalled_us = 0;
		s->heard_us = s->asked_us = now;
	}
	if (s->is_napping && wait_ms > 0 && link_is_up(&s->link)) {
		uint32_t nap_us = flow_wait(&s->flow);

		if (nap_us > 0)
			sleep_us(nap_us);
	}
	s->is_napping = false;
	s->decode.out = out;
	rc = poll_until(s, deadline_us, err);
	s->decode.out = NULL;
	return rc;
}

/* Whether the server, whose words we do not read now, still wants us. */
static int probe(struct pg_stream *s, struct ez_error *err)
{
	struct pg *pg = s->pg;
	int64_t now = mono_us();

	if (!link_is_up(&s->link) || now - s->stalled_us < PROBE_US)
		return EZ_OK;
	switch (pg_monitor_probe_take(pg->monitor)) {
	case PG_PROBE_LEAVING:
		(void)pg->host->fail(
			err, EZ_E_TRANSIENT, "57P03",
			"the source does not take connections any more, so the "
			"stream is closed to let it shut down");
		return reconnect_failed(s, EZ_E_TRANSIENT, err);
	case PG_PROBE_RUNNING:
		return EZ_OK;
	default:
		break;
	}
	if (now - s->probed_us >= PROBE_US) {
		s->probed_us = now;
		pg_monitor_probe(pg->monitor);
	}
	return EZ_OK;
}

static int upkeep(struct pg_stream *s, struct ez_error *err)
{
	int rc = tick(s, false, err);

	if (rc < 0 || !s->is_started)
		return rc;
	rc = reconnect_step(s, err);
	if (rc < 0)
		return rc;
	rc = probe(s, err);
	return rc < 0 ? rc : EZ_OK;
}

int stream_idle(struct pg_stream *s, uint32_t wait_ms, struct ez_error *err)
{
	int64_t now = mono_us(), deadline_us = now + (int64_t)wait_ms * US_PER_MS;

	if (!s->stalled_us)
		s->stalled_us = now;
	for (;;) {
		short events;
		int rc;

		if (pg_is_interrupted(s->pg))
			return fail_interrupted(s, err);
		rc = upkeep(s, err);
		if (rc < 0)
			return rc;
		if (mono_us() >= deadline_us || atomic_exchange(&s->pg->woken, false))
			return EZ_OK;
		events = sleep_until(s, deadline_us, false);
		if (!link_is_up(&s->link) || !(events & (POLLRDHUP | POLLERR | POLLHUP)))
			continue;
		rc = s->pg->host->fail(err, EZ_E_TRANSIENT, "",
				       "the source closed the connection");
		rc = reconnect_failed(s, rc, err);
		if (rc < 0)
			return rc;
	}
}

/* Opens the connection at one go. */
static int open_link(struct pg_stream *s, struct ez_error *err)
{
	int rc = link_open(&s->link, s->decode.emitted_lsn, err);

	while (rc == EZ_AGAIN) {
		(void)sleep_until(s, INT64_MAX, true);
		if (pg_is_interrupted(s->pg)) {
			link_close(&s->link);
			return fail_interrupted(s, err);
		}
		rc = link_step(&s->link, err);
	}
	return rc;
}

int stream_start(struct pg_stream *s, struct ez_position from, uint64_t until,
		 struct ez_error *err)
{
	uint64_t lsn;
	int rc;

	if (!lsn_parse(from.bytes, &lsn) || lsn != from.order)
		return s->pg->host->fail(err, EZ_E_CONFIG, "", "not a position: %.*s",
					 VIEW_ARG(from.bytes));
	decode_start(&s->decode, lsn);
	s->received_lsn = s->acked_lsn = s->confirmed_lsn = lsn;
	s->until_lsn = until;
	rc = open_link(s, err);
	if (rc == EZ_E_PERMISSION && strncmp(err->code, "28", 2) == 0)
		rc = open_link(s, err); /* with the secret as it is now */
	if (rc < 0)
		return rc;
	s->server = s->link.server;
	free(s->identity);
	s->identity = xstrdup(buf_cstr(&s->pg->sql->identity));
	s->is_started = true;
	reconnect_done(s);
	return EZ_OK;
}

int stream_ack(struct pg_stream *s, struct ez_position position, struct ez_error *err)
{
	/* A confirmed position cannot be taken back: the server throws the log away. */
	if (position.order > s->decode.emitted_lsn)
		return s->pg->host->fail(
			err, EZ_E_FATAL, "",
			"%s was acknowledged, but nothing beyond %s was sent",
			lsn_format(position.order).text,
			lsn_format(s->decode.emitted_lsn).text);
	s->acked_lsn = MAX(s->acked_lsn, position.order);
	return EZ_OK;
}

void stream_status(const struct pg_stream *s, struct ez_source_status *ret)
{
	struct pg_measure measure = pg_monitor_measure(s->pg->monitor);

	ret->received = s->received_lsn;
	ret->confirmed = s->confirmed_lsn;
	ret->server = MAX(measure.server, s->received_lsn);
	ret->retained_bytes = measure.retained_bytes;
	ret->safe_bytes = measure.safe_bytes;
	ret->held_bytes = (int64_t)held_bytes(s->held);
	ret->connected = link_is_up(&s->link);
	ret->held = (uint32_t)held_count(s->held) + (s->replay ? 1 : 0);
	ret->reconnects = s->reconnects;
}
