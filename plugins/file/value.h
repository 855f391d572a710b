/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_VALUE_H
#define FILE_VALUE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/view.h"

#include "out.h"

/*
 * One value, from the engine's canonical text to JSON or CSV.
 *
 * A value of any size goes through the bounded buffer in pieces. Text that is not what its
 * type promises (a transform may have put something else there) is written as a string, so
 * a line is always well-formed.
 */
enum value_form {
	VALUE_TEXT, /* a string */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_NUMBER,
	VALUE_BYTES, /* base64 */
	VALUE_TIMESTAMP,
	VALUE_TIMESTAMPTZ,
	VALUE_JSON, /* embedded */
};

enum value_form value_form(uint32_t type, bool json_inline);

/*
 * The usual short values, straight to memory: the end of what was written, or NULL when it
 * takes value_add_json(). `p` must have room for v.len + VALUE_FRAME_MAX bytes.
 */
char *value_put_json(char *p, enum value_form form, struct ez_view v);

void value_add_json(struct out *o, enum value_form form, struct ez_view v);

/* A JSON string with its quotes. */
void value_add_string(struct out *o, struct ez_view v);

/* A JSON string with the base64 of raw bytes. */
void value_add_base64(struct out *o, struct ez_view bytes);

/* A field of a CSV line: quoted where needed, the empty string always. */
void value_add_csv(struct out *o, enum value_form form, struct ez_view v);

/* The same for text as it is. */
void value_add_csv_text(struct out *o, struct ez_view v);

/* Numbers onto memory: each returns the end of what it wrote, at most VALUE_DIGITS_MAX. */
char *value_put_u64(char *p, uint64_t v);
char *value_put_i64(char *p, int64_t v);
char *value_put_lsn(char *p, uint64_t lsn); /* "0/1A2B3C8" */

enum {
	VALUE_DIGITS_MAX = 20,
	VALUE_SHORT_MAX = 8192, /* longest text for value_put_json() */
	VALUE_FRAME_MAX = 16,
};

#endif
