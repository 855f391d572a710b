/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_LEX_H
#define STARROCKS_SQL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/view.h"

/*
 * SQL text to tokens, by the rules of StarRocks' own grammar.
 *
 * Names in back-ticks, in which a doubled back-tick stands for one; texts in single or
 * double quotes, with backslash escapes and doubled quotes; words and numbers. A word may
 * begin with a digit. Comments and white space separate tokens and vanish. The text comes
 * from a client under test: any bytes give either tokens or a complaint, never more.
 *
 * Tokens are an array in the arena, ended by SQL_END, whose views point into the arena or
 * into the text.
 */
enum sql_token_kind {
	SQL_END,
	SQL_WORD,   /* not quoted; may be a keyword */
	SQL_QUOTED, /* the name within back-ticks, unescaped */
	SQL_STRING, /* the text within quotes, unescaped */
	SQL_INTEGER,
	SQL_DECIMAL, /* with a point or an exponent */
	SQL_SYMBOL,
};

struct sql_token {
	enum sql_token_kind kind;
	struct ez_view text;
	size_t at, end; /* offsets in the text */
};

struct sql_tokens {
	struct sql_token *list;
	size_t n;      /* without SQL_END */
	size_t bad_at; /* where it went wrong */
	const char *complaint;
};

/* False when something is no token: `complaint` and `bad_at` say what and where. */
_must_check_ bool sql_lex(struct arena *a, struct ez_view sql, struct sql_tokens *ret);

/* A word that must be quoted to be a name. Any case. */
bool sql_is_reserved(struct ez_view word);

/* ASCII without case. */
bool sql_same_word(struct ez_view v, const char *word);
bool sql_same_name(struct ez_view a, struct ez_view b);

#endif
