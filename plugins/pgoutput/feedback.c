/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>

#include "base/clock.h"
#include "pgoutput.h"
#include "stream.h"

/*
 * What is told to the server, and when.
 *
 * The position confirmed is what the engine acknowledged, nothing else ever (trap A1):
 * neither what was received nor what was read from a keepalive. An idle server's position
 * takes the long way: keepalive -> idle_at() -> the engine's checkpoint -> ack().
 * So that it moves at all, the server is asked for a keepalive once a second while it has
 * nothing else to say, and ten times a second while the engine waits for a position.
 *
 * A status goes out when the server asks for one; at a third of wal_sender_timeout; and
 * within 100 ms of an ack, but not more often. While the engine has no room (idle() instead
 * of poll()) the same is done without reading. The server may then have asked, or said
 * that it is shutting down, behind data we do not take; the first is covered by the timer,
 * the second by a probe over another connection every ten seconds (decision R8).
 *
 * Silence. A peer that is gone without a word is TCP's to find (keepalives and user timeout
 * are set at connect). A server that is there but says nothing although it is asked every
 * second may be stuck, or it may be busy with a large transaction of which nothing is for
 * us: before version 15 it then forgets to answer. So the deadline doubles each time that a
 * connection ends in silence, and a server that needs long gets there.
 */
static const int64_t ACK_US = INT64_C(100) * US_PER_MS;
static const int64_t EAGER_US = INT64_C(100) * US_PER_MS;
static const int64_t ASK_US = INT64_C(1) * US_PER_SEC;
static const int64_t STATUS_MAX_US = INT64_C(10) * US_PER_SEC;
static const int64_t SILENCE_MIN_US = INT64_C(30) * US_PER_SEC;
static const int64_t SILENCE_MAX_US = INT64_C(3600) * US_PER_SEC;

int feedback_send(struct pg_stream *s, int64_t now, bool ask, struct ez_error *err)
{
	struct protocol_status status = { .received_lsn =
						  MAX(s->received_lsn, s->acked_lsn),
					  .flushed_lsn = s->acked_lsn,
					  .time_us = s->pg->host->now_us(),
					  .request_reply = ask };
	char bytes[PROTOCOL_STATUS_BYTES];

	protocol_status_format(&status, bytes);
	s->status_us = now;
	s->confirmed_lsn = s->acked_lsn;
	s->wants_status = false;
	if (ask)
		s->asked_us = now;
	return link_send(&s->link, bytes, sizeof(bytes), err);
}

static int64_t status_interval_us(const struct pg_stream *s)
{
	int64_t timeout_us = s->link.sender_timeout_us;

	return timeout_us ? MIN(timeout_us / 3, STATUS_MAX_US) : STATUS_MAX_US;
}

static int64_t status_due_us(const struct pg_stream *s)
{
	int64_t due = s->status_us + status_interval_us(s);

	if (s->acked_lsn > s->confirmed_lsn)
		due = MIN(due, s->status_us + ACK_US);
	return due;
}

static int64_t ask_due_us(const struct pg_stream *s)
{
	bool is_awaited = s->decode.emitted_lsn < s->until_lsn;

	return MAX(s->heard_us, s->asked_us) + (is_awaited ? EAGER_US : ASK_US);
}

static int64_t silence_us(const struct pg_stream *s)
{
	int64_t us = MAX(s->link.sender_timeout_us, SILENCE_MIN_US);

	for (uint32_t i = 0; i < s->deaf && us < SILENCE_MAX_US; i++)
		us *= 2;
	return MIN(us, SILENCE_MAX_US);
}

int64_t feedback_due_us(const struct pg_stream *s, bool is_reading)
{
	int64_t due = status_due_us(s);

	if (is_reading)
		due = MIN(due, MIN(ask_due_us(s), s->heard_us + silence_us(s)));
	return due;
}

static int talk(struct pg_stream *s, int64_t now, bool is_reading, struct ez_error *err)
{
	if (s->wants_status || now >= status_due_us(s))
		return feedback_send(s, now, is_reading && now >= ask_due_us(s), err);
	if (is_reading && now >= ask_due_us(s))
		return feedback_send(s, now, true, err);
	if (s->link.needs_flush)
		return link_flush(&s->link, err);
	return EZ_OK;
}

int feedback_step(struct pg_stream *s, int64_t now, bool is_reading, struct ez_error *err)
{
	int rc = talk(s, now, is_reading, err);

	if (rc < 0 || !is_reading || now - s->heard_us <= silence_us(s))
		return rc;
	s->deaf++;
	return s->pg->host->fail(err, EZ_E_TRANSIENT, "",
				 "nothing heard from the source for %" PRId64 " s",
				 (now - s->heard_us) / US_PER_SEC);
}
