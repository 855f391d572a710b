/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_MONITOR_H
#define PGOUTPUT_MONITOR_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct pg;

/*
 * The side connection that measures, probes and beats the heart, without ever blocking.
 *
 * A state machine over a connection of its own, opened when first needed. Whoever waits
 * puts its descriptor into the same poll(2) and calls pg_monitor_step() afterwards, and at
 * the latest when pg_monitor_due_us() has come. Failures are not errors of the job: the
 * figures become unknown, the connection is tried again later.
 *
 * Measuring asks every 15 s how much log the slot retains and how much may still be
 * written before the slot is lost. A probe (decision R8) opens a fresh connection while
 * the stream is not being read, to see whether the server still takes any: a server that
 * is shutting down waits for our walsender, and the message that would tell us lies unread
 * behind data. Heartbeats are transactional messages (trap A3), at the interval of the
 * option; none when that is 0.
 */
enum pg_probe {
	PG_PROBE_NONE = 0,
	PG_PROBE_RUNNING,
	PG_PROBE_ALIVE,
	PG_PROBE_LEAVING /* refuses connections: it is down, or shutting down */
};

struct pg_measure {
	int64_t retained_bytes; /* -1: unknown */
	int64_t safe_bytes;     /* -1: unknown or unlimited */
	uint64_t server;        /* end of the log; 0: unknown */
	int64_t at_us;          /* monotonic; 0: never */
};

struct pg_monitor;

struct pg_monitor *pg_monitor_new(struct pg *pg);
void pg_monitor_free(struct pg_monitor *m);

/* What to add to a poll(2); -1 when there is nothing to wait for. */
int pg_monitor_fd(const struct pg_monitor *m, short *ret_events);

/* When the next step is due at the latest, monotonic. */
int64_t pg_monitor_due_us(const struct pg_monitor *m);

/* Does what can be done at once. Cheap when nothing is due. */
void pg_monitor_step(struct pg_monitor *m);

/* The newest figures; whoever asks only copies them. */
struct pg_measure pg_monitor_measure(const struct pg_monitor *m);

/* Starts a probe unless one is running. */
void pg_monitor_probe(struct pg_monitor *m);

/* How it went: an answer (ALIVE, LEAVING) is given once, then NONE. */
enum pg_probe pg_monitor_probe_take(struct pg_monitor *m);

#endif
