/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sync.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/checked.h"

#include "datafile.h"
#include "host.h"
#include "writer.h"

enum {
	RETRY_US = 1000000, /* until an old file is looked at again */
};

/* A file as it was when the point was taken. */
struct cut_file {
	struct datafile *file;
	int fd;
	bool needs_sync, needs_folder, is_complete;
};

struct cut {
	struct cut_file *files;
	size_t n_files, n_complete;
	/* The manifest before and after the complete files have their names. */
	struct buf text, text_after;
};

void sync_request(struct shared *sh)
{
	sh->has_work = true;
	pthread_cond_signal(&sh->work);
}

/* `lock` is held. Busy files keep their descriptors until the point is made. */
static void take_cut(struct shared *sh, struct cut *c)
{
	c->files = xcalloc(list_count(&sh->files) + 1, sizeof(*c->files));
	buf_init(&c->text, SHARED_MANIFEST_CAP);
	buf_init(&c->text_after, SHARED_MANIFEST_CAP);
	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (!f->needs_sync && !f->needs_folder && !f->point.is_complete)
			continue;
		c->files[c->n_files++] = (struct cut_file){
			.file = f,
			.fd = f->fd,
			.needs_sync = f->needs_sync && sh->sync,
			.needs_folder = f->needs_folder && sh->sync,
			.is_complete = f->point.is_complete,
		};
		c->n_complete += f->point.is_complete;
		f->is_busy = true;
		f->needs_sync = false;
		f->needs_folder = false;
	}
	list_for_each(l, &sh->writers) {
		struct writer *w = LIST_OF(l, struct writer, link);

		w->cut = w->wanted;
	}
	shared_format_manifest(sh, true, &c->text);
	if (c->n_complete > 0)
		shared_format_manifest(sh, false, &c->text_after);
	sh->has_work = false;
}

static int fail_broken(struct shared *sh, int error, const char *name,
		       struct ez_error *err)
{
	const char *code = strerrorname_np(error);

	host->fail(err, EZ_E_IO, code ? code : "",
		   "the disk did not take the data of %s/%s: %s", sh->path, name,
		   strerrordesc_np(error));
	return host->hint(err,
			  "what follows the last durable point is written again after a "
			  "restart; look for errors of the disk in the kernel's log");
}

static bool is_same_folder(const char *a, const char *b)
{
	size_t n = strcspn(a, "/"), m = strcspn(b, "/");

	if (a[n] == '\0' || b[m] == '\0')
		return a[n] == b[m];
	return n == m && memcmp(a, b, n) == 0;
}

/* The folders of new files, or of those that have just got their names. */
static int sync_folders(struct shared *sh, const struct cut *c, bool complete,
			struct ez_error *err)
{
	const char *last = NULL;

	for (size_t i = 0; i < c->n_files; i++) {
		const char *name = c->files[i].file->name;
		int rc;

		if (!(complete ? c->files[i].is_complete : c->files[i].needs_folder))
			continue;
		if (last && is_same_folder(last, name))
			continue;
		rc = datafile_sync_folder(sh, name);
		if (rc != 0)
			return fail_broken(sh, -rc, name, err);
		last = name;
	}
	return EZ_OK;
}

/* Data and folder entries. */
static int sync_files(struct shared *sh, const struct cut *c, struct ez_error *err)
{
	for (size_t i = 0; i < c->n_files; i++) {
		const struct cut_file *f = &c->files[i];
		int rc = f->needs_sync ? datafile_sync(sh, f->file->name, f->fd) : 0;

		if (rc != 0)
			return fail_broken(sh, -rc, f->file->name, err);
	}
	CRASH_POINT("data synced");
	return sync_folders(sh, c, false, err);
}

static int publish_files(struct shared *sh, const struct cut *c, struct ez_error *err)
{
	for (size_t i = 0; i < c->n_files; i++) {
		const char *name = c->files[i].file->name;
		int rc = c->files[i].is_complete ? datafile_publish(sh, name) : 0;

		if (rc != 0)
			return fail_errno(err, -rc, "cannot give its final name to",
					  name);
		CRASH_POINT("file renamed");
	}
	return sh->sync ? sync_folders(sh, c, true, err) : EZ_OK;
}

/* On success the complete files are gone; on failure it is all to be done again. */
static void end_cut(struct shared *sh, struct cut *c, bool made)
{
	pthread_mutex_lock(&sh->lock);
	for (size_t i = 0; i < c->n_files; i++) {
		struct datafile *f = c->files[i].file;

		f->is_busy = false;
		if (!made) {
			f->needs_sync = f->needs_sync || c->files[i].needs_sync;
			f->needs_folder = f->needs_folder || c->files[i].needs_folder;
		} else if (f->is_retired) {
			/* Its owner still knows it, and frees it. */
			f->point.is_listed = f->point.is_complete = false;
		} else if (c->files[i].is_complete) {
			datafile_free(f);
		}
	}
	pthread_mutex_unlock(&sh->lock);
	free(c->files);
}

