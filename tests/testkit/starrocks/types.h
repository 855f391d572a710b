/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TYPES_H
#define STARROCKS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * Column types of StarRocks, and the one text form in which the server keeps values.
 *
 * A value is kept as canonical text: equal values have equal bytes, so keys compare with
 * memcmp and dumps need no formatting. BOOLEAN is 0 or 1; integers are decimal digits without
 * "+" or leading zeros; DECIMAL has exactly its scale's digits; FLOAT and DOUBLE are the
 * shortest text that reads back the same, nan, inf, -inf; DATE is YYYY-MM-DD; DATETIME is
 * YYYY-MM-DD HH:MM:SS with .ffffff only when not zero; JSON and ARRAY, MAP, STRUCT are compact
 * JSON text; CHAR, VARCHAR and VARBINARY are their bytes.
 */
enum type_kind {
	TYPE_BOOLEAN,
	TYPE_TINYINT,
	TYPE_SMALLINT,
	TYPE_INT,
	TYPE_BIGINT,
	TYPE_LARGEINT,
	TYPE_FLOAT,
	TYPE_DOUBLE,
	TYPE_DECIMAL,
	TYPE_DATE,
	TYPE_DATETIME,
	TYPE_CHAR,
	TYPE_VARCHAR,
	TYPE_VARBINARY,
	TYPE_JSON,
	TYPE_ARRAY,
	TYPE_MAP,
	TYPE_STRUCT,
	TYPE_BITMAP,
	TYPE_HLL,
	_TYPE_MAX,
};

struct column_type {
	enum type_kind kind;
	int64_t length; /* CHAR, VARCHAR, VARBINARY: most bytes; 0 where it was not given */
	int precision, scale;        /* DECIMAL */
	struct column_type *element; /* ARRAY: of its elements; owned; NULL otherwise */
	char *text;                  /* MAP, STRUCT: what stands in <>; owned */
};

void column_type_release(struct column_type *t);
struct column_type column_type_dup(const struct column_type *t);
bool column_type_eq(const struct column_type *a, const struct column_type *b);

/*
 * Reads a type as SQL writes it ("decimal(10, 2)", "array<varchar(20)>", "string") from the
 * beginning of `*rest` and moves on. STRING becomes VARCHAR(65533), DECIMAL and its 32, 64 and
 * 128 twins (10,0), VARCHAR and CHAR without length 1. False when that is not a type; ranges
 * are checked by column_type_check.
 */
_must_check_ bool column_type_parse(struct ez_view *rest, struct column_type *ret_type);

/* As SHOW CREATE TABLE writes it: "varchar(20)", "array<int(11)>", "decimal(10, 2)". */
void column_type_format(struct buf *b, const struct column_type *t);

/* "varchar", "decimal", ... */
const char *type_kind_to_str(enum type_kind kind);

#endif
