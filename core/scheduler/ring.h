/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_RING_H
#define SCHEDULER_RING_H

#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * The log of a daemon: the file `log` in its state folder, which the daemon itself appends
 * to, so that it goes on writing when no worker is there. The worker reads along and keeps
 * the file short: beyond RING_BYTES its newer half moves to `log.1`, whose old content
 * goes, and the file starts anew. So there are always between one half and three halves of
 * RING_BYTES, and the worker's absence is the only time when there can be more.
 *
 * Main thread. Fallible functions return 0 or -errno.
 */
enum {
	RING_BYTES = 1024 * 1024,
	RING_LINE_MAX = 16 * 1024, /* longer ones are cut into several */
};

struct ring {
	char *path, *old_path;
	int fd;        /* for the worker to read and cut; -1: not open */
	off_t at;      /* read up to here */
	struct buf partial;
};

#define RING_INIT ((struct ring){ .fd = -1 })

/* Opens or makes the file; reading begins at its present end. */
_must_check_ int ring_open(struct ring *r, const char *dir);
void ring_close(struct ring *r);

/* A descriptor for the daemon's standard error, the caller's to close. */
_must_check_ int ring_writer(const struct ring *r);

/* Hands each new whole line to `line`, then cuts the file if it is long. */
void ring_pump(struct ring *r, void (*line)(void *arg, struct ez_view text), void *arg);

/* Appends the last `lines` lines of both files, oldest first, to `out`. */
void ring_tail(const char *dir, size_t lines, struct buf *out);

#endif
