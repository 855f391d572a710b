/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

enum {
	READ_BYTES = 64 * 1024,
};

static int sys(int rc)
{
	return rc < 0 ? -errno : 0;
}

void fs_closep(int *fd)
{
	int saved_errno = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved_errno;
}

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Where the name in `path` begins, slashes at its end left out of account. */
static size_t parent_len(const char *path)
{
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	return n;
}

/* The folder of `path` on the heap: "." for a bare name. */
static char *parent_of(const char *path)
{
	size_t n = parent_len(path);

	return n > 0 ? xstrndup(path, n) : xstrdup(path[0] == '/' ? "/" : ".");
}

int fs_sync_dir(const char *path)
{
	_cleanup_(fs_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : sys(fsync(fd));
}

int fs_sync_parent(const char *path)
{
	_cleanup_(freep) char *parent = parent_of(path);

	return fs_sync_dir(parent);
}

static int write_new(const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_(fs_closep) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r = sys(fd);

	if (r == 0)
		r = fs_write_all(fd, data, len);
	if (r == 0)
		r = sys(fsync(fd));
	return r;
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_(freep) char *beside = xasprintf("%s.tmp", path);
	int r;

	/* Left by a crash, perhaps with another mode: O_EXCL then makes it anew. */
	(void)unlink(beside);
	r = write_new(beside, data, len, mode);
	if (r == 0)
		r = sys(rename(beside, path));
	if (r < 0) {
		(void)unlink(beside);
		return r;
	}
	return fs_sync_parent(path);
}

static int check_is_dir(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fs_mkdirs(const char *path, mode_t mode)
{
	_cleanup_(freep) char *parent = NULL;
	int r = sys(mkdir(path, mode));

	if (r == -EEXIST)
		return check_is_dir(path);
	if (r != -ENOENT || parent_len(path) == 0)
		return r;
	parent = parent_of(path);
	r = fs_mkdirs(parent, mode);
	if (r == 0)
		r = sys(mkdir(path, mode));
	return r == -EEXIST ? check_is_dir(path) : r;
}

/* Reads up to `max` bytes onto the buffer; their number, 0 at the end, or -errno. */
static ssize_t read_onto(int fd, struct buf *b, size_t max)
{
	char *to = buf_reserve(b, max);
	ssize_t n;

	if (!to)
		return -ENOMEM;
	do
		n = read(fd, to, max);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf_advance(b, (size_t)n);
	return n;
}

/* With the limit reached: 0 at the end of the file, -EFBIG before it, or -errno. */
static ssize_t expect_end(int fd)
{
	_cleanup_(buf_release) struct buf one = BUF_INIT(1);
	ssize_t n = read_onto(fd, &one, 1);

	return n > 0 ? -EFBIG : n;
}

int fs_read_fd(int fd, size_t cap, struct buf *ret_data)
{
	size_t before = ret_data->len;
	size_t limit = before + MIN(cap, ret_data->cap - before);
	ssize_t n;

	do {
		size_t left = limit - ret_data->len;

		n = left ? read_onto(fd, ret_data, MIN(left, (size_t)READ_BYTES))
			 : expect_end(fd);
	} while (n > 0);
	if (n < 0)
		buf_truncate(ret_data, before);
	return (int)n;
}

int fs_read_file(const char *path, size_t cap, struct buf *ret_data)
{
	_cleanup_(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fs_read_fd(fd, cap, ret_data);
}
