/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "stream.h"

#include <libpq-fe.h>

#include "base/view.h"
#include "base/wire.h"

#include "lsn.h"
#include "pgoutput.h"

enum {
	FAT_BYTES = 16 * 1024 * 1024, /* libpq keeps a buffer that has grown to this */
};

/*
 * A held transaction does not keep the position from moving. It commits behind whatever the
 * server says meanwhile, and from a position before its commit the server sends all of it
 * again: the log it needs is kept by restart_lsn, which stays before the oldest transaction
 * that runs. Else an hour of loading would look like an hour of lag, and --until would wait
 * for the end of a transaction that is none of its business.
 */
bool feed_is_quiet(const struct pg_stream *s)
{
	return s->block_xid == 0 && !s->replay && decode_is_quiet(&s->decode);
}

bool feed_is_empty(const struct pg_stream *s)
{
	return feed_is_quiet(s) && held_count(s->held) == 0;
}

static void note_received(struct pg_stream *s, uint64_t lsn)
{
	if (lsn > s->received_lsn)
		s->received_lsn = lsn;
}

static int malformed(struct pg_stream *s, const struct decode_message *m,
		     const struct wire *w, struct ez_error *err)
{
	return decode_fail_malformed(&s->decode, m, w ? w->pos : NULL, err);
}

static int on_begin(struct pg_stream *s, const struct decode_message *m, struct wire *w,
		    struct ez_error *err)
{
	struct protocol_begin b;

	if (s->decode.is_open || !protocol_begin(w, &b) || wire_left(w) != 0)
		return malformed(s, m, w, err);
	return decode_begin(&s->decode, b.final_lsn, b.xid, b.time_us, err);
}

static int on_commit(struct pg_stream *s, const struct decode_message *m, struct wire *w,
		     struct ez_error *err)
{
	struct protocol_commit c;

	if (!s->decode.is_open || !protocol_commit(w, &c) || wire_left(w) != 0 ||
	    c.commit_lsn != s->decode.tx.lsn)
		return malformed(s, m, w, err);
	note_received(s, c.end_lsn);
	return decode_commit(&s->decode, &c, err);
}

static int on_stream_start(struct pg_stream *s, const struct decode_message *m,
			   struct wire *w, struct ez_error *err)
{
	struct protocol_stream_start start;
	struct held_tx *tx;

	if (s->decode.is_open || !protocol_stream_start(w, &start) || wire_left(w) != 0)
		return malformed(s, m, w, err);
	tx = held_find(s->held, start.xid);
	if (!start.first && !tx)
		return malformed(s, m, NULL, err);
	if (start.first)
		held_drop(s->held, tx); /* whoever had the number before */
	if (held_count(s->held) == 0)
		map_release(&s->unwanted, NULL);
	held_open(s->held, start.xid);
	s->block_xid = start.xid;
	return EZ_OK;
}

/* With one transaction that stays open for days the map would never be empty. */
static void forget_unwanted(struct pg_stream *s, uint32_t xid)
{
	map_for_each(e, &s->unwanted) {
		if (e->id >> 32 == xid)
			(void)map_remove_u64(&s->unwanted, e->id);
	}
}

static int on_stream_abort(struct pg_stream *s, const struct decode_message *m,
			   struct wire *w, struct ez_error *err)
{
	struct protocol_stream_abort a;
	struct held_tx *tx;

	if (!protocol_stream_abort(w, &a) || wire_left(w) != 0)
		return malformed(s, m, w, err);
	tx = held_find(s->held, a.xid);
	if (!tx)
		return EZ_OK;
	if (a.xid == a.subxid) {
		held_drop(s->held, tx);
		forget_unwanted(s, a.xid);
	} else {
		held_abort_sub(s->held, tx, a.subxid);
	}
	return EZ_OK;
}

static void end_replay(struct pg_stream *s)
{
	held_drop(s->held, s->replay);
	s->replay = NULL;
	s->has_replayed = false;
}

static int on_stream_commit(struct pg_stream *s, const struct decode_message *m,
			    struct wire *w, struct ez_error *err)
{
	struct protocol_commit c;
	int rc;

	if (s->decode.is_open || !protocol_stream_commit(w, &c) || wire_left(w) != 0)
		return malformed(s, m, w, err);
	s->replay = held_take(s->held, c.xid);
	if (!s->replay)
		return malformed(s, m, NULL, err);
	forget_unwanted(s, c.xid);
	s->replay_end = c;
	note_received(s, c.end_lsn);
	rc = decode_begin(&s->decode, c.commit_lsn, c.xid, c.time_us, err);
	if (rc != EZ_OK || s->decode.is_old) {
		s->decode.is_open = false;
		end_replay(s);
	}
	return rc;
}

/*
 * Rows of tables that the job leaves out would be read back only to be passed over, so they
 * are not kept at all. Which tables these are is known per transaction: the server describes
 * a table in each streamed transaction anew, and inside one the name may change.
 */
static bool is_unwanted(struct pg_stream *s, uint8_t type, struct wire w)
{
	uint64_t key = (uint64_t)s->block_xid << 32;
	struct protocol_relation rel;
	uint32_t oid;

	if (type == MSG_RELATION && protocol_relation(&w, &rel)) {
		key |= rel.oid;
		if (relation_is_selected(s->pg, &rel))
			(void)map_remove_u64(&s->unwanted, key);
		else
			(void)map_put_u64(&s->unwanted, key, NULL);
		return false;
	}
	if (map_len(&s->unwanted) == 0 ||
	    (type != MSG_INSERT && type != MSG_UPDATE && type != MSG_DELETE) ||
	    !wire_u32(&w, &oid))
		return false;
	return map_find_u64(&s->unwanted, key | oid) != NULL;
}

