/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/str.h"

#include "datafile.h"
#include "host.h"
#include "names.h"
#include "writer.h"

/* The questions that can be asked without changing anything, and the end of a job. */

enum {
	LOW_SPACE_FACTOR = 4, /* room for so many files is not low */
};

/* The folder, or the nearest one above it that exists. */
static char *existing_folder(const char *path)
{
	char *folder = xstrdup(path);
	struct stat st;

	while (stat(folder, &st) != 0 && errno == ENOENT) {
		char *slash = strrchr(folder, '/');

		if (!slash || slash == folder) {
			free(folder);
			return xstrdup("/");
		}
		*slash = '\0';
	}
	return folder;
}

static bool check_folder(struct writer *w, const char *folder, struct ez_report *report)
{
	const char *path = w->settings.path;
	struct stat st;

	if (stat(folder, &st) != 0) {
		host->finding(report, EZ_FINDING_FAILED, "folder", NULL,
			      "%s cannot be looked at: %s", folder,
			      strerrordesc_np(errno));
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		host->finding(report, EZ_FINDING_FAILED, "folder", "choose another path",
			      "%s is not a folder", folder);
		return false;
	}
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0) {
		host->finding(report, EZ_FINDING_FAILED, "folder",
			      "let the user that runs the job write there",
			      "%s is not writable: %s", folder, strerrordesc_np(errno));
		return false;
	}
	host->finding(report, EZ_FINDING_OK, "folder", NULL, "%s %s", path,
		      strcmp(folder, path) == 0 ? "is writable" : "can be made");
	return true;
}

static void check_space(struct writer *w, const char *folder, struct ez_report *report)
{
	struct statvfs v;
	uint64_t space;

	if (statvfs(folder, &v) != 0)
		return;
	space = (uint64_t)v.f_bavail * v.f_frsize;
	if (space / LOW_SPACE_FACTOR < w->settings.rotate_bytes)
		host->finding(report, EZ_FINDING_WARNING, "space",
			      "free space, or remove finished files that are consumed",
			      "%s has %s left, a file takes %s", folder,
			      format_size(space).text,
			      format_size(w->settings.rotate_bytes).text);
	else
		host->finding(report, EZ_FINDING_OK, "space", NULL, "%s has %s left",
			      folder, format_size(space).text);
}

/* Files are renamed and synced within one file system. */
static void check_notes(struct writer *w, struct ez_report *report)
{
	struct shared *sh = w->shared;
	struct stat root, notes;

	if (fstat(sh->root_fd, &root) == 0 && fstat(sh->notes_fd, &notes) == 0 &&
	    root.st_dev != notes.st_dev)
		host->finding(report, EZ_FINDING_FAILED, "file system",
			      "unmount what is mounted there",
			      "%s/" NAMES_NOTES " is on another file system than %s",
			      sh->path, sh->path);
	if (faccessat(sh->notes_fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		host->finding(report, EZ_FINDING_FAILED, "notes",
			      "let the user that runs the job write there",
			      "%s/" NAMES_NOTES " is not writable", sh->path);
}

/* Looks only: the lock is not made, and given back at once. */
static bool is_locked(struct shared *sh)
{
	_cleanup_(fs_closep) int fd = -1;
	char name[NAMES_MAX];

	if (!str_format(name, sizeof(name), "%s.lock", sh->job))
		return false;
	fd = openat(sh->notes_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static void check_manifest(struct shared *sh, struct ez_report *report)
{
	_cleanup_(manifest_release) struct manifest m = { 0 };
	struct ez_error err = { .size = sizeof(err) };
	int rc = manifest_load(sh->notes_fd, sh->job, sh->manifest_path, &m, &err);

	if (is_locked(sh))
		host->finding(report, EZ_FINDING_WARNING, "lock",
			      "stop the other daemon first",
			      "a daemon is writing the files of this job now");
	if (rc == EZ_OK)
		host->finding(report, EZ_FINDING_OK, "position", NULL,
			      "the files are complete up to %s",
			      m.position ? m.position : "the beginning");
	else if (rc != EZ_EOF)
		host->finding(report, EZ_FINDING_FAILED, "position", err.hint, "%s",
			      err.text);
}

int writer_check(struct writer *w, struct ez_report *report, struct ez_error *err)
{
	_cleanup_(freep) char *folder = existing_folder(w->settings.path);
	struct shared *sh = w->shared;
	int rc;

	if (!check_folder(w, folder, report))
		return EZ_OK;
	check_space(w, folder, report);
	pthread_mutex_lock(&sh->disk);
	if (sh->main) {
		rc = EZ_OK; /* the session of this process speaks for itself */
	} else {
		rc = shared_open_folders(sh, false, err);
		if (rc == EZ_OK) {
			check_notes(w, report);
			check_manifest(sh, report);
			shared_close_folders(sh);
		} else if (rc == EZ_EOF) {
			rc = EZ_OK;
		}
	}
	pthread_mutex_unlock(&sh->disk);
	return rc;
}

/* ------------------------------------------------------------------ forget */

static int remove_part(struct shared *sh, const char *name, const struct names_parsed *p,
		       void *arg)
{
	(void)arg;
	if (!p->is_part)
		return 0;
	return unlinkat(sh->root_fd, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_lock(struct shared *sh)
{
	char name[NAMES_MAX];

	if (!str_format(name, sizeof(name), "%s.lock", sh->job))
		return -ENAMETOOLONG;
	if (unlinkat(sh->notes_fd, name, 0) != 0 && errno != ENOENT)
		return -errno;
	/* Other jobs may have their notes there. */
	(void)unlinkat(sh->root_fd, NAMES_NOTES, AT_REMOVEDIR);
	return 0;
}

static int forget(struct shared *sh, struct ez_error *err)
{
	int rc = shared_open_folders(sh, false, err);

	if (rc == EZ_EOF)
		return EZ_OK;
	if (rc == EZ_OK)
		rc = shared_take_lock(sh, err);
	if (rc == EZ_OK) {
		/* Without a manifest the next start removes such files as well. */
		rc = manifest_remove(sh->notes_fd, sh->job, sh->sync);
		if (rc == 0)
			rc = datafile_walk(sh, remove_part, NULL);
		if (rc == 0)
			rc = remove_lock(sh);
		if (rc != 0)
			rc = fail_errno(err, -rc, "cannot remove the notes on the job in",
					sh->path);
	}
	shared_close_folders(sh);
	return rc;
}

int writer_forget(struct writer *w, struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc;

	pthread_mutex_lock(&sh->disk);
	if (sh->main)
		rc = host->fail(err, EZ_E_BUSY, "", "the job is running in this process");
	else
		rc = forget(sh, err);
	pthread_mutex_unlock(&sh->disk);
	return rc;
}
