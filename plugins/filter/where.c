/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "filter/where.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"
#include "filter/lex.h"

struct parser {
	struct lexer lexer;
	struct where w;
	unsigned depth;
	struct where_error error;
};

static uint32_t fail_at(struct parser *p, size_t at, const char *why)
{
	if (!p->error.why)
		p->error = (struct where_error){ .at = at, .why = why };
	return 0;
}

/* What was found in place of what was wanted; 0, so that a rule can return it. */
static uint32_t fail(struct parser *p, const char *wanted)
{
	const struct token *t = &p->lexer.token;

	return fail_at(p, t->at, t->kind == TOKEN_BAD ? t->why : wanted);
}

/* Room for one more of `n` elements: arrays double whenever they hold a power of two. */
static void *grow(void *array, uint32_t n, size_t size)
{
	if (n > 0 && (n & (n - 1)) != 0)
		return array;
	return xreallocarray(array, n > 0 ? 2 * (size_t)n : 1, size);
}

static uint32_t add_node(struct parser *p, enum where_op op)
{
	struct where *w = &p->w;

	w->nodes = grow(w->nodes, w->n_nodes, sizeof(*w->nodes));
	w->nodes[w->n_nodes] = (struct where_node){ .op = op };
	return w->n_nodes++;
}

static uint32_t add_column(struct parser *p, const struct token *t)
{
	struct where *w = &p->w;

	for (uint32_t i = 0; i < w->n_columns; i++) {
		if (view_eq(w->columns[i].name, t->text))
			return i;
	}
	w->columns = grow(w->columns, w->n_columns, sizeof(*w->columns));
	w->columns[w->n_columns] =
		(struct where_column){ .name = t->text, .at = (uint32_t)t->at };
	return w->n_columns++;
}

static void add_literal(struct parser *p, enum where_literal_kind kind,
			struct ez_view text)
{
	struct where *w = &p->w;

	w->literals = grow(w->literals, w->n_literals, sizeof(*w->literals));
	w->literals[w->n_literals++] = (struct where_literal){
		.text = text,
		.kind = kind,
		.at = (uint32_t)p->lexer.token.at,
	};
	lexer_next(&p->lexer);
}

static bool read_literal(struct parser *p)
{
	const struct token *t = &p->lexer.token;

	if (t->kind == TOKEN_TEXT)
		add_literal(p, WHERE_TEXT, t->text);
	else if (t->kind == TOKEN_NUMBER)
		add_literal(p, WHERE_NUMBER, t->text);
	else if (lexer_is_word(&p->lexer, "true"))
		add_literal(p, WHERE_BOOL, VIEW("t"));
	else if (lexer_is_word(&p->lexer, "false"))
		add_literal(p, WHERE_BOOL, VIEW("f"));
	else if (lexer_is_word(&p->lexer, "null"))
		return fail(p, "null is asked for with: is null");
	else
		return fail(p, "a number, 'text', true or false is wanted here");
	return true;
}

/* Takes the keyword or sign if it is the current token. */
static bool take_word(struct parser *p, const char *keyword)
{
	if (!lexer_is_word(&p->lexer, keyword))
		return false;
	lexer_next(&p->lexer);
	return true;
}

static bool take_sign(struct parser *p, const char *sign)
{
	if (!lexer_is_sign(&p->lexer, sign))
		return false;
	lexer_next(&p->lexer);
	return true;
}

static uint32_t negate(struct parser *p, uint32_t node)
{
	uint32_t n = node ? add_node(p, WHERE_NOT) : 0;

	if (n)
		p->w.nodes[n].child = node;
	return n;
}

static uint32_t read_is(struct parser *p, uint32_t column)
{
	bool is_negated = take_word(p, "not");
	uint32_t n;

	if (!take_word(p, "null"))
		return fail(p, is_negated ? "null is wanted here"
					  : "null or not null is wanted here");
	n = add_node(p, WHERE_IS_NULL);
	p->w.nodes[n].column = column;
	return is_negated ? negate(p, n) : n;
}

