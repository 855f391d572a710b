/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_SERVER_H
#define CONTROL_HTTP_SERVER_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct app;

/*
 * The HTTP server.
 *
 * One thread speaks to the network (libmicrohttpd on epoll); a few threads serve, each with
 * a connection to the catalog of its own. A request that has been read is suspended and
 * queued; a served one is resumed and sent. A long poll that has nothing to say is parked
 * and costs no thread; an event stream likewise.
 *
 * Started and stopped by the main thread.
 */
struct server;

struct server_options {
	const char *address, *port;
	const char *certificate, *key; /* PEM text, both or none */
	const char *conninfo;          /* of the catalog */
	int threads;
};

/* NULL with a sentence in `why`. */
_must_check_ struct server *server_start(struct app *app, const struct server_options *o,
					 struct buf *why);

/*
 * First drain: no new connections, long polls are answered, what is being served is
 * finished. Then the streams are ended (hub_stop), then stop frees everything.
 */
void server_drain(struct server *s);
void server_stop(struct server *s);

/* The port that it listens on. */
uint16_t server_port(const struct server *s);

#endif
