/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/server.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/app.h"
#include "control/http/dispatch.h"
#include "control/http/exchange.h"
#include "control/http/queue.h"
#include "control/http/request.h"
#include "control/http/stream.h"
#include "control/hub.h"

enum {
	THREADS_MAX = 64,
	IDLE_SECONDS = 75,
	CONNECTIONS_MAX = 12000,
	BACKLOG = 4096,
	HEADERS_MAX_BYTES = 32 * 1024,
	STREAMS_END_TRIES = 100,
	STREAMS_END_GAP_US = 10 * US_PER_MS,
};

struct server {
	struct app *app;
	struct MHD_Daemon *daemon;
	struct queue *queue;
	const char *conninfo;
	pthread_t threads[THREADS_MAX];
	int n_threads;
	MHD_socket listen_fd;
};

/* ------------------------------------------------------------------ serving */

/* A request that shall wait is parked and comes back to any of the threads. */
static void let_go(struct server *s, struct request *r)
{
	r->db = NULL;
	if (r->status == 0) {
		queue_park(s->queue, r);
		return;
	}
	r->served = true;
	MHD_resume_connection(r->connection);
}

static void serve_alone(struct server *s, struct request *r, struct db *db)
{
	r->db = db;
	request_dispatch(r, queue_is_closed(s->queue));
	db_rollback(db);
	let_go(s, r);
}

static void serve(struct server *s, struct request **all, int n, enum lane lane,
		  struct db *db)
{
	uint64_t generation = queue_generation(s->queue);

	for (int i = 0; i < n; i++) {
		all[i]->db = db;
		all[i]->generation = generation;
	}
	if (lane != LANE_PLAIN) {
		request_dispatch_lot(all, n, queue_is_closed(s->queue));
		db_rollback(db);
	}
	for (int i = 0; i < n; i++) {
		bool alone = lane == LANE_PLAIN || all[i]->alone;

		if (!alone || all[i]->status != 0)
			let_go(s, all[i]);
		else if (lane == LANE_PLAIN || !queue_push(s->queue, all[i]))
			serve_alone(s, all[i], db);
	}
	queue_done(s->queue, lane);
}

static void *serve_requests(void *arg)
{
	struct server *s = arg;
	struct db *db = db_new(s->conninfo, "ezcdc-control");
	struct request *all[LOT_MAX];
	enum lane lane;
	int n;

	while ((n = queue_take(s->queue, all, &lane)) > 0)
		serve(s, all, n, lane, db);
	db_free(db);
	return NULL;
}

/* ------------------------------------------------------------------ life */

static int listen_at(const struct server_options *o, struct buf *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE },
			*found;
	int one = 1, fd, rc = getaddrinfo(o->address, o->port, &hints, &found);

	if (rc != 0) {
		buf_addf(why, "cannot listen at %s:%s: %s", o->address, o->port,
			 gai_strerror(rc));
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		buf_addf(why, "cannot listen at %s:%s: %m", o->address, o->port);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static struct MHD_Daemon *start_daemon(struct server *s, const struct server_options *o,
				       int fd)
{
	static const char text[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
	const char *priorities = text;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (o->certificate) {
		flags |= MHD_USE_TLS;
		/* The library takes what it only reads without const. */
		memcpy(&tls[0].ptr_value, &o->certificate, sizeof(void *));
		memcpy(&tls[1].ptr_value, &o->key, sizeof(void *));
		memcpy(&tls[2].ptr_value, &priorities, sizeof(void *));
	} else {
		tls[0].option = MHD_OPTION_END;
	}
	return MHD_start_daemon(
		flags, 0, NULL, NULL, exchange_handle, s->app, MHD_OPTION_LISTEN_SOCKET,
		fd, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, s->app,
		MHD_OPTION_NOTIFY_CONNECTION, exchange_connected, NULL,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX_BYTES,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static bool start_threads(struct server *s, int n)
{
	for (int i = 0; i < MIN(n, (int)THREADS_MAX); i++) {
		if (pthread_create(&s->threads[i], NULL, serve_requests, s) != 0)
			return s->n_threads > 0;
		s->n_threads++;
	}
	return true;
}

struct server *server_start(struct app *app, const struct server_options *o,
			    struct buf *why)
{
	struct server *s = xcalloc(1, sizeof(*s));
	int fd = listen_at(o, why);

	s->app = app;
	s->conninfo = o->conninfo;
	s->queue = hub_queue(app->hub);
	if (fd >= 0 && start_threads(s, o->threads)) {
		s->daemon = start_daemon(s, o, fd);
		if (s->daemon)
			return s;
		buf_addf(why, "cannot serve at %s:%s%s", o->address, o->port,
			 o->certificate ? ": is the certificate right?" : "");
	}
	if (fd >= 0)
		close(fd);
	queue_close(s->queue);
	for (int i = 0; i < s->n_threads; i++)
		pthread_join(s->threads[i], NULL);
	free(s);
	return NULL;
}

/* What was queued after the last thread had looked. */
static void refuse_rest(struct server *s)
{
	struct request *all[LOT_MAX];
	enum lane lane;
	int n;

	while ((n = queue_take(s->queue, all, &lane)) > 0) {
		for (int i = 0; i < n; i++) {
			reply_error(all[i], 503, "unavailable", NULL,
				    "the server is stopping");
			all[i]->served = true;
			MHD_resume_connection(all[i]->connection);
		}
		queue_done(s->queue, lane);
	}
}

void server_drain(struct server *s)
{
	s->listen_fd = MHD_quiesce_daemon(s->daemon);
	queue_close(s->queue);
	for (int i = 0; i < s->n_threads; i++)
		pthread_join(s->threads[i], NULL);
	refuse_rest(s);
}

void server_stop(struct server *s)
{
	/* Streams that have ended are sent to their ends, if their readers read. */
	for (int i = 0; i < STREAMS_END_TRIES && stream_connections() > 0; i++)
		sleep_us(STREAMS_END_GAP_US);
	MHD_stop_daemon(s->daemon);
	if (s->listen_fd != MHD_INVALID_SOCKET)
		close(s->listen_fd);
	free(s);
}

uint16_t server_port(const struct server *s)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}
