/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTE_NAMES_H
#define ROUTE_NAMES_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

/*
 * Which table goes out under which name: finds two sources that meet in one target.
 *
 * A table is known by its id. A table of the same source name with another id replaced the
 * old one (it was dropped and made again) and is no collision. One entry a table; the
 * registry owns copies of all names.
 */
struct name {
	struct ez_view schema, table;
};

struct names_entry {
	uint64_t id;
	struct name source, target;
};

struct names {
	struct names_entry *entries;
	size_t n;
};

static inline bool name_eq(struct name a, struct name b)
{
	return view_eq(a.schema, b.schema) && view_eq(a.table, b.table);
}

void names_release(struct names *n);

/* Another table that goes out under the same name; NULL: none. Until the next put. */
const struct names_entry *names_find_other(const struct names *n, uint64_t id,
					   struct name source, struct name target);

/* Notes (or corrects) where a table goes. */
void names_put(struct names *n, uint64_t id, struct name source, struct name target);

#endif
