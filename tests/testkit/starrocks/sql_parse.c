/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/parse.h"
#include "sql_parser.h"

/* ------------------------------------------------------- choosing of rows */

static bool parse_order(struct parser *p, struct sql_choice *c)
{
	if (!accept_words(p, "order", "by"))
		return p->verdict == SQL_PARSED;
	do {
		struct sql_name *n = arena_calloc(p->arena, 1, sizeof(*n));
		struct sql_expr *e;

		if (!parse_expr(p, &e))
			return false;
		if (e->kind != SQL_COLUMN)
			return parser_not_emulated(p, "ORDER BY of what is no column");
		n->name = e->name;
		n->is_descending = accept_word(p, "desc");
		if (!n->is_descending && accept_word(p, "asc"))
			n->is_descending = false;
		list_add_tail(&c->order_by, &n->link);
	} while (accept_symbol(p, ","));
	return true;
}

static bool parse_group(struct parser *p, struct sql_choice *c)
{
	if (!accept_words(p, "group", "by"))
		return p->verdict == SQL_PARSED;
	do {
		struct sql_group_by *g = arena_calloc(p->arena, 1, sizeof(*g));

		if (!parse_expr(p, &g->expr))
			return false;
		if (g->expr->kind == SQL_VALUE)
			return parser_not_emulated(p, "GROUP BY of a place");
		list_add_tail(&c->group_by, &g->link);
	} while (accept_symbol(p, ","));
	return true;
}

static bool parse_count(struct parser *p, uint64_t *ret_n)
{
	struct ez_view text;

	return expect_integer(p, &text) &&
	       (parse_u64(text, ret_n) || parser_syntax(p, "a smaller number"));
}

static bool parse_limit(struct parser *p, struct sql_choice *c)
{
	if (!accept_word(p, "limit"))
		return p->verdict == SQL_PARSED;
	c->has_limit = true;
	if (!parse_count(p, &c->limit))
		return false;
	if (accept_word(p, "offset"))
		return parse_count(p, &c->offset);
	if (accept_symbol(p, ",")) {
		c->offset = c->limit;
		return parse_count(p, &c->limit);
	}
	return true;
}

static bool parse_choice(struct parser *p, struct sql_choice *c)
{
	if (accept_word(p, "like") && !expect_string(p, &c->like))
		return false;
	if (accept_word(p, "where") && !parse_expr(p, &c->where))
		return false;
	if (!parse_group(p, c))
		return false;
	if (parser_is_word(p, "having"))
		return parser_not_emulated(p, "HAVING");
	if (parser_is_word(p, "order") && !list_is_empty(&c->group_by))
		return parser_not_emulated(p, "ORDER BY of groups");
	return parse_order(p, c) && parse_limit(p, c);
}

/* ----------------------------------------------------------------- select */

static bool parse_item(struct parser *p, struct sql_statement *s)
{
	struct sql_item *item = arena_calloc(p->arena, 1, sizeof(*item));

	if (!parse_expr(p, &item->expr))
		return false;
	item->title =
		item->expr->kind == SQL_COLUMN ? item->expr->name : item->expr->source;
	list_add_tail(&s->items, &item->link);
	if (accept_word(p, "as")) {
		if (p->at->kind == SQL_STRING)
			return expect_string(p, &item->title);
		return expect_name(p, &item->title);
	}
	if (p->at->kind == SQL_QUOTED ||
	    (p->at->kind == SQL_WORD && !sql_is_reserved(p->at->text)))
		return expect_name(p, &item->title);
	return p->verdict == SQL_PARSED;
}

static bool is_alias(const struct parser *p)
{
	return p->at->kind == SQL_QUOTED ||
	       (p->at->kind == SQL_WORD && !sql_is_reserved(p->at->text));
}

