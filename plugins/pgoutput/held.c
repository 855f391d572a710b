/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "base/view.h"

/*
 * A log is a sequence of records, each a header and a message. Offsets count from its
 * beginning. The first `file_end` bytes are in the file, the rest in segments, each of which
 * holds whole records; so a record in memory is read where it lies.
 *
 * Rolled back subtransactions. Every message in a stream block carries the id of the
 * subtransaction that made it. A log remembers, per subtransaction, the offset of its first
 * message, and an abort cuts the log back to there. That this is enough, and that nothing
 * of anyone else is cut: a transaction writes on behalf of one subtransaction at a time, the
 * innermost open one, and whatever is written between the first change of a subtransaction
 * and its rollback comes from it or from subtransactions below it, which roll back with it.
 * A sibling can only begin once it has ended, its parent only writes again then too, and
 * ids that were released fall or stay with the parent. Changes that follow the rollback in
 * the server's log are decoded after it and so arrive after the abort message. An id that
 * the log does not know wrote nothing that reached us. PostgreSQL's own apply worker does
 * the same with its spool files.
 *
 * A RELATION message that is cut off with a subtransaction comes again: on every abort the
 * server forgets which relations it has described inside the transaction.
 *
 * Rejected: keeping each subtransaction apart and merging on commit. It needs an index of
 * all changes for a case in which a cut suffices.
 */
enum {
	SEGMENT_BYTES = 64 * 1024,
	READ_BYTES = 64 * 1024,
	RECORD_ALIGN = 8,
};

struct record {
	uint64_t lsn;
	uint32_t len;
	uint32_t pad; /* bytes behind the message, so that headers stay aligned */
};

struct segment {
	struct list link;
	uint64_t start; /* offset in the log */
	size_t len, cap;
	size_t read; /* by the replay */
	_Alignas(RECORD_ALIGN) char data[];
};

struct subxact {
	uint32_t xid;
	uint64_t start;
};

struct held_tx {
	uint32_t xid;
	uint32_t last_xid; /* of the newest message: most repeat it */
	struct list segments;
	size_t memory; /* of the segments */
	int fd;        /* -1: nothing was spilled */
	uint64_t file_end, end;
	struct subxact *subs;
	size_t n_subs, subs_cap;
	/* the replay */
	uint64_t pos; /* in the file */
	char *window; /* bytes [window_at, window_at + window_len) of the file */
	size_t window_cap, window_len;
	uint64_t window_at;
};

struct held {
	struct held_config config;
	struct map txs; /* xid -> struct held_tx, in progress */
	size_t memory;
	struct list spare; /* segments that were spilled: the next ones, still mapped */
	uint64_t spilled;
	bool is_spent; /* the engine's budget, as of the last charge */
};

struct held *held_new(const struct held_config *config)
{
	struct held *h = xcalloc(1, sizeof(*h));

	h->config = *config;
	h->txs = MAP_INIT;
	list_init(&h->spare);
	return h;
}

struct held_tx *held_find(const struct held *h, uint32_t xid)
{
	return map_get_u64(&h->txs, xid);
}

struct held_tx *held_open(struct held *h, uint32_t xid)
{
	struct held_tx *tx = held_find(h, xid);

	if (tx)
		return tx;
	tx = xcalloc(1, sizeof(*tx));
	tx->xid = xid;
	tx->fd = -1;
	list_init(&tx->segments);
	map_put_u64(&h->txs, xid, tx);
	return tx;
}

static void charge(struct held *h, int64_t delta)
{
	h->is_spent = h->config.host->mem(h->config.ctx, delta) == EZ_AGAIN;
}

static void segment_free(struct held *h, struct held_tx *tx, struct segment *s)
{
	list_remove(&s->link);
	tx->memory -= s->cap;
	h->memory -= s->cap;
	charge(h, -(int64_t)s->cap);
	free(s);
}

/* Its memory stays ours, and charged, for as long as a transaction is in progress. */
static void segment_spare(struct held *h, struct held_tx *tx, struct segment *s)
{
	if (s->cap != SEGMENT_BYTES || h->is_spent) {
		segment_free(h, tx, s);
		return;
	}
	list_remove(&s->link);
	tx->memory -= s->cap;
	h->memory -= s->cap;
	list_add_tail(&h->spare, &s->link);
}

static void drop_spares(struct held *h)
{
	struct list *link;

	while ((link = list_take_first(&h->spare)) != NULL) {
		charge(h, -(int64_t)SEGMENT_BYTES);
		free(LIST_OF(link, struct segment, link));
	}
}

static struct segment *segment_new(struct held *h, size_t cap)
{
	struct list *link = cap == SEGMENT_BYTES ? list_take_first(&h->spare) : NULL;
	struct segment *s;

	if (link)
		return LIST_OF(link, struct segment, link);
	s = try_malloc(sizeof(*s) + cap);
	if (s)
		charge(h, (int64_t)cap);
	return s;
}