static int make_point(struct shared *sh, const struct cut *c, struct ez_error *err)
{
	int rc = sync_files(sh, c, err);

	if (rc != EZ_OK) {
		pthread_mutex_lock(&sh->lock);
		sh->is_broken = true;
		error_copy(&sh->error, err);
		pthread_mutex_unlock(&sh->lock);
		return rc;
	}
	rc = shared_save_manifest(sh, buf_view(&c->text), err);
	CRASH_POINT("manifest saved");
	if (rc == EZ_OK)
		rc = publish_files(sh, c, err);
	return rc;
}

int sync_point(struct shared *sh, struct ez_error *err)
{
	struct cut c = { .files = NULL };
	int rc;

	pthread_mutex_lock(&sh->lock);
	rc = sh->is_broken ? error_copy(err, &sh->error) : EZ_OK;
	if (rc == EZ_OK)
		take_cut(sh, &c);
	pthread_mutex_unlock(&sh->lock);
	if (rc != EZ_OK)
		return rc;
	rc = make_point(sh, &c, err);
	end_cut(sh, &c, rc == EZ_OK);
	if (rc == EZ_OK && c.n_complete > 0)
		rc = shared_save_manifest(sh, buf_view(&c.text_after), err);
	buf_release(&c.text);
	buf_release(&c.text_after);
	CRASH_POINT("point made");
	return rc;
}

/* ------------------------------------------------------------------ the thread */

/* `disk` is held, so no writer comes or goes. */
static void tell_writers(struct shared *sh, int rc, const struct ez_error *err)
{
	pthread_mutex_lock(&sh->lock);
	list_for_each(l, &sh->writers) {
		struct writer *w = LIST_OF(l, struct writer, link);

		w->has_news = w->is_waiting;
		if (!w->is_waiting)
			continue;
		if (rc == EZ_OK) {
			w->durable = w->cut;
			w->is_waiting = w->wanted != w->cut;
			w->has_failed = false;
		} else {
			error_copy(&w->error, err);
			w->has_failed = true;
			w->was_told = false;
		}
	}
	pthread_cond_broadcast(&sh->news);
	pthread_mutex_unlock(&sh->lock);
	list_for_each(l, &sh->writers) {
		const struct writer *w = LIST_OF(l, struct writer, link);

		if (w->has_news)
			host->wake(w->ctx);
	}
}

static void serve(struct shared *sh)
{
	struct ez_error err = { .size = sizeof(err) };
	int rc;

	pthread_mutex_lock(&sh->disk);
	rc = sync_point(sh, &err);
	tell_writers(sh, rc, &err);
	pthread_mutex_unlock(&sh->disk);
}

/*
 * A file has grown old and nothing comes that would make its writer notice. `lock` is held.
 * A writer that is at work or has something left will flush, and close it then.
 */
static void retire_old(struct shared *sh)
{
	const struct writer *w = sh->main;
	int64_t now = host->now_us();

	sh->due_us = now + RETRY_US;
	if (!w || !w->is_idle || sh->is_broken)
		return;
	sh->due_us = INT64_MAX;
	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);
		int64_t due;

		if (f->owner != w || f->closed || f->point.len == 0 ||
		    add_overflows_i64(f->opened_us, w->settings.rotate_age_us, &due))
			continue;
		if (due > now) {
			sh->due_us = MIN(sh->due_us, due);
			continue;
		}
		f->closed = f->is_retired = f->point.is_complete = true;
		sh->n_retired++;
		sh->has_work = true;
	}
}

/* Until there is work or a file is due, at most a minute: the calendar may jump. */
static void wait_for_work(struct shared *sh)
{
	const int64_t minute_us = 60 * INT64_C(1000000);
	struct timespec until;
	int64_t left;

	if (sh->due_us == INT64_MAX) {
		pthread_cond_wait(&sh->work, &sh->lock);
		return;
	}
	left = MIN(MAX(sh->due_us - host->now_us(), 0), minute_us);
	clock_gettime(CLOCK_MONOTONIC, &until);
	left += until.tv_nsec / 1000;
	until.tv_sec += (time_t)(left / 1000000);
	until.tv_nsec = (long)(left % 1000000 * 1000);
	pthread_cond_timedwait(&sh->work, &sh->lock, &until);
}

static void *run(void *arg)
{
	struct shared *sh = arg;

	pthread_mutex_lock(&sh->lock);
	while (!sh->stop) {
		if (sh->due_us <= host->now_us())
			retire_old(sh);
		if (!sh->has_work) {
			wait_for_work(sh);
			continue;
		}
		sh->has_work = false;
		pthread_mutex_unlock(&sh->lock);
		serve(sh);
		pthread_mutex_lock(&sh->lock);
	}
	pthread_mutex_unlock(&sh->lock);
	return NULL;
}

int sync_start(struct shared *sh, struct ez_error *err)
{
	sigset_t all, before;
	int rc;

	sh->stop = false;
	/* Signals are the engine's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&sh->thread, NULL, run, sh);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return fail_errno(err, rc == EAGAIN ? ENOMEM : rc, "cannot start",
				  "the file sink's thread");
	sh->has_thread = true;
	return EZ_OK;
}

void sync_stop(struct shared *sh)
{
	if (!sh->has_thread)
		return;
	pthread_mutex_lock(&sh->lock);
	sh->stop = true;
	pthread_cond_signal(&sh->work);
	pthread_mutex_unlock(&sh->lock);
	pthread_join(sh->thread, NULL);
	sh->has_thread = false;
}