static bool parse_from(struct parser *p, struct sql_statement *s)
{
	static const char *const joins[] = { "join", "left", "inner", "right", "cross" };

	s->has_ref = true;
	if (!expect_ref(p, &s->ref))
		return false;
	if ((accept_word(p, "as") || is_alias(p)) && !expect_name(p, &s->alias))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(joins); i++)
		if (parser_is_symbol(p, ",") || parser_is_word(p, joins[i]))
			return parser_not_emulated(p, "several tables");
	return true;
}

static bool parse_select(struct parser *p, struct sql_statement *s)
{
	s->kind = SQL_SELECT;
	if (parser_is_word(p, "distinct"))
		return parser_not_emulated(p, "SELECT DISTINCT");
	do {
		if (!parse_item(p, s))
			return false;
	} while (accept_symbol(p, ","));
	if (accept_word(p, "from") && !parse_from(p, s))
		return false;
	if (!parse_choice(p, &s->choice))
		return false;
	if (parser_is_word(p, "union"))
		return parser_not_emulated(p, "UNION");
	return true;
}

/* ------------------------------------------------------------------- show */

static bool parse_from_database(struct parser *p, struct sql_statement *s)
{
	if (!accept_word(p, "from") && !accept_word(p, "in"))
		return p->verdict == SQL_PARSED;
	s->has_ref = true;
	return expect_name(p, &s->ref.name);
}

static bool parse_show_alter(struct parser *p, struct sql_statement *s)
{
	s->kind = SQL_SHOW_ALTER;
	if (!expect_word(p, "table"))
		return false;
	if (!accept_word(p, "column"))
		return parser_not_emulated(p, "SHOW ALTER of what is no column");
	return parse_from_database(p, s) && parse_choice(p, &s->choice);
}

static bool parse_show_create(struct parser *p, struct sql_statement *s)
{
	s->kind = SQL_SHOW_CREATE_TABLE;
	s->has_ref = true;
	if (!accept_word(p, "table"))
		return parser_not_emulated(p, "SHOW CREATE of what is no table");
	return expect_ref(p, &s->ref);
}

static bool parse_columns_of(struct parser *p, struct sql_statement *s)
{
	struct sql_ref ref;

	s->kind = SQL_DESCRIBE;
	s->has_ref = true;
	if (!accept_word(p, "in") && !expect_word(p, "from"))
		return false;
	if (!expect_ref(p, &s->ref))
		return false;
	if (accept_word(p, "from") || accept_word(p, "in")) {
		if (!expect_ref(p, &ref))
			return false;
		s->ref.db = ref.name;
	}
	return parse_choice(p, &s->choice);
}

static bool parse_show(struct parser *p, struct sql_statement *s)
{
	static const struct {
		const char *first, *second;
		enum sql_kind kind;
	} simple[] = {
		{ "databases", NULL, SQL_SHOW_DATABASES },
		{ "schemas", NULL, SQL_SHOW_DATABASES },
		{ "tables", NULL, SQL_SHOW_TABLES },
		{ "backends", NULL, SQL_SHOW_BACKENDS },
		{ "frontends", NULL, SQL_SHOW_FRONTENDS },
		{ "compute", "nodes", SQL_SHOW_COMPUTE_NODES },
		{ "grants", NULL, SQL_SHOW_GRANTS },
		{ "variables", NULL, SQL_SHOW_VARIABLES },
		{ "global", "variables", SQL_SHOW_VARIABLES },
		{ "session", "variables", SQL_SHOW_VARIABLES },
		{ "warnings", NULL, SQL_SHOW_WARNINGS },
	};

	if (accept_word(p, "alter"))
		return parse_show_alter(p, s);
	if (accept_word(p, "create"))
		return parse_show_create(p, s);
	if (accept_word(p, "columns") || accept_words(p, "full", "columns"))
		return parse_columns_of(p, s);
	for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
		if (simple[i].second ? !accept_words(p, simple[i].first, simple[i].second)
				     : !accept_word(p, simple[i].first))
			continue;
		s->kind = simple[i].kind;
		if (s->kind == SQL_SHOW_GRANTS && accept_words(p, "for", "role")) {
			s->has_ref = true;
			return expect_name(p, &s->ref.name);
		}
		return parse_from_database(p, s) && parse_choice(p, &s->choice);
	}
	return parser_not_emulated(p, "this SHOW");
}