/* PostgreSQL refuses that too: nothing is there to be escaped. */
static bool ends_in_escape(struct ez_view pattern)
{
	size_t n = 0;

	while (n < pattern.len && pattern.ptr[pattern.len - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

static uint32_t read_like(struct parser *p, uint32_t column)
{
	uint32_t n;

	if (p->lexer.token.kind != TOKEN_TEXT)
		return fail(p, "like wants a text in single quotes");
	if (ends_in_escape(p->lexer.token.text))
		return fail(p, "the pattern ends in a backslash");
	n = add_node(p, WHERE_LIKE);
	p->w.nodes[n].column = column;
	p->w.nodes[n].literal = p->w.n_literals;
	p->w.nodes[n].n_literals = 1;
	return read_literal(p) ? n : 0;
}

static uint32_t read_in(struct parser *p, uint32_t column)
{
	uint32_t first = p->w.n_literals, n;

	if (!take_sign(p, "("))
		return fail(p, "in wants a list in parentheses");
	do {
		if (!read_literal(p))
			return 0;
	} while (take_sign(p, ","));
	if (!take_sign(p, ")"))
		return fail(p, "a comma or ) is wanted here");
	n = add_node(p, WHERE_IN);
	p->w.nodes[n].column = column;
	p->w.nodes[n].literal = first;
	p->w.nodes[n].n_literals = p->w.n_literals - first;
	return n;
}

static uint32_t read_sign_comparison(struct parser *p, uint32_t column)
{
	static const struct {
		const char *sign;
		enum where_op op;
	} ops[] = {
		{ "=", WHERE_EQ },  { "!=", WHERE_NE }, { "<>", WHERE_NE },
		{ "<", WHERE_LT },  { "<=", WHERE_LE }, { ">", WHERE_GT },
		{ ">=", WHERE_GE },
	};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		uint32_t n;

		if (!take_sign(p, ops[i].sign))
			continue;
		n = add_node(p, ops[i].op);
		p->w.nodes[n].column = column;
		p->w.nodes[n].literal = p->w.n_literals;
		p->w.nodes[n].n_literals = 1;
		return read_literal(p) ? n : 0;
	}
	return fail(p, "a comparison is wanted here");
}

static bool is_keyword(const struct lexer *l)
{
	static const char *const words[] = { "and",  "or", "not",  "is",   "null",
					     "like", "in", "true", "false" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (lexer_is_word(l, words[i]))
			return true;
	}
	return false;
}

static uint32_t read_comparison(struct parser *p)
{
	const struct token *t = &p->lexer.token;
	uint32_t column;

	if ((t->kind != TOKEN_WORD && t->kind != TOKEN_COLUMN) || is_keyword(&p->lexer))
		return fail(p, "a column is wanted here");
	if (t->text.len == 0)
		return fail(p, "the name is empty");
	column = add_column(p, t);
	lexer_next(&p->lexer);
	if (take_word(p, "is"))
		return read_is(p, column);
	if (take_word(p, "like"))
		return read_like(p, column);
	if (take_word(p, "in"))
		return read_in(p, column);
	if (!take_word(p, "not"))
		return read_sign_comparison(p, column);
	if (take_word(p, "like"))
		return negate(p, read_like(p, column));
	if (take_word(p, "in"))
		return negate(p, read_in(p, column));
	return fail(p, "like or in is wanted here");
}

static uint32_t read_expression(struct parser *p);

static uint32_t read_not(struct parser *p)
{
	uint32_t n;

	if (p->depth == WHERE_MAX_DEPTH)
		return fail(p, "too many parentheses inside each other");
	p->depth++;
	if (take_word(p, "not")) {
		n = negate(p, read_not(p));
	} else if (take_sign(p, "(")) {
		n = read_expression(p);
		if (n && !take_sign(p, ")"))
			n = fail(p, "and, or or ) is wanted here");
	} else {
		n = read_comparison(p);
	}
	p->depth--;
	return n;
}

/* One or more operands with `word` between them; a lone one needs no node. */
static uint32_t read_chain(struct parser *p, const char *word, enum where_op op,
			   uint32_t (*read_operand)(struct parser *))
{
	uint32_t last = read_operand(p), n = last;

	while (last && take_word(p, word)) {
		uint32_t next = read_operand(p);

		if (!next)
			return 0;
		if (n == last) {
			n = add_node(p, op);
			p->w.nodes[n].child = last;
		}
		p->w.nodes[last].next = next;
		last = next;
	}
	return last ? n : 0;
}

static uint32_t read_and(struct parser *p)
{
	return read_chain(p, "and", WHERE_AND, read_not);
}

static uint32_t read_expression(struct parser *p)
{
	return read_chain(p, "or", WHERE_OR, read_and);
}

bool where_parse(struct ez_view text, struct where *ret_where,
		 struct where_error *ret_error)
{
	struct parser p = { .depth = 0 };
	struct ez_view copy;

	if (text.len > WHERE_MAX_BYTES) {
		*ret_error = (struct where_error){ 0, "the expression is over 64 KiB" };
		return false;
	}
	/* The first half keeps the expression, the second takes what the lexer unquotes. */
	p.w.bytes = xmalloc(2 * text.len + 1);
	if (text.len > 0)
		memcpy(p.w.bytes, text.ptr, text.len);
	copy = view_of(p.w.bytes, text.len);
	(void)add_node(&p, WHERE_AND); /* node 0 */
	lexer_init(&p.lexer, copy, p.w.bytes + text.len);
	p.w.root = read_expression(&p);
	if (p.w.root && p.lexer.token.kind != TOKEN_END)
		p.w.root = fail(&p, "and, or or the end is wanted here");
	if (!p.w.root) {
		where_release(&p.w);
		*ret_error = p.error;
		return false;
	}
	*ret_where = p.w;
	return true;
}

void where_release(struct where *w)
{
	free(w->nodes);
	free(w->literals);
	free(w->columns);
	free(w->bytes);
	*w = (struct where){ .root = 0 };
}
