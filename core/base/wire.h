/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * A bounds-checked cursor over big-endian data from outside: the only way we read a wire
 * format.
 *
 * A getter returns false when the bytes are not there; the cursor and the out-parameter
 * are then untouched. Every test has the form `n > end - pos`, never `pos + n > end`, so
 * no length from the wire can overflow it. A count from the wire is compared with
 * wire_left() before anything is allocated for it.
 *
 * The cursor borrows the bytes; views it returns point into them.
 */
struct wire {
	const uint8_t *pos, *end;
};

static inline struct wire wire_of(const void *data, size_t len)
{
	const uint8_t *pos = data;

	return (struct wire){ .pos = pos, .end = len ? pos + len : pos };
}

static inline struct wire wire_of_view(struct ez_view v)
{
	return wire_of(v.ptr, v.len);
}

static inline size_t wire_left(const struct wire *w)
{
	return (size_t)(w->end - w->pos);
}

_must_check_ static inline bool wire_skip(struct wire *w, size_t n)
{
	if (UNLIKELY(n > wire_left(w)))
		return false;
	if (n > 0)
		w->pos += n;
	return true;
}

_must_check_ static inline bool wire_u8(struct wire *w, uint8_t *ret_v)
{
	if (UNLIKELY(1 > wire_left(w)))
		return false;
	*ret_v = *w->pos++;
	return true;
}

_must_check_ static inline bool wire_u16(struct wire *w, uint16_t *ret_v)
{
	uint16_t v;

	if (UNLIKELY(sizeof(v) > wire_left(w)))
		return false;
	memcpy(&v, w->pos, sizeof(v));
	w->pos += sizeof(v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	*ret_v = v;
	return true;
}

_must_check_ static inline bool wire_u32(struct wire *w, uint32_t *ret_v)
{
	uint32_t v;

	if (UNLIKELY(sizeof(v) > wire_left(w)))
		return false;
	memcpy(&v, w->pos, sizeof(v));
	w->pos += sizeof(v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	*ret_v = v;
	return true;
}

_must_check_ static inline bool wire_u64(struct wire *w, uint64_t *ret_v)
{
	uint64_t v;

	if (UNLIKELY(sizeof(v) > wire_left(w)))
		return false;
	memcpy(&v, w->pos, sizeof(v));
	w->pos += sizeof(v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	*ret_v = v;
	return true;
}

_must_check_ static inline bool wire_i16(struct wire *w, int16_t *ret_v)
{
	uint16_t v;

	if (!wire_u16(w, &v))
		return false;
	*ret_v = (int16_t)v;
	return true;
}

_must_check_ static inline bool wire_i32(struct wire *w, int32_t *ret_v)
{
	uint32_t v;

	if (!wire_u32(w, &v))
		return false;
	*ret_v = (int32_t)v;
	return true;
}

_must_check_ static inline bool wire_i64(struct wire *w, int64_t *ret_v)
{
	uint64_t v;

	if (!wire_u64(w, &v))
		return false;
	*ret_v = (int64_t)v;
	return true;
}

_must_check_ static inline bool wire_bytes(struct wire *w, size_t n,
					   struct ez_view *ret_v)
{
	if (UNLIKELY(n > wire_left(w)))
		return false;
	*ret_v = view_of(w->pos, n);
	if (n > 0)
		w->pos += n;
	return true;
}

/* A string up to a NUL, which is passed over and not part of the view. */
_must_check_ static inline bool wire_cstr(struct wire *w, struct ez_view *ret_v)
{
	size_t left = wire_left(w);
	const uint8_t *nul = left ? memchr(w->pos, 0, left) : NULL;

	if (UNLIKELY(!nul))
		return false;
	*ret_v = view_of(w->pos, (size_t)(nul - w->pos));
	w->pos = nul + 1;
	return true;
}

#endif
