/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"

struct target {
	void (*on_event)(void *arg, const struct watch_event *e);
	void *arg;
};

int watcher_open(struct watcher *w)
{
	*w = (struct watcher){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
	return w->fd < 0 ? -errno : 0;
}

void watcher_close(struct watcher *w)
{
	fs_closep(&w->fd);
	map_release(&w->targets, free);
}

int watcher_add(struct watcher *w, const char *path, uint32_t mask,
		void (*on_event)(void *arg, const struct watch_event *e), void *arg)
{
	int number = inotify_add_watch(w->fd, path, mask);
	struct target *t;

	if (number < 0)
		return -errno;
	t = xcalloc(1, sizeof(*t));
	t->on_event = on_event;
	t->arg = arg;
	free(map_put_u64(&w->targets, (uint64_t)number, t));
	return number;
}

void watcher_remove(struct watcher *w, int number)
{
	if (number < 0)
		return;
	free(map_remove_u64(&w->targets, (uint64_t)number));
	(void)inotify_rm_watch(w->fd, number);
}

static void tell_all(struct watcher *w)
{
	const struct watch_event lost = { .mask = IN_Q_OVERFLOW, .name = "" };

	map_for_each (e, &w->targets) {
		const struct target *t = e->value;

		t->on_event(t->arg, &lost);
	}
}

static void tell(struct watcher *w, const struct inotify_event *event)
{
	const struct watch_event e = { .mask = event->mask,
				       .name = event->len > 0 ? event->name : "" };
	const struct target *t;

	if (event->mask & IN_Q_OVERFLOW) {
		tell_all(w);
		return;
	}
	t = map_get_u64(&w->targets, (uint64_t)event->wd);
	if (t)
		t->on_event(t->arg, &e);
	if (event->mask & IN_IGNORED)
		free(map_remove_u64(&w->targets, (uint64_t)event->wd));
}

void watcher_step(struct watcher *w)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n;

	while ((n = read(w->fd, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event =
				(const struct inotify_event *)(const void *)(events + at);

			tell(w, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}
