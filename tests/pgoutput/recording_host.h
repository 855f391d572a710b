/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PGOUTPUT_RECORDING_HOST_H
#define TESTS_PGOUTPUT_RECORDING_HOST_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "testkit/fake_host.h"

/*
 * The engine's side of a source, for tests: writes down as text what the source says, one
 * line each, and checks the order of its calls.
 *
 *	table 16385 public.t v1: id int4 key, v text
 *	begin 0/1500 xid 7
 *	c public.t lsn 0/1400 seq 0 after 1 'a' ~ =
 *	commit 0/1530
 *	idle 0/1600
 *
 * A cell is ~ for NULL, = for unchanged, - for absent, 'text' and x'hex' for bytes; flags
 * stand behind the op: c, u!key, u!full, t!cascade. Options, diagnostics and memory are
 * those of the fake host. Misuse (an event before begin, a commit without begin, falling
 * positions, seq that does not rise by one) ends the test.
 *
 * Everything an event points to lives until recording_recycle().
 */
struct recording {
	struct ez_out out; /* first: host functions are given a pointer to it */
	struct fake_host *fake;
	struct ez_host host;
	struct buf text;
	bool is_silent; /* nothing is written down, only counted */

	/* set by a test */
	size_t room;         /* what room() answers */
	uint64_t full_after; /* emit answers EZ_AGAIN after so many events; 0: never */
	const char *refuse;  /* table() refuses this name */

	/* counters, ever */
	uint64_t n_events, n_commits, n_idle, n_tables, bytes;
	uint64_t last_order;

	/* private */
	struct arena arena;
	struct arena_pool pool;
	struct map tables; /* id -> struct ez_table */
	uint64_t next_uid, next_seq;
	bool is_begun;
	struct ez_event *pending;
};

/* Also makes the fake host; its settings stay borrowed. */
struct recording *recording_new(const struct ez_option *const *options,
				const struct fake_setting *settings);
void recording_free(struct recording *r);

/* The text so far, which then begins anew. Valid until the next call. */
const char *recording_take(struct recording *r);

/* Frees what events point to. */
void recording_recycle(struct recording *r);

#endif
