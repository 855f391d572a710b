/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * A password, token or key in memory.
 *
 * The bytes stand in a mapping of their own: locked against swapping as far as the limits
 * of the process allow, left out of core dumps, and wiped before it is unmapped. The log
 * has no way to print the type; whoever takes the view out is responsible for it.
 *
 * A value on the stack or in a struct, SECRET_INIT or all zero when empty; one owner, who
 * calls secret_release. Not thread safe while it is being set. Fallible functions return
 * 0 or -errno.
 */
struct secret {
	char *ptr;
	size_t len;
	size_t map_bytes;
};

#define SECRET_INIT ((struct secret){ .ptr = NULL })

enum {
	SECRET_MAX_BYTES = 64 * 1024,
	SECRET_EXPOSED = 1, /* read, but group or others may read the file */
};

/* Copies the bytes. -EFBIG over SECRET_MAX_BYTES, -ENOMEM; the old value stays then. */
_must_check_ int secret_set(struct secret *s, struct ez_view v);

/* Wipes and unmaps; the secret is empty then. Fits _cleanup_. */
void secret_release(struct secret *s);

/* Moves the value out, leaving `s` empty. */
struct secret secret_take(struct secret *s);

static inline bool secret_is_set(const struct secret *s)
{
	return s->ptr != NULL;
}

/* Borrowed until the secret is set again or released. */
static inline struct ez_view secret_view(const struct secret *s)
{
	return view_of(s->ptr, s->len);
}

/* The same with a terminator, for libraries that want one; "" when empty. */
static inline const char *secret_cstr(const struct secret *s)
{
	return s->ptr ? s->ptr : "";
}

/* Whether the bytes are the same, in time that depends on the lengths only. */
bool secret_eq(const struct secret *s, struct ez_view v);

/* Reads to the end of `fd`; one newline at the end ("\n" or "\r\n") is not part of it. */
_must_check_ int secret_read_fd(struct secret *s, int fd);

/* The same for a file; SECRET_EXPOSED (1) instead of 0 when its mode is too wide. */
_must_check_ int secret_read_file(struct secret *s, const char *path);

#endif
