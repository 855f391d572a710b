/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_QUEUE_H
#define CONTROL_HTTP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct request;

/*
 * Requests between the threads: those to be served, in order, and those that wait for
 * something to happen. Any thread; owns nothing, requests are the network thread's.
 */
struct queue;

struct queue *queue_new(void);
void queue_free(struct queue *q);

/* False when the queue is closed. */
_must_check_ bool queue_push(struct queue *q, struct request *r);

/* Blocks; NULL once the queue is closed and empty. */
_must_check_ struct request *queue_take(struct queue *q);

/*
 * Parks a request until something happens under its topic or to its worker, or at its time.
 * At once into the queue when that has happened since the request took its generation.
 */
void queue_park(struct queue *q, struct request *r);

/* The number of things that have happened. */
uint64_t queue_generation(struct queue *q);

/*
 * Something happened: a worker's id wakes its poll, another topic a few of those that wait
 * under it and the others bit by bit; NULL is everybody's topic.
 */
void queue_wake(struct queue *q, const char *topic);

/* Those whose time has come; to be called every quarter second or more often. */
void queue_wake_due(struct queue *q);

/* Parked ones are queued; nothing is parked from now on. */
void queue_close(struct queue *q);
bool queue_is_closed(struct queue *q);

#endif
