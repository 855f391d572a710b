/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_LINK_POST_H
#define AGENT_LINK_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"

struct http_answer;
struct link;

/*
 * What the worker has to say, one request at a time each: statuses, samples, results. The
 * other half of link.h.
 */
enum { ID_MAX = 36 };

struct link_note {
	struct link *link;
	char id[ID_MAX + 1];
	struct buf body;       /* newest that was not accepted; empty: none */
	uint32_t state;
	uint64_t digest;       /* of what is worth telling at once */
	int64_t sent_us;       /* mono_us; 0: never */
	int64_t sampled_us;    /* mono_us of the last sample; 0: none */
	bool urgent, under_way, gone;
	uint64_t number, number_under_way; /* of bodies */
};

struct link_result {
	struct list link;
	char *task;
	struct buf body;
};

struct open_task {
	struct list link;
	char id[ID_MAX + 1];
	bool handed_over;
};

/* Starts what is due among them. */
void link_post_all(struct link *l);
int64_t link_post_due_us(const struct link *l);

/* Jobs that run, according to the newest statuses. */
size_t link_running(const struct link *l);

/* Nothing is left to send. */
bool link_is_empty(const struct link *l);

void link_post_release(struct link *l);

/* Sends `body` to /api/worker`path` with the worker's own secret. */
void link_send(struct link *l, const char *path, struct buf *body, unsigned timeout_ms,
	       void (*done)(void *arg, const struct http_answer *a), void *arg);

#endif