/* ------------------------------------------------------------------- rest */

/* "@@session.", "GLOBAL" and the like before the name. */
static bool parse_setting_name(struct parser *p, struct ez_view *ret_name)
{
	bool has_scope = accept_symbol(p, "@@");

	if (parser_is_symbol(p, "@") || parser_is_word(p, "local"))
		return parser_not_emulated(p, "a variable of the user");
	if ((accept_word(p, "global") || accept_word(p, "session")) && has_scope &&
	    !expect_symbol(p, "."))
		return false;
	return expect_name(p, ret_name);
}

static bool parse_setting_value(struct parser *p, struct ez_view *ret_value)
{
	struct sql_expr *value;

	if (parser_is_symbol(p, "(") && p->at[1].kind == SQL_WORD &&
	    sql_same_word(p->at[1].text, "select")) {
		p->verdict = SQL_SYNTAX;
		return sql_fail_generic(p->result,
					"Set statement only support constant expr.");
	}
	if (accept_word(p, "default") || accept_word(p, "on")) {
		*ret_value = p->at[-1].text;
		return true;
	}
	if (!parse_expr(p, &value))
		return false;
	*ret_value = value->name;
	return true;
}

static bool parse_setting(struct parser *p, struct sql_statement *s)
{
	struct sql_property *one = arena_calloc(p->arena, 1, sizeof(*one));

	if (!parse_setting_name(p, &one->key))
		return false;
	if (accept_symbol(p, ":") && !parser_is_symbol(p, "="))
		return parser_syntax(p, ":=");
	if (!expect_symbol(p, "=") || !parse_setting_value(p, &one->value))
		return false;
	list_add_tail(&s->settings, &one->link);
	return true;
}

static bool parse_set(struct parser *p, struct sql_statement *s)
{
	if (accept_words(p, "default", "role"))
		return parse_default_role(p, s);
	s->kind = SQL_SET;
	if (accept_word(p, "names")) {
		if (p->at->kind != SQL_STRING && p->at->kind != SQL_WORD)
			return parser_syntax(p, "a character set");
		p->at++;
		if (accept_word(p, "collate"))
			p->at += p->at->kind != SQL_END;
		return p->verdict == SQL_PARSED;
	}
	if (parser_is_word(p, "password") || parser_is_word(p, "transaction") ||
	    parser_is_word(p, "role"))
		return parser_not_emulated(p, "this SET");
	do {
		if (!parse_setting(p, s))
			return false;
	} while (accept_symbol(p, ","));
	return true;
}

static bool parse_database(struct parser *p, struct sql_statement *s, bool is_create)
{
	s->kind = is_create ? SQL_CREATE_DATABASE : SQL_DROP_DATABASE;
	s->has_ref = true;
	if (accept_word(p, "if")) {
		if ((is_create && !expect_word(p, "not")) || !expect_word(p, "exists"))
			return false;
		s->if_exists = true;
	}
	if (!expect_name(p, &s->ref.name))
		return false;
	if (!is_create)
		s->is_forced = accept_word(p, "force");
	if (parser_is_word(p, "properties") || parser_is_word(p, "charset"))
		return parser_not_emulated(p, "this clause of CREATE DATABASE");
	return p->verdict == SQL_PARSED;
}

static bool parse_create(struct parser *p, struct sql_statement *s)
{
	if (accept_word(p, "database") || accept_word(p, "schema"))
		return parse_database(p, s, true);
	if (accept_word(p, "table"))
		return parse_create_table(p, s);
	if (accept_word(p, "user"))
		return parse_create_account(p, s, false);
	if (accept_word(p, "role"))
		return parse_create_account(p, s, true);
	return parser_not_emulated(p, "this CREATE");
}

