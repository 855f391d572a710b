/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "protocol.h"

#include "lsn.h"

static bool read_flag(struct wire *w, bool *ret_flag)
{
	uint8_t v;

	if (!wire_u8(w, &v))
		return false;
	*ret_flag = v != 0;
	return true;
}

static bool read_time(struct wire *w, int64_t *ret_time_us)
{
	int64_t pg_us;

	if (!wire_i64(w, &pg_us))
		return false;
	*ret_time_us = pg_time_to_unix_us(pg_us);
	return true;
}

bool protocol_xlogdata(struct wire *w, struct protocol_xlogdata *ret)
{
	return wire_u64(w, &ret->start_lsn) && wire_u64(w, &ret->end_lsn) &&
	       read_time(w, &ret->time_us);
}

bool protocol_keepalive(struct wire *w, struct protocol_keepalive *ret)
{
	return wire_u64(w, &ret->end_lsn) && read_time(w, &ret->time_us) &&
	       read_flag(w, &ret->reply_requested);
}

static char *put_u64(char *to, uint64_t v)
{
	for (unsigned shift = 64; shift > 0;) {
		shift -= 8;
		*to++ = (char)(v >> shift);
	}
	return to;
}

void protocol_status_format(const struct protocol_status *s,
			    char ret_bytes[PROTOCOL_STATUS_BYTES])
{
	char *to = ret_bytes;

	*to++ = 'r';
	to = put_u64(to, s->received_lsn);
	to = put_u64(to, s->flushed_lsn);
	to = put_u64(to, s->flushed_lsn);
	to = put_u64(to, (uint64_t)unix_to_pg_time_us(s->time_us));
	*to = s->request_reply ? 1 : 0;
}

bool protocol_begin(struct wire *w, struct protocol_begin *ret)
{
	return wire_u64(w, &ret->final_lsn) && read_time(w, &ret->time_us) &&
	       wire_u32(w, &ret->xid);
}

bool protocol_commit(struct wire *w, struct protocol_commit *ret)
{
	uint8_t flags;

	ret->xid = 0;
	return wire_u8(w, &flags) && wire_u64(w, &ret->commit_lsn) &&
	       wire_u64(w, &ret->end_lsn) && read_time(w, &ret->time_us) &&
	       ret->commit_lsn < ret->end_lsn;
}

bool protocol_stream_commit(struct wire *w, struct protocol_commit *ret)
{
	uint32_t xid;

	if (!wire_u32(w, &xid) || !protocol_commit(w, ret))
		return false;
	ret->xid = xid;
	return true;
}

bool protocol_origin(struct wire *w)
{
	struct ez_view name;
	uint64_t lsn;

	return wire_u64(w, &lsn) && wire_cstr(w, &name);
}

bool protocol_type(struct wire *w)
{
	struct ez_view schema, name;
	uint32_t oid;

	return wire_u32(w, &oid) && wire_cstr(w, &schema) && wire_cstr(w, &name);
}

bool protocol_column(struct wire *w, struct protocol_column *ret)
{
	uint8_t flags;

	if (!wire_u8(w, &flags) || !wire_cstr(w, &ret->name) ||
	    !wire_u32(w, &ret->type) || !wire_i32(w, &ret->type_mod))
		return false;
	ret->is_identity = flags & 1;
	return true;
}

bool protocol_relation(struct wire *w, struct protocol_relation *ret)
{
	struct protocol_column column;
	uint16_t n;
	uint8_t identity;

	if (!wire_u32(w, &ret->oid) || !wire_cstr(w, &ret->schema) ||
	    !wire_cstr(w, &ret->name) || !wire_u8(w, &identity) || !wire_u16(w, &n))
		return false;
	ret->identity = (char)identity;
	ret->n_columns = n;
	ret->columns = *w;
	for (uint16_t i = 0; i < n; i++)
		if (!protocol_column(w, &column))
			return false;
	ret->columns.end = w->pos;
	return true;
}

bool protocol_truncate(struct wire *w, struct protocol_truncate *ret)
{
	uint32_t n;
	uint8_t flags;

	if (!wire_u32(w, &n) || !wire_u8(w, &flags) || n > wire_left(w) / 4)
		return false;
	ret->n_relations = n;
	ret->cascade = flags & 1;
	ret->restart_identity = flags & 2;
	ret->oids = *w;
	if (!wire_skip(w, (size_t)n * 4))
		return false;
	ret->oids.end = w->pos;
	return true;
}

bool protocol_message(struct wire *w, struct protocol_message *ret)
{
	uint8_t flags;
	uint32_t len;

	if (!wire_u8(w, &flags) || !wire_u64(w, &ret->lsn) ||
	    !wire_cstr(w, &ret->prefix) || !wire_u32(w, &len) ||
	    !wire_bytes(w, len, &ret->content))
		return false;
	ret->transactional = flags & 1;
	return true;
}

bool protocol_stream_start(struct wire *w, struct protocol_stream_start *ret)
{
	return wire_u32(w, &ret->xid) && read_flag(w, &ret->first) && ret->xid != 0;
}

/* Servers that stream to parallel appliers add a position and a time; we do not ask for
 * that, and would have no use for them. */
bool protocol_stream_abort(struct wire *w, struct protocol_stream_abort *ret)
{
	return wire_u32(w, &ret->xid) && wire_u32(w, &ret->subxid) &&
	       (wire_left(w) == 0 || wire_skip(w, 16));
}

const char *protocol_type_to_str(uint8_t type)
{
	static const struct {
		uint8_t type;
		const char *name;
	} names[] = {
		{ MSG_BEGIN, "begin" },
		{ MSG_COMMIT, "commit" },
		{ MSG_ORIGIN, "origin" },
		{ MSG_RELATION, "relation" },
		{ MSG_TYPE, "type" },
		{ MSG_INSERT, "insert" },
		{ MSG_UPDATE, "update" },
		{ MSG_DELETE, "delete" },
		{ MSG_TRUNCATE, "truncate" },
		{ MSG_MESSAGE, "message" },
		{ MSG_STREAM_START, "stream start" },
		{ MSG_STREAM_STOP, "stream stop" },
		{ MSG_STREAM_COMMIT, "stream commit" },
		{ MSG_STREAM_ABORT, "stream abort" },
		{ MSG_BEGIN_PREPARE, "begin prepare" },
		{ MSG_PREPARE, "prepare" },
		{ MSG_COMMIT_PREPARED, "commit prepared" },
		{ MSG_ROLLBACK_PREPARED, "rollback prepared" },
		{ MSG_STREAM_PREPARE, "stream prepare" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return "unknown";
}
