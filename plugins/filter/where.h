/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_WHERE_H
#define FILTER_WHERE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * The language of the option `where`: comparisons of a column with literals.
 *
 *	expression = and-part { "or" and-part }
 *	and-part   = not-part { "and" not-part }
 *	not-part   = [ "not" ] ( "(" expression ")" | comparison )
 *	comparison = column ( "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) literal
 *	           | column "is" [ "not" ] "null"
 *	           | column [ "not" ] "like" text
 *	           | column [ "not" ] "in" "(" literal { "," literal } ")"
 *	literal    = number | 'text' | true | false
 *
 * Words of the language may be in any case. A column is a plain word, taken as it stands,
 * or anything in double quotes.
 *
 * Parsing knows no table. A program is a tree in one array: the operands of and, or and not
 * are chained by `next`, so a long chain costs no depth; depth comes from parentheses and
 * `not` alone and is limited, which bounds the recursion of whoever walks the tree. Node 0
 * is not used: 0 means none. Everything belongs to the program; where_release frees it.
 */
enum {
	WHERE_MAX_BYTES = 64 * 1024,
	WHERE_MAX_DEPTH = 64,
};

enum where_op {
	WHERE_AND = 1,
	WHERE_OR,
	WHERE_NOT,
	WHERE_EQ,
	WHERE_NE,
	WHERE_LT,
	WHERE_LE,
	WHERE_GT,
	WHERE_GE,
	WHERE_IS_NULL,
	WHERE_LIKE,
	WHERE_IN,
};

enum where_literal_kind { WHERE_TEXT = 1, WHERE_NUMBER, WHERE_BOOL };

struct where_literal {
	struct ez_view text; /* what is between the quotes; WHERE_BOOL: t or f */
	uint32_t kind;       /* enum where_literal_kind */
	uint32_t at;         /* offset in the expression */
};

struct where_node {
	uint32_t op; /* enum where_op */
	uint32_t child, next;
	uint32_t column; /* index into columns; not for and, or, not */
	uint32_t literal, n_literals;
};

struct where_column {
	struct ez_view name;
	uint32_t at;
};

struct where {
	struct where_node *nodes;
	struct where_literal *literals;
	struct where_column *columns; /* each name once */
	uint32_t n_nodes, n_literals, n_columns;
	uint32_t root;
	char *bytes; /* what the views point into */
};

struct where_error {
	size_t at;       /* offset in bytes from 0 */
	const char *why; /* static text */
};

/* False with the place and the reason, and nothing to release. */
_must_check_ bool where_parse(struct ez_view text, struct where *ret_where,
			      struct where_error *ret_error);
void where_release(struct where *w);

#endif
