/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/fs.h"

#include "datafile.h"
#include "host.h"
#include "sync.h"

/* ------------------------------------------------------------------ streams */

static void free_stream(void *p)
{
	struct stream *s = p;

	list_remove(&s->point.link);
	free(s->point.folder);
	free(s);
}

struct stream *writer_stream(struct writer *w, const char *folder)
{
	struct stream *s = map_get(&w->streams, view_str(folder));

	if (s)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->point.folder = xstrdup(folder);
	list_init(&s->point.link);
	map_put(&w->streams, view_str(folder), s);
	if (w->is_main) {
		pthread_mutex_lock(&w->shared->lock);
		list_add_tail(&w->shared->streams, &s->point.link);
		pthread_mutex_unlock(&w->shared->lock);
	}
	return s;
}

void writer_forget_streams(struct writer *w)
{
	pthread_mutex_lock(&w->shared->lock);
	map_release(&w->streams, free_stream);
	pthread_mutex_unlock(&w->shared->lock);
	w->streams = MAP_INIT;
	w->generation++;
}

void writer_charge(struct writer *w)
{
	uint64_t now = w->out.bytes + w->shapes.bytes + w->next_cap * sizeof(*w->next);

	if (now != w->charged)
		(void)host->mem(w->ctx, (int64_t)now - (int64_t)w->charged);
	w->charged = now;
}

/* ------------------------------------------------------------------ open, close */

static void attach(struct writer *w)
{
	pthread_mutex_lock(&w->shared->disk);
	pthread_mutex_lock(&w->shared->lock);
	list_add_tail(&w->shared->writers, &w->link);
	pthread_mutex_unlock(&w->shared->lock);
	pthread_mutex_unlock(&w->shared->disk);
}

int writer_open(const struct ez_open *open, struct writer **ret, struct ez_error *err)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	bool writes = open->role == EZ_ROLE_MAIN || open->role == EZ_ROLE_READER;
	int rc;

	w->ctx = open->ctx;
	w->is_main = open->role == EZ_ROLE_MAIN;
	w->error.size = sizeof(w->error);
	w->out.fd = -1;
	list_init(&w->link);
	shapes_init(&w->shapes, &w->settings);
	rc = settings_read(&w->settings, open, err);
	if (rc == EZ_OK) {
		w->shared = shared_get(&w->settings);
		encoder_init(&w->encoder, &w->out, &w->settings);
	}
	if (rc == EZ_OK && writes)
		rc = out_open(&w->out, w->settings.compression, w->settings.level, err);
	if (rc != EZ_OK) {
		writer_close(w);
		return rc;
	}
	if (writes) {
		attach(w);
		writer_charge(w);
	}
	*ret = w;
	return EZ_OK;
}

/* Frees what nobody needs any more. `lock` is held. */
static void free_files(struct shared *sh, const struct writer *w)
{
	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->owner == w || !f->owner)
			datafile_free(f);
	}
}

/* A snapshot writer's files stay on the list until the snapshot ends. */
static void leave_files(struct shared *sh, const struct writer *w)
{
	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->owner != w)
			continue;
		f->owner = NULL;
		fs_closep(&f->fd);
	}
}

/* The thread has closed this file while nothing happened. `lock` is held. */
static void forget_retired(struct writer *w, struct stream *s)
{
	struct datafile *f = s->file;

	if (w->at == f) {
		w->at = NULL;
		out_begin(&w->out, -1, 0);
	}
	s->file = NULL;
	f->owner = NULL;
	f->is_retired = false;
	w->shared->n_retired--;
	/* Else the point that gives it its name frees it. */
	if (!f->point.is_complete && !f->is_busy)
		datafile_free(f);
}

void writer_enter(struct writer *w)
{
	struct shared *sh = w->shared;

	pthread_mutex_lock(&sh->lock);
	w->is_idle = false;
	if (w->is_main && sh->n_retired > 0) {
		map_for_each(e, &w->streams) {
			struct stream *s = e->value;

			if (s->file && s->file->is_retired)
				forget_retired(w, s);
		}
	}
	pthread_mutex_unlock(&sh->lock);
}

