/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"

#include "datafile.h"
#include "host.h"
#include "names.h"
#include "writer.h"

/*
 * write(): a batch, whole or not at all.
 *
 * In the stream layout the events of a batch go into one file in their order. In the
 * per-table layout, and in a snapshot, each table has a stream of its own; the events are
 * linked by stream first and then written stream by stream, so that one buffer and one
 * compressor serve any number of tables.
 *
 * A transaction may be split over batches. Its part of a file lies behind `committed`,
 * which is what the manifest gets to see; so before the first event of a transaction that
 * stays open, all that is whole goes to the disk and its length is noted (boundary_len).
 *
 * When a write fails, for example because the disk is full, undo.c takes it back.
 */

static int out_failure(const struct writer *w, struct ez_error *err)
{
	return fail_errno(err, w->out.error, "cannot write to",
			  w->at ? w->at->name : w->settings.path);
}

/* ------------------------------------------------------------------ files */

/* What is in the buffer goes to its file, which is then no longer at hand. */
static int let_go(struct writer *w, struct ez_error *err)
{
	if (!w->at)
		return EZ_OK;
	out_drain(&w->out);
	if (w->out.error)
		return out_failure(w, err);
	if (w->at == w->kept) {
		w->at->undo_len = w->out.safe_len;
		w->kept = NULL;
	}
	w->at->len = w->out.len;
	w->at = NULL;
	out_begin(&w->out, -1, 0);
	return EZ_OK;
}

static void add_name(struct writer *w, const struct stream *s, struct buf *b)
{
	const struct settings *set = &w->settings;

	if (set->layout == LAYOUT_PER_TABLE) {
		buf_add_str(b, s->point.folder);
		buf_add_char(b, '/');
	}
	if (w->is_main) {
		names_add_stream(b, set->job, s->next_seq, set->suffix);
	} else {
		const struct names_snapshot n = { .number = w->shared->snapshot,
						  .table = s->point.folder,
						  .part = w->part,
						  .seq = s->next_seq };

		names_add_snapshot(b, set->job, &n, set->suffix);
	}
}

