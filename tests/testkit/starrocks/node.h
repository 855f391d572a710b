/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_NODE_H
#define STARROCKS_NODE_H

#include <pthread.h>

#include "exchange.h"

/*
 * Listeners: one for each port, each with a thread that accepts, and a thread for every
 * connection. Stopping one ends its connections with a reset, and its port answers no more
 * until it is started again on the same one.
 */
enum listener_kind {
	LISTEN_HTTP,
	LISTEN_MYSQL,
	LISTEN_CONTROL,
};

enum {
	HOLE_FDS = 3,
};

struct listener {
	enum listener_kind kind;
	struct node node;
	int fd;
	int port;
	bool is_running, is_hidden;
	pthread_t thread;
	int hole[HOLE_FDS]; /* listener_hide: who fills the queue of the kernel; -1 */
	void *tls;          /* context, or NULL */
	void (*serve)(struct node *node, int fd, void *tls);
};

/* 0, or -errno. With port 0 a free one is chosen. Call these without the lock. */
_must_check_ int listener_start(struct listener *l);
void listener_stop(struct listener *l);
/*
 * As after listener_stop, but nobody answers at all: connecting takes until the client gives
 * up. Ended by listener_stop and listener_start.
 */
_must_check_ int listener_hide(struct listener *l);
/* Resets the connections, keeps listening. */
void listener_drop(struct listener *l);

#endif
