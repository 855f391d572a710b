/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "decode.h"

#include <inttypes.h>
#include <string.h>

#include "base/view.h"
#include "base/wire.h"

#include "lsn.h"
#include "pgoutput.h"
#include "protocol.h"

/*
 * The transaction that comes twice.
 *
 * A connection may end in the middle of a transaction of which the engine already has
 * events, in batches that may even be durable: a transaction larger than the memory budget
 * is handed over in parts. The new connection starts behind the last transaction that was
 * emitted whole (emitted_lsn), so the server sends the cut one again, from its beginning.
 *
 * It is the same transaction if place and id of the commit are the same; the place alone
 * would do, the id is a second witness. And it is the same sequence of events: what pgoutput
 * sends of a transaction depends on the log alone (it reads the catalog as of then), on the
 * options, which are the same, and on our patterns, which do not change in a running
 * process. Blocks or no blocks makes no difference: streamed or not, changes come in the
 * order of the log without those of rolled back subtransactions. So the first `cut_events`
 * events are counted instead of emitted, the engine is not told to begin again, and the
 * event after them gets the seq it would have had. RELATION messages on the way are read as
 * always: the cache of the old connection is gone.
 *
 * Between emitted_lsn and the cut transaction only such can come as have no event for us:
 * else emitted_lsn would stand behind them. Anything else (an event from another
 * transaction, a transaction beyond the cut one, the cut one ending early) means that this
 * is not the history we had begun to copy. That is fatal: nothing is acknowledged, and a
 * restart, which begins at a durable transaction end, is safe whatever the reason was.
 *
 * Rejected: asking the engine to take the open part of a transaction back. Parts that are
 * durable cannot be taken back, and counting is needed only here.
 */

enum {
	/* Up to here a copy is cheaper: libpq's buffer, freed at once, stays in the cache and
	 * mapped, while one that is adopted is new memory for every row. Measured with rows of
	 * 16 kB: 10 us against 22 us of processor time; with rows of 200 kB adopting wins. */
	ADOPT_BYTES = 64 * 1024,
};

void decode_init(struct decode *d, struct pg *pg)
{
	*d = (struct decode){ .pg = pg, .host = pg->host };
	relations_init(&d->relations);
}

void decode_release(struct decode *d)
{
	relations_reset(&d->relations);
}

void decode_start(struct decode *d, uint64_t lsn)
{
	d->emitted_lsn = lsn;
	d->quiet_lsn = lsn;
}

void decode_lost(struct decode *d)
{
	if (d->is_open && d->is_begun) {
		d->has_cut = true;
		d->cut_lsn = d->tx.lsn;
		d->cut_xid = d->tx.xid;
		d->cut_events = MAX(d->seq, d->skip);
	}
	d->is_open = false;
	d->is_begun = false;
	relations_reset(&d->relations);
}

int decode_fail_malformed(const struct decode *d, const struct decode_message *m,
			  const void *at, struct ez_error *err)
{
	uint8_t type = m->bytes.len ? (uint8_t)m->bytes.ptr[0] : 0;
	size_t offset = at ? (size_t)((const char *)at - m->bytes.ptr) : 0;

	d->host->fail(err, EZ_E_FATAL, "08P01",
		      "malformed %s message (type 0x%02x) at %s: %zu bytes, trouble at "
		      "offset %zu",
		      protocol_type_to_str(type), type, lsn_format(m->lsn).text,
		      m->bytes.len, MIN(offset, m->bytes.len));
	return d->host->hint(err, "the server speaks a protocol this version does not "
				  "know, or something between changes the data");
}

static int fail_unknown_relation(const struct decode *d, const struct decode_message *m,
				 uint32_t oid, struct ez_error *err)
{
	return d->host->fail(err, EZ_E_FATAL, "08P01",
			     "%s message at %s is about relation %" PRIu32
			     ", which the server has not described",
			     protocol_type_to_str((uint8_t)m->bytes.ptr[0]),
			     lsn_format(m->lsn).text, oid);
}

static int fail_column_count(const struct decode *d, const struct decode_message *m,
			     const struct relation *rel, unsigned sent,
			     struct ez_error *err)
{
	struct ez_view schema = relation_schema(rel), name = relation_name(rel);

	d->host->fail(err, EZ_E_FATAL, "08P01",
		      "row of %.*s.%.*s at %s has %u columns, its description %" PRIu32,
		      VIEW_ARG(schema), VIEW_ARG(name), lsn_format(m->lsn).text, sent,
		      rel->n_columns);
	return d->host->hint(err, "PostgreSQL 15.0 and 15.1 do this when a publication "
				  "has column lists: upgrade the server");
}

