/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_PART_SPEC_H
#define PGOUTPUT_PART_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * What a reader has to know of a part beside the shape of its rows, as the text that the
 * engine keeps for it: which table the rows are in (a partition, when the part's table is
 * its root), which blocks of it, and the publication's row filter.
 *
 * The token of a snapshot is text too: its name at the server, the consistent point that
 * belongs to it, and when it was taken.
 */
struct part_spec {
	uint32_t oid;
	uint32_t from,
		to; /* blocks [from, to); to 0: to the end; both 0: the whole table */
	struct ez_view schema, name, filter;
};

void part_spec_add(struct buf *b, const struct part_spec *spec);

/* The views point into `text`. */
_must_check_ bool part_spec_parse(struct ez_view text, struct part_spec *ret_spec);

struct snapshot_token {
	struct ez_view name;
	uint64_t lsn;
	int64_t time_us;
	int64_t pid; /* of the session that holds the locks */
};

void snapshot_token_add(struct buf *b, const struct snapshot_token *token);
_must_check_ bool snapshot_token_parse(struct ez_view text, struct snapshot_token *ret);

#endif
