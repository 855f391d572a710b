/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_parser.h"

#include <string.h>

/* Line and column of a byte, as StarRocks counts: lines from 1, columns from 0. */
static void position_of(struct ez_view sql, size_t at, unsigned *ret_line,
			unsigned *ret_column)
{
	unsigned line = 1, column = 0;

	for (size_t i = 0; i < at && i < sql.len; i++) {
		column++;
		if (sql.ptr[i] == '\n') {
			line++;
			column = 0;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

bool parser_syntax(struct parser *p, const char *expected)
{
	unsigned line, column;

	if (p->verdict != SQL_PARSED)
		return false;
	p->verdict = SQL_SYNTAX;
	position_of(p->sql, p->at->at, &line, &column);
	return sql_fail(p->result, SQL_GENERIC, "42000",
			"Getting syntax error at line %u, column %u. Detail message: "
			"Unexpected input '%.*s', the most similar input is {%s}.",
			line, column, VIEW_ARG(p->at->text), expected);
}

bool parser_not_emulated(struct parser *p, const char *what)
{
	if (p->verdict != SQL_PARSED)
		return false;
	p->verdict = SQL_NOT_EMULATED;
	return sql_fail(p->result, SQL_GENERIC, "HY000", "not emulated: %s: %.*s", what,
			(int)MIN(p->sql.len, (size_t)1000), p->sql.ptr ? p->sql.ptr : "");
}

bool parser_is_word(const struct parser *p, const char *word)
{
	return p->at->kind == SQL_WORD && sql_same_word(p->at->text, word);
}

bool parser_is_symbol(const struct parser *p, const char *symbol)
{
	return p->at->kind == SQL_SYMBOL && view_eq_str(p->at->text, symbol);
}

bool accept_word(struct parser *p, const char *word)
{
	if (p->verdict != SQL_PARSED || !parser_is_word(p, word))
		return false;
	p->at++;
	return true;
}

bool accept_symbol(struct parser *p, const char *symbol)
{
	if (p->verdict != SQL_PARSED || !parser_is_symbol(p, symbol))
		return false;
	p->at++;
	return true;
}

bool accept_words(struct parser *p, const char *first, const char *second)
{
	const struct sql_token *before = p->at;

	if (accept_word(p, first)) {
		if (accept_word(p, second))
			return true;
		p->at = before;
	}
	return false;
}

bool expect_word(struct parser *p, const char *word)
{
	return accept_word(p, word) || parser_syntax(p, word);
}

bool expect_symbol(struct parser *p, const char *symbol)
{
	return accept_symbol(p, symbol) || parser_syntax(p, symbol);
}

bool expect_name(struct parser *p, struct ez_view *ret_name)
{
	bool is_name = p->at->kind == SQL_QUOTED ||
		       (p->at->kind == SQL_WORD && !sql_is_reserved(p->at->text));

	if (p->verdict != SQL_PARSED || !is_name)
		return parser_syntax(p, "a name");
	*ret_name = p->at++->text;
	return true;
}

bool expect_ref(struct parser *p, struct sql_ref *ret_ref)
{
	struct sql_ref ref = { .db = { NULL, 0 } };

	if (!expect_name(p, &ref.name))
		return false;
	if (accept_symbol(p, ".")) {
		ref.db = ref.name;
		if (!expect_name(p, &ref.name))
			return false;
	}
	if (accept_symbol(p, ".")) {
		if (!view_eq_str(ref.db, "default_catalog"))
			return parser_not_emulated(p, "another catalog");
		ref.db = ref.name;
		if (!expect_name(p, &ref.name))
			return false;
	}
	*ret_ref = ref;
	return true;
}

bool expect_string(struct parser *p, struct ez_view *ret_text)
{
	if (p->verdict != SQL_PARSED || p->at->kind != SQL_STRING)
		return parser_syntax(p, "a string");
	*ret_text = p->at++->text;
	return true;
}

bool expect_integer(struct parser *p, struct ez_view *ret_text)
{
	if (p->verdict != SQL_PARSED || p->at->kind != SQL_INTEGER)
		return parser_syntax(p, "INTEGER_VALUE");
	*ret_text = p->at++->text;
	return true;
}

bool expect_names(struct parser *p, struct list *ret_names)
{
	list_init(ret_names);
	if (!expect_symbol(p, "("))
		return false;
	do {
		struct sql_name *n = arena_calloc(p->arena, 1, sizeof(*n));

		if (!expect_name(p, &n->name))
			return false;
		list_add_tail(ret_names, &n->link);
	} while (accept_symbol(p, ","));
	return expect_symbol(p, ")");
}

bool expect_properties(struct parser *p, struct list *ret_properties)
{
	list_init(ret_properties);
	if (!expect_symbol(p, "("))
		return false;
	do {
		struct sql_property *one = arena_calloc(p->arena, 1, sizeof(*one));

		if (!expect_string(p, &one->key) || !expect_symbol(p, "=") ||
		    !expect_string(p, &one->value))
			return false;
		list_add_tail(ret_properties, &one->link);
	} while (accept_symbol(p, ","));
	return expect_symbol(p, ")");
}
