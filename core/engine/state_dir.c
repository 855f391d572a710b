/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/host.h"

enum { EXIT_JSON_MAX = 4096 };

char *state_dir_path(const char *option, const char *job)
{
	const char *systemd = secure_getenv("STATE_DIRECTORY");

	if (option)
		return xstrdup(option);
	if (systemd && systemd[0] != '\0') {
		size_t len = strcspn(systemd, ":");

		return xstrndup(systemd, len);
	}
	return xasprintf("/var/lib/ezcdc/%s", job);
}

static int cannot(struct ez_error *err, const char *code, const char *what, const char *path)
{
	host_table.fail(err, EZ_E_IO, code, "state folder %s: cannot %s: %m", path, what);
	return host_table.hint(err, "make it writable for this user, or name another with "
				    "--state-dir");
}

static int held_by_other(int fd, const char *path, struct ez_error *err)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	host_table.fail(err, EZ_E_BUSY, "", "another daemon runs this job in %s (pid %s)", path,
			pid[0] ? pid : "unknown");
	return host_table.hint(err, "stop it first: ezcdc stop %s", path);
}

static int take_lock(const char *path, int *ret_fd, struct ez_error *err)
{
	char *file = xasprintf("%s/lock", path);
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = EZ_OK;

	free(file);
	if (fd < 0)
		return cannot(err, errno == EACCES || errno == EROFS ? "CANTCREAT" : "IOERR",
			      "make the lock file", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		rc = errno == EWOULDBLOCK ? held_by_other(fd, path, err) :
					    cannot(err, "IOERR", "lock it", path);
	else if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
		rc = cannot(err, "IOERR", "write to it", path);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return EZ_OK;
}

int state_dir_open(const char *path, struct state_dir *ret, struct ez_error *err)
{
	int rc = fs_mkdirs(path, 0700), fd = -1;

	if (rc < 0) {
		errno = -rc;
		return cannot(err, "CANTCREAT", "make it", path);
	}
	rc = take_lock(path, &fd, err);
	if (rc < 0)
		return rc;
	*ret = (struct state_dir){ .path = xstrdup(path), .lock_fd = fd };
	return EZ_OK;
}

void state_dir_close(struct state_dir *d)
{
	fs_closep(&d->lock_fd);
	free(d->path);
	d->path = NULL;
}

char *state_dir_file(const struct state_dir *d, const char *name)
{
	return xasprintf("%s/%s", d->path, name);
}

void state_dir_leave_exit(const struct state_dir *d, int code, const char *sentence)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(EXIT_JSON_MAX);
	_cleanup_(freep) char *path = state_dir_file(d, "exit.json");
	struct jsonw w = JSONW_INIT(&text);

	jsonw_begin_object(&w);
	jsonw_key(&w, "code");
	jsonw_i64(&w, code);
	jsonw_key(&w, "sentence");
	jsonw_str(&w, sentence);
	jsonw_key(&w, "time");
	jsonw_str(&w, format_rfc3339_us(now_us()).text);
	jsonw_end_object(&w);
	buf_add_char(&text, '\n');
	/* For information only: the exit code itself is what counts. */
	(void)!fs_write_atomic(path, text.ptr, text.len, 0600);
}
