/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_parser.h"

#include <string.h>

/* Expressions, from the loosest binding to the tightest: OR, AND, NOT, predicate, sum, product, primary. */

enum {
	ARGS_MAX = 10000, /* of one IN or call, as a real server has it */
};

static struct sql_expr *expr_new(struct parser *p, enum sql_expr_kind kind)
{
	struct sql_expr *e = arena_calloc(p->arena, 1, sizeof(*e));

	e->kind = kind;
	return e;
}

/* Arguments are rare enough that the array may grow by copies of doubled size. */
static void add_arg(struct parser *p, struct sql_expr *e, struct sql_expr *arg)
{
	if ((e->n_args & (e->n_args - 1)) == 0) {
		size_t max = e->n_args ? e->n_args * 2 : 1;
		struct sql_expr **grown =
			arena_alloc(p->arena, max * sizeof(struct sql_expr *));

		if (e->n_args)
			memcpy(grown, e->args, e->n_args * sizeof(struct sql_expr *));
		e->args = grown;
	}
	e->args[e->n_args++] = arg;
}

static struct sql_expr *expr_of(struct parser *p, enum sql_expr_kind kind,
				struct sql_expr *first, struct sql_expr *second)
{
	struct sql_expr *e = expr_new(p, kind);

	add_arg(p, e, first);
	if (second)
		add_arg(p, e, second);
	return e;
}

static struct ez_view source_from(const struct parser *p, size_t at)
{
	size_t end = p->at[-1].end;

	return view_of(p->sql.ptr + at, end - at);
}

static bool parse_args(struct parser *p, struct sql_expr *e)
{
	do {
		struct sql_expr *arg;

		if (e->n_args >= ARGS_MAX)
			return parser_syntax(p, "fewer expressions");
		if (!parse_expr(p, &arg))
			return false;
		add_arg(p, e, arg);
	} while (accept_symbol(p, ","));
	return expect_symbol(p, ")");
}

static bool parse_call(struct parser *p, struct ez_view name, struct sql_expr **ret_expr)
{
	struct sql_expr *e = expr_new(p, SQL_CALL);

	e->name = name;
	*ret_expr = e;
	if (accept_symbol(p, ")"))
		return true;
	if (accept_symbol(p, "*")) {
		add_arg(p, e, expr_new(p, SQL_STAR));
		return expect_symbol(p, ")");
	}
	e->is_distinct = accept_word(p, "distinct");
	return parse_args(p, e);
}

static bool parse_variable(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *e = expr_new(p, SQL_VARIABLE);

	if ((parser_is_word(p, "session") || parser_is_word(p, "global")) &&
	    p->at[1].kind == SQL_SYMBOL && view_eq_str(p->at[1].text, "."))
		p->at += 2;
	*ret_expr = e;
	return expect_name(p, &e->name);
}

static bool parse_value(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *e = expr_new(p, SQL_VALUE);

	*ret_expr = e;
	e->name = p->at->text;
	e->is_number = p->at->kind == SQL_INTEGER || p->at->kind == SQL_DECIMAL;
	p->at++;
	return true;
}

static bool parse_constant_word(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *e = expr_new(p, SQL_VALUE);

	*ret_expr = e;
	if (accept_word(p, "null")) {
		e->is_null = true;
		return true;
	}
	e->is_number = true;
	e->name = parser_is_word(p, "true") ? VIEW("1") : VIEW("0");
	return accept_word(p, "true") || accept_word(p, "false");
}

/* Words that are reserved and yet name functions. */
static bool is_function_word(const struct parser *p)
{
	static const char *const words[] = { "database", "schema", "mod",  "if",
					     "left",     "right",  "char", "replace",
					     "current_user", "current_role" };

	if (p->at->kind != SQL_WORD || !view_eq_str(p->at[1].text, "(") ||
	    p->at[1].kind != SQL_SYMBOL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sql_same_word(p->at->text, words[i]))
			return true;
	return false;
}