/* With target = "append" an earlier job's snapshot may have used the name. */
static bool is_taken(struct writer *w, struct buf *name)
{
	return !w->is_main && faccessat(w->shared->root_fd, buf_cstr(name), F_OK,
					AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_file(struct writer *w, struct stream *s, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf name = BUF_INIT(NAMES_MAX - 1);
	struct datafile *f;
	int rc;

	add_name(w, s, &name);
	while (buf_ok(&name) && is_taken(w, &name)) {
		s->next_seq++;
		buf_reset(&name);
		add_name(w, s, &name);
	}
	if (!buf_ok(&name))
		return host->fail(err, EZ_E_FATAL, "", "the name of a file is too long");
	rc = datafile_create(w->shared, buf_cstr(&name), host->now_us(), &f, err);
	if (rc != EZ_OK)
		return rc;
	pthread_mutex_lock(&w->shared->lock);
	f->owner = w;
	pthread_mutex_unlock(&w->shared->lock);
	f->snapshot = w->is_main ? 0 : w->shared->snapshot;
	writer_touch_file(w, f);
	f->is_new = true;
	s->file = f;
	s->next_seq++;
	return EZ_OK;
}

/* From now on the buffer belongs to this stream's file. */
static int take_up(struct writer *w, struct stream *s, struct ez_error *err)
{
	int rc;

	writer_touch_stream(w, s);
	if (s->file && s->file == w->at) {
		writer_touch_file(w, s->file);
		return EZ_OK;
	}
	rc = let_go(w, err);
	if (rc == EZ_OK && !s->file)
		rc = make_file(w, s, err);
	if (rc == EZ_OK)
		rc = datafile_reopen(w->shared, s->file, err);
	if (rc != EZ_OK)
		return rc;
	writer_touch_file(w, s->file);
	w->at = s->file;
	out_begin(&w->out, s->file->fd, s->file->len);
	return EZ_OK;
}

int writer_close_file(struct writer *w, struct stream *s, struct ez_error *err)
{
	int rc = w->at == s->file ? let_go(w, err) : EZ_OK;

	if (rc != EZ_OK)
		return rc;
	s->file->closed = true;
	s->file = NULL;
	return EZ_OK;
}

/* ------------------------------------------------------------------ events */

/* May a new file begin before this event? Not in the middle of a transaction. */
static bool may_rotate(const struct writer *w, const struct ez_batch *b,
		       const struct ez_event *ev)
{
	if (out_len(&w->out) < w->settings.rotate_bytes)
		return false;
	return !(b->flags & EZ_BATCH_CONTINUED) || b->n_commits == 0 ||
	       ev->tx != b->commits[0];
}

static int rotate(struct writer *w, struct stream *s, struct ez_error *err)
{
	int rc = writer_close_file(w, s, err);

	return rc == EZ_OK ? take_up(w, s, err) : rc;
}

/* CSV: the file's header must be the one of this shape. */
static int match_header(struct writer *w, struct stream *s, const struct shape *shape,
			struct ez_error *err)
{
	struct ez_view want = view_of(shape->text + shape->header_at, shape->header_len);
	int rc;

	if (s->file->header &&
	    view_eq(want, view_of(s->file->header, s->file->header_len)))
		return EZ_OK;
	if (s->file->header) {
		rc = rotate(w, s, err);
		if (rc != EZ_OK)
			return rc;
	}
	s->file->header = xmemdup(want.ptr, want.len);
	s->file->header_len = want.len;
	out_add(&w->out, want.ptr, want.len);
	return EZ_OK;
}

static int add_event(struct writer *w, const struct ez_batch *b, struct stream *s,
		     const struct ez_event *ev, struct ez_error *err)
{
	struct shape *shape;
	int rc = shapes_get(&w->shapes, ev->table, &shape, err);

	if (rc == EZ_OK && ev->tx != w->encoder.tx) {
		if (UNLIKELY(may_rotate(w, b, ev)))
			rc = rotate(w, s, err);
		encoder_begin_tx(&w->encoder, ev->tx);
	}
	if (rc == EZ_OK && w->settings.format == FORMAT_CSV)
		rc = match_header(w, s, shape, err);
	if (rc != EZ_OK)
		return rc;
	if (w->settings.format == FORMAT_CSV)
		encode_csv(&w->encoder, shape, ev);
	else
		encode_json(&w->encoder, shape, ev);
	return w->out.error ? out_failure(w, err) : EZ_OK;
}

/* The stream of an event in a layout with many. */
static int find_stream(struct writer *w, const struct ez_event *ev, struct stream **ret,
		       struct ez_error *err)
{
	struct shape *shape;
	int rc = shapes_get(&w->shapes, ev->table, &shape, err);

	if (rc != EZ_OK)
		return rc;
	if (!shape->stream || shape->generation != w->generation) {
		shape->stream = writer_stream(w, shape->folder);
		shape->generation = w->generation;
	}
	*ret = shape->stream;
	return EZ_OK;
}

static void reserve_links(struct writer *w, size_t n)
{
	if (n <= w->next_cap)
		return;
	w->next = xreallocarray(w->next, n, sizeof(*w->next));
	w->next_cap = n;
}

/* Links the events from..to by stream; the streams come in the order of their first one. */
static int link_events(struct writer *w, const struct ez_batch *b, uint32_t from,
		       uint32_t to, struct stream **ret_streams, struct ez_error *err)
{
	struct stream *s = NULL, *streams = NULL, **end = &streams;

	reserve_links(w, to);
	for (uint32_t i = from; i < to; i++) {
		int rc = find_stream(w, b->events[i], &s, err);

		if (rc != EZ_OK)
			return rc;
		writer_touch_stream(w, s);
		if (s->first == UINT32_MAX) {
			s->first = i;
			*end = s;
			end = &s->next_in_batch;
		} else {
			w->next[s->last] = i;
		}
		s->last = i;
		w->next[i] = UINT32_MAX;
	}
	*ret_streams = streams;
	return EZ_OK;
}

static int add_linked(struct writer *w, const struct ez_batch *b, struct stream *streams,
		      struct ez_error *err)
{
	int rc = EZ_OK;

	while (streams && rc == EZ_OK) {
		struct stream *s = streams;

		rc = take_up(w, s, err);
		for (uint32_t i = s->first; i != UINT32_MAX && rc == EZ_OK;
		     i = w->next[i])
			rc = add_event(w, b, s, b->events[i], err);
		streams = s->next_in_batch;
		s->first = s->last = UINT32_MAX;
		s->next_in_batch = NULL;
	}
	return rc;
}

static int add_events(struct writer *w, const struct ez_batch *b, uint32_t from,
		      uint32_t to, struct ez_error *err)
{
	struct stream *s = NULL;
	int rc;

	if (from == to)
		return EZ_OK;
	if (!w->is_main || w->settings.layout == LAYOUT_PER_TABLE) {
		rc = link_events(w, b, from, to, &s, err);
		return rc == EZ_OK ? add_linked(w, b, s, err) : rc;
	}
	s = writer_stream(w, "");
	rc = take_up(w, s, err);
	for (uint32_t i = from; i < to && rc == EZ_OK; i++)
		rc = add_event(w, b, s, b->events[i], err);
	return rc;
}

/* ------------------------------------------------------------------ batches */

/* The events that belong to whole transactions come first; how many are they? */
static uint32_t whole_events(const struct ez_batch *b)
{
	size_t n = b->n_events;

	if ((b->flags & EZ_BATCH_OPEN) && b->n_commits > 0)
		n = MIN(n, (size_t)b->commits[b->n_commits - 1]->first);
	return (uint32_t)n;
}

/* Does a transaction that stays open begin in this batch? */
static bool opens_transaction(const struct ez_batch *b)
{
	return (b->flags & EZ_BATCH_OPEN) &&
	       !((b->flags & EZ_BATCH_CONTINUED) && b->n_commits <= 1);
}

/* All that is in files now is whole. */
static int note_boundary(struct writer *w, struct ez_error *err)
{
	if (w->at) {
		out_drain(&w->out);
		if (w->out.error)
			return out_failure(w, err);
		w->at->len = w->out.len;
	}
	pthread_mutex_lock(&w->shared->lock);
	list_for_each(l, &w->shared->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->owner == w)
			f->boundary_len = f->len;
	}
	pthread_mutex_unlock(&w->shared->lock);
	return EZ_OK;
}

static void accept_boundary(struct writer *w)
{
	pthread_mutex_lock(&w->shared->lock);
	list_for_each(l, &w->shared->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->owner == w)
			f->committed = MAX(f->committed, f->boundary_len);
	}
	pthread_mutex_unlock(&w->shared->lock);
}

