/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TABLE_H
#define ENGINE_TABLE_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/map.h"

/*
 * Table descriptors: deep, immutable, counted copies of the shapes that plugins declare,
 * and the registry that gives them version numbers.
 *
 * A descriptor is one block of memory: the public struct, its columns and all text. Whoever
 * keeps one holds a reference: the registry for the newest version of each table, every
 * batch for those of its events. The last one frees it, so a job that lives through a
 * million ALTERs keeps the newest shapes only.
 *
 * What the sink has and what it is being told of are noted apart from what was declared last
 * (registry_intend, registry_did): a source reads ahead, and a crash in the middle of a change
 * must not look like its end. Both go into the checkpoint. After a crash a source may begin
 * before the newest change that was noted. Shapes from then are handed out as past, on the
 * side, until the noted one has come again: no sink is told to undo what it has done (trap D6),
 * and their rows, which were durable before the change was begun, are passed over.
 *
 * The registry is shared by the stream and the snapshot readers: an equal shape always gives
 * the same descriptor, whoever declares it. Versions go on from what the checkpoint says
 * (registry_seed), so a sink sees "version 7 becomes version 8" across restarts too.
 *
 * The registry locks itself; descriptors are read-only and may be used from any thread.
 */
struct table {
	_Atomic unsigned refs;
	void *owner; /* struct entry of the out that handed it to its source; else NULL */
	bool is_past; /* older than what the sink was told of in an earlier run */
	struct ez_table desc;
};

struct registry {
	pthread_mutex_t lock;
	struct map tables; /* id -> struct known */
	_Atomic uint64_t next_uid;
};

/* A deep copy with one reference; uid and version as given. */
_must_check_ struct table *table_new(const struct ez_table *shape, uint64_t uid,
				     uint32_t version);
struct table *table_ref(struct table *t);
void table_unref(struct table *t); /* NULL is fine */

static inline struct table *table_of(const struct ez_table *desc)
{
	return (struct table *)(uintptr_t)((const char *)desc -
					   offsetof(struct table, desc));
}

/* Same id, names, flags and columns; uid and version do not count. */
bool table_is_same(const struct ez_table *a, const struct ez_table *b);

void registry_init(struct registry *r);
void registry_release(struct registry *r);

/* From the checkpoint, copied: the newest shape that the sink was told of, and the one it had
 * before when it was not done with the change; else NULL. */
void registry_seed(struct registry *r, const struct ez_table *newest,
		   const struct ez_table *before);

/*
 * The descriptor for a shape, with a reference for the caller. *ret_news is set when the
 * sink has to be told before rows of it arrive; *ret_before then is the shape it knew, with
 * a reference, or NULL. Only the first caller gets the news; past shapes are none, and a
 * descriptor each time. Columns of unknown number inherit the one that the newest known shape
 * has for their name.
 */
struct table *registry_intern(struct registry *r, const struct ez_table *shape,
			      bool *ret_news, struct table **ret_before);

/* The sink is about to be told of `now`, a change of what it has; and: it has `now`. */
void registry_intend(struct registry *r, struct table *now);
void registry_did(struct registry *r, struct table *now);

/* Calls fn for each table that the sink was told of; `before` as registry_seed has it. */
void registry_each(struct registry *r,
		   void (*fn)(void *arg, struct table *newest, struct table *before),
		   void *arg);

/* The lsn up to which shapes of this table may be past; 0: none is. */
uint64_t registry_past(struct registry *r, uint64_t table_id);

uint64_t registry_uid(struct registry *r);

#endif
