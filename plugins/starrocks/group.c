/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "group.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"

#include "host.h"

struct group *group_new(struct ez_ctx *ctx)
{
	struct group *g = xcalloc(1, sizeof(*g));

	g->ctx = ctx;
	return g;
}

/* What the bodies will take is counted from the beginning: else the engine would fill its
 * budget with rows, and they would come on top. */
static void charge(struct group *g)
{
	size_t now = g->size_events *
		     (sizeof(*g->events) + sizeof(*g->places) + sizeof(*g->gone));

	now += g->expected;

	if (g->ctx && now != g->charged)
		host->mem(g->ctx, (int64_t)now - (int64_t)g->charged);
	g->charged = now;
}

struct group *group_free(struct group *g)
{
	if (!g)
		return NULL;
	loads_release(&g->loads);
	free(g->events);
	free(g->places);
	free(g->gone);
	g->size_events = 0;
	g->expected = 0;
	charge(g);
	free(g);
	return NULL;
}

static void make_room(struct group *g, size_t n)
{
	if (g->n_events + n <= g->size_events)
		return;
	g->size_events = MAX(g->n_events + n, g->size_events * 2);
	g->events = xreallocarray(g->events, g->size_events, sizeof(*g->events));
	g->places = xreallocarray(g->places, g->size_events, sizeof(*g->places));
	g->gone = xreallocarray(g->gone, g->size_events, sizeof(*g->gone));
	charge(g);
}

void group_add(struct group *g, const struct ez_batch *b, size_t from, size_t to,
	       const struct ahead_place *before)
{
	if (g->first == 0) {
		g->first = b->number;
		g->flags = b->flags & EZ_BATCH_SNAPSHOT;
		g->part = b->part;
	}
	ENSURE(g->part == b->part, "rows of two parts of a copy would get one key");
	make_room(g, to - from);
	for (size_t i = from; i < to; i++) {
		if (!b->events[i]->table || b->events[i]->op == EZ_OP_TRUNCATE)
			continue;
		g->events[g->n_events] = b->events[i];
		g->gone[g->n_events] = false;
		g->places[g->n_events++] =
			(struct group_place){ .batch = b->number, .row = (uint32_t)i };
	}
	if (to > from)
		g->last = ahead_place_of(b, to - 1, before);
}

void group_reach(struct group *g, const struct ez_batch *b, size_t n)
{
	for (size_t i = 0; i < b->n_commits; i++) {
		const struct ez_commit *tx = b->commits[i];
		struct ez_position p = tx->position;

		if (p.bytes.len == 0 || tx->first + tx->n_events > n)
			continue;
		if (!str_copy(g->position, sizeof(g->position), p.bytes))
			g->position[0] = '\0';
		g->order = p.order;
	}
}

void group_end_batch(struct group *g, const struct ez_batch *b)
{
	g->newest = b->number;
	g->bytes += b->bytes;
	g->expected += b->bytes;
	charge(g);
	group_reach(g, b, b->n_events);
}

static void leave_out_gone(struct group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_events; i++) {
		if (g->gone[i])
			continue;
		g->events[n] = g->events[i];
		g->places[n] = g->places[i];
		g->gone[n++] = false;
	}
	g->n_events = n;
}

static int reject_event(struct group *g, uint32_t at, struct ez_error *err)
{
	int rc = host->reject(g->ctx, g->places[at].batch, g->places[at].row, err);

	if (rc >= 0)
		g->gone[at] = g->has_rejects = true;
	return rc;
}

void group_leave_out(struct group *g, uint64_t table_id)
{
	for (size_t i = 0; i < g->n_events; i++)
		g->gone[i] |= g->events[i]->table->id == table_id;
}

struct encoding {
	struct group *group;
	int (*settle)(void *arg, struct ez_error *err);
	void *arg;
};

static int settle(void *arg, struct ez_error *err)
{
	struct encoding *e = arg;

	return e->settle ? e->settle(e->arg, err) : EZ_OK;
}

static int reject(void *arg, uint32_t row, struct ez_error *err)
{
	struct encoding *e = arg;

	return reject_event(e->group, row, err);
}

int group_encode(struct group *g, struct encoder *enc, bool one_set,
		 int (*settle_fn)(void *arg, struct ez_error *err), void *arg,
		 struct ez_error *err)
{
	struct encoding e = { g, settle_fn, arg };
	struct encode_rules rules = {
		.one_set = one_set, .settle = settle, .reject = reject, .arg = &e
	};
	struct ez_batch all = { .size = sizeof(all),
				.number = g->first,
				.bytes = g->bytes };
	int rc;

	loads_release(&g->loads);
	leave_out_gone(g);
	g->version++;
	if (g->n_events == 0)
		return EZ_OK;
	all.events = g->events;
	all.n_events = g->n_events;
	all.flags = g->flags;
	all.part = g->part;
	rc = encode_batch(enc, &all, 0, g->n_events, &rules, &g->loads, err);
	if (rc == EZ_OK) {
		g->expected = 0;
		charge(g);
	}
	return rc;
}

int group_reject(struct group *g, const struct load *load, size_t row,
		 struct ez_error *err)
{
	return reject_event(g, load->rows[row], err);
}
