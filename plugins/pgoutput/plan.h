/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_PLAN_H
#define PGOUTPUT_PLAN_H

#include <ezcdc/plugin.h>

#include "base/attr.h"

struct pg;
struct pg_published_list;
struct pg_storage_list;

/*
 * Cuts what is to be copied into parts: ranges of blocks of about `part_bytes`, more of them
 * when few would leave readers idle, the last one open at its end. A table whose rows cannot
 * be read by range (server 13, other table access methods) is one part, and an empty one too,
 * so that the sink hears of every table.
 */
_must_check_ int pg_plan_parts(struct pg *pg, struct ez_plan *plan, struct ez_out *out,
			       const struct pg_published_list *tables,
			       const struct pg_storage_list *storage,
			       struct ez_error *err);

/* The number of parts for a table of that size. */
uint32_t pg_plan_count(int64_t bytes, int64_t blocks, uint64_t part_bytes,
		       uint32_t workers);

#endif