/* A segment with room for `need` bytes at the end of the log; NULL without memory. */
static struct segment *segment_for(struct held *h, struct held_tx *tx, size_t need)
{
	struct list *last = list_last(&tx->segments);
	struct segment *s = last ? LIST_OF(last, struct segment, link) : NULL;
	size_t cap = MAX(need, (size_t)SEGMENT_BYTES);

	if (s && need <= s->cap - s->len)
		return s;
	s = segment_new(h, cap);
	if (!s)
		return NULL;
	s->start = tx->end;
	s->len = 0;
	s->cap = cap;
	s->read = 0;
	list_add_tail(&tx->segments, &s->link);
	tx->memory += cap;
	h->memory += cap;
	return s;
}

static int fail_file(const struct held *h, const char *what, int error,
		     struct ez_error *err)
{
	errno = error;
	h->config.host->fail(err, EZ_E_IO, "", "cannot %s the spill file in %s: %m", what,
			     h->config.folder);
	return h->config.host->hint(err,
				    "transactions in progress are kept there; give the "
				    "folder more room, or set streaming = false");
}

static int file_open(const struct held *h, struct held_tx *tx, struct ez_error *err)
{
	char name[4096];

	if (tx->fd >= 0)
		return EZ_OK;
	tx->fd = open(h->config.folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (tx->fd >= 0)
		return EZ_OK;
	if (!str_format(name, sizeof(name), "%s/.held-XXXXXX", h->config.folder))
		return fail_file(h, "open", ENAMETOOLONG, err);
	tx->fd = mkostemp(name, O_CLOEXEC);
	if (tx->fd < 0)
		return fail_file(h, "open", errno, err);
	unlink(name);
	return EZ_OK;
}

/* Moves what the log has in memory to its file. */
static int spill(struct held *h, struct held_tx *tx, struct ez_error *err)
{
	int rc = file_open(h, tx, err);

	if (rc != EZ_OK)
		return rc;
	if (lseek(tx->fd, (off_t)tx->file_end, SEEK_SET) < 0)
		return fail_file(h, "write", errno, err);
	list_for_each(link, &tx->segments) {
		struct segment *s = LIST_OF(link, struct segment, link);

		rc = fs_write_all(tx->fd, s->data, s->len);
		if (rc < 0)
			return fail_file(h, "write", -rc, err);
		tx->file_end += s->len;
		h->spilled += s->len;
		segment_spare(h, tx, s);
	}
	h->config.host->metric(h->config.ctx, "ezcdc_source_spills_total", 1);
	return EZ_OK;
}

static struct held_tx *largest(const struct held *h)
{
	struct held_tx *most = NULL;

	map_for_each(e, &h->txs) {
		struct held_tx *tx = e->value;

		if (!most || tx->memory > most->memory)
			most = tx;
	}
	return most;
}

static int keep_limit(struct held *h, struct ez_error *err)
{
	while (h->memory > h->config.limit_bytes || h->is_spent) {
		struct held_tx *tx = largest(h);
		int rc;

		/* One segment each is what writing in pieces costs. */
		if (!tx || tx->memory <= SEGMENT_BYTES)
			break;
		rc = spill(h, tx, err);
		if (rc != EZ_OK)
			return rc;
	}
	return EZ_OK;
}

static void note_sub(struct held_tx *tx, uint32_t subxid)
{
	if (subxid == tx->last_xid)
		return;
	tx->last_xid = subxid;
	if (subxid == tx->xid)
		return;
	for (size_t i = tx->n_subs; i > 0; i--)
		if (tx->subs[i - 1].xid == subxid)
			return;
	if (tx->n_subs == tx->subs_cap) {
		tx->subs_cap = tx->subs_cap ? tx->subs_cap * 2 : 16;
		tx->subs = xreallocarray(tx->subs, tx->subs_cap, sizeof(*tx->subs));
	}
	tx->subs[tx->n_subs++] = (struct subxact){ .xid = subxid, .start = tx->end };
}

int held_append(struct held *h, struct held_tx *tx, uint32_t subxid, uint64_t lsn,
		struct ez_view message, struct ez_error *err)
{
	struct record record = { .lsn = lsn, .len = (uint32_t)message.len };
	struct segment *s;
	size_t need;
	char *to;

	ASSERT(message.len <= INT32_MAX);
	record.pad = (uint32_t)(-message.len & (RECORD_ALIGN - 1));
	need = sizeof(record) + message.len + record.pad;
	s = segment_for(h, tx, need);
	if (!s)
		return h->config.host->fail(err, EZ_E_TRANSIENT, "ENOMEM",
					    "no memory for a message of %zu bytes",
					    message.len);
	note_sub(tx, subxid);
	to = s->data + s->len;
	memcpy(to, &record, sizeof(record));
	memcpy(to + sizeof(record), message.ptr, message.len);
	memset(to + sizeof(record) + message.len, 0, record.pad);
	s->len += need;
	tx->end += need;
	return keep_limit(h, err);
}

/* Forgets everything from `offset` on, which is where a record begins. */
static void cut(struct held *h, struct held_tx *tx, uint64_t offset)
{
	struct list *last;

	while ((last = list_last(&tx->segments)) != NULL) {
		struct segment *s = LIST_OF(last, struct segment, link);

		if (s->start < offset) {
			s->len = MIN(s->len, (size_t)(offset - s->start));
			break;
		}
		segment_free(h, tx, s);
	}
	if (tx->file_end > offset) {
		h->spilled -= tx->file_end - offset;
		tx->file_end = offset;
	}
	tx->end = offset;
}

void held_abort_sub(struct held *h, struct held_tx *tx, uint32_t subxid)
{
	for (size_t i = tx->n_subs; i > 0; i--) {
		if (tx->subs[i - 1].xid != subxid)
			continue;
		cut(h, tx, tx->subs[i - 1].start);
		tx->n_subs = i - 1;
		tx->last_xid = 0;
		return;
	}
}

struct held_tx *held_take(struct held *h, uint32_t xid)
{
	struct held_tx *tx = map_remove_u64(&h->txs, xid);

	if (map_len(&h->txs) == 0)
		drop_spares(h);
	return tx;
}

void held_drop(struct held *h, struct held_tx *tx)
{
	if (!tx)
		return;
	if (held_find(h, tx->xid) == tx)
		map_remove_u64(&h->txs, tx->xid);
	list_for_each(link, &tx->segments)
		segment_free(h, tx, LIST_OF(link, struct segment, link));
	h->spilled -= tx->file_end;
	fs_closep(&tx->fd);
	free(tx->subs);
	free(tx->window);
	free(tx);
	if (map_len(&h->txs) == 0)
		drop_spares(h);
}

void held_drop_all(struct held *h)
{
	map_for_each(e, &h->txs)
		held_drop(h, e->value);
}

void held_free(struct held *h)
{
	if (!h)
		return;
	held_drop_all(h);
	drop_spares(h);
	map_release(&h->txs, NULL);
	free(h);
}

/* Makes `need` bytes at tx->pos readable in the window. */
static int read_window(struct held *h, struct held_tx *tx, size_t need,
		       struct ez_error *err)
{
	size_t want = (size_t)MIN((uint64_t)MAX(need, (size_t)READ_BYTES),
				  tx->file_end - tx->pos);
	size_t got = 0;

	if (tx->pos >= tx->window_at && tx->pos - tx->window_at <= tx->window_len &&
	    need <= tx->window_len - (size_t)(tx->pos - tx->window_at))
		return EZ_OK;
	if (need > tx->file_end - tx->pos)
		return fail_file(h, "read", EIO, err);
	if (want > tx->window_cap) {
		free(tx->window);
		tx->window_len = tx->window_cap = 0;
		tx->window = try_malloc(want);
		if (!tx->window)
			return fail_file(h, "read", ENOMEM, err);
		tx->window_cap = want;
	}
	tx->window_at = tx->pos;
	tx->window_len = 0;
	while (got < want) {
		ssize_t n = pread(tx->fd, tx->window + got, want - got,
				  (off_t)(tx->pos + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_file(h, "read", n < 0 ? errno : EIO, err);
		got += (size_t)n;
	}
	tx->window_len = got;
	return EZ_OK;
}

static int next_in_file(struct held *h, struct held_tx *tx, struct held_message *ret,
			struct ez_error *err)
{
	struct record record;
	int rc = read_window(h, tx, sizeof(record), err);

	if (rc != EZ_OK)
		return rc;
	memcpy(&record, tx->window + (tx->pos - tx->window_at), sizeof(record));
	rc = read_window(h, tx, sizeof(record) + record.len + record.pad, err);
	if (rc != EZ_OK)
		return rc;
	ret->lsn = record.lsn;
	ret->bytes = view_of(tx->window + (tx->pos - tx->window_at) + sizeof(record),
			     record.len);
	tx->pos += sizeof(record) + record.len + record.pad;
	return EZ_OK;
}

int held_next(struct held *h, struct held_tx *tx, struct held_message *ret,
	      struct ez_error *err)
{
	if (tx->pos < tx->file_end)
		return next_in_file(h, tx, ret, err);
	list_for_each(link, &tx->segments) {
		struct segment *s = LIST_OF(link, struct segment, link);
		struct record record;

		if (s->read == s->len) {
			segment_free(h, tx, s);
			continue;
		}
		memcpy(&record, s->data + s->read, sizeof(record));
		ret->lsn = record.lsn;
		ret->bytes = view_of(s->data + s->read + sizeof(record), record.len);
		s->read += sizeof(record) + record.len + record.pad;
		return EZ_OK;
	}
	return EZ_EOF;
}

size_t held_count(const struct held *h)
{
	return map_len(&h->txs);
}

uint64_t held_bytes(const struct held *h)
{
	return h->memory + h->spilled;
}

uint64_t held_spilled_bytes(const struct held *h)
{
	return h->spilled;
}
