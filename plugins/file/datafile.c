/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "datafile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/view.h"

#include "host.h"
#include "names.h"

enum {
	OPEN_MAX_FILES = 128, /* of one writer; the usual limit of a process is 1024 */
};

static bool part_name(char *to, const char *name)
{
	return str_format(to, NAMES_MAX, "%s" NAMES_PART, name);
}

struct datafile *datafile_add(struct shared *sh, const char *name, int64_t opened_us)
{
	struct datafile *f = xcalloc(1, sizeof(*f));

	f->name = xstrdup(name);
	f->opened_us = opened_us;
	f->fd = -1;
	pthread_mutex_lock(&sh->lock);
	list_add_tail(&sh->files, &f->link);
	pthread_mutex_unlock(&sh->lock);
	return f;
}

void datafile_free(struct datafile *f)
{
	list_remove(&f->link);
	fs_closep(&f->fd);
	free(f->header);
	free(f->name);
	free(f);
}

/* The folder of "folder/name", if it has one. */
static int make_folder(struct shared *sh, const char *name)
{
	const char *slash = strchr(name, '/');
	char folder[NAMES_MAX];

	if (!slash)
		return 0;
	if (!str_copy(folder, sizeof(folder), view_of(name, (size_t)(slash - name))))
		return -ENAMETOOLONG;
	if (mkdirat(sh->root_fd, folder, sh->dir_mode) == 0)
		/* mkdir is subject to the umask; the option is not */
		return fchmodat(sh->root_fd, folder, sh->dir_mode, 0) == 0 ? 0 : -errno;
	return errno == EEXIST ? 0 : -errno;
}

static int create(struct shared *sh, const char *name, int *ret_fd)
{
	char part[NAMES_MAX];
	int rc = make_folder(sh, name), fd;

	if (rc != 0)
		return rc;
	if (!part_name(part, name))
		return -ENAMETOOLONG;
	fd = openat(sh->root_fd, part,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, sh->file_mode);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, sh->file_mode) != 0) {
		rc = -errno;
		(void)unlinkat(sh->root_fd, part, 0);
		fs_closep(&fd);
		return rc;
	}
	CRASH_POINT("file made");
	*ret_fd = fd;
	return 0;
}

int datafile_create(struct shared *sh, const char *name, int64_t now_us,
		    struct datafile **ret, struct ez_error *err)
{
	struct datafile *f;
	int fd, rc;

	rc = create(sh, name, &fd);
	if (rc != 0)
		return fail_errno(err, -rc, "cannot make the file", name);
	f = datafile_add(sh, name, now_us);
	f->fd = fd;
	*ret = f;
	return EZ_OK;
}

static int open_part(struct shared *sh, const char *name, int *ret_fd)
{
	char part[NAMES_MAX];

	if (!part_name(part, name))
		return -ENAMETOOLONG;
	*ret_fd = openat(sh->root_fd, part, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return *ret_fd < 0 ? -errno : 0;
}

/* `lock` is held. */
static void close_least_used(struct shared *sh, const struct datafile *keep)
{
	struct datafile *least = NULL;
	size_t n = 0;

	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->owner != keep->owner || f->fd < 0)
			continue;
		n++;
		if (f != keep && !f->is_busy && (!least || f->used < least->used))
			least = f;
	}
	if (n > OPEN_MAX_FILES && least)
		fs_closep(&least->fd);
}

int datafile_reopen(struct shared *sh, struct datafile *f, struct ez_error *err)
{
	int fd = -1, rc = 0;

	if (f->fd < 0)
		rc = open_part(sh, f->name, &fd);
	if (rc != 0)
		return fail_errno(err, -rc, "cannot open the file", f->name);
	pthread_mutex_lock(&sh->lock);
	if (fd >= 0)
		f->fd = fd;
	close_least_used(sh, f);
	pthread_mutex_unlock(&sh->lock);
	return EZ_OK;
}

int datafile_cut(struct shared *sh, struct datafile *f, uint64_t len)
{
	_cleanup_(fs_closep) int own = -1;
	int rc = 0;

	if (f->fd < 0)
		rc = open_part(sh, f->name, &own);
	if (rc == 0 && ftruncate(f->fd < 0 ? own : f->fd, (off_t)len) != 0)
		rc = -errno;
	return rc;
}

