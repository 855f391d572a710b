/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_LEX_H
#define FILTER_LEX_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * Cuts an expression into tokens, one ahead of the parser.
 *
 * Text of names and literals is written, without quotes, into memory that the caller made
 * as long as the expression; views of tokens point there.
 */
enum token_kind {
	TOKEN_END = 1,
	TOKEN_WORD,   /* plain: a keyword or a column */
	TOKEN_COLUMN, /* in double quotes */
	TOKEN_TEXT,   /* in single quotes */
	TOKEN_NUMBER,
	TOKEN_SIGN, /* = != < <= > >= ( ) , */
	TOKEN_BAD,  /* `why` is set */
};

struct token {
	enum token_kind kind;
	struct ez_view text;
	size_t at;
	const char *why;
};

struct lexer {
	const char *start, *pos, *end;
	char *to;
	struct token token; /* the current one */
};

/* `memory` holds at least text.len bytes. The first token is current then. */
void lexer_init(struct lexer *l, struct ez_view text, char *memory);
void lexer_next(struct lexer *l);

/* Whether the current token is this keyword (lower case here), or this sign. */
bool lexer_is_word(const struct lexer *l, const char *keyword);
bool lexer_is_sign(const struct lexer *l, const char *sign);

#endif
