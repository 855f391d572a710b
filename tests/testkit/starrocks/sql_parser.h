/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_PARSER_H
#define STARROCKS_SQL_PARSER_H

#include <stdbool.h>

#include "sql_ast.h"
#include "sql_lex.h"

/*
 * What the files of the parser share: a cursor over the tokens, and the first complaint.
 *
 * accept_ takes what it names if it is next; expect_ complains if it is not. After a
 * complaint nothing more is parsed: every function returns false and leaves the rest.
 */
struct parser {
	struct arena *arena;
	struct ez_view sql;
	const struct sql_token *at;
	struct sql_result *result;
	enum sql_verdict verdict;
	unsigned depth; /* of nested expressions */
};

enum {
	PARSER_DEPTH_MAX = 100,
};

/* Both return false. */
bool parser_syntax(struct parser *p, const char *expected);
bool parser_not_emulated(struct parser *p, const char *what);

bool parser_is_word(const struct parser *p, const char *word);
bool parser_is_symbol(const struct parser *p, const char *symbol);
_must_check_ bool accept_word(struct parser *p, const char *word);
_must_check_ bool accept_symbol(struct parser *p, const char *symbol);
/* Two words in a row, or nothing is taken. */
_must_check_ bool accept_words(struct parser *p, const char *first, const char *second);
_must_check_ bool expect_word(struct parser *p, const char *word);
_must_check_ bool expect_symbol(struct parser *p, const char *symbol);

/* A name: in back-ticks, or a word that is not reserved. */
_must_check_ bool expect_name(struct parser *p, struct ez_view *ret_name);
_must_check_ bool expect_ref(struct parser *p, struct sql_ref *ret_ref);
_must_check_ bool expect_string(struct parser *p, struct ez_view *ret_text);
_must_check_ bool expect_integer(struct parser *p, struct ez_view *ret_text);
/* "( name, ... )" */
_must_check_ bool expect_names(struct parser *p, struct list *ret_names);
/* "( 'key' = 'value', ... )" */
_must_check_ bool expect_properties(struct parser *p, struct list *ret_properties);

_must_check_ bool parse_expr(struct parser *p, struct sql_expr **ret_expr);
_must_check_ bool parse_create_table(struct parser *p, struct sql_statement *s);
_must_check_ bool parse_alter_table(struct parser *p, struct sql_statement *s);
_must_check_ bool parse_create_account(struct parser *p, struct sql_statement *s,
				       bool is_role);
/* GRANT or REVOKE. */
_must_check_ bool parse_grant(struct parser *p, struct sql_statement *s);
_must_check_ bool parse_default_role(struct parser *p, struct sql_statement *s);

#endif
