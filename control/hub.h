/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HUB_H
#define CONTROL_HUB_H

#include <stdint.h>

#include "base/attr.h"

struct app;
struct queue;
struct stream;

/*
 * Where news from the catalog arrives: a thread that listens (LISTEN) and hands on.
 *
 * An event goes to the event streams of browsers; a wake-up of a deployment lets the long
 * polls of its workers run again. What is told while the connection is down is made up for
 * when it is back: every long poll runs again, and every stream is told to load anew. So
 * instances of the server need to know nothing of each other.
 */
struct hub;

_must_check_ struct hub *hub_start(const char *conninfo, struct queue *queue);
/* No more news, and every stream ends; requests may still come while the server stops. */
void hub_stop(struct hub *h);
/* After the server has stopped. NULL is nothing. */
void hub_free(struct hub *h);

/* Adds a stream; the hub keeps a reference until it is over. */
void hub_add_stream(struct hub *h, struct stream *s);
struct queue *hub_queue(struct hub *h);

/* How many browsers listen. */
int hub_streams(struct hub *h);

#endif