/* Behind "CAST(". */
static bool parse_cast(struct parser *p, struct sql_expr **ret_expr)
{
	static const char *const types[] = { "varchar", "string", "bigint", "int", "double" };
	struct sql_expr *e = expr_new(p, SQL_CAST), *value;

	*ret_expr = e;
	if (!parse_expr(p, &value) || !expect_word(p, "as"))
		return false;
	add_arg(p, e, value);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!accept_word(p, types[i]))
			continue;
		e->name = p->at[-1].text;
		return expect_symbol(p, ")");
	}
	return parser_not_emulated(p, "CAST to this type");
}

static bool parse_named(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *e;
	struct ez_view name;

	if (parser_is_word(p, "cast") && p->at[1].kind == SQL_SYMBOL &&
	    view_eq_str(p->at[1].text, "(")) {
		p->at += 2;
		return parse_cast(p, ret_expr);
	}
	if (is_function_word(p))
		name = p->at++->text;
	else if (!expect_name(p, &name))
		return false;
	if (accept_symbol(p, "("))
		return parse_call(p, name, ret_expr);
	e = expr_new(p, SQL_COLUMN);
	e->name = name;
	while (accept_symbol(p, ".")) {
		e->qualifier = e->name;
		if (accept_symbol(p, "*")) {
			e->kind = SQL_STAR;
			break;
		}
		if (!expect_name(p, &e->name))
			return false;
	}
	*ret_expr = e;
	return true;
}

static bool parse_in_parentheses(struct parser *p, struct sql_expr **ret_expr)
{
	if (parser_is_word(p, "select"))
		return parser_not_emulated(p, "a subquery");
	return parse_expr(p, ret_expr) && expect_symbol(p, ")");
}

static bool parse_primary(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *inner;

	if (p->verdict != SQL_PARSED)
		return false;
	switch (p->at->kind) {
	case SQL_STRING:
	case SQL_INTEGER:
	case SQL_DECIMAL:
		return parse_value(p, ret_expr);
	case SQL_WORD:
	case SQL_QUOTED:
		if (parse_constant_word(p, ret_expr))
			return true;
		return parse_named(p, ret_expr);
	case SQL_SYMBOL:
	case SQL_END:
		break;
	}
	if (accept_symbol(p, "("))
		return parse_in_parentheses(p, ret_expr);
	if (accept_symbol(p, "@@") || accept_symbol(p, "@"))
		return parse_variable(p, ret_expr);
	if (accept_symbol(p, "*")) {
		*ret_expr = expr_new(p, SQL_STAR);
		return true;
	}
	if (accept_symbol(p, "-")) {
		if (++p->depth > PARSER_DEPTH_MAX || !parse_primary(p, &inner))
			return parser_syntax(p, "less depth");
		p->depth--;
		*ret_expr = expr_of(p, SQL_MINUS, inner, NULL);
		return true;
	}
	return parser_syntax(p, "an expression");
}

static bool parse_in(struct parser *p, struct sql_expr *left, struct sql_expr **ret_expr)
{
	struct sql_expr *e = expr_of(p, SQL_IN, left, NULL);

	*ret_expr = e;
	if (!expect_symbol(p, "("))
		return false;
	if (parser_is_word(p, "select"))
		return parser_not_emulated(p, "a subquery");
	return parse_args(p, e);
}

/* What may stand behind a primary; `is_negated` is a NOT between them. */
static bool parse_tail(struct parser *p, struct sql_expr *left, bool is_negated,
		       struct sql_expr **ret_expr)
{
	struct sql_expr *e, *right;

	if (accept_word(p, "in")) {
		if (!parse_in(p, left, &e))
			return false;
	} else if (accept_word(p, "like")) {
		if (!parse_primary(p, &right))
			return false;
		e = expr_of(p, SQL_LIKE, left, right);
	} else if (parser_is_word(p, "between") || parser_is_word(p, "regexp")) {
		return parser_not_emulated(p, "this predicate");
	} else {
		return parser_syntax(p, "IN, LIKE");
	}
	*ret_expr = is_negated ? expr_of(p, SQL_NOT, e, NULL) : e;
	return true;
}

static bool is_comparison(const struct parser *p)
{
	static const char *const signs[] = {
		"=", "<>", "!=", "<", "<=", ">", ">=", "<=>"
	};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (parser_is_symbol(p, signs[i]))
			return true;
	return false;
}

