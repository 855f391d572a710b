/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"

/* A mapping for `len` bytes and a terminator, all zero. */
static int map_secret(struct secret *ret_s, size_t len)
{
	char *ptr;

	if (alloc_is_failing())
		return -ENOMEM;
	ptr = mmap(NULL, len + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
	if (ptr == MAP_FAILED)
		return -errno;
	/* Both are best effort: without them the secret is only as safe as any memory. */
	(void)mlock(ptr, len + 1);
	(void)madvise(ptr, len + 1, MADV_DONTDUMP);
	*ret_s = (struct secret){ .ptr = ptr, .len = len, .map_bytes = len + 1 };
	return 0;
}

int secret_set(struct secret *s, struct ez_view v)
{
	struct secret fresh;
	int r;

	if (v.len > SECRET_MAX_BYTES)
		return -EFBIG;
	r = map_secret(&fresh, v.len);
	if (r < 0)
		return r;
	if (v.len > 0)
		memcpy(fresh.ptr, v.ptr, v.len);
	secret_release(s);
	*s = fresh;
	return 0;
}

void secret_release(struct secret *s)
{
	if (s->ptr) {
		explicit_bzero(s->ptr, s->map_bytes);
		munmap(s->ptr, s->map_bytes);
	}
	*s = SECRET_INIT;
}

struct secret secret_take(struct secret *s)
{
	struct secret taken = *s;

	*s = SECRET_INIT;
	return taken;
}

bool secret_eq(const struct secret *s, struct ez_view v)
{
	unsigned char differs = 0;

	if (s->len != v.len)
		return false;
	for (size_t i = 0; i < v.len; i++)
		differs |= (unsigned char)(s->ptr[i] ^ v.ptr[i]);
	return differs == 0;
}

/* Fills `s` up to its length; the number of bytes before the end of `fd`, or -errno. */
static ssize_t read_all(struct secret *s, int fd)
{
	size_t got = 0;

	while (got < s->len) {
		ssize_t n = read(fd, s->ptr + got, s->len - got);

		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static struct ez_view without_newline(struct ez_view v)
{
	if (view_ends(v, VIEW("\r\n")))
		v.len -= 2;
	else if (view_ends(v, VIEW("\n")))
		v.len -= 1;
	return v;
}

int secret_read_fd(struct secret *s, int fd)
{
	_cleanup_(secret_release) struct secret raw = SECRET_INIT;
	ssize_t n;
	int r = map_secret(&raw, SECRET_MAX_BYTES + sizeof("\r\n"));

	if (r < 0)
		return r;
	n = read_all(&raw, fd);
	if (n < 0)
		return (int)n;
	return secret_set(s, without_newline(view_of(raw.ptr, (size_t)n)));
}

int secret_read_file(struct secret *s, const char *path)
{
	_cleanup_(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = secret_read_fd(s, fd);
	if (r == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)))
		r = SECRET_EXPOSED;
	return r;
}
