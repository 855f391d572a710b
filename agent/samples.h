/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SAMPLES_H
#define AGENT_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * Measurements that wait to be sent: a queue that throws its oldest away when it is full, so
 * that days without the control plane cost a bounded amount of memory. What is under way is
 * told apart by numbers that only rise, so throwing away meanwhile mixes up nothing.
 */
enum {
	SAMPLES_MAX = 5000,
	SAMPLES_PER_REQUEST = 500,
};

struct samples {
	char **ring;
	uint64_t first, next; /* numbers of the oldest, and of the next */
	uint64_t dropped;     /* since samples_sent() */
	uint64_t told;        /* how many of these are said by the request under way */
	uint64_t under_way;   /* up to this number; 0: none */
};

void samples_init(struct samples *s);
void samples_release(struct samples *s);
void samples_add(struct samples *s, struct ez_view json);

static inline size_t samples_count(const struct samples *s)
{
	return (size_t)(s->next - s->first);
}

/* Appends the oldest to `out`, separated by commas, as many as fit; they are under way. */
void samples_take(struct samples *s, struct buf *out, size_t most_bytes);

/* What was under way arrived, or will never be accepted. */
void samples_sent(struct samples *s);

/* It did not arrive, and is still there. */
void samples_again(struct samples *s);

#endif
