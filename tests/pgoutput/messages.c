/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "messages.h"

#include <stdlib.h>
#include <string.h>

const char MSG_UNCHANGED[] = "(unchanged)";

void msg_u16(struct buf *b, uint16_t v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)v);
}

void msg_u32(struct buf *b, uint32_t v)
{
	msg_u16(b, (uint16_t)(v >> 16));
	msg_u16(b, (uint16_t)v);
}

void msg_u64(struct buf *b, uint64_t v)
{
	msg_u32(b, (uint32_t)(v >> 32));
	msg_u32(b, (uint32_t)v);
}

void msg_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

static void head(struct buf *b, char type, uint32_t xid)
{
	buf_add_char(b, type);
	if (xid)
		msg_u32(b, xid);
}

void msg_xlogdata(struct buf *b, uint64_t lsn)
{
	buf_add_char(b, 'w');
	msg_u64(b, lsn);
	msg_u64(b, lsn);
	msg_u64(b, 0);
}

void msg_keepalive(struct buf *b, uint64_t end_lsn, bool wants_reply)
{
	buf_add_char(b, 'k');
	msg_u64(b, end_lsn);
	msg_u64(b, 0);
	buf_add_char(b, wants_reply ? 1 : 0);
}

void msg_begin(struct buf *b, uint64_t final_lsn, int64_t time_us, uint32_t xid)
{
	buf_add_char(b, 'B');
	msg_u64(b, final_lsn);
	msg_u64(b, (uint64_t)time_us);
	msg_u32(b, xid);
}

static void commit_body(struct buf *b, uint64_t commit_lsn, uint64_t end_lsn,
			int64_t time_us)
{
	buf_add_char(b, 0);
	msg_u64(b, commit_lsn);
	msg_u64(b, end_lsn);
	msg_u64(b, (uint64_t)time_us);
}

void msg_commit(struct buf *b, uint64_t commit_lsn, uint64_t end_lsn, int64_t time_us)
{
	buf_add_char(b, 'C');
	commit_body(b, commit_lsn, end_lsn, time_us);
}

/* One "name:oid[:k]" of `columns`; returns what follows. */
static const char *add_column(struct buf *b, const char *columns)
{
	size_t name = strcspn(columns, ":"), all = strcspn(columns, " ");
	char *end;
	unsigned long oid = strtoul(columns + name + 1, &end, 10);

	buf_add_char(b, *end == ':' ? 1 : 0);
	buf_add(b, columns, name);
	buf_add_char(b, 0);
	msg_u32(b, (uint32_t)oid);
	msg_u32(b, UINT32_MAX);
	columns += all;
	return *columns == ' ' ? columns + 1 : columns;
}

void msg_relation(struct buf *b, uint32_t xid, uint32_t oid, const char *name,
		  char identity, const char *columns)
{
	uint16_t n = *columns ? 1 : 0;

	head(b, 'R', xid);
	msg_u32(b, oid);
	msg_str(b, "public");
	msg_str(b, name);
	buf_add_char(b, identity);
	for (const char *p = columns; *p; p++)
		n = (uint16_t)(n + (*p == ' '));
	msg_u16(b, n);
	while (*columns)
		columns = add_column(b, columns);
}

void msg_type(struct buf *b, uint32_t xid, uint32_t oid, const char *name)
{
	head(b, 'Y', xid);
	msg_u32(b, oid);
	msg_str(b, "public");
	msg_str(b, name);
}

void msg_origin(struct buf *b, uint64_t lsn, const char *name)
{
	buf_add_char(b, 'O');
	msg_u64(b, lsn);
	msg_str(b, name);
}

void msg_tuple(struct buf *b, char letter, const char *const *values, size_t n)
{
	buf_add_char(b, letter);
	msg_u16(b, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		const char *v = values[i];

		if (!v || v == MSG_UNCHANGED) {
			buf_add_char(b, v ? 'u' : 'n');
			continue;
		}
		buf_add_char(b, 't');
		msg_u32(b, (uint32_t)strlen(v));
		buf_add_str(b, v);
	}
}

void msg_insert(struct buf *b, uint32_t xid, uint32_t oid, const char *const *values,
		size_t n)
{
	head(b, 'I', xid);
	msg_u32(b, oid);
	msg_tuple(b, 'N', values, n);
}

void msg_update(struct buf *b, uint32_t xid, uint32_t oid)
{
	head(b, 'U', xid);
	msg_u32(b, oid);
}

void msg_delete(struct buf *b, uint32_t xid, uint32_t oid)
{
	head(b, 'D', xid);
	msg_u32(b, oid);
}

void msg_truncate(struct buf *b, uint32_t xid, uint8_t flags, const uint32_t *oids,
		  uint32_t n)
{
	head(b, 'T', xid);
	msg_u32(b, n);
	buf_add_char(b, (char)flags);
	for (uint32_t i = 0; i < n; i++)
		msg_u32(b, oids[i]);
}

void msg_message(struct buf *b, uint32_t xid, bool transactional, uint64_t lsn,
		 const char *prefix, const char *content)
{
	head(b, 'M', xid);
	buf_add_char(b, transactional ? 1 : 0);
	msg_u64(b, lsn);
	msg_str(b, prefix);
	msg_u32(b, (uint32_t)strlen(content));
	buf_add_str(b, content);
}

void msg_stream_start(struct buf *b, uint32_t xid, bool first)
{
	head(b, 'S', xid);
	buf_add_char(b, first ? 1 : 0);
}

void msg_stream_stop(struct buf *b)
{
	buf_add_char(b, 'E');
}

void msg_stream_commit(struct buf *b, uint32_t xid, uint64_t commit_lsn, uint64_t end_lsn,
		       int64_t time_us)
{
	head(b, 'c', xid);
	commit_body(b, commit_lsn, end_lsn, time_us);
}

void msg_stream_abort(struct buf *b, uint32_t xid, uint32_t subxid)
{
	head(b, 'A', xid);
	msg_u32(b, subxid);
}
