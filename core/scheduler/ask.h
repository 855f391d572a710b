/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_ASK_H
#define SCHEDULER_ASK_H

#include <ezcdc/plugin.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * One question to a daemon's control socket that never blocks, so that a daemon that hangs
 * holds up nobody. A value with one owner: begin, step whenever the descriptor is ready or
 * the time is over, then release. Main thread.
 */
struct ask {
	int fd; /* -1: no question under way */
	short events;
	int64_t until_us; /* mono_us */
	struct buf out, in;
	size_t sent;
	int passed; /* goes with the first byte; -1: none, or gone */
};

#define ASK_INIT ((struct ask){ .fd = -1, .passed = -1 })

enum ask_result {
	ASK_PENDING,
	ASK_DONE,   /* the answer is in `in`, without its newline */
	ASK_FAILED,
};

/* Nobody listens, or the daemon has no time for us: ASK_FAILED. `passed` is a descriptor to
 * send along, which becomes the ask's; -1: none. */
enum ask_result ask_begin(struct ask *a, const char *socket_path, struct ez_view request,
			  int passed, unsigned timeout_ms);
enum ask_result ask_step(struct ask *a);
void ask_release(struct ask *a);

#endif
