/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_PROTOCOL_H
#define PGOUTPUT_PROTOCOL_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/wire.h"

/*
 * The messages of the replication connection and of pgoutput, from bytes to structs.
 *
 * Pure functions over a wire cursor that stands behind the message's type byte. Each
 * returns false when the message is cut short or holds something impossible; the cursor
 * then stands where the trouble is, which is what an error message wants to know. No
 * length or count from the wire is trusted before it was compared with the bytes that
 * are left. Views point into the message.
 *
 * Tuples are not turned into structs of their own but parsed straight into the cells of an
 * event (protocol_tuple): that is the hot path of the whole source.
 *
 * Inside a stream block every message about a change begins with the id of the transaction
 * or subtransaction that made it; the caller takes it off before it comes here.
 */

/* What a CopyData message of the walsender is. */
enum { COPY_XLOGDATA = 'w', COPY_KEEPALIVE = 'k' };

struct protocol_xlogdata {
	uint64_t start_lsn,
		end_lsn; /* for logical decoding both are the record's place */
	int64_t time_us; /* server's clock, since 1970 */
};

struct protocol_keepalive {
	uint64_t end_lsn; /* everything before it has been sent */
	int64_t time_us;
	bool reply_requested;
};

enum { PROTOCOL_STATUS_BYTES = 34, PROTOCOL_XLOGDATA_BYTES = 25 };

/* The client's only message: what was received, and what is durable. */
struct protocol_status {
	uint64_t received_lsn, flushed_lsn;
	int64_t time_us;
	bool request_reply;
};

/* Types of pgoutput messages. */
enum protocol_type {
	MSG_BEGIN = 'B',
	MSG_COMMIT = 'C',
	MSG_ORIGIN = 'O',
	MSG_RELATION = 'R',
	MSG_TYPE = 'Y',
	MSG_INSERT = 'I',
	MSG_UPDATE = 'U',
	MSG_DELETE = 'D',
	MSG_TRUNCATE = 'T',
	MSG_MESSAGE = 'M',
	MSG_STREAM_START = 'S',
	MSG_STREAM_STOP = 'E',
	MSG_STREAM_COMMIT = 'c',
	MSG_STREAM_ABORT = 'A',
	MSG_BEGIN_PREPARE = 'b',
	MSG_PREPARE = 'P',
	MSG_COMMIT_PREPARED = 'K',
	MSG_ROLLBACK_PREPARED = 'r',
	MSG_STREAM_PREPARE = 'p'
};

struct protocol_begin {
	uint64_t final_lsn; /* where the commit record is */
	int64_t time_us;
	uint32_t xid;
};

struct protocol_commit {
	uint64_t commit_lsn, end_lsn;
	int64_t time_us;
	uint32_t xid; /* stream commit only */
};

struct protocol_relation {
	uint32_t oid;
	uint32_t n_columns;
	struct ez_view schema, name; /* schema: pg_catalog travels as "" */
	char identity;               /* d, n, f, i */
	struct wire columns;         /* exactly n_columns of them, checked */
};

struct protocol_column {
	struct ez_view name;
	uint32_t type; /* OID */
	int32_t type_mod;
	bool is_identity;
};

struct protocol_truncate {
	uint32_t n_relations;
	bool cascade, restart_identity;
	struct wire oids; /* exactly n_relations of them */
};

struct protocol_message {
	struct ez_view prefix, content;
	uint64_t lsn;
	bool transactional;
};

struct protocol_stream_start {
	uint32_t xid;
	bool first;
};

struct protocol_stream_abort {
	uint32_t xid, subxid; /* the same: the whole transaction */
};

_must_check_ bool protocol_xlogdata(struct wire *w, struct protocol_xlogdata *ret);
_must_check_ bool protocol_keepalive(struct wire *w, struct protocol_keepalive *ret);
void protocol_status_format(const struct protocol_status *s,
			    char ret_bytes[PROTOCOL_STATUS_BYTES]);

_must_check_ bool protocol_begin(struct wire *w, struct protocol_begin *ret);
_must_check_ bool protocol_commit(struct wire *w, struct protocol_commit *ret);
_must_check_ bool protocol_origin(struct wire *w);
_must_check_ bool protocol_relation(struct wire *w, struct protocol_relation *ret);
/* Cannot fail on the `columns` of a relation that was parsed, n_columns times. */
_must_check_ bool protocol_column(struct wire *w, struct protocol_column *ret);
_must_check_ bool protocol_type(struct wire *w);
_must_check_ bool protocol_truncate(struct wire *w, struct protocol_truncate *ret);
_must_check_ bool protocol_message(struct wire *w, struct protocol_message *ret);
_must_check_ bool protocol_stream_start(struct wire *w,
					struct protocol_stream_start *ret);
_must_check_ bool protocol_stream_commit(struct wire *w, struct protocol_commit *ret);
_must_check_ bool protocol_stream_abort(struct wire *w,
					struct protocol_stream_abort *ret);

/* "insert", or "unknown". */
const char *protocol_type_to_str(uint8_t type);

/*
 * Parses the values of one tuple, whose column count the caller has read and compared,
 * into `cells`: NULL, TEXT or UNCHANGED, pointing into the message. A binary value is an
 * error: we never ask for them.
 */
_must_check_ static inline bool protocol_tuple(struct wire *w, struct ez_cell *cells,
					       uint32_t n)
{
	struct wire at = *w;
	struct ez_view value = { NULL, 0 };
	uint32_t len;
	uint8_t kind;

	for (uint32_t i = 0; i < n; i++) {
		if (UNLIKELY(!wire_u8(&at, &kind)))
			goto broken;
		if (LIKELY(kind == 't')) {
			if (UNLIKELY(!wire_u32(&at, &len) ||
				     !wire_bytes(&at, len, &value)))
				goto broken;
			cells[i].ptr = value.ptr;
			cells[i].len = len;
			cells[i].kind = EZ_CELL_TEXT;
		} else if (LIKELY(kind == 'n' || kind == 'u')) {
			cells[i].ptr = NULL;
			cells[i].len = 0;
			cells[i].kind = kind == 'n' ? EZ_CELL_NULL : EZ_CELL_UNCHANGED;
		} else {
			goto broken;
		}
	}
	*w = at;
	return true;
broken:
	*w = at;
	return false;
}

#endif