int decode_begin(struct decode *d, uint64_t final_lsn, uint32_t xid, int64_t time_us,
		 struct ez_error *err)
{
	d->tx = (struct ez_commit){
		.size = sizeof(d->tx), .lsn = final_lsn, .time_us = time_us, .xid = xid
	};
	d->is_open = true;
	d->is_begun = false;
	/* Its end is behind its commit record, and emitted_lsn is an end: between the two
	 * there is no other. */
	d->is_old = final_lsn < d->emitted_lsn;
	d->seq = 0;
	d->skip = 0;
	if (!d->has_cut || d->is_old)
		return EZ_OK;
	if (final_lsn == d->cut_lsn && xid == d->cut_xid) {
		d->has_cut = false;
		d->is_begun = true;
		d->skip = d->cut_events;
		return EZ_OK;
	}
	if (final_lsn < d->cut_lsn)
		return EZ_OK;
	return d->host->fail(err, EZ_E_FATAL, "",
			     "transaction %" PRIu32 " at %s, cut off by the loss of the "
			     "connection, did not come again; the server went on to %s",
			     d->cut_xid, lsn_format(d->cut_lsn).text,
			     lsn_format(final_lsn).text);
}

int decode_commit(struct decode *d, const struct protocol_commit *c, struct ez_error *err)
{
	struct lsn_text text;
	int rc;

	d->is_open = false;
	if (d->is_old)
		return EZ_OK;
	if (!d->is_begun) {
		d->quiet_lsn = MAX(d->quiet_lsn, c->end_lsn);
		return EZ_OK;
	}
	if (d->seq < d->skip)
		return d->host->fail(err, EZ_E_FATAL, "",
				     "transaction %" PRIu32 " at %s came again with "
				     "%" PRIu64 " changes; before there were at least "
				     "%" PRIu64,
				     d->tx.xid, lsn_format(d->tx.lsn).text, d->seq,
				     d->skip);
	d->is_begun = false;
	d->emitted_lsn = c->end_lsn;
	rc = d->host->commit(d->out, lsn_position(c->end_lsn, &text), err);
	return rc;
}

/* The engine has this event already: count it and go on. */
static inline bool pass_over(struct decode *d)
{
	if (LIKELY(d->seq >= d->skip))
		return false;
	d->seq++;
	return true;
}

static int begin_at_host(struct decode *d, struct ez_error *err)
{
	if (d->has_cut)
		return d->host->fail(err, EZ_E_FATAL, "",
				     "a change of transaction %" PRIu32 " at %s comes "
				     "before transaction %" PRIu32 " at %s, which was "
				     "cut off; it did not when that one came first",
				     d->tx.xid, lsn_format(d->tx.lsn).text, d->cut_xid,
				     lsn_format(d->cut_lsn).text);
	d->host->begin(d->out, &d->tx);
	d->is_begun = true;
	return EZ_OK;
}

static int emit(struct decode *d, struct ez_event *ev, uint64_t lsn, struct ez_error *err)
{
	ev->lsn = lsn;
	ev->flags |= d->pg->event_flags;
	ev->seq = d->seq++;
	d->n_emitted++;
	return d->host->emit(d->out, ev, err);
}

/* What all three kinds of row changes begin with. EZ_SKIP: not for us. */
static int row_begin(struct decode *d, const struct decode_message *m, struct wire *w,
		     struct relation **ret_rel, struct ez_error *err)
{
	struct relation *rel;
	uint32_t oid;
	int rc;

	if (UNLIKELY(!wire_u32(w, &oid)))
		return decode_fail_malformed(d, m, w->pos, err);
	rel = relation_find(&d->relations, oid);
	if (UNLIKELY(!rel))
		return fail_unknown_relation(d, m, oid, err);
	if (!rel->is_selected || d->is_old || pass_over(d))
		return EZ_SKIP;
	if (UNLIKELY(!rel->table)) {
		rc = relation_declare(rel, d->pg, &d->tx, d->out, err);
		if (rc != EZ_OK)
			return rc;
	}
	if (UNLIKELY(!d->is_begun)) {
		rc = begin_at_host(d, err);
		if (rc != EZ_OK)
			return rc;
	}
	*ret_rel = rel;
	return EZ_OK;
}

/* The rest of the message, in memory that lives as long as the batch. */
static struct wire keep(struct decode *d, struct decode_message *m, const struct wire *w)
{
	size_t n = wire_left(w);
	void *copy;