static bool parse_product(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *right;
	size_t from = p->at->at;

	if (!parse_primary(p, ret_expr))
		return false;
	while ((*ret_expr)->kind != SQL_STAR && accept_symbol(p, "*")) {
		if (!parse_primary(p, &right))
			return false;
		*ret_expr = expr_of(p, SQL_ARITHMETIC, *ret_expr, right);
		(*ret_expr)->name = VIEW("*");
		(*ret_expr)->source = source_from(p, from);
	}
	return true;
}

static bool parse_sum(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *right;
	size_t from = p->at->at;

	if (!parse_product(p, ret_expr))
		return false;
	while (accept_symbol(p, "+") || accept_symbol(p, "-")) {
		struct ez_view sign = p->at[-1].text;

		if (!parse_product(p, &right))
			return false;
		*ret_expr = expr_of(p, SQL_ARITHMETIC, *ret_expr, right);
		(*ret_expr)->name = sign;
		(*ret_expr)->source = source_from(p, from);
	}
	return true;
}

static bool parse_predicate(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *left, *right;
	struct ez_view sign;
	bool is_negated;

	if (!parse_sum(p, &left))
		return false;
	*ret_expr = left;
	if (is_comparison(p)) {
		sign = p->at++->text;
		if (!parse_sum(p, &right))
			return false;
		*ret_expr = expr_of(p, SQL_COMPARE, left, right);
		(*ret_expr)->name = view_eq_str(sign, "!=") ? VIEW("<>") : sign;
		return true;
	}
	if (accept_word(p, "is")) {
		is_negated = accept_word(p, "not");
		if (!expect_word(p, "null"))
			return false;
		*ret_expr = expr_of(p, SQL_IS_NULL, left, NULL);
		if (is_negated)
			*ret_expr = expr_of(p, SQL_NOT, *ret_expr, NULL);
		return true;
	}
	is_negated = accept_word(p, "not");
	if (is_negated || parser_is_word(p, "in") || parser_is_word(p, "like") ||
	    parser_is_word(p, "between") || parser_is_word(p, "regexp"))
		return parse_tail(p, left, is_negated, ret_expr);
	return true;
}

static bool parse_not(struct parser *p, struct sql_expr **ret_expr)
{
	bool is_negated = accept_word(p, "not");

	if (!parse_predicate(p, ret_expr))
		return false;
	if (is_negated)
		*ret_expr = expr_of(p, SQL_NOT, *ret_expr, NULL);
	return true;
}

static bool parse_and(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *right;

	if (!parse_not(p, ret_expr))
		return false;
	if (!parser_is_word(p, "and"))
		return true;
	*ret_expr = expr_of(p, SQL_AND, *ret_expr, NULL);
	while (accept_word(p, "and")) {
		if (!parse_not(p, &right))
			return false;
		add_arg(p, *ret_expr, right);
	}
	return true;
}

static bool parse_or(struct parser *p, struct sql_expr **ret_expr)
{
	struct sql_expr *right;

	if (!parse_and(p, ret_expr))
		return false;
	if (!parser_is_word(p, "or"))
		return true;
	*ret_expr = expr_of(p, SQL_OR, *ret_expr, NULL);
	while (accept_word(p, "or")) {
		if (!parse_and(p, &right))
			return false;
		add_arg(p, *ret_expr, right);
	}
	return true;
}

bool parse_expr(struct parser *p, struct sql_expr **ret_expr)
{
	size_t from = p->at->at;

	if (p->verdict != SQL_PARSED)
		return false;
	if (++p->depth > PARSER_DEPTH_MAX)
		return parser_syntax(p, "less depth");
	if (!parse_or(p, ret_expr))
		return false;
	p->depth--;
	(*ret_expr)->source = source_from(p, from);
	if (p->at->kind == SQL_SYMBOL && p->at->text.len > 0 &&
	    strchr("+-*/%|&^~", *p->at->text.ptr))
		return parser_not_emulated(p, "arithmetic");
	return true;
}
