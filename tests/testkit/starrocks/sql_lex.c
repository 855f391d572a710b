/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_lex.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In order, for bsearch. */
static const char *const reserved[] = {
	"add",          "all",
	"alter",        "analyze",
	"and",          "array",
	"as",           "asc",
	"between",      "bigint",
	"bitmap",       "both",
	"by",           "case",
	"char",         "character",
	"check",        "collate",
	"column",       "compaction",
	"convert",      "create",
	"cross",        "cube",
	"current_date", "current_role",
	"current_time", "current_timestamp",
	"current_user", "database",
	"databases",    "decimal",
	"decimal128",   "decimal32",
	"decimal64",    "decimalv2",
	"default",      "deferred",
	"delete",       "dense_rank",
	"desc",         "describe",
	"distinct",     "div",
	"double",       "drop",
	"dual",         "else",
	"except",       "exists",
	"explain",      "false",
	"first_value",  "float",
	"for",          "force",
	"from",         "full",
	"function",     "grant",
	"group",        "grouping",
	"grouping_id",  "groups",
	"having",       "hll",
	"if",           "ignore",
	"in",           "index",
	"infile",       "inner",
	"insert",       "int",
	"integer",      "intersect",
	"into",         "is",
	"join",         "json",
	"key",          "keys",
	"kill",         "lag",
	"largeint",     "last_value",
	"lateral",      "lead",
	"left",         "like",
	"limit",        "load",
	"localtime",    "localtimestamp",
	"maxvalue",     "mod",
	"not",          "ntile",
	"null",         "on",
	"or",           "order",
	"outer",        "outfile",
	"over",         "partition",
	"percentile",   "primary",
	"procedure",    "range",
	"read",         "regexp",
	"release",      "rename",
	"replace",      "revoke",
	"right",        "rlike",
	"row_number",   "rows",
	"schema",       "schemas",
	"select",       "set",
	"set_var",      "show",
	"smallint",     "system",
	"table",        "terminated",
	"text",         "then",
	"tinyint",      "to",
	"true",         "union",
	"unique",       "unsigned",
	"update",       "use",
	"using",        "values",
	"varchar",      "when",
	"where",        "with",
};

bool sql_same_word(struct ez_view v, const char *word)
{
	return strlen(word) == v.len &&
	       (v.len == 0 || strncasecmp(v.ptr, word, v.len) == 0);
}

