/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_STREAM_H
#define PGOUTPUT_STREAM_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/backoff.h"
#include "base/map.h"
#include "decode.h"
#include "flow.h"
#include "held.h"
#include "link.h"
#include "protocol.h"

struct pg;

/*
 * The stream half of the source: keeps the replication connection, reads it, answers it.
 *
 * stream.c waits and reads, reconnect.c keeps the connection, feedback.c answers the server
 * in time, feed.c takes messages apart and replays the logs of streamed transactions. The
 * functions below are struct ez_source's; the struct is for these files and their tests.
 *
 * Positions, all of them ends of transactions or idle positions:
 *	received   newest the server has told us of
 *	emitted    (in decode) end of what the engine has been given
 *	acked      durable, as the engine says; never beyond emitted
 *	confirmed  acked as last told to the server
 */
struct pg_stream {
	struct pg *pg;
	struct link link;
	struct decode decode;
	struct flow flow;
	struct held *held;

	/* feed.c */
	uint32_t block_xid; /* the stream block being read; 0: none */
	struct map
		unwanted; /* xid << 32 | oid: tables in blocks that the job leaves out */
	struct held_tx *replay; /* a committed transaction, being emitted */
	struct protocol_commit replay_end;
	struct held_message replayed; /* its message at hand, when has_replayed */
	bool has_replayed;
	char *raw; /* a message from libpq that could not be decoded yet */
	size_t raw_len;
	bool is_fat;       /* libpq's buffer has grown: reconnect when nothing is open */
	bool wants_status; /* the server asks for one */

	/* stream.c */
	uint64_t received_lsn, acked_lsn, confirmed_lsn;
	uint64_t until_lsn;
	int64_t tick_us;   /* when timers are looked at next */
	int64_t status_us; /* when a status was sent last */
	int64_t asked_us;  /* when a reply was asked for last */
	int64_t heard_us;  /* when anything came last */
	int64_t retry_us;  /* nothing is tried before */
	int64_t lost_us;   /* when the connection was lost; 0: it was not */
	int64_t stalled_us; /* since when idle() is called instead of poll(); 0: it is not */
	int64_t probed_us; /* when a probe began last */
	uint32_t deaf; /* connections in a row that were given up because of silence */
	struct backoff backoff;
	struct link_server server; /* of the first connection */
	char *identity;            /* as info() gave it, for same() */
	char last_error[480];      /* logged already */
	bool is_started;
	bool was_rejected; /* credentials, once */
	bool is_napping;   /* poll() left where it would have waited */
	uint64_t reconnects;
};

struct pg_stream *stream_new(struct pg *pg);
/* Confirms the last ack first. */
void stream_free(struct pg_stream *s);

_must_check_ int stream_start(struct pg_stream *s, struct ez_position from,
			      uint64_t until, struct ez_error *err);
_must_check_ int stream_poll(struct pg_stream *s, struct ez_out *out, uint32_t wait_ms,
			     struct ez_error *err);
_must_check_ int stream_idle(struct pg_stream *s, uint32_t wait_ms, struct ez_error *err);
_must_check_ int stream_ack(struct pg_stream *s, struct ez_position position,
			    struct ez_error *err);
void stream_status(const struct pg_stream *s, struct ez_source_status *ret);

/*
 * reconnect.c. What an error of the connection means once the job runs: EZ_AGAIN if it will
 * be tried again, else the class to give to the engine.
 */
_must_check_ int reconnect_failed(struct pg_stream *s, int rc, struct ez_error *err);

/*
 * The message at hand needs the catalog, which cannot be asked: it is kept for later. But a
 * server that is shutting down waits until we have read everything, and takes no connection
 * that would let us: then it is let go, and will send the message again.
 */
_must_check_ int reconnect_or_wait(struct pg_stream *s, struct ez_error *err);

/* Opens the connection bit by bit. EZ_OK: it is up. EZ_AGAIN: not yet. */
_must_check_ int reconnect_step(struct pg_stream *s, struct ez_error *err);

/* The connection is new: all times begin now. */
void reconnect_done(struct pg_stream *s);

/*
 * feedback.c. Sends a status; with `ask` the server answers. Then what is due by the clock:
 * statuses, and the end of patience. `is_reading`: answers are taken off the socket.
 */
_must_check_ int feedback_send(struct pg_stream *s, int64_t now, bool ask,
			       struct ez_error *err);
_must_check_ int feedback_step(struct pg_stream *s, int64_t now, bool is_reading,
			       struct ez_error *err);
int64_t feedback_due_us(const struct pg_stream *s, bool is_reading);

/*
 * feed.c. One CopyData message; `*message` is set to NULL when it was adopted. EZ_AGAIN: the
 * engine wants control. EZ_E_TRANSIENT: the same message may work later.
 */
_must_check_ int feed_message(struct pg_stream *s, char **message, size_t len,
			      struct ez_error *err);

/* Emits up to `most` messages of the transaction in replay. */
_must_check_ int feed_replay(struct pg_stream *s, unsigned most, struct ez_error *err);

/* The connection is gone; what came over it and is not whole is dropped. */
void feed_lost(struct pg_stream *s);

/* Nothing is open or missing: the server's position may become ours. */
bool feed_is_quiet(const struct pg_stream *s);

/* And nothing is held: a new connection costs nothing. */
bool feed_is_empty(const struct pg_stream *s);

#endif