/* Without compression a line is in its file when write() returns. */
static int settle(struct writer *w, struct ez_error *err)
{
	if (!w->at)
		return EZ_OK;
	if (w->settings.compression != COMPRESSION_NONE &&
	    w->out.buf.len <= OUT_KEEP_MAX &&
	    (!w->is_main || w->settings.layout == LAYOUT_STREAM))
		return w->out.error ? out_failure(w, err) : EZ_OK;
	out_drain(&w->out);
	if (w->out.error)
		return out_failure(w, err);
	w->at->len = w->out.len;
	return EZ_OK;
}

static int write_batch(struct writer *w, const struct ez_batch *b, struct ez_error *err)
{
	uint32_t whole = whole_events(b);
	int rc = add_events(w, b, 0, whole, err);

	if (rc == EZ_OK && opens_transaction(b))
		rc = note_boundary(w, err);
	if (rc == EZ_OK)
		rc = add_events(w, b, whole, (uint32_t)b->n_events, err);
	return rc == EZ_OK ? settle(w, err) : rc;
}

/* ------------------------------------------------------------------ write() */

static void note_position(struct writer *w, const struct ez_batch *b)
{
	for (size_t i = b->n_commits; i-- > 0;) {
		const struct ez_position *p = &b->commits[i]->position;

		if (p->bytes.len == 0 || p->bytes.len > EZ_POSITION_MAX)
			continue;
		memcpy(w->position, p->bytes.ptr, p->bytes.len);
		w->position[p->bytes.len] = '\0';
		w->order = p->order;
		w->has_position = true;
		return;
	}
}

