/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/budget.h"

enum {
	MAX_SPARE = 4,
	FIRST_EVENTS = 1024,
	SPARE_EVENTS = 64 * 1024, /* a larger array is not kept */
};

void batch_pool_init(struct batch_pool *p)
{
	*p = (struct batch_pool){ .spare = NULL };
	arena_pool_init(&p->arenas);
	pthread_mutex_init(&p->lock, NULL);
}

static void batch_destroy(struct batch *b)
{
	free(b->events);
	free(b->commits);
	free(b->tables);
	free(b);
}

void batch_pool_release(struct batch_pool *p)
{
	while (p->spare) {
		struct batch *b = p->spare;

		p->spare = b->next;
		batch_destroy(b);
	}
	arena_pool_release(&p->arenas);
	pthread_mutex_destroy(&p->lock);
}

static struct batch *take_spare(struct batch_pool *p)
{
	struct batch *b;

	pthread_mutex_lock(&p->lock);
	b = p->spare;
	if (b) {
		p->spare = b->next;
		p->n_spare--;
	}
	pthread_mutex_unlock(&p->lock);
	return b;
}

struct batch *batch_new(struct batch_pool *p, struct budget *budget)
{
	struct batch *b = take_spare(p);

	if (!b)
		b = xcalloc(1, sizeof(*b));
	*b = (struct batch){
		.budget = budget,
		.events = b->events, .cap_events = b->cap_events,
		.commits = b->commits, .cap_commits = b->cap_commits,
		.tables = b->tables, .cap_tables = b->cap_tables,
	};
	arena_init(&b->arena, &p->arenas, 0);
	return b;
}

static void shrink(struct batch *b)
{
	if (b->cap_events <= SPARE_EVENTS)
		return;
	free(b->events);
	b->events = NULL;
	b->cap_events = 0;
}

void batch_free(struct batch_pool *p, struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_tables; i++)
		table_unref(b->tables[i]);
	arena_release(&b->arena);
	budget_charge(b->budget, -b->charged);
	b->charged = 0;
	shrink(b);
	pthread_mutex_lock(&p->lock);
	if (p->n_spare < MAX_SPARE) {
		b->next = p->spare;
		p->spare = b;
		p->n_spare++;
		b = NULL;
	}
	pthread_mutex_unlock(&p->lock);
	if (b)
		batch_destroy(b);
}

void batch_charge(struct batch *b)
{
	int64_t now = (int64_t)(arena_bytes(&b->arena) + b->cap_events * sizeof(void *));

	budget_charge(b->budget, now - b->charged);
	b->charged = now;
}

void batch_add_event_slow(struct batch *b)
{
	b->cap_events = b->cap_events ? b->cap_events * 2 : FIRST_EVENTS;
	b->events = xrealloc(b->events, b->cap_events * sizeof(struct ez_event *));
}

/* A commit entry and the room for the text of its position. */
struct entry {
	struct ez_commit pub;
	char *text;
	size_t cap;
};

static struct entry *next_commit(struct batch *b)
{
	struct entry *c;

	if (b->n_commits > 0 && b->commits[b->n_commits - 1]->n_events == 0) {
		b->n_whole_commits = MIN(b->n_whole_commits, b->n_commits - 1);
		return (struct entry *)b->commits[b->n_commits - 1];
	}
	if (b->n_commits == b->cap_commits) {
		b->cap_commits = b->cap_commits ? b->cap_commits * 2 : 64;
		b->commits = xrealloc(b->commits, b->cap_commits * sizeof(struct ez_commit *));
	}
	c = arena_alloc(&b->arena, sizeof(*c));
	*c = (struct entry){ .text = NULL };
	b->commits[b->n_commits++] = &c->pub;
	return c;
}

struct ez_commit *batch_begin(struct batch *b, const struct ez_commit *tx)
{
	struct entry *e = next_commit(b);

	e->pub = (struct ez_commit){
		.size = sizeof(e->pub),
		.lsn = tx->lsn,
		.time_us = tx->time_us,
		.xid = tx->xid,
		.index = (uint32_t)(b->n_commits - 1),
		.first = b->n_events,
	};
	b->tx_open = true;
	return &e->pub;
}

void batch_commit(struct batch *b, struct ez_position position)
{
	struct entry *e = (struct entry *)b->commits[b->n_commits - 1];
	size_t len = MIN(position.bytes.len, (size_t)EZ_POSITION_MAX);

	if (e->cap <= len) {
		e->cap = len + 1;
		e->text = arena_alloc(&b->arena, e->cap);
	}
	memcpy(e->text, position.bytes.ptr, len);
	e->text[len] = '\0';
	e->pub.position.bytes = view_of(e->text, len);
	e->pub.position.order = position.order;
	b->tx_open = false;
	b->n_whole = b->n_events;
	b->n_whole_commits = b->n_commits;
}

void batch_hold(struct batch *b, struct table *t)
{
	if (b->n_tables == b->cap_tables) {
		b->cap_tables = b->cap_tables ? b->cap_tables * 2 : 16;
		b->tables = xrealloc(b->tables, b->cap_tables * sizeof(struct table *));
	}
	b->tables[b->n_tables++] = table_ref(t);
}

bool batch_cut_open(struct batch *b)
{
	b->n_events = b->n_whole;
	b->n_commits = b->n_whole_commits;
	b->tx_open = false;
	return b->n_commits > 0;
}

void batch_seal(struct batch *b, uint64_t number, uint32_t flags, uint32_t part)
{
	b->sealed_us = mono_us();
	b->pub = (struct ez_batch){
		.size = sizeof(b->pub),
		.number = number,
		.events = (const struct ez_event *const *)b->events,
		.n_events = b->n_events,
		.commits = (const struct ez_commit *const *)b->commits,
		.n_commits = b->n_commits,
		.bytes = arena_used_bytes(&b->arena),
		.flags = flags | (b->tx_open ? EZ_BATCH_OPEN : 0),
		.part = part,
	};
}

const struct ez_commit *batch_last_commit(const struct batch *b)
{
	return b->n_whole_commits > 0 ? b->commits[b->n_whole_commits - 1] : NULL;
}
