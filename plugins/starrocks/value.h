/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_VALUE_H
#define STARROCKS_VALUE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"

#include "table.h"

/*
 * One value, from the engine's canonical text to what StarRocks reads: a field of CSV or a
 * member of JSON.
 *
 * What is written is the value or nothing: a value that the column cannot hold is said to be
 * out of range before it leaves, so the server never has to round, cut or replace one. Three
 * layers: value_put() for the usual short values, on memory; value_csv() and value_json()
 * for all; value_clamp() for what the policy allows to be changed.
 *
 * On any answer but VALUE_OK the buffer holds rubbish behind its old end: truncate it.
 */
enum value_state {
	VALUE_OK,
	VALUE_UNSAFE, /* CSV cannot say it: a separator, or \N */
	VALUE_OUT,    /* the column cannot hold it: the policy decides */
	VALUE_BAD,    /* not what its type promises */
};

enum {
	VALUE_FRAME = 8, /* most bytes that value_put() adds to a value's own */
};

/*
 * The end of what was written to `p`, where v.len + VALUE_FRAME bytes fit, or NULL: then
 * value_csv() knows what it is.
 */
char *value_put(char *p, const struct field *f, struct ez_view v);

enum value_state value_csv(struct buf *b, const struct field *f, struct ez_view v);

/* With its quotes, without its name. */
enum value_state value_json(struct buf *b, const struct field *f, struct ez_view v);

/*
 * For a value that is VALUE_OUT: the nearest one the column can hold, as source text. False
 * when there is none. `v` may point into `scratch` afterwards.
 */
_must_check_ bool value_clamp(const struct field *f, struct ez_view *v,
			      struct buf *scratch);

/* Whether the text is a well-formed JSON value. */
bool value_is_json(struct ez_view v);

/* Whether it is a JSON number and nothing around it. */
bool value_is_number(struct ez_view v);

/*
 * An array as the source writes it ({1,"b c",NULL}) as JSON; false when it is malformed.
 * Booleans and numbers stay such, everything else is a string.
 */
_must_check_ bool value_add_array(struct buf *b, const struct field *f, struct ez_view v);

#endif