	if (UNLIKELY(n > ADOPT_BYTES) && m->owner) {
		d->host->adopt(d->out, m->owner, m->owner_bytes, m->release);
		m->owner = NULL;
		return *w;
	}
	copy = d->host->alloc(d->out, n);
	memcpy(copy, w->pos, n);
	return wire_of(copy, n);
}

/* The cursor may run over a copy: offsets count from the end, which is the same. */
static int fail_at(const struct decode *d, const struct decode_message *m,
		   const struct wire *w, struct ez_error *err)
{
	return decode_fail_malformed(d, m, m->bytes.ptr + m->bytes.len - wire_left(w),
				     err);
}

/* One tuple behind its letter. */
static int read_row(struct decode *d, const struct decode_message *m,
		    const struct relation *rel, struct wire *w, struct ez_cell *cells,
		    struct ez_error *err)
{
	uint16_t n;

	if (UNLIKELY(!wire_u16(w, &n)))
		return fail_at(d, m, w, err);
	if (UNLIKELY(n != rel->n_columns))
		return fail_column_count(d, m, rel, n, err);
	if (UNLIKELY(!protocol_tuple(w, cells, n)))
		return fail_at(d, m, w, err);
	return EZ_OK;
}

static int on_insert(struct decode *d, struct decode_message *m, struct wire *w,
		     struct ez_error *err)
{
	struct relation *rel;
	struct ez_event *ev;
	struct wire row;
	uint8_t letter;
	int rc = row_begin(d, m, w, &rel, err);

	if (UNLIKELY(rc != EZ_OK))
		return rc == EZ_SKIP ? EZ_OK : rc;
	if (UNLIKELY(!wire_u8(w, &letter) || letter != 'N'))
		return fail_at(d, m, w, err);
	row = keep(d, m, w);
	ev = d->host->event(d->out, rel->table, EZ_OP_INSERT, 0, rel->n_columns);
	rc = read_row(d, m, rel, &row, ev->after, err);
	if (UNLIKELY(rc != EZ_OK))
		return rc;
	if (UNLIKELY(wire_left(&row) != 0))
		return fail_at(d, m, &row, err);
	return emit(d, ev, m->lsn, err);
}

/* An old tuple: `K` has the identity columns only, the others are not there. */
static void settle_before(const struct relation *rel, uint8_t letter,
			  struct ez_cell *before)
{
	for (uint32_t i = 0; i < rel->n_columns; i++)
		if ((letter == 'K' && !rel->is_identity[i]) ||
		    before[i].kind == EZ_CELL_UNCHANGED)
			before[i] = (struct ez_cell){ .kind = EZ_CELL_ABSENT };
}

static bool cell_differs(const struct ez_cell *a, const struct ez_cell *b)
{
	return a->kind != b->kind || a->len != b->len ||
	       (a->len > 0 && memcmp(a->ptr, b->ptr, a->len) != 0);
}

/*
 * With both rows there: a large value that the update did not touch is not sent again, but
 * an old row has it (traps C1, C2: only where the old tuple really holds the column). Then
 * the keys tell whether the row has moved.
 */
static void compare_rows(const struct relation *rel, struct ez_event *ev, uint8_t letter)
{
	struct ez_cell *before = ev->before, *after = ev->after;

	for (uint32_t i = 0; i < rel->n_columns; i++)
		if (after[i].kind == EZ_CELL_UNCHANGED && before[i].kind == EZ_CELL_TEXT)
			after[i] = before[i];
	for (uint32_t k = 0; k < rel->n_keys; k++) {
		uint32_t i = rel->keys[k];

		if (before[i].kind != EZ_CELL_ABSENT &&
		    cell_differs(&before[i], &after[i]))
			ev->flags |= EZ_EV_KEY_CHANGED;
	}
	if (letter == 'O')
		ev->flags |= EZ_EV_BEFORE_FULL;
	else if (!(ev->flags & EZ_EV_KEY_CHANGED))
		ev->before = NULL; /* sent because the key is stored out of line */
}

static int on_update(struct decode *d, struct decode_message *m, struct wire *w,
		     struct ez_error *err)
{
	struct relation *rel;
	struct ez_event *ev;
	struct wire row;
	uint8_t letter, old = 0;
	int rc = row_begin(d, m, w, &rel, err);

