/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_LINK_H
#define PGOUTPUT_LINK_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "conn.h"

struct pg;

/*
 * The replication connection: opened step by step, then a pipe of CopyData messages one way
 * and status messages the other. It knows nothing of what is in the messages.
 *
 * Nothing here blocks but link_finish(), which says how long. Whoever waits asks link_fd()
 * and link_events(); while opening, link_step() is called when they have come.
 *
 * Owned by the stream, its thread. Errors carry the class of what to do: transient (open it
 * again), gone (the slot is lost), permission, configuration. After any error the link is
 * closed.
 */
enum link_state {
	LINK_CLOSED = 0,
	LINK_DIALING,
	LINK_IDENTIFYING,
	LINK_ASKING,   /* for wal_sender_timeout */
	LINK_ALTERING, /* the slot, which is to be a failover slot and is not */
	LINK_STARTING, /* START_REPLICATION is sent */
	LINK_UP,
};

/* Which server answered. */
struct link_server {
	char system_id[32];
	char timeline[16];
	uint64_t end_lsn;
	int version; /* 150004 */
};

struct link {
	struct pg *pg;
	struct pg_dial dial;
	PGconn *conn;
	PGresult *answer; /* first result of the command being answered */
	enum link_state state;
	bool needs_flush;
	bool must_fill; /* poll(2) said so: even a socket without bytes has news */
	uint8_t dry;    /* fills since the last message */
	uint8_t takeovers;
	bool was_up; /* since link_init() */
	uint64_t from_lsn;
	int64_t deadline_us;       /* of opening */
	int64_t sender_timeout_us; /* the server's; 0: none */
	struct link_server server;
};

void link_init(struct link *l, struct pg *pg);

/* Closes at once. */
void link_close(struct link *l);

/* Begins to open; the stream is to start at `from_lsn`. EZ_AGAIN or an error. */
_must_check_ int link_open(struct link *l, uint64_t from_lsn, struct ez_error *err);

/* EZ_OK: up. EZ_AGAIN: wait. */
_must_check_ int link_step(struct link *l, struct ez_error *err);

static inline bool link_is_up(const struct link *l)
{
	return l->state == LINK_UP;
}

/* -1 when closed. */
int link_fd(const struct link *l);
short link_events(const struct link *l);

/* When opening is to be given up; INT64_MAX when nothing is being opened. */
int64_t link_due_us(const struct link *l);

/*
 * The next message that is whole, malloc'd by libpq: PQfreemem. EZ_AGAIN: none; link_more()
 * may bring one. An error when the server ended the stream.
 */
_must_check_ int link_read(struct link *l, char **ret_message, size_t *ret_len,
			   struct ez_error *err);

/* Takes what the socket has. EZ_AGAIN: it has nothing more; set must_fill after a wait. */
_must_check_ int link_more(struct link *l, struct ez_error *err);

/* Sends bytes as one message; what the socket does not take goes with link_flush(). */
_must_check_ int link_send(struct link *l, const char *bytes, size_t n,
			   struct ez_error *err);
_must_check_ int link_flush(struct link *l, struct ez_error *err);

/* Ends the stream in good order: CopyDone, then waits up to `wait_ms` for the server's. */
void link_finish(struct link *l, int wait_ms);

#endif
