/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PGOUTPUT_STREAM_KIT_H
#define TESTS_PGOUTPUT_STREAM_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"
#include "plugins/pgoutput/monitor.h"
#include "plugins/pgoutput/pgoutput.h"
#include "plugins/pgoutput/stream.h"
#include "recording_host.h"
#include "testkit/scripted_libpq.h"

/*
 * A stream with a recording host over a scripted libpq: what the tests of stream.c share.
 * Catalog, monitor and the answers of the SQL half are fakes that a test can set.
 *
 * kit_setup() prepares the instance, kit_starts() starts it at 0/100; then a test scripts
 * what the server sends (kit_sends() for what stands in `b`), polls, and compares.
 */
enum { T = 16385, KIT_FROM = 0x100 };

struct kit {
	struct recording *r;
	struct pg pg;
	struct pg_stream *s;
	struct ez_error err;
	struct buf b; /* the message being built */
	/* what the fakes answer, and how often they were asked */
	enum pg_probe probe;
	int same_rc, take_rc;
	enum ez_slot_state slot;
	unsigned n_probes, n_same, n_info, n_steps, n_takes;
};

extern struct kit kit;

void kit_setup(void);
void kit_teardown(void);

/* Scripts a connection that succeeds up to streaming. */
void kit_connects(void);

/* The same with facts of its own about the server. */
void kit_connects_to(const char *system_id, const char *timeline, const char *end_lsn);

void kit_starts(void);

/* Scripts the message in `b`, in an XLogData at `lsn`, and empties `b`. */
void kit_sends(uint64_t lsn);
void kit_keepalive(uint64_t end_lsn, bool wants_reply);

/* Whole messages: table T described as (id, v); one row; a transaction of n rows. */
void kit_describes(uint32_t xid);
void kit_inserts(uint32_t xid, uint64_t lsn, const char *id);
void kit_transaction(uint64_t final_lsn, uint32_t xid, unsigned first, unsigned n);

/* Polls once. */
int kit_poll(uint32_t wait_ms);

/* Polls until `done` or five seconds are over; the last result. */
int kit_poll_until(bool (*done)(void));

/* Polls until everything scripted was read and the stream has nothing more to say. */
void kit_drain(void);

/* What the host was told since the last time; lines about tables left out. */
void kit_says(const char *want);

int kit_ack(uint64_t lsn);

#endif
