/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/view.h"

#include "host.h"
#include "names.h"

enum {
	LOCK_NAME_CAP = 128,
};

/* The one table of the process: instances of a job find each other by folder and name. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list registry = LIST_SELF(registry);

int error_copy(struct ez_error *to, const struct ez_error *from)
{
	host->fail(to, from->rc, from->code, "%s", from->text);
	if (from->hint[0])
		host->hint(to, "%s", from->hint);
	return from->rc;
}

static struct shared *shared_new(const struct settings *s)
{
	struct shared *sh = xcalloc(1, sizeof(*sh));
	pthread_condattr_t attr;

	sh->path = xstrdup(s->path);
	sh->job = xstrdup(s->job);
	sh->manifest_path = xasprintf("%s/" NAMES_NOTES "/%s.json", s->path, s->job);
	sh->sync = s->sync;
	sh->file_mode = s->file_mode;
	sh->dir_mode = s->dir_mode;
	sh->root_fd = sh->notes_fd = sh->lock_fd = -1;
	sh->error.size = sizeof(sh->error);
	buf_init(&sh->saved, SHARED_MANIFEST_CAP);
	list_init(&sh->writers);
	list_init(&sh->files);
	list_init(&sh->streams);
	pthread_mutex_init(&sh->disk, NULL);
	pthread_mutex_init(&sh->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sh->work, &attr);
	pthread_cond_init(&sh->news, &attr);
	pthread_condattr_destroy(&attr);
	return sh;
}

static void shared_free(struct shared *sh)
{
	pthread_mutex_destroy(&sh->disk);
	pthread_mutex_destroy(&sh->lock);
	pthread_cond_destroy(&sh->work);
	pthread_cond_destroy(&sh->news);
	buf_release(&sh->saved);
	free(sh->path);
	free(sh->job);
	free(sh->manifest_path);
	free(sh);
}

struct shared *shared_get(const struct settings *s)
{
	struct shared *found = NULL;

	pthread_mutex_lock(&registry_lock);
	list_for_each(l, &registry) {
		struct shared *sh = LIST_OF(l, struct shared, link);

		if (view_eq_str(view_str(sh->path), s->path) &&
		    view_eq_str(view_str(sh->job), s->job))
			found = sh;
	}
	if (!found) {
		found = shared_new(s);
		list_add_tail(&registry, &found->link);
	}
	found->users++;
	pthread_mutex_unlock(&registry_lock);
	return found;
}

void shared_put(struct shared *sh)
{
	bool last;

	if (!sh)
		return;
	pthread_mutex_lock(&registry_lock);
	last = --sh->users == 0;
	if (last)
		list_remove(&sh->link);
	pthread_mutex_unlock(&registry_lock);
	if (last)
		shared_free(sh);
}

/* ------------------------------------------------------------------ folders */

static int open_folder(int at, const char *name, int *ret_fd)
{
	*ret_fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

static int make_notes(struct shared *sh)
{
	if (mkdirat(sh->root_fd, NAMES_NOTES, 0750) != 0 && errno != EEXIST)
		return -errno;
	return sh->sync && fsync(sh->root_fd) != 0 ? -errno : 0;
}

int shared_open_folders(struct shared *sh, bool create, struct ez_error *err)
{
	int rc = create ? fs_mkdirs(sh->path, sh->dir_mode) : 0;

	if (rc == 0)
		rc = open_folder(AT_FDCWD, sh->path, &sh->root_fd);
	if (rc == 0 && create)
		rc = make_notes(sh);
	if (rc == 0)
		rc = open_folder(sh->root_fd, NAMES_NOTES, &sh->notes_fd);
	if (rc == 0)
		return EZ_OK;
	shared_close_folders(sh);
	if (rc == -ENOENT && !create)
		return EZ_EOF;
	return fail_errno(err, -rc, "cannot open the sink's folder", sh->path);
}

void shared_close_folders(struct shared *sh)
{
	fs_closep(&sh->lock_fd);
	fs_closep(&sh->notes_fd);
	fs_closep(&sh->root_fd);
}

/* Whether the name still leads to the file that is open: forget() may have removed it. */
static bool is_same_file(int fd, int folder, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 &&
	       fstatat(folder, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

int shared_take_lock(struct shared *sh, struct ez_error *err)
{
	char name[LOCK_NAME_CAP];

	if (!str_format(name, sizeof(name), "%s.lock", sh->job))
		return fail_errno(err, ENAMETOOLONG, "cannot lock", sh->job);
	for (;;) {
		sh->lock_fd = openat(sh->notes_fd, name,
				     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (sh->lock_fd < 0)
			return fail_errno(err, errno, "cannot lock", sh->manifest_path);
		if (flock(sh->lock_fd, LOCK_EX | LOCK_NB) != 0) {
			int error = errno;

			fs_closep(&sh->lock_fd);
			if (error != EWOULDBLOCK)
				return fail_errno(err, error, "cannot lock",
						  sh->manifest_path);
			return host->fail(err, EZ_E_BUSY, "",
					  "another process writes the files of the job "
					  "\"%s\" in %s",
					  sh->job, sh->path);
		}
		if (is_same_file(sh->lock_fd, sh->notes_fd, name))
			return EZ_OK;
		fs_closep(&sh->lock_fd);
	}
}

/* ------------------------------------------------------------------ manifest */

static size_t fill_files(struct shared *sh, bool with_complete, struct manifest_file *to)
{
	size_t n = 0;

	list_for_each(l, &sh->files) {
		const struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->point.is_listed && (with_complete || !f->point.is_complete))
			to[n++] = (struct manifest_file){
				.name = f->name,
				.len = f->point.len,
				.opened_us = f->opened_us,
				.finished = f->point.is_complete,
			};
	}
	return n;
}

static size_t fill_streams(struct shared *sh, struct manifest_stream *to)
{
	size_t n = 0;

	list_for_each(l, &sh->streams) {
		const struct stream_point *s = LIST_OF(l, struct stream_point, link);

		to[n++] = (struct manifest_stream){ s->folder, s->next_seq };
	}
	return n;
}

void shared_format_manifest(struct shared *sh, bool with_complete, struct buf *ret_text)
{
	struct manifest m = {
		.position = sh->has_position ? sh->position : NULL,
		.order = sh->order,
		.snapshot = sh->snapshot,
		.snapshot_order = sh->snapshot_order,
		.phase = sh->phase,
		.files = xcalloc(list_count(&sh->files) + 1, sizeof(*m.files)),
		.streams = xcalloc(list_count(&sh->streams) + 1, sizeof(*m.streams)),
	};

	m.n_files = fill_files(sh, with_complete, m.files);
	m.n_streams = fill_streams(sh, m.streams);
	manifest_format(&m, sh->job, ret_text);
	free(m.files);
	free(m.streams);
}

int shared_save_manifest(struct shared *sh, struct ez_view text, struct ez_error *err)
{
	int rc;

	if (view_eq(text, buf_view(&sh->saved)))
		return EZ_OK;
	buf_reset(&sh->saved);
	rc = manifest_save(sh->notes_fd, sh->job, text, sh->sync);
	if (rc != 0)
		return fail_errno(err, -rc, "cannot write", sh->manifest_path);
	buf_add_view(&sh->saved, text);
	return EZ_OK;
}
