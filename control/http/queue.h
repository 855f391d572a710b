/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_QUEUE_H
#define CONTROL_HTTP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "control/http/route.h"

struct request;

/*
 * Requests between the threads: those to be served, and those that wait for something to
 * happen. Any thread; owns nothing, requests are the network thread's.
 *
 * Each lane of the routes has a line of its own. What stands in a lane other than
 * LANE_PLAIN is handed out many at a time, one lot after the other with a short gap
 * between their beginnings: a single request is served at once, and many share statements.
 */
struct queue;

enum { LOT_MAX = 100 };

struct queue *queue_new(void);
void queue_free(struct queue *q);

/* False when the queue is closed. */
_must_check_ bool queue_push(struct queue *q, struct request *r);

/*
 * Blocks; the number of requests in `ret`, of one lane; 0 once the queue is closed and
 * empty. Nobody else gets any of that lane before queue_done, except of LANE_PLAIN.
 */
_must_check_ int queue_take(struct queue *q, struct request *ret[LOT_MAX],
			    enum lane *ret_lane);
void queue_done(struct queue *q, enum lane lane);

/*
 * Parks a request until something happens under its topic or to its worker, or at its time.
 * At once into the queue when that has happened since the request took its generation.
 */
void queue_park(struct queue *q, struct request *r);

/* The number of things that have happened. */
uint64_t queue_generation(struct queue *q);

/*
 * Something happened: a worker's id wakes its poll, another topic those that wait under
 * it, a herd at a time; NULL is everybody's topic.
 */
void queue_wake(struct queue *q, const char *topic);

/*
 * Those whose time has come, and the next herd. Milliseconds until it should be called
 * again.
 */
int queue_wake_due(struct queue *q);

/* Parked ones are queued; nothing is parked from now on. */
void queue_close(struct queue *q);
bool queue_is_closed(struct queue *q);

#endif
