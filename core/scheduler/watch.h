/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_WATCH_H
#define SCHEDULER_WATCH_H

#include <stdint.h>

#include "base/attr.h"
#include "base/map.h"

/*
 * Who wants to know about changes of which file or folder: one inotify descriptor for all of
 * the worker. Main thread.
 */
struct watch_event {
	uint32_t mask;    /* IN_... */
	const char *name; /* in a folder; "" for the watched thing itself */
};

struct watcher {
	int fd;
	struct map targets; /* by watch descriptor */
};

/* 0 or -errno. */
_must_check_ int watcher_open(struct watcher *w);
void watcher_close(struct watcher *w);

/* The number of the watch, or -errno. `on_event` gets IN_IGNORED last. */
_must_check_ int watcher_add(struct watcher *w, const char *path, uint32_t mask,
			     void (*on_event)(void *arg, const struct watch_event *e), void *arg);
void watcher_remove(struct watcher *w, int number);

/* Reads all events and hands them on. Events that were lost come as IN_Q_OVERFLOW to all. */
void watcher_step(struct watcher *w);

#endif
