/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PGOUTPUT_MESSAGES_H
#define TESTS_PGOUTPUT_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Builds what a server would send, byte by byte.
 *
 * Each function appends one message (or a piece of one) to a buffer. `xid` 0 leaves the
 * transaction id out, as outside of stream blocks. Times are the server's: microseconds
 * since 2000. A row is an array of strings: NULL is SQL's NULL, MSG_UNCHANGED stands for a
 * large value that was not sent.
 */
extern const char MSG_UNCHANGED[];

#define MSG_ROW(...)                   \
 (const char *const[]){ __VA_ARGS__ }, \
	 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

void msg_u16(struct buf *b, uint16_t v);
void msg_u32(struct buf *b, uint32_t v);
void msg_u64(struct buf *b, uint64_t v);
void msg_str(struct buf *b, const char *s); /* with its NUL */

/* The header of a CopyData message, to be followed by one of the others. */
void msg_xlogdata(struct buf *b, uint64_t lsn);
void msg_keepalive(struct buf *b, uint64_t end_lsn, bool wants_reply);

void msg_begin(struct buf *b, uint64_t final_lsn, int64_t time_us, uint32_t xid);
void msg_commit(struct buf *b, uint64_t commit_lsn, uint64_t end_lsn, int64_t time_us);

/* Columns: "id:23:k v:25", name and type OID, k for what belongs to the identity. */
void msg_relation(struct buf *b, uint32_t xid, uint32_t oid, const char *name,
		  char identity, const char *columns);
void msg_type(struct buf *b, uint32_t xid, uint32_t oid, const char *name);
void msg_origin(struct buf *b, uint64_t lsn, const char *name);

void msg_tuple(struct buf *b, char letter, const char *const *values, size_t n);
void msg_insert(struct buf *b, uint32_t xid, uint32_t oid, const char *const *values,
		size_t n);
/* The tuples follow with msg_tuple(): K or O, then N. */
void msg_update(struct buf *b, uint32_t xid, uint32_t oid);
void msg_delete(struct buf *b, uint32_t xid, uint32_t oid);
void msg_truncate(struct buf *b, uint32_t xid, uint8_t flags, const uint32_t *oids,
		  uint32_t n);
void msg_message(struct buf *b, uint32_t xid, bool transactional, uint64_t lsn,
		 const char *prefix, const char *content);

void msg_stream_start(struct buf *b, uint32_t xid, bool first);
void msg_stream_stop(struct buf *b);
void msg_stream_commit(struct buf *b, uint32_t xid, uint64_t commit_lsn, uint64_t end_lsn,
		       int64_t time_us);
void msg_stream_abort(struct buf *b, uint32_t xid, uint32_t subxid);

#endif
