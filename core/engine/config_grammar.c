/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/config_grammar.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/problems.h"

enum {
	KEY_MAX_BYTES = 100, /* shown in messages */
};

void grammar_init(struct grammar *g, struct scan *out, struct problems *p)
{
	*g = (struct grammar){
		.out = out,
		.problems = p,
		.out_line = 1,
		.frames = { { .open = '{' } },
		.expect = EXPECT_SETTING,
	};
}

void grammar_release(struct grammar *g)
{
	free(g->names);
}

/* ------------------------------------------------------------------------- output */

void grammar_begin_span(struct grammar *g, size_t file, unsigned line)
{
	struct scan *out = g->out;

	out->spans = xreallocarray(out->spans, out->n_spans + 1, sizeof(*out->spans));
	out->spans[out->n_spans++] = (struct scan_span){
		.first = g->out_line,
		.line = line,
		.file = file,
	};
	g->file_line = line;
}

static void end_line(struct grammar *g)
{
	buf_add_char(&g->out->text, '\n');
	g->out_line++;
	g->file_line++;
}

static void put(struct grammar *g, const struct token *t, struct ez_view text)
{
	while (g->file_line < t->line)
		end_line(g);
	buf_add_view(&g->out->text, text);
	buf_add_char(&g->out->text, ' ');
}

static void put_int(struct grammar *g, const struct token *t)
{
	int64_t num = t->num;

	if (t->fit != TOKEN_FITS) {
		problem_add(
			g->problems, g->file, t->line, "%.*s: %s", VIEW_ARG(g->key),
			t->fit == TOKEN_NEEDS_L
				? "the number needs more than 32 bits; write it with an L at "
				  "its end"
				: "the number needs more than 64 bits");
		num = 0;
	}
	put(g, t, view_of(NULL, 0));
	buf_add_i64(&g->out->text, num);
	buf_add_str(&g->out->text, t->is_wide ? "L " : " ");
}

static void wipe(char *str, size_t len)
{
	explicit_bzero(str, len);
	free(str);
}

static void put_string(struct grammar *g, struct token *t)
{
	struct scan *out = g->out;
	size_t n = out->n_strings;

	if ((n & (n - 1)) == 0)
		out->strings =
			xreallocarray(out->strings, n ? 2 * n : 1, sizeof(*out->strings));
	out->strings[n] = (struct scan_string){ .ptr = TAKE_PTR(t->str), .len = t->len };
	out->n_strings++;
	put(g, t, view_of(NULL, 0));
	buf_add_char(&out->text, '"');
	buf_add_u64(&out->text, n);
	buf_add_str(&out->text, "\" ");
}

/* "one" "two" is one string. */
static void append_string(struct grammar *g, struct token *t)
{
	struct scan_string *last = &g->out->strings[g->out->n_strings - 1];
	char *joined = xmalloc(last->len + t->len + 1);

	memcpy(joined, last->ptr, last->len);
	memcpy(joined + last->len, t->str, t->len + 1);
	wipe(last->ptr, last->len);
	last->ptr = joined;
	last->len += t->len;
	wipe(TAKE_PTR(t->str), t->len);
}

/* ------------------------------------------------------------------------ grammar */

static struct frame *top(struct grammar *g)
{
	return &g->frames[g->depth];
}

static bool fail(struct grammar *g, const struct token *t, const char *text)
{
	if (g->key.len > 0)
		problem_add(g->problems, g->file, t->line, "%.*s: %s", VIEW_ARG(g->key),
			    text);
	else
		problem_add(g->problems, g->file, t->line, "%s", text);
	return false;
}

static bool open_bracket(struct grammar *g, const struct token *t)
{
	if (top(g)->open == '[')
		return fail(g, t, "[ ] holds plain values only; use ( )");
	if (g->depth == CFG_NESTING_MAX)
		return fail(g, t, "nested too deeply");
	g->frames[++g->depth] = (struct frame){
		.open = *t->raw.ptr,
		.line = t->line,
		.file = g->file,
		.first_name = g->n_names,
	};
	g->expect = *t->raw.ptr == '{' ? EXPECT_SETTING : EXPECT_VALUE_OR_CLOSE;
	put(g, t, t->raw);
	return true;
}

/* In an array all items are of one type. */
static bool check_item(struct grammar *g, const struct token *t)
{
	struct frame *f = top(g);

	if (f->open == '[' && f->has_items &&
	    (f->item_kind != t->kind || f->item_is_wide != t->is_wide))
		return fail(g, t, "the items of [ ] must be of one type; use ( )");
	f->has_items = true;
	f->item_kind = t->kind;
	f->item_is_wide = t->is_wide;
	return true;
}

static bool take_value(struct grammar *g, struct token *t)
{
	if (++g->n_values > CFG_VALUES_MAX)
		return fail(g, t, "too many values");
	if (t->kind == TOKEN_OPEN)
		return open_bracket(g, t);
	if (!check_item(g, t))
		return false;
	g->after_string = t->kind == TOKEN_STRING;
	g->expect = EXPECT_MORE;
	if (t->kind == TOKEN_STRING)
		put_string(g, t);
	else if (t->kind == TOKEN_INT)
		put_int(g, t);
	else if (t->kind == TOKEN_BOOL)
		put(g, t, t->num ? VIEW("true") : VIEW("false"));
	else
		put(g, t, t->raw);
	return true;
}

