/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_FLOW_H
#define PGOUTPUT_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * How to wait for the socket: asleep in poll(2), or with a short nap.
 *
 * The server sends every message on its own. A reader that sleeps in poll(2) has to be woken
 * by each of them, which is the server's time and by far the largest avoidable cost of the
 * pipeline; one that naps a few hundred microseconds and then takes all that has come lets
 * the server run. But a nap delays the first message of a quiet system. So naps begin when
 * several waits in a row were over almost at once, which is what a backlog looks like, and
 * end with the first nap that brings nothing. They get shorter where much comes, down to
 * none: with large rows a nap only fills the socket's buffer and stops the server.
 *
 * A round is what is read between two waits. Times are given, not taken: pure state.
 */
struct flow {
	size_t round_bytes; /* of the round at hand */
	uint32_t nap_us;    /* length of the next nap; 0: rounds are too big for naps */
	uint8_t quick;      /* waits in a row that ended at once */
	bool is_flowing;
	bool has_napped; /* the round at hand began with a nap */
	bool has_paused; /* the last nap brought nothing */
};

void flow_init(struct flow *f);

/* A message was read. */
static inline void flow_add(struct flow *f, size_t bytes)
{
	f->round_bytes += bytes;
}

/*
 * The socket is empty. Returns how long to nap; 0: sleep in poll(2) until something comes.
 * Ends the round: call once before each wait.
 */
_must_check_ uint32_t flow_wait(struct flow *f);

/* A sleep ended because data came, after so long. */
void flow_woken(struct flow *f, int64_t slept_us);

/* It ended without data. */
void flow_stopped(struct flow *f);

#endif
