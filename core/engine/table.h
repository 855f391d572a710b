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
 * The registry is shared by the stream and the snapshot readers: an equal shape always gives
 * the same descriptor, whoever declares it. Versions go on from what the checkpoint says
 * (registry_seed), so a sink sees "version 7 becomes version 8" across restarts too.
 *
 * The registry locks itself; descriptors are read-only and may be used from any thread.
 */
struct table {
	_Atomic unsigned refs;
	void *owner; /* struct entry of the out that handed it to its source; else NULL */
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

/* What the sink was last told, from the checkpoint. Copied. */
void registry_seed(struct registry *r, const struct ez_table *stored);

/*
 * The descriptor for a shape, with a reference for the caller. *ret_news is set when the
 * sink has to be told before rows of it arrive; *ret_before then is the shape it knew, with
 * a reference, or NULL. Only the first caller gets the news. Columns of unknown number
 * inherit the one that the newest known shape has for their name.
 */
struct table *registry_intern(struct registry *r, const struct ez_table *shape,
			      bool *ret_news, struct table **ret_before);

/* Calls fn for the newest descriptor of each table that the sink was told of. */
void registry_each(struct registry *r, void (*fn)(void *arg, const struct ez_table *t),
		   void *arg);

uint64_t registry_uid(struct registry *r);

#endif
