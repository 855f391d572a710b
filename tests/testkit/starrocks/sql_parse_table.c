/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "sql_parser.h"

/* CREATE TABLE and ALTER TABLE, clause by clause in the order of StarRocks' grammar. */

static void free_type(void *type)
{
	column_type_release(type);
	free(type);
}

enum {
	NESTING_MAX = 14,
};

/* ARRAY<ARRAY<... deeper than a real server takes it. */
static bool is_nested_too_deep(const struct parser *p)
{
	int depth = 0;

	for (const struct sql_token *t = p->at; t->kind != SQL_END; t++) {
		depth += t->kind == SQL_SYMBOL && view_eq_str(t->text, "<");
		depth -= t->kind == SQL_SYMBOL && view_eq_str(t->text, ">");
		if (depth > NESTING_MAX)
			return true;
		if (depth == 0 && t > p->at)
			return false;
	}
	return false;
}

/* The type is read from the text, then the tokens that it covered are passed over. */
static bool parse_type(struct parser *p, const struct column_type **ret_type)
{
	struct ez_view rest = view_of(p->sql.ptr + p->at->at, p->sql.len - p->at->at);
	struct column_type *type = xcalloc(1, sizeof(*type));
	size_t end;

	if (p->at->kind != SQL_WORD || is_nested_too_deep(p) ||
	    !column_type_parse(&rest, type)) {
		free(type);
		return parser_syntax(p, "a type");
	}
	arena_adopt(p->arena, type, sizeof(*type), free_type);
	end = p->sql.len - rest.len;
	while (p->at->kind != SQL_END && p->at->at < end)
		p->at++;
	*ret_type = type;
	return true;
}

/* Only texts, NULL and functions may be a default: DEFAULT 0 is a syntax error. */
static bool parse_default(struct parser *p, struct sql_column_def *c)
{
	c->has_default = true;
	if (accept_word(p, "null")) {
		c->default_is_null = true;
		return true;
	}
	if (parser_is_word(p, "current_timestamp") || parser_is_symbol(p, "("))
		return parser_not_emulated(p, "a default that is no constant");
	return expect_string(p, &c->default_text);
}

static bool parse_column_tail(struct parser *p, struct sql_column_def *c)
{
	static const char *const methods[] = { "sum",     "max",       "min",
					       "replace", "hll_union", "bitmap_union" };

	c->is_key = accept_word(p, "key");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (parser_is_word(p, methods[i]))
			return parser_not_emulated(p, "an aggregate column");
	if (accept_words(p, "not", "null"))
		c->has_not_null = true;
	else if (accept_word(p, "null"))
		c->has_null = true;
	if (parser_is_word(p, "auto_increment") || parser_is_word(p, "as"))
		return parser_not_emulated(p, "a column that makes its own values");
	if (accept_word(p, "default") && !parse_default(p, c))
		return false;
	if (accept_word(p, "comment")) {
		c->has_comment = true;
		return expect_string(p, &c->comment);
	}
	return p->verdict == SQL_PARSED;
}

static bool parse_column(struct parser *p, struct sql_column_def **ret_column)
{
	struct sql_column_def *c = arena_calloc(p->arena, 1, sizeof(*c));

	*ret_column = c;
	return expect_name(p, &c->name) && parse_type(p, &c->type) &&
	       parse_column_tail(p, c);
}

static bool parse_columns(struct parser *p, struct list *ret_columns)
{
	list_init(ret_columns);
	if (!expect_symbol(p, "("))
		return false;
	do {
		struct sql_column_def *c;

		if (parser_is_word(p, "index"))
			return parser_not_emulated(p, "an index");
		if (!parse_column(p, &c))
			return false;
		list_add_tail(ret_columns, &c->link);
	} while (accept_symbol(p, ","));
	return expect_symbol(p, ")");
}

static bool parse_keys(struct parser *p, struct sql_create_table *t)
{
	static const struct {
		const char *word;
		enum sql_key_kind kind;
	} kinds[] = {
		{ "primary", SQL_KEY_PRIMARY },
		{ "duplicate", SQL_KEY_DUPLICATE },
		{ "unique", SQL_KEY_UNIQUE },
		{ "aggregate", SQL_KEY_AGGREGATE },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!accept_word(p, kinds[i].word))
			continue;
		t->key_kind = kinds[i].kind;
		return expect_word(p, "key") && expect_names(p, &t->keys);
	}
	return p->verdict == SQL_PARSED;
}

static bool parse_distribution(struct parser *p, struct sql_create_table *t)
{
	if (!accept_word(p, "distributed"))
		return p->verdict == SQL_PARSED;
	t->has_distribution = true;
	if (!expect_word(p, "by"))
		return false;
	if (!accept_word(p, "random") &&
	    (!expect_word(p, "hash") || !expect_names(p, &t->buckets_by)))
		return false;
	return !accept_word(p, "buckets") || expect_integer(p, &t->n_buckets);
}

static bool parse_engine(struct parser *p, struct sql_create_table *t)
{
	if (!accept_word(p, "engine"))
		return p->verdict == SQL_PARSED;
	t->has_engine = true;
	return expect_symbol(p, "=") && expect_name(p, &t->engine);
}

