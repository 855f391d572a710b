/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_OUT_H
#define ENGINE_OUT_H

#include <ezcdc/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/map.h"
#include "engine/batch.h"
#include "engine/budget.h"
#include "engine/chain.h"

/*
 * `struct ez_out`: where a source puts events, and where batches are made of them.
 *
 * One belongs to each thread that reads from a source: the stream's, and one per snapshot
 * reader. It declares tables to the registry and the transforms, runs every event through
 * the plan of its table, adds it to the batch that is being built, and hands the batch to
 * its owner's callback when a limit is reached at the end of a transaction; inside one only
 * when that transaction alone is over the limit. The age limit is the owner's to watch
 * (out_due_us), because only the owner knows whether the sink is free.
 *
 * Not thread safe, except `attention`, which anyone may set to make the source return from
 * its poll at the next commit.
 */
struct out_limits {
	size_t bytes;    /* hand over at the end of a transaction from here on */
	size_t tx_bytes; /* cut inside a transaction that alone holds this much */
	size_t rows;
	int64_t age_us;
};

struct out_ops {
	/* Takes the batch over. */
	void (*batch)(void *arg, struct batch *b);
	/* A shape the sink must hear of before rows of it; owns both references. */
	void (*news)(void *arg, struct table *before, struct table *now);
	/* Everything handed over so far must be durable before what comes next. */
	void (*barrier)(void *arg);
	/* A transform says that this event is bad. EZ_OK: dead letter written, go on. */
	int (*reject)(void *arg, const struct ez_event *ev, struct ez_error *);
	/* Rows per operation (OUT_OPS) of one table, once per batch. */
	void (*counted)(void *arg, const struct ez_table *t, const uint32_t *rows);
	/* The event is older than what the sink has and is left out. May be NULL. */
	int (*passed_over)(void *arg, const struct ez_event *ev, struct ez_error *);
};

/* Places in the array of `counted`: r c u d t m. */
enum { OUT_OPS = 6 };
int out_op_index(uint32_t op);

struct ez_out {
	struct batch_pool *pool;
	struct budget *budget;
	struct registry *registry;
	struct chain chain;
	struct out_limits limits;
	const struct out_ops *ops;
	void *arg;

	struct map entries;       /* table id -> struct entry: what this source declared */
	struct batch *batch;      /* being built; NULL before the first event */
	struct ez_commit *tx;     /* its open transaction, NULL between transactions */
	struct ez_commit tx_copy; /* to open it again after a cut */
	struct entry *entry;      /* of the event between event() and emit() */
	struct entry *touched;    /* entries with events in this batch */
	char *mark;               /* arena position after the last emit */
	size_t mark_bytes;
	size_t tx_start;          /* used bytes when the transaction began, in this batch */
	size_t room_floor;        /* what room() grants a source that would otherwise starve */
	uint64_t next_number;
	uint64_t past;            /* newest lsn up to which some shape is past; 0: none is */
	uint64_t until;           /* order after which the source need not go on; 0: none */
	uint32_t part;            /* snapshot: number of the part */
	bool is_snapshot;
	bool wants_barriers;      /* around truncates: the sink does not keep order itself */
	bool is_continued;        /* the batch begins inside a transaction */
	bool reached;             /* a commit at or past `until` was seen */
	struct ez_position idle;  /* last idle_at, text in idle_text */
	char idle_text[EZ_POSITION_MAX + 1];
	bool idle_is_news;
	_Atomic bool attention;
};

void out_init(struct ez_out *o, struct batch_pool *pool, struct budget *budget,
	      struct registry *registry);
void out_release(struct ez_out *o);

/* True when the batch being built ends with a whole transaction and holds something. */
bool out_is_whole(const struct ez_out *o);

/* mono_us when the batch is due by age; INT64_MAX when nothing waits. */
int64_t out_due_us(const struct ez_out *o);

/* Hands the batch over as it is, open transaction and all. */
void out_cut(struct ez_out *o);

/* Forgets an unfinished transaction and hands over what is before it. */
void out_finish(struct ez_out *o);

/* The shape that leaves the transforms for one that out_table returned. */
const struct ez_table *out_final(const struct ez_table *declared);

/* The host functions. */
size_t out_room(const struct ez_out *o);
void *out_alloc(struct ez_out *o, size_t n);
void out_adopt(struct ez_out *o, void *mem, size_t n, void (*release)(void *));
const struct ez_table *out_table(struct ez_out *o, const struct ez_table *shape,
				 struct ez_error *err);
void out_begin(struct ez_out *o, const struct ez_commit *tx);
struct ez_event *out_event(struct ez_out *o, const struct ez_table *t, uint32_t op,
			   uint32_t n_before, uint32_t n_after);
int out_emit(struct ez_out *o, struct ez_event *ev, struct ez_error *err);
int out_commit(struct ez_out *o, struct ez_position p, struct ez_error *err);
void out_idle_at(struct ez_out *o, struct ez_position p);

#endif