	if (UNLIKELY(rc != EZ_OK))
		return rc == EZ_SKIP ? EZ_OK : rc;
	if (UNLIKELY(!wire_u8(w, &letter)))
		return fail_at(d, m, w, err);
	if (letter == 'K' || letter == 'O')
		old = letter;
	row = keep(d, m, w);
	ev = d->host->event(d->out, rel->table, EZ_OP_UPDATE, old ? rel->n_columns : 0,
			    rel->n_columns);
	if (old) {
		rc = read_row(d, m, rel, &row, ev->before, err);
		if (UNLIKELY(rc != EZ_OK))
			return rc;
		settle_before(rel, old, ev->before);
		if (UNLIKELY(!wire_u8(&row, &letter)))
			return fail_at(d, m, &row, err);
	}
	if (UNLIKELY(letter != 'N'))
		return fail_at(d, m, &row, err);
	rc = read_row(d, m, rel, &row, ev->after, err);
	if (UNLIKELY(rc != EZ_OK))
		return rc;
	if (UNLIKELY(wire_left(&row) != 0))
		return fail_at(d, m, &row, err);
	if (old)
		compare_rows(rel, ev, old);
	return emit(d, ev, m->lsn, err);
}

static int on_delete(struct decode *d, struct decode_message *m, struct wire *w,
		     struct ez_error *err)
{
	struct relation *rel;
	struct ez_event *ev;
	struct wire row;
	uint8_t letter;
	int rc = row_begin(d, m, w, &rel, err);

	if (UNLIKELY(rc != EZ_OK))
		return rc == EZ_SKIP ? EZ_OK : rc;
	if (UNLIKELY(!wire_u8(w, &letter) || (letter != 'K' && letter != 'O')))
		return fail_at(d, m, w, err);
	row = keep(d, m, w);
	ev = d->host->event(d->out, rel->table, EZ_OP_DELETE, rel->n_columns, 0);
	rc = read_row(d, m, rel, &row, ev->before, err);
	if (UNLIKELY(rc != EZ_OK))
		return rc;
	if (UNLIKELY(wire_left(&row) != 0))
		return fail_at(d, m, &row, err);
	settle_before(rel, letter, ev->before);
	if (letter == 'O')
		ev->flags |= EZ_EV_BEFORE_FULL;
	return emit(d, ev, m->lsn, err);
}

/* Declares every table of the message before the first event, so that a catalog that
 * cannot be asked leaves nothing half done; but not for events that the engine has already,
 * which may be older than what it knows. */
static int declare_all(struct decode *d, const struct decode_message *m, struct wire oids,
		       struct ez_error *err)
{
	uint64_t seq = d->seq;
	uint32_t oid;

	while (wire_u32(&oids, &oid)) {
		struct relation *rel = relation_find(&d->relations, oid);
		int rc;

		if (!rel)
			return fail_unknown_relation(d, m, oid, err);
		if (!rel->is_selected || seq++ < d->skip || rel->table)
			continue;
		rc = relation_declare(rel, d->pg, &d->tx, d->out, err);
		if (rc != EZ_OK)
			return rc;
	}
	return EZ_OK;
}

static int emit_truncate(struct decode *d, const struct decode_message *m,
			 const struct relation *rel, uint32_t flags, struct ez_error *err)
{
	struct ez_event *ev;

	if (!d->is_begun) {
		int rc = begin_at_host(d, err);

		if (rc != EZ_OK)
			return rc;
	}
	ev = d->host->event(d->out, rel->table, EZ_OP_TRUNCATE, 0, 0);
	ev->flags = flags;
	return emit(d, ev, m->lsn, err);
}

static int on_truncate(struct decode *d, const struct decode_message *m, struct wire *w,
		       struct ez_error *err)
{
	struct protocol_truncate t;
	uint32_t flags, oid;
	int rc, answer = EZ_OK;

	if (!protocol_truncate(w, &t) || wire_left(w) != 0)
		return decode_fail_malformed(d, m, w->pos, err);
	if (d->is_old)
		return EZ_OK;
	rc = declare_all(d, m, t.oids, err);
	if (rc != EZ_OK)
		return rc;
	flags = (t.cascade ? EZ_EV_CASCADE : 0u) |
		(t.restart_identity ? EZ_EV_RESTART_IDENTITY : 0u);
	while (wire_u32(&t.oids, &oid)) {
		const struct relation *rel = relation_find(&d->relations, oid);

		if (!rel->is_selected || pass_over(d))
			continue;
		rc = emit_truncate(d, m, rel, flags, err);
		if (rc < 0)
			return rc;
		if (rc == EZ_AGAIN)
			answer = EZ_AGAIN;
	}
	return answer;
}

static struct ez_cell copy_cell(struct decode *d, struct ez_view v, uint32_t kind)
{
	char *p = d->host->alloc(d->out, v.len + 1);

