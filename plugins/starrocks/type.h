/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TYPE_H
#define STARROCKS_TYPE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

#include "settings.h"

/*
 * Column types of StarRocks: which one a source column gets, which others can hold its
 * values, and in what form values go there.
 *
 * The form of a value follows from both types: the source's says what the text looks like,
 * the target's what it must become. So a table that somebody made by hand works as long as
 * type_form() finds a form, and what cannot hold every value is said before the first row.
 * Plain values, nothing to release.
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
	TYPE_OTHER, /* maps, bitmaps and whatever else: never for our values */
};

struct type {
	enum type_kind kind;
	int32_t length;           /* CHAR, VARCHAR, VARBINARY: bytes */
	int32_t precision, scale; /* DECIMAL */
	bool of_floats;           /* ARRAY */
};

enum {
	TYPE_STRING_MAX = 1048576, /* bytes of VARCHAR and VARBINARY */
	TYPE_KEY_TEXT = 1024, /* bytes of a key whose length the source does not limit */
	TYPE_JSON_MAX = 16 * 1024 * 1024,
	TYPE_HEX_MAX = TYPE_STRING_MAX / 2, /* bytes that go as hex digits in a VARCHAR */
};

/* How a value is written. */
enum value_form {
	FORM_NONE, /* the target cannot hold the source's values */
	FORM_TEXT, /* as it is */
	FORM_BOOL, /* t and f become 1 and 0 */
	FORM_INT,
	FORM_FLOAT,
	FORM_DECIMAL,
	FORM_MONEY, /* without currency sign and grouping */
	FORM_HEX,   /* digits alone, for VARCHAR */
	FORM_BYTES, /* digits alone, made bytes by the server */
	FORM_DATE,
	FORM_DATETIME,
	FORM_DATETIME_UTC, /* followed by +00 */
	FORM_JSON,
	FORM_ARRAY,  /* {a,b} becomes ["a","b"] */
	FORM_FLOATS, /* [1,2.5] stays */
};

/* The server, as far as types depend on it. */
struct type_rules {
	const struct settings *settings; /* for the policies */
	uint32_t version;                /* SQLC_VERSION(4, 0, 0) */
};

/* What a column without a table yet is made as. */
struct type type_of(const struct ez_column *c, bool is_key,
		    const struct type_rules *rules);

/* How values of `c` go into a column of type `t`; FORM_NONE: not without loss. */
enum value_form type_form(const struct ez_column *c, const struct type *t);

/* The policy class of such values. */
enum range_class type_class(enum value_form form);

enum type_fit {
	TYPE_FITS,
	TYPE_NARROW, /* MODIFY COLUMN to the wanted type mends it */
	TYPE_WRONG,
};

enum type_fit type_compare(const struct ez_column *c, const struct type *have,
			   const struct type *want);

/* "VARCHAR(36)", "DECIMAL(10,2)". */
void type_add(struct buf *b, const struct type *t);

/* Reads what DESC and SHOW CREATE TABLE say, in any case, display widths included. */
struct type type_parse(struct ez_view text);

bool type_eq(const struct type *a, const struct type *b);

#endif