/* Inside a stream block: keep what is about changes. */
static int hold(struct pg_stream *s, const struct decode_message *m, uint8_t type,
		struct wire *w, struct ez_error *err)
{
	uint32_t xid;

	switch (type) {
	case MSG_STREAM_STOP:
		s->block_xid = 0;
		return EZ_OK;
	case MSG_ORIGIN:
		return EZ_OK;
	case MSG_RELATION:
	case MSG_TYPE:
	case MSG_INSERT:
	case MSG_UPDATE:
	case MSG_DELETE:
	case MSG_TRUNCATE:
	case MSG_MESSAGE:
		if (!wire_u32(w, &xid))
			return malformed(s, m, w, err);
		if (is_unwanted(s, type, *w))
			return EZ_OK;
		return held_append(s->held, held_find(s->held, s->block_xid), xid, m->lsn,
				   m->bytes, err);
	default:
		return malformed(s, m, NULL, err);
	}
}

static int fail_prepared(struct pg_stream *s, const struct decode_message *m,
			 struct ez_error *err)
{
	const struct ez_host *host = s->pg->host;

	host->fail(
		err, EZ_E_CONFIG, "",
		"%s message at %s: slot %s was made with two_phase, which is not used here",
		protocol_type_to_str((uint8_t)m->bytes.ptr[0]), lsn_format(m->lsn).text,
		s->pg->opt.slot);
	return host->hint(err,
			  "without it prepared transactions come when they commit: let "
			  "the job make its own slot");
}

static int on_xlogdata(struct pg_stream *s, struct decode_message *m,
		       struct ez_error *err)
{
	struct wire w = wire_of_view(m->bytes);
	uint8_t type;

	if (UNLIKELY(!wire_u8(&w, &type)))
		return malformed(s, m, &w, err);
	if (UNLIKELY(s->block_xid))
		return hold(s, m, type, &w, err);
	switch (type) {
	case MSG_BEGIN:
		return on_begin(s, m, &w, err);
	case MSG_COMMIT:
		return on_commit(s, m, &w, err);
	case MSG_STREAM_START:
		return on_stream_start(s, m, &w, err);
	case MSG_STREAM_COMMIT:
		return on_stream_commit(s, m, &w, err);
	case MSG_STREAM_ABORT:
		return on_stream_abort(s, m, &w, err);
	case MSG_BEGIN_PREPARE:
	case MSG_PREPARE:
	case MSG_COMMIT_PREPARED:
	case MSG_ROLLBACK_PREPARED:
	case MSG_STREAM_PREPARE:
		return fail_prepared(s, m, err);
	default:
		return decode_change(&s->decode, m, false, err);
	}
}

static int on_keepalive(struct pg_stream *s, const struct decode_message *m,
			struct wire *w, struct ez_error *err)
{
	struct protocol_keepalive k;

	if (!protocol_keepalive(w, &k))
		return malformed(s, m, w, err);
	note_received(s, k.end_lsn);
	if (k.reply_requested)
		s->wants_status = true;
	/* Inside a transaction the position is one from before its end (trap A1). */
	if (feed_is_quiet(s) && k.end_lsn > s->decode.quiet_lsn)
		s->decode.quiet_lsn = k.end_lsn;
	return EZ_OK;
}

int feed_message(struct pg_stream *s, char **message, size_t len, struct ez_error *err)
{
	struct wire w = wire_of(*message, len);
	struct decode_message m = { .bytes = view_of(*message, len),
				    .owner = *message,
				    .owner_bytes = len,
				    .release = PQfreemem };
	struct protocol_xlogdata x;
	uint8_t type;
	int rc;

	if (len >= FAT_BYTES)
		s->is_fat = true;
	if (!wire_u8(&w, &type))
		return malformed(s, &m, NULL, err);
	if (UNLIKELY(type == COPY_KEEPALIVE))
		return on_keepalive(s, &m, &w, err);
	if (UNLIKELY(type != COPY_XLOGDATA || !protocol_xlogdata(&w, &x)))
		return malformed(s, &m, &w, err);
	m.lsn = x.start_lsn;
	m.bytes = view_of(w.pos, wire_left(&w));
	note_received(s, x.start_lsn);
	rc = on_xlogdata(s, &m, err);
	*message = m.owner;
	return rc;
}

/* The message at hand: a new one, or the one that could not be decoded yet. */
static int next_replayed(struct pg_stream *s, struct ez_error *err)
{
	int rc;

	if (s->has_replayed)
		return EZ_OK;
	rc = held_next(s->held, s->replay, &s->replayed, err);
	s->has_replayed = rc == EZ_OK;
	return rc;
}

int feed_replay(struct pg_stream *s, unsigned most, struct ez_error *err)
{
	int rc = EZ_OK;

	for (unsigned i = 0; i < most; i++) {
		struct decode_message m = { .lsn = 0 };

		rc = next_replayed(s, err);
		if (rc == EZ_EOF) {
			end_replay(s);
			return decode_commit(&s->decode, &s->replay_end, err);
		}
		if (rc < 0)
			return rc;
		m.lsn = s->replayed.lsn;
		m.bytes = s->replayed.bytes;
		rc = decode_change(&s->decode, &m, true, err);
		if (rc == EZ_E_TRANSIENT)
			return rc;
		s->has_replayed = false;
		if (rc != EZ_OK)
			return rc;
	}
	return EZ_OK;
}

void feed_lost(struct pg_stream *s)
{
	ASSERT(!s->replay);
	decode_lost(&s->decode);
	held_drop_all(s->held);
	map_release(&s->unwanted, NULL);
	s->block_xid = 0;
	s->wants_status = false;
	PQfreemem(s->raw);
	s->raw = NULL;
}