bool sql_same_name(struct ez_view a, struct ez_view b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static int compare_word(const void *key, const void *entry)
{
	const struct ez_view *v = key;
	const char *word = *(const char *const *)entry;
	int order = strncasecmp(v->ptr, word, v->len);

	return order != 0 || v->len >= strlen(word) ? order : -1;
}

bool sql_is_reserved(struct ez_view word)
{
	return word.len > 0 && !memchr(word.ptr, 0, word.len) &&
	       bsearch(&word, reserved, ARRAY_LEN(reserved), sizeof(reserved[0]),
		       compare_word) != NULL;
}

/* ----------------------------------------------------------------- lexing */

struct lexer {
	struct arena *arena;
	const char *start, *pos, *end;
	char *room; /* for what is unescaped; never longer than the text */
	struct sql_tokens *out;
	size_t max;
};

static size_t left(const struct lexer *l)
{
	return (size_t)(l->end - l->pos);
}

static char peek(const struct lexer *l, size_t ahead)
{
	return ahead < left(l) ? l->pos[ahead] : '\0';
}

static bool complain(struct lexer *l, const char *what)
{
	l->out->bad_at = (size_t)(l->pos - l->start);
	l->out->complaint = what;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What a word consists of: bytes of characters beyond ASCII are letters. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void add_token(struct lexer *l, enum sql_token_kind kind, struct ez_view text,
		      const char *from)
{
	struct sql_tokens *out = l->out;

	if (out->n == l->max) {
		size_t max = l->max ? l->max * 2 : 64;
		struct sql_token *grown = arena_alloc(l->arena, max * sizeof(*grown));

		if (out->n)
			memcpy(grown, out->list, out->n * sizeof(*grown));
		out->list = grown;
		l->max = max;
	}
	out->list[out->n++] = (struct sql_token){
		.kind = kind,
		.text = text,
		.at = (size_t)(from - l->start),
		.end = (size_t)(l->pos - l->start),
	};
}

/* Over "--" to the end of the line, and over one pair of comment marks. False: unended. */
static bool skip_comment(struct lexer *l)
{
	const char *mark;

	if (peek(l, 0) == '-') {
		mark = memchr(l->pos, '\n', left(l));
		l->pos = mark ? mark + 1 : l->end;
		return true;
	}
	mark = memmem(l->pos + 2, left(l) - 2, "*/", 2);
	if (!mark)
		return complain(l, "a comment without an end");
	l->pos = mark + 2;
	return true;
}

static bool skip_space(struct lexer *l)
{
	for (;;) {
		if (left(l) > 0 && is_space(*l->pos))
			l->pos++;
		else if ((peek(l, 0) == '-' && peek(l, 1) == '-') ||
			 (peek(l, 0) == '/' && peek(l, 1) == '*')) {
			if (!skip_comment(l))
				return false;
		} else
			return true;
	}
}

static bool lex_quoted(struct lexer *l)
{
	const char *from = l->pos++;
	char *to = l->room;
	size_t n = 0;

	for (; left(l) > 0; l->pos++) {
		if (*l->pos == '`') {
			if (peek(l, 1) != '`') {
				l->pos++;
				l->room += n;
				add_token(l, SQL_QUOTED, view_of(to, n), from);
				return true;
			}
			l->pos++;
		}
		to[n++] = *l->pos;
	}
	l->pos = from;
	return complain(l, "a name without a closing back-tick");
}

/* The character that a backslash and `c` stand for; '\0' with false for both of them. */
static bool unescape(char c, char *ret_c)
{
	static const char from[] = "ntrb0Z", to[] = "\n\t\r\b\0\032";
	const char *at = c ? memchr(from, c, sizeof(from) - 1) : NULL;

	*ret_c = at ? to[at - from] : c;
	return c != '%' && c != '_';
}

static bool lex_string(struct lexer *l)
{
	const char *from = l->pos;
	char quote = *l->pos++, *to = l->room;
	size_t n = 0;

	for (; left(l) > 0; l->pos++) {
		char c = *l->pos;

		if (c == '\\' && left(l) > 1) {
			if (!unescape(*++l->pos, &c))
				to[n++] = '\\';
		} else if (c == quote) {
			if (peek(l, 1) != quote) {
				l->pos++;
				l->room += n;
				add_token(l, SQL_STRING, view_of(to, n), from);
				return true;
			}
			l->pos++;
		}
		to[n++] = c;
	}
	l->pos = from;
	return complain(l, "a text without a closing quote");
}

static size_t digits(const struct lexer *l, size_t at)
{
	while (is_digit(peek(l, at)))
		at++;
	return at;
}

static void lex_number_or_word(struct lexer *l)
{
	const char *from = l->pos;
	size_t word = 0, number = digits(l, 0), exponent;
	enum sql_token_kind kind = SQL_INTEGER;

	while (is_letter(peek(l, word)) || is_digit(peek(l, word)))
		word++;
	if (peek(l, number) == '.') {
		kind = SQL_DECIMAL;
		number = digits(l, number + 1);
	}
	exponent =
		number + 1 + (peek(l, number + 1) == '+' || peek(l, number + 1) == '-');
	if (number > 0 && (peek(l, number) | 0x20) == 'e' &&
	    is_digit(peek(l, exponent))) {
		kind = SQL_DECIMAL;
		number = digits(l, exponent);
	}
	if (word > number) {
		kind = SQL_WORD;
		number = word;
	}
	l->pos += number;
	add_token(l, kind, view_of(from, number), from);
}

static bool lex_symbol(struct lexer *l)
{
	static const char *const pairs[] = { "<=>", "<=", ">=", "<>", "!=",
					     "@@",  "&&", "||", "->" };
	const char *from = l->pos;

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		size_t len = strlen(pairs[i]);

		if (left(l) >= len && memcmp(l->pos, pairs[i], len) == 0) {
			l->pos += len;
			add_token(l, SQL_SYMBOL, view_of(from, len), from);
			return true;
		}
	}
	if (!memchr("(),.;=<>+-*/%!&|^~@[]{}:?", *l->pos, 25))
		return complain(l, "a character that begins no token");
	l->pos++;
	add_token(l, SQL_SYMBOL, view_of(from, 1), from);
	return true;
}

static bool lex_one(struct lexer *l)
{
	char c = *l->pos;

	if (c == '`')
		return lex_quoted(l);
	if (c == '\'' || c == '"')
		return lex_string(l);
	if (!is_letter(c) && !is_digit(c) && !(c == '.' && is_digit(peek(l, 1))))
		return lex_symbol(l);
	lex_number_or_word(l);
	return true;
}

bool sql_lex(struct arena *a, struct ez_view sql, struct sql_tokens *ret)
{
	struct lexer l = {
		.arena = a,
		.start = sql.len ? sql.ptr : "",
		.room = arena_alloc(a, sql.len + 1),
		.out = ret,
	};

	*ret = (struct sql_tokens){ .list = NULL };
	l.pos = l.start;
	l.end = l.start + sql.len;
	for (;;) {
		if (!skip_space(&l))
			return false;
		if (left(&l) == 0)
			break;
		if (!lex_one(&l))
			return false;
	}
	add_token(&l, SQL_END, VIEW(""), l.pos);
	ret->n--;
	return true;
}