/* A snapshot writer goes on to another part: the files of the last one are as they stay. */
static int change_part(struct writer *w, const struct ez_batch *b, struct ez_error *err)
{
	int rc;

	if (w->is_main || (w->has_part && w->part == b->part))
		return EZ_OK;
	rc = let_go(w, err);
	if (rc != EZ_OK)
		return rc;
	pthread_mutex_lock(&w->shared->lock);
	list_for_each(l, &w->shared->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->owner != w)
			continue;
		f->closed = true;
		if (!f->is_busy)
			fs_closep(&f->fd);
	}
	pthread_mutex_unlock(&w->shared->lock);
	writer_forget_streams(w);
	w->part = b->part;
	w->has_part = true;
	return EZ_OK;
}

static int check_session(struct writer *w, const struct ez_batch *b, struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc = EZ_OK;

	writer_enter(w);
	pthread_mutex_lock(&sh->lock);
	if (!sh->in_session)
		rc = host->fail(err, EZ_E_FATAL, "",
				"the file sink was not asked to recover first");
	else if (sh->is_broken)
		rc = error_copy(err, &sh->error);
	else if (!w->is_main && sh->phase != SNAPSHOT_COPYING)
		rc = host->fail(err, EZ_E_FATAL, "", "no snapshot has begun");
	else if (b->n_events >= UINT32_MAX)
		rc = host->fail(err, EZ_E_FATAL, "", "a batch of too many events");
	pthread_mutex_unlock(&sh->lock);
	return rc;
}

/* Files that have their size by now; a stream's next row would find out as well. */
static int close_full(struct writer *w, struct ez_error *err)
{
	struct stream *s;

	if (w->tx_is_open || !w->at || out_len(&w->out) < w->settings.rotate_bytes)
		return EZ_OK;
	map_for_each(e, &w->streams) {
		s = e->value;
		if (s->file == w->at)
			return writer_close_file(w, s, err);
	}
	return EZ_OK;
}

int writer_write(struct writer *w, const struct ez_batch *b, struct ez_error *err)
{
	struct ez_error ignored = { .size = sizeof(ignored) };
	int rc = check_session(w, b, err);

	if (rc == EZ_OK)
		rc = change_part(w, b, err);
	if (rc != EZ_OK)
		return rc;
	w->writes++;
	w->kept = w->at;
	out_mark(&w->out);
	encoder_begin_batch(&w->encoder, b, host->now_us());
	rc = write_batch(w, b, err);
	if (rc != EZ_OK) {
		writer_undo(w);
		return rc;
	}
	if (opens_transaction(b))
		accept_boundary(w);
	out_mark(&w->out);
	w->kept = NULL;
	w->tx_is_open = (b->flags & EZ_BATCH_OPEN) != 0;
	if (w->is_main && !(b->flags & EZ_BATCH_SNAPSHOT))
		note_position(w, b);
	if (!(b->flags & EZ_BATCH_PIECE))
		w->written = b->number;
	/* The batch is in: a failure here shows again at the next call. */
	(void)!close_full(w, &ignored);
	writer_charge(w);
	CRASH_POINT("batch written");
	return EZ_OK;
}
