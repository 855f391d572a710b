/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONFIG_LEX_H
#define ENGINE_CONFIG_LEX_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct problems;

/*
 * The tokens of libconfig's syntax, stricter than libconfig has them: no escapes that mean
 * something else in other versions, nothing left open at the end of a file.
 *
 * A lexer borrows the text. A token borrows from it too, but for the decoded text of
 * TOKEN_STRING and TOKEN_INCLUDE, which is the caller's to wipe and free.
 */
enum token_kind {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_BOOL,
	TOKEN_INT,
	TOKEN_FLOAT,
	TOKEN_STRING,
	TOKEN_INCLUDE, /* @include "path" */
	TOKEN_ASSIGN,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_OPEN, /* raw is the bracket */
	TOKEN_CLOSE,
};

enum token_fit {
	TOKEN_FITS,
	TOKEN_NEEDS_L, /* over 32 bits without L */
	TOKEN_TOO_BIG, /* over 64 bits */
};

struct token {
	enum token_kind kind;
	unsigned line;
	struct ez_view raw;
	char *str; /* NUL-terminated, no NUL inside */
	size_t len;
	int64_t num;
	bool is_wide; /* an integer with L */
	enum token_fit fit;
};

struct lexer {
	const char *pos, *end;
	const char *file; /* for messages */
	unsigned line;
	bool at_line_start; /* only blanks since the last line end */
	struct problems *problems;
};

struct lexer lexer_init(struct ez_view text, const char *file, struct problems *p);

/* False after adding a problem; the lexer is of no use then. */
_must_check_ bool lexer_next(struct lexer *l, struct token *ret_token);

/* Whether a setting can have that name. */
bool lexer_is_name(struct ez_view v);

#endif