/* `lock` is held. */
static void set_idle(struct writer *w)
{
	w->is_idle = w->is_main && !w->tx_is_open && w->wanted == w->written &&
		     w->out.buf.len == 0;
}

/* Was everything flushed, so that the job ends in good order? */
static bool is_all_flushed(struct writer *w)
{
	bool all;

	pthread_mutex_lock(&w->shared->lock);
	all = !w->shared->is_broken && !w->has_failed && !w->tx_is_open &&
	      w->wanted == w->written && w->out.buf.len == 0;
	pthread_mutex_unlock(&w->shared->lock);
	return all;
}

/* The job ends: its files are complete. `disk` is held. */
static void finish_files(struct writer *w)
{
	struct ez_error err = { .size = sizeof(err) };
	int rc = EZ_OK;

	map_for_each(e, &w->streams) {
		struct stream *s = e->value;

		if (s->file && rc == EZ_OK)
			rc = writer_close_file(w, s, &err);
	}
	if (rc == EZ_OK)
		rc = writer_flush(w, &err);
	if (rc == EZ_OK)
		rc = sync_point(w->shared, &err);
	if (rc != EZ_OK)
		host->log(4, "the files of the job keep their temporary names: %s",
			  err.text);
}

static void end_session(struct writer *w)
{
	struct shared *sh = w->shared;

	sync_stop(sh);
	writer_enter(w);
	pthread_mutex_lock(&sh->disk);
	if (is_all_flushed(w))
		finish_files(w);
	pthread_mutex_lock(&sh->lock);
	sh->in_session = false;
	sh->main = NULL;
	free_files(sh, w);
	pthread_mutex_unlock(&sh->lock);
	writer_forget_streams(w);
	shared_close_folders(sh);
	buf_release(&sh->saved);
	pthread_mutex_unlock(&sh->disk);
}

static void detach(struct writer *w)
{
	struct shared *sh = w->shared;

	pthread_mutex_lock(&sh->disk);
	pthread_mutex_lock(&sh->lock);
	list_remove(&w->link);
	if (sh->in_session)
		leave_files(sh, w);
	else
		free_files(sh, w);
	pthread_mutex_unlock(&sh->lock);
	writer_forget_streams(w);
	pthread_mutex_unlock(&sh->disk);
}

void writer_close(struct writer *w)
{
	bool ours = false;

	if (!w)
		return;
	if (w->shared) {
		pthread_mutex_lock(&w->shared->lock);
		ours = w->is_main && w->shared->in_session && w->shared->main == w;
		pthread_mutex_unlock(&w->shared->lock);
		if (ours)
			end_session(w);
		detach(w);
	}
	map_release(&w->begun, NULL);
	out_close(&w->out);
	shapes_release(&w->shapes);
	free(w->next);
	w->next = NULL;
	w->next_cap = 0;
	if (w->charged)
		writer_charge(w);
	shared_put(w->shared);
	settings_release(&w->settings);
	free(w);
}

/* ------------------------------------------------------------------ flush */

int writer_close_old(struct writer *w, struct ez_error *err)
{
	int64_t now = host->now_us();
	int rc = EZ_OK;

	if (!w->is_main || w->tx_is_open)
		return EZ_OK;
	map_for_each(e, &w->streams) {
		struct stream *s = e->value;

		if (rc == EZ_OK && s->file &&
		    now - s->file->opened_us >= w->settings.rotate_age_us)
			rc = writer_close_file(w, s, err);
	}
	return rc;
}

/* What the manifest is to say of a file; true when that is news. `lock` is held. */
static bool take_file_point(const struct writer *w, struct datafile *f)
{
	bool news = f->len != f->flushed_len, complete;

	if (!w->tx_is_open)
		f->committed = f->len;
	f->needs_sync = f->needs_sync || news;
	f->needs_folder = f->needs_folder || f->flushed_len == 0;
	f->flushed_len = f->len;
	complete = f->closed && f->snapshot == 0 && f->committed == f->len && f->len > 0;
	news = news || f->point.len != f->committed || f->point.is_complete != complete;
	f->point.len = f->committed;
	f->point.is_listed = f->committed > 0;
	f->point.is_complete = complete;
	return news;
}

