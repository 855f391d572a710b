/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"

#include "datafile.h"
#include "host.h"
#include "names.h"
#include "sync.h"
#include "writer.h"

/*
 * The start of a session: what the folder holds is brought back to what the manifest says.
 * manifest.c tells which differences a crash can leave; all others are somebody's doing and
 * are refused with what to do about them.
 */

static int fail_gone(struct writer *w, const char *name, const char *what,
		     struct ez_error *err)
{
	host->fail(err, EZ_E_GONE, "", "%s/%s" NAMES_PART " is %s, but %s counts on it",
		   w->shared->path, name, what, w->shared->manifest_path);
	return host->hint(
		err, "put the file back; or copy everything again: empty the folder, "
		     "then `ezcdc drop` and start the job");
}

/* Length of the file being written; -ENOENT: there is none. */
static int part_length(struct shared *sh, const char *name, uint64_t *ret_len)
{
	char part[NAMES_MAX];
	struct stat st;

	if (!str_format(part, sizeof(part), "%s" NAMES_PART, name))
		return -ENAMETOOLONG;
	if (fstatat(sh->root_fd, part, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_len = (uint64_t)st.st_size;
	return 0;
}

/* What was written after the durable point goes; the data is as durable as the manifest. */
static int cut_back(struct writer *w, struct datafile *f, uint64_t found, uint64_t len,
		    struct ez_error *err)
{
	int rc = 0;

	if (found < len)
		return fail_gone(w, f->name, "shorter than it was", err);
	if (found > len) {
		host->log(6,
			  "cut back %s to its last durable point: %" PRIu64 " of %" PRIu64
			  " bytes",
			  f->name, len, found);
		rc = datafile_cut(w->shared, f, len);
		f->needs_sync = true;
		CRASH_POINT("cut back");
	}
	if (rc != 0)
		return fail_errno(err, -rc, "cannot cut back", f->name);
	f->len = f->committed = f->flushed_len = len;
	f->point.len = len;
	f->point.is_listed = true;
	return EZ_OK;
}

static uint64_t snapshot_of(struct shared *sh, const char *name, uint64_t *ret_seq)
{
	const char *slash = strchr(name, '/');
	struct names_parsed p = { 0 };

	if (!names_parse(view_str(slash ? slash + 1 : name), sh->job, &p))
		return 0;
	*ret_seq = p.seq;
	return p.snapshot;
}

/* May a file of an earlier run grow on in this one? */
static bool can_go_on(const struct writer *w, const char *name)
{
	bool in_folder = strchr(name, '/') != NULL;

	return w->settings.format == FORMAT_JSONL &&
	       view_ends(view_str(name), view_str(w->settings.suffix)) &&
	       in_folder == (w->settings.layout == LAYOUT_PER_TABLE);
}

/* Gives the file to its stream, if it is the newest one there and can go on. */
static void hand_to_stream(struct writer *w, struct datafile *f, uint64_t seq)
{
	const char *slash = strchr(f->name, '/');
	char folder[NAMES_MAX] = "";
	struct stream *s;

	if (slash && !str_copy(folder, sizeof(folder),
			       view_of(f->name, (size_t)(slash - f->name))))
		folder[0] = '\0';
	s = writer_stream(w, folder);
	f->closed = true;
	f->point.is_complete = true;
	if (!can_go_on(w, f->name) || seq + 1 != s->next_seq)
		return;
	f->closed = false;
	f->point.is_complete = false;
	f->owner = w;
	s->file = f;
}

static int take_file(struct writer *w, const struct manifest_file *mf,
		     struct ez_error *err)
{
	uint64_t found = 0, seq = 0, snapshot = snapshot_of(w->shared, mf->name, &seq);
	int rc = part_length(w->shared, mf->name, &found);
	struct datafile *f;

	if (rc == -ENOENT && mf->finished)
		return EZ_OK; /* it has its name, and a reader may have taken it since */
	if (rc == -ENOENT)
		return fail_gone(w, mf->name, "missing", err);
	if (rc != 0)
		return fail_errno(err, -rc, "cannot look at", mf->name);
	f = datafile_add(w->shared, mf->name, mf->opened_us);
	f->snapshot = snapshot;
	rc = cut_back(w, f, found, mf->len, err);
	if (rc != EZ_OK)
		return rc;
	if (mf->finished)
		f->point.is_complete = f->closed = true;
	else if (snapshot == 0)
		hand_to_stream(w, f, seq);
	else
		f->closed = true;
	return EZ_OK;
}

/* ------------------------------------------------------------------ strangers */

struct sweep {
	struct writer *writer;
	bool has_manifest;
	char unknown[256]; /* a finished file beyond the manifest */
};

static bool is_listed(struct shared *sh, struct ez_view name)
{
	list_for_each(l, &sh->files)
		if (view_eq_str(name, LIST_OF(l, struct datafile, link)->name))
			return true;
	return false;
}

static void note_name(char *to, size_t size, const char *name)
{
	if (to[0] == '\0' && !str_copy(to, size, view_str(name)))
		to[size - 1] = '\0';
}

/* A file of this job under its final name. */
static int meet_finished(struct sweep *s, const char *name, const struct names_parsed *p)
{
	struct writer *w = s->writer;
	const char *slash = strchr(name, '/');
	char folder[NAMES_MAX] = "";
	struct stream *stream;

	if (!s->has_manifest)
		note_name(w->found.name, sizeof(w->found.name), name);
	if (p->snapshot != 0)
		return 0;
	if (slash &&
	    !str_copy(folder, sizeof(folder), view_of(name, (size_t)(slash - name))))
		return -ENAMETOOLONG;
	stream = writer_stream(w, folder);
	if (p->seq < stream->next_seq)
		return 0;
	if (s->has_manifest)
		note_name(s->unknown, sizeof(s->unknown), name);
	else
		stream->next_seq = stream->point.next_seq = p->seq + 1;
	return 0;
}

static int meet_file(struct shared *sh, const char *name, const struct names_parsed *p,
		     void *arg)
{
	struct sweep *s = arg;
	struct ez_view final = view_str(name);

	if (!p->is_part)
		return meet_finished(s, name, p);
	final.len -= sizeof(NAMES_PART) - 1;
	if (is_listed(sh, final))
		return 0;
	host->log(6, "remove %s: it was begun after the last durable point", name);
	CRASH_POINT("about to remove");
	return unlinkat(sh->root_fd, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

static int sweep(struct writer *w, bool has_manifest, struct ez_error *err)
{
	struct sweep s = { .writer = w, .has_manifest = has_manifest };
	int rc = datafile_walk(w->shared, meet_file, &s);

	if (rc != 0)
		return fail_errno(err, -rc, "cannot clean up", w->shared->path);
	if (s.unknown[0] == '\0')
		return EZ_OK;
	host->fail(err, EZ_E_CONFIG, "", "%s/%s exists, but %s knows no such file yet",
		   w->shared->path, s.unknown, w->shared->manifest_path);
	return host->hint(err,
			  "an older manifest was put back, or another job of this name "
			  "wrote here: move these files away, or use another folder");
}

/* ------------------------------------------------------------------ recover() */

static int take_manifest(struct writer *w, const struct manifest *m, struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc = EZ_OK;

	if (m->position &&
	    !str_copy(sh->position, sizeof(sh->position), view_str(m->position)))
		return host->fail(err, EZ_E_IO, "", "the position in %s is too long",
				  sh->manifest_path);
	sh->has_position = m->position != NULL;
	sh->order = m->order;
	sh->snapshot = m->snapshot;
	sh->snapshot_order = m->snapshot_order;
	sh->phase = m->phase;
	for (size_t i = 0; i < m->n_streams; i++) {
		struct stream *s = writer_stream(w, m->streams[i].folder);

		s->next_seq = s->point.next_seq = m->streams[i].next_seq;
	}
	for (size_t i = 0; i < m->n_files && rc == EZ_OK; i++)
		rc = take_file(w, &m->files[i], err);
	return rc;
}

static int restore(struct writer *w, struct ez_error *err)
{
	_cleanup_(manifest_release) struct manifest m = { 0 };
	struct shared *sh = w->shared;
	int rc = manifest_load(sh->notes_fd, sh->job, sh->manifest_path, &m, err);
	bool has_manifest = rc == EZ_OK;

	if (rc < 0)
		return rc;
	if (has_manifest)
		rc = take_manifest(w, &m, err);
	else
		rc = EZ_OK;
	if (rc == EZ_OK)
		rc = sweep(w, has_manifest, err);
	/* Names that are due are given, and the manifest is as good as new. */
	if (rc == EZ_OK && has_manifest)
		rc = sync_point(sh, err);
	return rc;
}

static void reset(struct shared *sh)
{
	sh->has_position = false;
	sh->order = 0;
	sh->phase = SNAPSHOT_NONE;
	sh->snapshot = sh->snapshot_order = 0;
	sh->is_broken = sh->has_work = sh->stop = false;
	sh->due_us = INT64_MAX;
	sh->n_retired = 0;
	buf_reset(&sh->saved);
}

static void give_up(struct writer *w)
{
	struct shared *sh = w->shared;

	sync_stop(sh);
	pthread_mutex_lock(&sh->lock);
	sh->in_session = false;
	sh->main = NULL;
	list_for_each(l, &sh->files)
		datafile_free(LIST_OF(l, struct datafile, link));
	pthread_mutex_unlock(&sh->lock);
	writer_forget_streams(w);
	shared_close_folders(sh);
}

static int start(struct writer *w, struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc = shared_open_folders(sh, true, err);

	if (rc == EZ_OK)
		rc = shared_take_lock(sh, err);
	if (rc == EZ_OK) {
		reset(sh);
		rc = restore(w, err);
	}
	if (rc == EZ_OK)
		rc = sync_start(sh, err);
	return rc;
}

/* Only one writer 0 can have the session. */
static int claim(struct writer *w, struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc = EZ_OK;

	pthread_mutex_lock(&sh->lock);
	if (sh->main && sh->main != w)
		rc = host->fail(
			err, EZ_E_BUSY, "",
			"this process writes the files of the job \"%s\" in %s already",
			sh->job, sh->path);
	else if (sh->main == w)
		rc = host->fail(err, EZ_E_FATAL, "", "the file sink recovers only once");
	else
		sh->main = w;
	pthread_mutex_unlock(&sh->lock);
	return rc;
}

int writer_recover(struct writer *w, struct ez_position *ret, struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc = claim(w, err);

	if (rc != EZ_OK)
		return rc;
	pthread_mutex_lock(&sh->disk);
	rc = start(w, err);
	if (rc != EZ_OK)
		give_up(w);
	pthread_mutex_lock(&sh->lock);
	sh->in_session = rc == EZ_OK;
	pthread_mutex_unlock(&sh->lock);
	pthread_mutex_unlock(&sh->disk);
	if (rc != EZ_OK)
		return rc;
	if (!sh->has_position)
		return EZ_EOF;
	/* The writer's own copy is the one that stays valid. */
	memcpy(w->position, sh->position, sizeof(w->position));
	w->order = sh->order;
	*ret = (struct ez_position){ .bytes = view_str(w->position), .order = w->order };
	return EZ_OK;
}