static bool close_bracket(struct grammar *g, const struct token *t)
{
	char close = *t->raw.ptr;
	char open = close == '}' ? '{' : close == ')' ? '(' : '[';

	if (g->depth == 0)
		return fail(g, t, "this bracket closes nothing");
	if (top(g)->file != g->file)
		return fail(g, t, "this bracket closes one of the including file");
	if (top(g)->open != open) {
		problem_add(g->problems, g->file, t->line,
			    "\"%c\" cannot close the \"%c\" of line %u", close,
			    top(g)->open, top(g)->line);
		return false;
	}
	g->n_names = top(g)->first_name;
	g->depth--;
	g->expect = EXPECT_MORE;
	g->after_string = false;
	g->key.len = 0;
	put(g, t, t->raw);
	return true;
}

/* libconfig would refuse the second one too, but without saying which it is. */
static bool note_name(struct grammar *g, size_t len)
{
	const char *text = g->out->text.ptr;
	struct place now = { .at = g->out->text.len - len - 1, .len = len };
	size_t n = g->n_names;

	for (size_t i = top(g)->first_name; i < n; i++) {
		if (g->names[i].len == len &&
		    memcmp(text + g->names[i].at, text + now.at, len) == 0)
			return false;
	}
	if ((n & (n - 1)) == 0)
		g->names = xreallocarray(g->names, n ? 2 * n : 1, sizeof(*g->names));
	g->names[g->n_names++] = now;
	return true;
}

static bool take_name(struct grammar *g, const struct token *t)
{
	g->key = view_of(t->raw.ptr, MIN(t->raw.len, (size_t)KEY_MAX_BYTES));
	if (t->kind == TOKEN_BOOL)
		return fail(g, t, "this cannot be a name");
	if (++g->n_values > CFG_VALUES_MAX)
		return fail(g, t, "too many values");
	put(g, t, t->raw);
	if (!buf_ok(&g->out->text))
		return fail(g, t, "the text is too large");
	if (!note_name(g, t->raw.len))
		return fail(g, t, "set twice");
	g->expect = EXPECT_ASSIGN;
	g->after_string = false;
	return true;
}

static bool expect_value(struct grammar *g, struct token *t)
{
	switch (t->kind) {
	case TOKEN_BOOL:
	case TOKEN_INT:
	case TOKEN_FLOAT:
	case TOKEN_STRING:
	case TOKEN_OPEN:
		return take_value(g, t);
	case TOKEN_CLOSE:
		if (g->expect == EXPECT_VALUE_OR_CLOSE)
			return close_bracket(g, t);
		return fail(g, t, "a value is missing before the bracket");
	case TOKEN_NAME:
		return fail(g, t, "the value must be in double quotes");
	default:
		return fail(g, t, "a value is missing");
	}
}

/* Behind a value; in a group, ";" and "," may be left out. */
static bool expect_more(struct grammar *g, struct token *t)
{
	bool in_group = top(g)->open == '{';

	if (t->kind == TOKEN_STRING && g->after_string) {
		if (++g->n_values > CFG_VALUES_MAX)
			return fail(g, t, "too many values");
		append_string(g, t);
		return true;
	}
	if (t->kind == TOKEN_CLOSE)
		return close_bracket(g, t);
	if (t->kind == TOKEN_COMMA || (t->kind == TOKEN_SEMICOLON && in_group)) {
		g->expect = in_group ? EXPECT_SETTING : EXPECT_VALUE;
		put(g, t, t->raw);
		return true;
	}
	if (in_group && t->kind == TOKEN_NAME)
		return take_name(g, t);
	return fail(g, t,
		    in_group ? "\";\" or the next setting should stand here"
			     : "\",\" or the closing bracket should stand here");
}

bool grammar_step(struct grammar *g, struct token *t)
{
	switch (g->expect) {
	case EXPECT_SETTING:
		if (t->kind == TOKEN_NAME || t->kind == TOKEN_BOOL)
			return take_name(g, t);
		if (t->kind == TOKEN_CLOSE)
			return close_bracket(g, t);
		g->key.len = 0;
		return fail(g, t, "the name of a setting should stand here");
	case EXPECT_ASSIGN:
		if (t->kind != TOKEN_ASSIGN)
			return fail(g, t, "\"=\" should stand behind the name");
		g->expect = EXPECT_VALUE;
		put(g, t, t->raw);
		return true;
	case EXPECT_MORE:
		return expect_more(g, t);
	default:
		return expect_value(g, t);
	}
}

/* -------------------------------------------------------------------- whole files */

bool grammar_begin_settings(struct grammar *g, unsigned line)
{
	if (top(g)->open != '{' ||
	    (g->expect != EXPECT_SETTING && g->expect != EXPECT_MORE))
		return false;
	while (g->file_line < line)
		end_line(g);
	if (g->expect == EXPECT_MORE)
		buf_add_char(&g->out->text, ';');
	end_line(g);
	g->expect = EXPECT_SETTING;
	g->after_string = false;
	g->key.len = 0;
	return true;
}

bool grammar_end_file(struct grammar *g, const struct token *t, size_t depth)
{
	if (g->depth > depth) {
		problem_add(g->problems, g->file, top(g)->line,
			    "the \"%c\" that begins here is never closed", top(g)->open);
		return false;
	}
	if (g->expect == EXPECT_ASSIGN || g->expect == EXPECT_VALUE)
		return fail(g, t, "the file ends before the value");
	if (g->expect == EXPECT_MORE)
		put(g, t, VIEW(";"));
	end_line(g);
	g->expect = EXPECT_SETTING;
	g->after_string = false;
	g->key.len = 0;
	return true;
}
