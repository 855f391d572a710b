/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_NAMES_H
#define FILE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * The names of the sink's files.
 *
 *	<job>-t<sequence, 10 digits>.jsonl
 *	<job>-s<snapshot, 4>-<schema.table>-<part, 5>-<sequence, 6>.jsonl
 *
 * Sorted by bytes they are in commit order. In the per-table layout they stand in a folder
 * <schema.table>. While a file is being written its name ends in NAMES_PART. Schema and
 * table are percent-encoded, and shortened with a hash when the file system could not take
 * the name. A number with more digits than its field simply is longer.
 */
#define NAMES_PART  ".part"
#define NAMES_NOTES ".ezcdc"

/* Where messages go in the per-table layout; no table's folder lacks the point. */
#define NAMES_MESSAGES "_messages"

enum {
	NAMES_MAX = 512, /* bytes of folder and name, with the terminator */
};

/* Everything but letters, digits, "_" and "-" becomes %XX. */
void names_add_encoded(struct buf *b, struct ez_view v);

/* "schema.table". */
void names_add_table(struct buf *b, struct ez_view schema, struct ez_view table);

void names_add_stream(struct buf *b, const char *job, uint64_t seq, const char *suffix);

struct names_snapshot {
	uint64_t number;
	const char *table; /* as from names_add_table */
	uint32_t part;
	uint64_t seq;
};

void names_add_snapshot(struct buf *b, const char *job, const struct names_snapshot *s,
			const char *suffix);

/* What a file's name (without its folder) says. */
struct names_parsed {
	uint64_t seq;         /* of a stream file */
	uint64_t snapshot;    /* 0: a stream file */
	struct ez_view table; /* of a snapshot file; into the name */
	bool is_part;         /* it ends in NAMES_PART */
};

/* False when the name is not one of this job's. */
_must_check_ bool names_parse(struct ez_view name, const char *job,
			      struct names_parsed *ret);

#endif
