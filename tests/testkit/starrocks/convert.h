/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_CONVERT_H
#define STARROCKS_CONVERT_H

#include "model.h"

/*
 * From the text of a load to the canonical text of types.h, with the ranges of the types.
 * Nothing is kept, any thread. False when the value does not fit the type; what was appended
 * to `out` by then is the caller's to cut off.
 */

/* A field of a CSV file that is not NULL. */
_must_check_ bool convert_text(const struct profile *p, const struct column_type *t,
			       struct ez_view text, struct buf *out);

/* A JSON value that is not null, as it stands in the document (with its quotes). */
_must_check_ bool convert_json(const struct profile *p, const struct column_type *t,
			       struct ez_view raw, struct buf *out);

/* A literal of SQL: what DEFAULT and VALUES take. The same as convert_text. */
_must_check_ bool convert_literal(const struct profile *p, const struct column_type *t,
				  struct ez_view text, struct buf *out);

/* Bytes that a value has in an encoded primary key. */
size_t convert_key_size(const struct column_type *t, struct ez_view canonical);

/* The functions of `columns`. An odd length or a strange character gives an empty value. */
void convert_from_hex(struct ez_view hex, struct buf *out);
/* False when it is not base64. */
_must_check_ bool convert_from_base64(struct ez_view text, struct buf *out);

/* decimal.c */
_must_check_ bool decimal_canonical(struct ez_view text, int precision, int scale,
				    struct buf *out);
/* datetime.c */
_must_check_ bool date_canonical(struct ez_view text, struct buf *out);
_must_check_ bool datetime_canonical(struct ez_view text, bool allows_z, struct buf *out);

#endif
