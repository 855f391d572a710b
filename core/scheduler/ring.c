/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"

enum {
	CHUNK = 4096,
	TAIL_MAX = 4 * RING_BYTES,
};

int ring_open(struct ring *r, const char *dir)
{
	_cleanup_(freep) char *path = xasprintf("%s/log", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	ring_close(r);
	*r = (struct ring){
		.path = TAKE_PTR(path),
		.old_path = xasprintf("%s/log.1", dir),
		.fd = fd,
		.at = MAX(lseek(fd, 0, SEEK_END), (off_t)0),
		.partial = BUF_INIT(RING_LINE_MAX),
	};
	return 0;
}

void ring_close(struct ring *r)
{
	fs_closep(&r->fd);
	free(r->path);
	free(r->old_path);
	buf_release(&r->partial);
	*r = RING_INIT;
}

int ring_writer(const struct ring *r)
{
	int fd = open(r->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd;
}

static void flush_line(struct ring *r, void (*line)(void *arg, struct ez_view text), void *arg)
{
	if (r->partial.len > 0)
		line(arg, buf_view(&r->partial));
	buf_reset(&r->partial);
}

static void take(struct ring *r, const char *p, size_t n,
		 void (*line)(void *arg, struct ez_view text), void *arg)
{
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t len = end ? (size_t)(end - p) : n;
		size_t fits = MIN(len, (size_t)RING_LINE_MAX - r->partial.len);

		buf_add(&r->partial, p, fits);
		if (fits < len || end)
			flush_line(r, line, arg);
		if (fits == len && end)
			fits++;
		p += fits;
		n -= fits;
	}
}

/* What is written between reading and cutting is lost from the file: a few lines at most,
 * once in half a megabyte. */
static void cut(struct ring *r, off_t size)
{
	_cleanup_(buf_release) struct buf half = BUF_INIT(RING_BYTES);
	off_t from = size - RING_BYTES / 2;
	char *to = buf_reserve(&half, RING_BYTES / 2);
	ssize_t n = to ? pread(r->fd, to, RING_BYTES / 2, from) : -1;
	const char *start = n > 0 ? memchr(to, '\n', (size_t)n) : NULL;

	if (start && fs_write_atomic(r->old_path, start + 1, (size_t)(to + n - start - 1),
				     0600) < 0)
		return; /* a full disk: better long than lost */
	if (ftruncate(r->fd, 0) == 0)
		r->at = 0;
}

void ring_pump(struct ring *r, void (*line)(void *arg, struct ez_view text), void *arg)
{
	char chunk[CHUNK];
	struct stat st;
	ssize_t n;

	if (r->fd < 0 || fstat(r->fd, &st) != 0)
		return;
	if (st.st_size < r->at)
		r->at = 0;
	while ((n = pread(r->fd, chunk, sizeof(chunk), r->at)) > 0) {
		r->at += n;
		take(r, chunk, (size_t)n, line, arg);
	}
	if (r->at > RING_BYTES)
		cut(r, r->at);
}

static struct ez_view last_lines(struct ez_view text, size_t lines)
{
	size_t at = text.len;

	while (at > 0) {
		if (text.ptr[at - 1] == '\n' && at < text.len && --lines == 0)
			break;
		at--;
	}
	return view_of(text.ptr + at, text.len - at);
}

void ring_tail(const char *dir, size_t lines, struct buf *out)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TAIL_MAX);
	_cleanup_(freep) char *path = xasprintf("%s/log", dir), *old = xasprintf("%s/log.1", dir);

	if (fs_read_file(old, TAIL_MAX / 2, &text) < 0)
		buf_reset(&text);
	(void)!fs_read_file(path, TAIL_MAX / 2, &text);
	if (text.len > 0 && lines > 0)
		buf_add_view(out, last_lines(buf_view(&text), lines));
}
