/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/problems.h"
#include "engine/table.h"

enum { MAX_PARTS = 10 * 1000 * 1000 };

void plan_release(struct ez_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		table_unref(table_of(p->parts[i]->table));
		free(p->parts[i]);
	}
	free(p->parts);
	*p = (struct ez_plan){ .parts = NULL };
}

int plan_add(struct ez_plan *p, const struct ez_part *part, struct ez_error *err)
{
	struct ez_part *copy;
	char *spec;

	if (p->n >= MAX_PARTS)
		return error_fill(err, EZ_E_CONFIG, "",
				  "the snapshot has more than %d parts", MAX_PARTS);
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->parts = xrealloc(p->parts, p->cap * sizeof(struct ez_part *));
	}
	copy = xcalloc(1, sizeof(*copy) + part->spec.len + 1);
	spec = (char *)(copy + 1);
	memcpy(copy, part, MIN(part->size, sizeof(*copy)));
	if (part->spec.len > 0)
		memcpy(spec, part->spec.ptr, part->spec.len);
	copy->size = sizeof(*copy);
	copy->spec = (struct ez_view){ spec, part->spec.len };
	copy->number = (uint32_t)p->n;
	table_ref(table_of(part->table));
	p->parts[p->n++] = copy;
	return EZ_OK;
}
