/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLUMNS_METADATA_H
#define COLUMNS_METADATA_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/str.h"
#include "base/view.h"

/*
 * What an event knows about itself, as canonical text for a column.
 */
enum metadata {
	METADATA_NONE = 0,
	METADATA_OP,
	METADATA_COMMIT_LSN,
	METADATA_COMMIT_TS,
	METADATA_LSN,
	METADATA_SCHEMA,
	METADATA_TABLE,
	METADATA_XID,
	METADATA_SEQ,
	_METADATA_MAX,
};

#define METADATA_NAMES \
 "$op, $commit_lsn, $commit_ts, $lsn, $schema, $table, $xid and $seq"

/* METADATA_NONE for a name that is not known. */
enum metadata metadata_parse(struct ez_view name);

/* enum ez_type of the column. */
uint32_t metadata_type(enum metadata m);

/* The source's name of that type, as PostgreSQL would have it. */
const char *metadata_native(enum metadata m);

/* Whether it is the same for every event of a table. */
static inline bool metadata_is_fixed(enum metadata m)
{
	return m == METADATA_NONE || m == METADATA_SCHEMA || m == METADATA_TABLE;
}

/* Room for what metadata_text writes. */
struct metadata_buf {
	char text[40];
};

/* Points into `buf` or at a name of the table; false when the event does not know it. */
_must_check_ bool metadata_text(enum metadata m, const struct ez_event *ev,
				struct metadata_buf *buf, struct ez_view *ret_text);

#endif
