/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "node.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	BACKLOG = 128,
};

struct link_conn {
	struct list link;
	struct listener *listener;
	int fd;
};

static int bind_port(int port, int backlog)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, backlog) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return 0;
	return ntohs(at.sin_port);
}

static void *serve_conn(void *arg)
{
	struct link_conn *lc = arg;
	struct listener *l = lc->listener;
	struct cluster *c = l->node.cluster;
	int fd = lc->fd;

	l->serve(&l->node, fd, l->tls);
	cluster_lock(c);
	list_remove(&lc->link);
	/* Under the lock, so that listener_drop never meets a number that is used again. */
	close(fd);
	cluster_changed(c);
	cluster_unlock(c);
	free(lc);
	return NULL;
}

static void start_conn(struct listener *l, int fd)
{
	struct link_conn *lc = xcalloc(1, sizeof(*lc));
	pthread_attr_t attr;
	pthread_t thread;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	lc->listener = l;
	lc->fd = fd;
	cluster_lock(l->node.cluster);
	list_add_tail(&l->node.conns, &lc->link);
	cluster_unlock(l->node.cluster);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, serve_conn, lc) != 0)
		abort();
	pthread_attr_destroy(&attr);
}

static void *accept_conns(void *arg)
{
	struct listener *l = arg;

	for (;;) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			start_conn(l, fd);
		else if (errno == EINVAL || errno == EBADF)
			return NULL; /* listener_stop */
	}
}

static void end_hole(struct listener *l)
{
	for (size_t i = 0; i < HOLE_FDS && l->is_hidden; i++) {
		if (l->hole[i] >= 0)
			close(l->hole[i]);
		l->hole[i] = -1;
	}
	l->is_hidden = false;
}

/* A queue of one that nobody takes from: the kernel drops the packets of all others. */
int listener_hide(struct listener *l)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)l->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	listener_stop(l);
	l->hole[0] = bind_port(l->port, 0);
	if (l->hole[0] < 0)
		return l->hole[0];
	l->is_hidden = true;
	for (size_t i = 1; i < HOLE_FDS; i++) {
		l->hole[i] =
			socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (l->hole[i] >= 0)
			(void)!connect(l->hole[i], (struct sockaddr *)&at, sizeof(at));
	}
	return 0;
}

int listener_start(struct listener *l)
{
	int fd;

	end_hole(l);
	fd = bind_port(l->port, BACKLOG);

	if (fd < 0)
		return fd;
	l->fd = fd;
	l->port = port_of(fd);
	if (!l->is_running && !l->node.conns.next)
		list_init(&l->node.conns);
	l->is_running = true;
	if (pthread_create(&l->thread, NULL, accept_conns, l) != 0)
		abort();
	return 0;
}

void listener_drop(struct listener *l)
{
	struct cluster *c = l->node.cluster;

	cluster_lock(c);
	cluster_changed(c);
	while (!list_is_empty(&l->node.conns)) {
		list_for_each(pos, &l->node.conns) {
			struct linger now = { .l_onoff = 1, .l_linger = 0 };
			int fd = LIST_OF(pos, struct link_conn, link)->fd;

			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
			shutdown(fd, SHUT_RDWR);
		}
		cluster_wait(c, cluster_now_ms(c) + 20);
	}
	cluster_unlock(c);
}

void listener_stop(struct listener *l)
{
	end_hole(l);
	if (!l->is_running)
		return;
	l->is_running = false;
	shutdown(l->fd, SHUT_RDWR);
	pthread_join(l->thread, NULL);
	close(l->fd);
	l->fd = -1;
	listener_drop(l);
}