static bool parse_clauses(struct parser *p, struct sql_create_table *t)
{
	if (!parse_engine(p, t) || !parse_keys(p, t))
		return false;
	if (accept_word(p, "comment")) {
		t->has_comment = true;
		if (!expect_string(p, &t->comment))
			return false;
	}
	if (parser_is_word(p, "partition"))
		return parser_not_emulated(p, "partitions");
	if (!parse_distribution(p, t))
		return false;
	if (accept_words(p, "order", "by") && !expect_names(p, &t->order_by))
		return false;
	if (accept_word(p, "properties") && !expect_properties(p, &t->properties))
		return false;
	if (parser_is_word(p, "as") || parser_is_word(p, "rollup"))
		return parser_not_emulated(p, "this clause of CREATE TABLE");
	return p->verdict == SQL_PARSED;
}

bool parse_create_table(struct parser *p, struct sql_statement *s)
{
	struct sql_create_table *t = arena_calloc(p->arena, 1, sizeof(*t));

	s->kind = SQL_CREATE_TABLE;
	s->create = t;
	s->has_ref = true;
	list_init(&t->keys);
	list_init(&t->buckets_by);
	list_init(&t->order_by);
	list_init(&t->properties);
	if (accept_word(p, "if") &&
	    !(s->if_exists = expect_word(p, "not") && expect_word(p, "exists")))
		return false;
	if (!expect_ref(p, &s->ref))
		return false;
	if (parser_is_word(p, "like") || parser_is_word(p, "as"))
		return parser_not_emulated(p, "CREATE TABLE LIKE and AS");
	return parse_columns(p, &t->columns) && parse_clauses(p, t);
}

/* ------------------------------------------------------------------ alter */

static bool parse_place(struct parser *p, struct sql_column_def *c)
{
	if (accept_word(p, "first"))
		c->place = SQL_FIRST;
	else if (accept_word(p, "after")) {
		c->place = SQL_AFTER;
		if (!expect_name(p, &c->after))
			return false;
	}
	if (parser_is_word(p, "to") || parser_is_word(p, "in") ||
	    parser_is_word(p, "from"))
		return parser_not_emulated(p, "a rollup");
	return p->verdict == SQL_PARSED;
}

static struct sql_alter *add_alter(struct parser *p, struct sql_statement *s,
				   enum sql_alter_kind kind)
{
	struct sql_alter *a = arena_calloc(p->arena, 1, sizeof(*a));

	a->kind = kind;
	list_init(&a->properties);
	list_add_tail(&s->alters, &a->link);
	return a;
}

static bool parse_clause_properties(struct parser *p, struct sql_alter *a)
{
	return !accept_word(p, "properties") || expect_properties(p, &a->properties);
}

/* ADD COLUMN one, or ADD COLUMN (several). */
static bool parse_add(struct parser *p, struct sql_statement *s)
{
	struct sql_alter *a = NULL;
	struct list columns;

	if (!accept_word(p, "column"))
		return parser_not_emulated(p, "ADD of what is no column");
	if (parser_is_symbol(p, "(")) {
		if (!parse_columns(p, &columns))
			return false;
		list_for_each(at, &columns) {
			a = add_alter(p, s, SQL_ADD_COLUMN);
			a->column = LIST_OF(at, struct sql_column_def, link);
		}
		return parse_clause_properties(p, a);
	}
	a = add_alter(p, s, SQL_ADD_COLUMN);
	return parse_column(p, &a->column) && parse_place(p, a->column) &&
	       parse_clause_properties(p, a);
}

static bool parse_rename(struct parser *p, struct sql_statement *s)
{
	struct sql_alter *a;

	if (accept_word(p, "column")) {
		a = add_alter(p, s, SQL_RENAME_COLUMN);
		return expect_name(p, &a->name) && expect_word(p, "to") &&
		       expect_name(p, &a->new_name);
	}
	if (parser_is_word(p, "rollup") || parser_is_word(p, "partition"))
		return parser_not_emulated(p, "this RENAME");
	a = add_alter(p, s, SQL_RENAME_TABLE);
	return expect_name(p, &a->new_name);
}

static bool parse_clause(struct parser *p, struct sql_statement *s)
{
	struct sql_alter *a;

	if (accept_word(p, "add"))
		return parse_add(p, s);
	if (accept_word(p, "drop")) {
		if (!accept_word(p, "column"))
			return parser_not_emulated(p, "DROP of what is no column");
		a = add_alter(p, s, SQL_DROP_COLUMN);
		return expect_name(p, &a->name) && parse_clause_properties(p, a);
	}
	if (accept_word(p, "modify")) {
		if (!expect_word(p, "column"))
			return false;
		a = add_alter(p, s, SQL_MODIFY_COLUMN);
		return parse_column(p, &a->column) && parse_place(p, a->column) &&
		       parse_clause_properties(p, a);
	}
	if (accept_word(p, "rename"))
		return parse_rename(p, s);
	if (accept_words(p, "swap", "with")) {
		a = add_alter(p, s, SQL_SWAP_TABLE);
		return expect_name(p, &a->new_name);
	}
	if (accept_word(p, "set")) {
		a = add_alter(p, s, SQL_SET_PROPERTIES);
		return expect_properties(p, &a->properties);
	}
	if (accept_word(p, "comment")) {
		a = add_alter(p, s, SQL_SET_COMMENT);
		return expect_symbol(p, "=") && expect_string(p, &a->new_name);
	}
	return parser_not_emulated(p, "this clause of ALTER TABLE");
}

bool parse_alter_table(struct parser *p, struct sql_statement *s)
{
	s->kind = SQL_ALTER_TABLE;
	s->has_ref = true;
	if (!expect_ref(p, &s->ref))
		return false;
	do {
		if (!parse_clause(p, s))
			return false;
	} while (accept_symbol(p, ","));
	return true;
}