/* Numbers of files, and when the oldest is due. `lock` is held. */
static void take_streams(struct writer *w)
{
	int64_t oldest = INT64_MAX, due;

	map_for_each(e, &w->streams) {
		struct stream *s = e->value;

		s->point.next_seq = s->next_seq;
		if (s->file)
			oldest = MIN(oldest, s->file->opened_us);
	}
	if (w->is_main)
		w->shared->due_us =
			add_overflows_i64(oldest, w->settings.rotate_age_us, &due)
				? INT64_MAX
				: due;
}

/* `lock` is held. */
static bool take_point(struct writer *w)
{
	struct shared *sh = w->shared;
	bool news = w->written != w->durable;

	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->owner == w)
			news = take_file_point(w, f) || news;
	}
	take_streams(w);
	if (w->has_position) {
		news = news || !sh->has_position || sh->order != w->order;
		memcpy(sh->position, w->position, sizeof(sh->position));
		sh->order = w->order;
		sh->has_position = true;
	}
	w->wanted = w->written;
	return news;
}

/* The buffer of a compressed stream. */
static int flush_buffer(struct writer *w, struct ez_error *err)
{
	int error = w->at ? out_drain_again(&w->out) : 0;

	if (error != 0)
		return fail_errno(err, error, "cannot write to", w->at->name);
	if (w->at)
		w->at->len = w->out.len;
	return EZ_OK;
}

static bool is_final(const struct writer *w)
{
	return w->has_failed && w->error.rc != EZ_E_TRANSIENT;
}

int writer_flush(struct writer *w, struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc;

	writer_enter(w);
	rc = flush_buffer(w, err);
	if (rc == EZ_OK)
		rc = writer_close_old(w, err);
	if (rc != EZ_OK)
		return rc;
	pthread_mutex_lock(&sh->lock);
	if (sh->is_broken)
		rc = error_copy(err, &sh->error);
	else if (is_final(w))
		rc = error_copy(err, &w->error);
	if (rc == EZ_OK && take_point(w)) {
		w->is_waiting = true;
		if (w->was_told)
			w->has_failed = false;
		sync_request(sh);
	}
	set_idle(w);
	pthread_mutex_unlock(&sh->lock);
	return rc;
}

/* ------------------------------------------------------------------ durable */

static struct timespec deadline_in(uint32_t wait_ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += wait_ms / 1000;
	t.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* When no flush is under way there will be none. `lock` is held. */
static void wait_for_news(struct writer *w, uint32_t wait_ms)
{
	struct timespec deadline = deadline_in(wait_ms);
	int rc = 0;

	while (rc == 0 && w->is_waiting && w->durable == w->told && !w->has_failed &&
	       !w->interrupted && !w->shared->is_broken)
		rc = pthread_cond_timedwait(&w->shared->news, &w->shared->lock,
					    &deadline);
}

/* A failure is told once; who asks again wants another try. `lock` is held. */
static int answer(struct writer *w, uint64_t *ret_number, struct ez_error *err)
{
	if (w->interrupted)
		return host->fail(err, EZ_E_CANCELLED, "",
				  "the file sink was interrupted");
	if (w->shared->is_broken)
		return error_copy(err, &w->shared->error);
	if (w->has_failed) {
		w->was_told = true;
		return error_copy(err, &w->error);
	}
	w->told = w->durable;
	*ret_number = w->durable;
	return EZ_OK;
}

int writer_durable(struct writer *w, uint32_t wait_ms, uint64_t *ret_number,
		   struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc;

	pthread_mutex_lock(&sh->lock);
	if (w->has_failed && w->was_told && w->error.rc == EZ_E_TRANSIENT) {
		w->has_failed = false;
		sync_request(sh);
	}
	/* The thread waits by another clock than the calendar. */
	if (sh->due_us <= host->now_us())
		pthread_cond_signal(&sh->work);
	if (wait_ms > 0)
		wait_for_news(w, wait_ms);
	rc = answer(w, ret_number, err);
	pthread_mutex_unlock(&sh->lock);
	return rc;
}

void writer_interrupt(struct writer *w)
{
	if (!w->shared)
		return;
	pthread_mutex_lock(&w->shared->lock);
	w->interrupted = true;
	pthread_cond_broadcast(&w->shared->news);
	pthread_mutex_unlock(&w->shared->lock);
}
