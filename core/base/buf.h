/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * A growable byte buffer: how everything that has no fixed size is built.
 *
 * A buffer has a cap that its owner states when it is made. Adders return nothing: when a
 * piece would pass the cap, or memory is gone, nothing of that piece is added, the sticky
 * `overflow` flag is set, and all later adds are ignored. So the content is always a
 * prefix of what was meant, and one buf_ok() after the last add is enough. The flag is
 * cleared by buf_reset() and by buf_truncate(), which go back to content that was whole.
 *
 * The owner is whoever holds the struct; buf_release() frees it and leaves it empty with
 * the same cap. Adds move the memory, so views and pointers into a buffer last until the
 * next add. Not thread safe. A buffer never holds more than `cap` bytes of content; it
 * keeps one byte more for the terminator of buf_cstr().
 */
struct buf {
	char *ptr;
	size_t len;
	size_t size; /* bytes that fit without the slow path; equals len once overflown */
	size_t alloc; /* bytes of memory behind ptr, terminator included */
	size_t cap;   /* most bytes of content */
	bool overflow;
};

#define BUF_INIT(cap_bytes) ((struct buf){ .cap = (cap_bytes) })

static inline void buf_init(struct buf *b, size_t cap_bytes)
{
	*b = BUF_INIT(cap_bytes);
}

/* Frees the memory; the buffer is as after BUF_INIT. Fits _cleanup_. */
void buf_release(struct buf *b);

/* Forgets the content and the overflow, keeps the memory. */
void buf_reset(struct buf *b);

/* Goes back to the first `len` bytes, which must be there, and forgets the overflow. */
void buf_truncate(struct buf *b, size_t len);

/* Gives the content away as a NUL-terminated heap string; the buffer is empty then. */
_must_check_ _returns_nonnull_ char *buf_take(struct buf *b);

/* Exchanges the content of two buffers, caps included. */
void buf_swap(struct buf *a, struct buf *b);

/* False when anything was left out since the last reset or truncate. */
static inline bool buf_ok(const struct buf *b)
{
	return !b->overflow;
}

/* The slow path of buf_reserve. */
char *buf_grow(struct buf *b, size_t n);

/*
 * A pointer to at least `n` writable bytes at the end, or NULL with the overflow flag
 * set. buf_advance() then says how many were written.
 */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (LIKELY(b->ptr && n <= b->size - b->len))
		return b->ptr + b->len;
	return buf_grow(b, n);
}

static inline void buf_advance(struct buf *b, size_t n)
{
	ASSERT(n <= b->size - b->len);
	b->len += n;
}

static inline void buf_add(struct buf *b, const void *data, size_t n)
{
	char *to = buf_reserve(b, n);

	if (LIKELY(to && n > 0)) {
		memcpy(to, data, n);
		b->len += n;
	}
}

static inline void buf_add_view(struct buf *b, struct ez_view v)
{
	buf_add(b, v.ptr, v.len);
}

static inline void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void buf_add_char(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (LIKELY(to)) {
		*to = c;
		b->len++;
	}
}

/* Decimal, without going through printf. */
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_i64(struct buf *b, int64_t v);

_printf_(2, 3) void buf_addf(struct buf *b, const char *fmt, ...);
_printf_(2, 0) void buf_addv(struct buf *b, const char *fmt, va_list ap);

static inline struct ez_view buf_view(const struct buf *b)
{
	return view_of(b->ptr, b->len);
}

/* The content with a terminator behind it; "" for an empty buffer, never NULL. */
_returns_nonnull_ const char *buf_cstr(struct buf *b);

#endif