	if (v.len > 0)
		memcpy(p, v.ptr, v.len);
	return (struct ez_cell){ .ptr = p, .len = (uint32_t)v.len, .kind = kind };
}

static int emit_message(struct decode *d, const struct decode_message *m,
			const struct protocol_message *msg, struct ez_error *err)
{
	struct ez_event *ev;
	int rc;

	if (pass_over(d))
		return EZ_OK;
	if (!d->is_begun) {
		rc = begin_at_host(d, err);
		if (rc != EZ_OK)
			return rc;
	}
	ev = d->host->event(d->out, NULL, EZ_OP_MESSAGE, 0, 2);
	ev->after[0] = copy_cell(d, msg->prefix, EZ_CELL_TEXT);
	ev->after[1] = copy_cell(d, msg->content, EZ_CELL_BYTES);
	if (!msg->transactional)
		ev->flags |= EZ_EV_NOT_TRANSACTIONAL;
	return emit(d, ev, m->lsn, err);
}

/*
 * A message outside any transaction is one of its own. Its lsn is the end of its record: the
 * server decodes it there and then, after every transaction that committed before and
 * before all that commit later, so it is in order as a position like any commit's.
 */
static int lone_message(struct decode *d, const struct decode_message *m,
			const struct protocol_message *msg, struct ez_error *err)
{
	struct protocol_commit end = { .commit_lsn = msg->lsn, .end_lsn = msg->lsn };
	int emitted, rc;

	if (msg->lsn <= d->emitted_lsn)
		return EZ_OK;
	rc = decode_begin(d, msg->lsn, 0, d->host->now_us(), err);
	if (rc != EZ_OK)
		return rc;
	emitted = emit_message(d, m, msg, err);
	if (emitted < 0)
		return emitted;
	rc = decode_commit(d, &end, err);
	return rc == EZ_OK ? emitted : rc;
}

static int on_message(struct decode *d, const struct decode_message *m, struct wire *w,
		      struct ez_error *err)
{
	struct protocol_message msg;

	if (!protocol_message(w, &msg) || wire_left(w) != 0)
		return decode_fail_malformed(d, m, w->pos, err);
	if (!d->pg->opt.messages || view_eq(msg.prefix, VIEW("ezcdc.heartbeat")))
		return EZ_OK;
	if (!d->is_open)
		return msg.transactional ? decode_fail_malformed(d, m, NULL, err)
					 : lone_message(d, m, &msg, err);
	return d->is_old ? EZ_OK : emit_message(d, m, &msg, err);
}

static int on_relation(struct decode *d, const struct decode_message *m, struct wire *w,
		       struct ez_error *err)
{
	struct protocol_relation r;

	if (!protocol_relation(w, &r) || wire_left(w) != 0)
		return decode_fail_malformed(d, m, w->pos, err);
	relation_put(&d->relations, d->pg, &r);
	return EZ_OK;
}

int decode_change(struct decode *d, struct decode_message *m, bool is_streamed,
		  struct ez_error *err)
{
	struct wire w = wire_of_view(m->bytes);
	uint32_t xid;
	uint8_t type;

	if (UNLIKELY(!wire_u8(&w, &type)))
		return decode_fail_malformed(d, m, w.pos, err);
	if (is_streamed && type != MSG_ORIGIN && UNLIKELY(!wire_u32(&w, &xid)))
		return decode_fail_malformed(d, m, w.pos, err);
	if (UNLIKELY(!d->is_open && (type == MSG_INSERT || type == MSG_UPDATE ||
				     type == MSG_DELETE || type == MSG_TRUNCATE)))
		return decode_fail_malformed(d, m, NULL, err);
	switch (type) {
	case MSG_INSERT:
		return on_insert(d, m, &w, err);
	case MSG_UPDATE:
		return on_update(d, m, &w, err);
	case MSG_DELETE:
		return on_delete(d, m, &w, err);
	case MSG_TRUNCATE:
		return on_truncate(d, m, &w, err);
	case MSG_MESSAGE:
		return on_message(d, m, &w, err);
	case MSG_RELATION:
		return on_relation(d, m, &w, err);
	case MSG_TYPE:
		return protocol_type(&w) ? EZ_OK
					 : decode_fail_malformed(d, m, w.pos, err);
	case MSG_ORIGIN:
		return protocol_origin(&w) ? EZ_OK
					   : decode_fail_malformed(d, m, w.pos, err);
	default:
		return decode_fail_malformed(d, m, NULL, err);
	}
}
