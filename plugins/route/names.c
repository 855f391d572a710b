/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "route/names.h"

#include <stdlib.h>

#include "base/alloc.h"

static struct ez_view copy(struct ez_view v)
{
	return view_of(view_dup(v), v.len);
}

static void discard(struct ez_view v)
{
	char *p;

	memcpy(&p, &v.ptr, sizeof(p));
	free(p);
}

static void clear_entry(struct names_entry *e)
{
	discard(e->source.schema);
	discard(e->source.table);
	discard(e->target.schema);
	discard(e->target.table);
}

void names_release(struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		clear_entry(&n->entries[i]);
	free(n->entries);
	*n = (struct names){ .n = 0 };
}

const struct names_entry *names_find_other(const struct names *n, uint64_t id,
					   struct name source, struct name target)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct names_entry *e = &n->entries[i];

		if (e->id != id && name_eq(e->target, target) &&
		    !name_eq(e->source, source))
			return e;
	}
	return NULL;
}

static void forget(struct names *n, uint64_t id, struct name source)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n; i++) {
		struct names_entry *e = &n->entries[i];

		if (e->id == id || name_eq(e->source, source))
			clear_entry(e);
		else
			n->entries[kept++] = *e;
	}
	n->n = kept;
}

void names_put(struct names *n, uint64_t id, struct name source, struct name target)
{
	forget(n, id, source);
	n->entries = xreallocarray(n->entries, n->n + 1, sizeof(*n->entries));
	n->entries[n->n++] = (struct names_entry){
		.id = id,
		.source = { copy(source.schema), copy(source.table) },
		.target = { copy(target.schema), copy(target.table) },
	};
}
