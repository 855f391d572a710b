/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

/*
 * Borrowed bytes: struct ez_view {ptr, len}, the type of all data from outside.
 *
 * A view owns nothing, may hold NUL bytes and is never assumed to be terminated. The
 * empty view may have a NULL pointer; every function here accepts that. Views are passed
 * by value; the bytes belong to someone else and must outlive the view.
 */

/* A view of a string literal. */
#define VIEW(literal) ((struct ez_view){ .ptr = "" literal, .len = sizeof(literal) - 1 })

/* For printf: ("%.*s", VIEW_ARG(v)); bytes after a NUL are not printed. */
#define VIEW_ARG(v) (int)MIN((v).len, (size_t)INT32_MAX), (v).ptr ? (v).ptr : ""

static inline struct ez_view view_of(const void *ptr, size_t len)
{
	return (struct ez_view){ .ptr = ptr, .len = len };
}

/* NULL gives the empty view. */
static inline struct ez_view view_str(const char *s)
{
	return (struct ez_view){ .ptr = s, .len = s ? strlen(s) : 0 };
}

static inline bool view_eq(struct ez_view a, struct ez_view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool view_eq_str(struct ez_view a, const char *s)
{
	return view_eq(a, view_str(s));
}

/* Byte order, shorter first among equal beginnings: <0, 0, >0 as memcmp. */
int view_cmp(struct ez_view a, struct ez_view b);

static inline bool view_starts(struct ez_view v, struct ez_view prefix)
{
	return v.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(v.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool view_ends(struct ez_view v, struct ez_view suffix)
{
	return v.len >= suffix.len &&
	       (suffix.len == 0 ||
		memcmp(v.ptr + (v.len - suffix.len), suffix.ptr, suffix.len) == 0);
}

/* Without ASCII white space at both ends. */
struct ez_view view_trim(struct ez_view v);

/*
 * Takes the part before the next `sep` off `rest`. "a,,b" gives "a", "" and "b"; "a,"
 * gives "a" and ""; an empty view gives one empty part when its pointer is set and none
 * when it is NULL. False when nothing is left, `ret_part` then untouched.
 */
_must_check_ bool view_split(struct ez_view *rest, char sep, struct ez_view *ret_part);

/* A NUL-terminated copy on the heap. Aborts without memory: not for input of any size. */
_malloc_ _returns_nonnull_ char *view_dup(struct ez_view v);

static inline uint64_t view_load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t view_load32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Both halves of the 128-bit product, folded: the mixing step of the hash. */
static inline uint64_t view_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * 64-bit hash in the manner of wyhash: good distribution, all bits usable. Depends on the
 * byte order of the machine, so never store it. Tables that take keys from strangers pass
 * a random seed.
 */
static inline uint64_t view_hash_seeded(struct ez_view v, uint64_t seed)
{
	const uint64_t k0 = 0xa0761d6478bd642fULL, k1 = 0xe7037ed1a0b428dbULL;
	const uint64_t k2 = 0x8ebc6af09c88c6e3ULL;
	const char *p = v.ptr;
	size_t n = v.len;
	uint64_t a = 0, b = 0;

	seed ^= view_mix(seed ^ k0, k1);
	while (n > 16) {
		seed = view_mix(view_load64(p) ^ k1, view_load64(p + 8) ^ seed);
		p += 16;
		n -= 16;
	}
	if (n >= 8) {
		a = view_load64(p);
		b = view_load64(p + n - 8);
	} else if (n >= 4) {
		a = view_load32(p);
		b = view_load32(p + n - 4);
	} else if (n > 0) {
		a = (uint64_t)(unsigned char)p[0] << 16 |
		    (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
	}
	return view_mix(k2 ^ v.len, view_mix(a ^ k1, b ^ seed));
}

static inline uint64_t view_hash(struct ez_view v)
{
	return view_hash_seeded(v, 0);
}

#endif