static bool parse_drop(struct parser *p, struct sql_statement *s)
{
	if (accept_word(p, "database") || accept_word(p, "schema"))
		return parse_database(p, s, false);
	if (!accept_word(p, "table"))
		return parser_not_emulated(p, "this DROP");
	s->kind = SQL_DROP_TABLE;
	s->has_ref = true;
	s->if_exists = accept_words(p, "if", "exists");
	if (!expect_ref(p, &s->ref))
		return false;
	s->is_forced = accept_word(p, "force");
	return true;
}

static bool parse_cancel(struct parser *p, struct sql_statement *s)
{
	s->kind = SQL_CANCEL_ALTER;
	s->has_ref = true;
	if (!accept_words(p, "alter", "table"))
		return parser_not_emulated(p, "this CANCEL");
	if (parser_is_word(p, "rollup") || parser_is_word(p, "optimize"))
		return parser_not_emulated(p, "this CANCEL");
	if (!parser_is_word(p, "from") && !expect_word(p, "column"))
		return false;
	return expect_word(p, "from") && expect_ref(p, &s->ref);
}

static bool parse_table_ref(struct parser *p, struct sql_statement *s, enum sql_kind kind)
{
	s->kind = kind;
	s->has_ref = true;
	if (!expect_ref(p, &s->ref))
		return false;
	if (parser_is_word(p, "partition"))
		return parser_not_emulated(p, "partitions");
	return true;
}

static bool is_grant(const struct parser *p)
{
	return parser_is_word(p, "grant") || parser_is_word(p, "revoke");
}

static bool parse_statement(struct parser *p, struct sql_statement *s)
{
	if (p->at->kind == SQL_END || parser_is_symbol(p, ";"))
		return true;
	if (accept_word(p, "select"))
		return parse_select(p, s);
	if (accept_word(p, "show"))
		return parse_show(p, s);
	if (accept_word(p, "create"))
		return parse_create(p, s);
	if (accept_words(p, "alter", "table"))
		return parse_alter_table(p, s);
	if (accept_word(p, "drop"))
		return parse_drop(p, s);
	if (is_grant(p))
		return parse_grant(p, s);
	if (accept_words(p, "truncate", "table"))
		return parse_table_ref(p, s, SQL_TRUNCATE);
	if (accept_word(p, "desc") || accept_word(p, "describe"))
		return parse_table_ref(p, s, SQL_DESCRIBE);
	if (accept_word(p, "set"))
		return parse_set(p, s);
	if (accept_word(p, "cancel"))
		return parse_cancel(p, s);
	if (accept_word(p, "use")) {
		s->kind = SQL_USE;
		s->has_ref = true;
		return expect_name(p, &s->ref.name);
	}
	return parser_not_emulated(p, "this statement");
}

static void statement_init(struct sql_statement *s)
{
	*s = (struct sql_statement){ .kind = SQL_NOTHING };
	list_init(&s->alters);
	list_init(&s->items);
	list_init(&s->settings);
	list_init(&s->choice.group_by);
	list_init(&s->choice.order_by);
}

enum sql_verdict sql_parse(struct arena *a, struct ez_view sql, struct sql_result *r,
			   struct sql_statement *ret_statement)
{
	struct parser p = { .arena = a, .sql = sql, .result = r };
	struct sql_tokens tokens;

	statement_init(ret_statement);
	if (!sql_lex(a, sql, &tokens)) {
		sql_fail(r, SQL_GENERIC, "42000",
			 "Getting syntax error. Detail message: at byte %zu: %s",
			 tokens.bad_at, tokens.complaint);
		return SQL_SYNTAX;
	}
	p.at = tokens.list;
	if (!parse_statement(&p, ret_statement)) {
		parser_syntax(&p, "a statement");
		return p.verdict;
	}
	if (accept_symbol(&p, ";") && p.at->kind != SQL_END)
		parser_not_emulated(&p, "several statements at once");
	else if (p.at->kind != SQL_END)
		parser_syntax(&p, "';', <EOF>");
	return p.verdict;
}