int datafile_sync(struct shared *sh, const char *name, int fd)
{
	_cleanup_(fs_closep) int own = -1;
	int rc = 0;

	if (fd < 0)
		rc = open_part(sh, name, &own);
	if (rc == 0 && fdatasync(fd < 0 ? own : fd) != 0)
		rc = -errno;
	return rc;
}

/* Where the file system cannot refuse to replace: the lock keeps other writers out. */
static int rename_carefully(struct shared *sh, const char *part, const char *name)
{
	if (faccessat(sh->root_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(sh->root_fd, part, sh->root_fd, name) == 0 ? 0 : -errno;
}

int datafile_publish(struct shared *sh, const char *name)
{
	char part[NAMES_MAX];
	int rc = 0;

	if (!part_name(part, name))
		return -ENAMETOOLONG;
	if (renameat2(sh->root_fd, part, sh->root_fd, name, RENAME_NOREPLACE) != 0)
		rc = -errno;
	if (rc == -EINVAL || rc == -ENOSYS)
		rc = rename_carefully(sh, part, name);
	return rc == -ENOENT ? 0 : rc;
}

int datafile_remove(struct shared *sh, const char *name)
{
	char part[NAMES_MAX];

	if (!part_name(part, name))
		return -ENAMETOOLONG;
	if (unlinkat(sh->root_fd, part, 0) != 0 && errno != ENOENT)
		return -errno;
	CRASH_POINT("file removed");
	return 0;
}

static int sync_folder(struct shared *sh, const char *folder)
{
	_cleanup_(fs_closep) int fd =
		openat(sh->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fsync(fd) == 0 ? 0 : -errno;
}

int datafile_sync_folder(struct shared *sh, const char *name)
{
	const char *slash = strchr(name, '/');
	char folder[NAMES_MAX];
	int rc = 0;

	if (slash) {
		if (!str_copy(folder, sizeof(folder),
			      view_of(name, (size_t)(slash - name))))
			return -ENAMETOOLONG;
		rc = sync_folder(sh, folder);
	}
	/* The folder itself may be new. */
	return rc == 0 ? sync_folder(sh, ".") : rc;
}

/* ------------------------------------------------------------------ walking */

struct walk {
	struct shared *sh;
	int (*visit)(struct shared *sh, const char *name,
		     const struct names_parsed *parsed, void *arg);
	void *arg;
};

static int visit_entry(const struct walk *w, const char *folder, const char *entry)
{
	struct names_parsed parsed;
	char name[NAMES_MAX];

	if (!names_parse(view_str(entry), w->sh->job, &parsed))
		return 0;
	if (!str_format(name, sizeof(name), "%s%s%s", folder, folder[0] ? "/" : "",
			entry))
		return -ENAMETOOLONG;
	return w->visit(w->sh, name, &parsed, w->arg);
}

/* A table's folder, by its name; whether it is one shows when it is opened. */
static bool may_be_folder(const struct dirent *d)
{
	if (d->d_name[0] == '.' || (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN))
		return false;
	return strchr(d->d_name, '.') || strcmp(d->d_name, NAMES_MESSAGES) == 0;
}

static int walk_folder(const struct walk *w, const char *folder);

static int walk_entries(const struct walk *w, const char *folder, DIR *dir)
{
	const struct dirent *d;
	int rc = 0;

	while (rc == 0) {
		errno = 0;
		d = readdir(dir);
		if (!d)
			return -errno;
		rc = visit_entry(w, folder, d->d_name);
		if (rc == 0 && folder[0] == '\0' && may_be_folder(d))
			rc = walk_folder(w, d->d_name);
	}
	return rc;
}

static int walk_folder(const struct walk *w, const char *folder)
{
	int fd = openat(w->sh->root_fd, folder[0] ? folder : ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir;
	int rc;

	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		rc = -errno;
		fs_closep(&fd);
		return rc;
	}
	rc = walk_entries(w, folder, dir);
	closedir(dir);
	return rc;
}

int datafile_walk(struct shared *sh,
		  int (*visit)(struct shared *sh, const char *name,
			       const struct names_parsed *parsed, void *arg),
		  void *arg)
{
	const struct walk w = { sh, visit, arg };

	return walk_folder(&w, "");
}
