/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "lsn.h"
#include "pgoutput.h"
#include "stream.h"

/*
 * A connection that is lost is opened again for ever, with backoff, step by step, never
 * holding a poll() longer than it asked for. Where to start again and how the open
 * transaction is picked up: decode.c. A transaction in replay has come whole and does not
 * need the connection; opening waits for its end, because the cache of relations it uses
 * belongs to the old one.
 */

static bool is_unknown_host(const struct ez_error *err)
{
	return strstr(err->text, "could not translate host name") != NULL;
}

static void log_once(struct pg_stream *s, const struct ez_error *err)
{
	if (strcmp(s->last_error, err->text) == 0)
		return;
	if (!str_copy(s->last_error, sizeof(s->last_error), view_str(err->text)))
		s->pg->host->log(7, "the next message is cut");
	s->pg->host->log(4, "%s; trying again", err->text);
}

int reconnect_failed(struct pg_stream *s, int rc, struct ez_error *err)
{
	int64_t now = mono_us();

	link_close(&s->link);
	flow_stopped(&s->flow);
	/* The secret may have been changed a moment ago: read it once more. */
	if (rc == EZ_E_PERMISSION && !s->was_rejected) {
		s->was_rejected = true;
		rc = EZ_E_TRANSIENT;
	}
	if (rc == EZ_E_CONFIG && is_unknown_host(err))
		rc = EZ_E_TRANSIENT;
	if (rc != EZ_E_TRANSIENT)
		return rc;
	log_once(s, err);
	if (s->lost_us == 0) {
		s->lost_us = now;
		s->reconnects++;
	}
	s->retry_us = now + (int64_t)backoff_next_ms(&s->backoff) * US_PER_MS;
	return EZ_AGAIN;
}

/* Did the catalog fail because the whole server is away? */
static bool is_away(const struct ez_error *err)
{
	return err->code[0] == '\0' || strncmp(err->code, "08", 2) == 0 ||
	       strncmp(err->code, "57P", 3) == 0;
}

int reconnect_or_wait(struct pg_stream *s, struct ez_error *err)
{
	int rc;

	if (is_away(err)) {
		rc = reconnect_failed(s, EZ_E_TRANSIENT, err);
		PQfreemem(TAKE_PTR(s->raw));
		return rc < 0 ? rc : EZ_OK;
	}
	log_once(s, err);
	s->retry_us = mono_us() + (int64_t)backoff_next_ms(&s->backoff) * US_PER_MS;
	return EZ_OK;
}

/* Another server, another history, or one that was set back? */
static int check_server(struct pg_stream *s, struct ez_error *err)
{
	const struct link_server *a = &s->server, *b = &s->link.server;
	struct lsn_text text;
	struct pg *pg = s->pg;
	int rc = EZ_OK;

	if (strcmp(a->system_id, b->system_id) != 0 ||
	    strcmp(a->timeline, b->timeline) != 0 || b->end_lsn < s->decode.emitted_lsn)
		rc = pg_same(pg, view_str(s->identity),
			     lsn_position(s->decode.emitted_lsn, &text), err);
	if (rc == EZ_OK)
		s->server = *b;
	return rc;
}

void reconnect_done(struct pg_stream *s)
{
	int64_t now = mono_us();

	if (s->lost_us)
		s->pg->host->log(5, "connected to the source again after %" PRId64 " ms",
				 (now - s->lost_us) / US_PER_MS);
	s->lost_us = 0;
	s->heard_us = s->asked_us = now;
	s->status_us = 0;
	s->was_rejected = false;
	flow_init(&s->flow);
}

int reconnect_step(struct pg_stream *s, struct ez_error *err)
{
	int rc;

	if (LIKELY(link_is_up(&s->link)))
		return EZ_OK;
	if (s->replay)
		return EZ_AGAIN;
	if (s->link.state == LINK_CLOSED) {
		if (mono_us() < s->retry_us)
			return EZ_AGAIN;
		feed_lost(s);
		rc = link_open(&s->link, s->decode.emitted_lsn, err);
	} else {
		rc = link_step(&s->link, err);
	}
	if (rc == EZ_OK)
		rc = check_server(s, err);
	if (rc < 0)
		return reconnect_failed(s, rc, err);
	if (rc == EZ_OK)
		reconnect_done(s);
	return rc;
}
