/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * Writing JSON onto a struct buf, in two layers.
 *
 * The json_add_ functions write one value and nothing around it: they are the hot path of
 * the sinks. Their output is always valid JSON in UTF-8: control characters are escaped
 * and each byte that belongs to no well-formed character becomes U+FFFD.
 *
 * struct jsonw puts the commas, for status documents and messages: begin, key, value,
 * end. It borrows the buffer and has no state to release. Overflow is the buffer's: ask
 * buf_ok() at the end. Order of calls is the caller's promise (ASSERT): a key before each
 * value in an object, none in an array, at most JSONW_DEPTH_MAX levels.
 */

/* With the quotes. */
void json_add_string(struct buf *b, struct ez_view v);

/* Without them, to build one string of several pieces. */
void json_add_escaped(struct buf *b, struct ez_view v);

/* A string in base64 with padding. */
void json_add_base64(struct buf *b, struct ez_view v);

/*
 * The same for bytes given as hex digits, without the "\x" of a bytea. False, and nothing
 * added, when the count is odd or a digit is none. A buffer that is full shows in
 * buf_ok().
 */
_must_check_ bool json_add_base64_from_hex(struct buf *b, struct ez_view hex);

/* At most 15 significant digits; null for what JSON cannot say. */
void json_add_double(struct buf *b, double v);

enum {
	JSONW_DEPTH_MAX = 63,
};

struct jsonw {
	struct buf *buf;
	uint64_t filled; /* bit n: the container at depth n has a value already */
	unsigned depth;
	bool after_key;
};

#define JSONW_INIT(b) ((struct jsonw){ .buf = (b) })

void jsonw_begin_object(struct jsonw *w);
void jsonw_end_object(struct jsonw *w);
void jsonw_begin_array(struct jsonw *w);
void jsonw_end_array(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_key_view(struct jsonw *w, struct ez_view key);

void jsonw_view(struct jsonw *w, struct ez_view v);
void jsonw_i64(struct jsonw *w, int64_t v);
void jsonw_u64(struct jsonw *w, uint64_t v);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
void jsonw_double(struct jsonw *w, double v);

/* NULL gives null. */
void jsonw_str(struct jsonw *w, const char *s);

/* Text that is a JSON value already. */
void jsonw_raw(struct jsonw *w, struct ez_view json);

#endif
