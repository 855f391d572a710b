/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "datafile.h"
#include "host.h"
#include "writer.h"

/*
 * Taking a batch back: when a write fails, for example because the disk is full, every file
 * is cut back to what it was and new ones are removed. Nothing of the batch was accepted
 * then, and the engine may hand in the same one later. Each thing that a batch changes is
 * noted when it is touched first; `batch` is the count of writes that noted it.
 */

void writer_touch_file(struct writer *w, struct datafile *f)
{
	f->used = ++w->uses;
	if (f->batch == w->writes)
		return;
	f->batch = w->writes;
	f->undo_len = f->len;
	f->undo_closed = f->closed;
	f->is_new = false;
}

void writer_touch_stream(struct writer *w, struct stream *s)
{
	if (s->batch == w->writes)
		return;
	s->batch = w->writes;
	s->undo_seq = s->next_seq;
	s->undo_file = s->file;
	s->first = s->last = UINT32_MAX;
	s->next_in_batch = NULL;
}

static int undo_file(struct writer *w, struct datafile *f)
{
	int rc;

	if (f->is_new) {
		rc = datafile_remove(w->shared, f->name);
		if (rc != 0)
			return rc;
		pthread_mutex_lock(&w->shared->lock);
		datafile_free(f);
		pthread_mutex_unlock(&w->shared->lock);
		return 0;
	}
	rc = datafile_cut(w->shared, f, f->undo_len);
	f->len = f->undo_len;
	f->closed = f->undo_closed;
	return rc;
}

/* The next file of this batch, or NULL. Only the owner frees such files. */
static struct datafile *next_touched(struct writer *w, const struct datafile *after)
{
	struct datafile *found = NULL;
	bool passed = !after;

	pthread_mutex_lock(&w->shared->lock);
	list_for_each(l, &w->shared->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (passed && !found && f->owner == w && f->batch == w->writes)
			found = f;
		passed = passed || f == after;
	}
	pthread_mutex_unlock(&w->shared->lock);
	return found;
}

static void undo_streams(struct writer *w)
{
	map_for_each(e, &w->streams) {
		struct stream *s = e->value;

		if (s->batch != w->writes)
			continue;
		s->file = s->undo_file;
		s->next_seq = s->undo_seq;
		s->first = s->last = UINT32_MAX;
		s->next_in_batch = NULL;
	}
}

/* The disk did not even let us take the batch back. */
static void break_session(struct writer *w, int error)
{
	struct shared *sh = w->shared;

	pthread_mutex_lock(&sh->lock);
	sh->is_broken = true;
	host->fail(&sh->error, EZ_E_IO, strerrorname_np(error),
		   "cannot take back what was written to %s: %s", sh->path,
		   strerrordesc_np(error));
	pthread_mutex_unlock(&sh->lock);
}

void writer_undo(struct writer *w)
{
	struct datafile *f = NULL, *next = next_touched(w, NULL);
	int rc = 0;

	if (w->at && w->at == w->kept) {
		w->at->undo_len = out_undo(&w->out);
	} else {
		w->at = NULL;
		out_begin(&w->out, -1, 0);
	}
	undo_streams(w);
	while (next) {
		int one;

		f = next;
		next = next_touched(w, f);
		one = undo_file(w, f);
		rc = one != 0 ? one : rc;
	}
	if (rc != 0)
		break_session(w, -rc);
}
