/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/config_lex.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/view.h"
#include "engine/problems.h"

/* The classes of <ctype.h> depend on the locale; these do not. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_name_char(char c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '*';
}

struct lexer lexer_init(struct ez_view text, const char *file, struct problems *p)
{
	const struct ez_view bom = VIEW("\xef\xbb\xbf");

	if (view_starts(text, bom))
		text = view_of(text.ptr + bom.len, text.len - bom.len);
	return (struct lexer){
		.pos = text.ptr,
		.end = text.ptr + text.len,
		.file = file,
		.line = 1,
		.at_line_start = true,
		.problems = p,
	};
}

static char peek(const struct lexer *l, size_t ahead)
{
	return (size_t)(l->end - l->pos) > ahead ? l->pos[ahead] : '\0';
}

static bool skip_comment(struct lexer *l)
{
	unsigned opened = l->line;

	for (l->pos += 2; l->pos < l->end; l->pos++) {
		if (*l->pos == '*' && peek(l, 1) == '/') {
			l->pos += 2;
			return true;
		}
		if (*l->pos == '\n') {
			l->line++;
			l->at_line_start = true;
		}
	}
	problem_add(l->problems, l->file, opened, "this comment is never closed");
	return false;
}

static bool skip_blanks(struct lexer *l)
{
	while (l->pos < l->end) {
		char c = *l->pos;

		if (c == '\n') {
			l->line++;
			l->at_line_start = true;
			l->pos++;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
			l->pos++;
		} else if (c == '#' || (c == '/' && peek(l, 1) == '/')) {
			while (l->pos < l->end && *l->pos != '\n')
				l->pos++;
		} else if (c == '/' && peek(l, 1) == '*') {
			if (!skip_comment(l))
				return false;
		} else {
			return true;
		}
	}
	return true;
}

/* The end of the string that begins at the quote l->pos, or NULL. */
static const char *find_string_end(const struct lexer *l)
{
	for (const char *p = l->pos + 1; p < l->end; p++) {
		if (*p == '"')
			return p;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

/* Decodes the escape at l->pos onto *to; how many bytes of input it is, 0: not one. */
static size_t decode_escape(const struct lexer *l, char **to)
{
	static const char letters[] = "n\nr\rt\tf\f\\\\\"\"";
	char c = peek(l, 1);
	int high, low;

	for (const char *p = letters; *p; p += 2) {
		if (*p == c) {
			*(*to)++ = p[1];
			return 2;
		}
	}
	if (c == 'x' || c == 'X') {
		high = hex_value(peek(l, 2));
		low = high < 0 ? -1 : hex_value(peek(l, 3));
		if (low < 0) {
			problem_add(l->problems, l->file, l->line,
				    "\\x in a string needs two hex digits");
			return 0;
		}
		if (high == 0 && low == 0) {
			problem_add(l->problems, l->file, l->line,
				    "a string cannot hold a NUL byte");
			return 0;
		}
		*(*to)++ = (char)(high << 4 | low);
		return 4;
	}
	if (c == 'a' || c == 'b' || c == 'v') {
		problem_add(
			l->problems, l->file, l->line,
			"\\%c means different things to different versions of libconfig; "
			"write \\\\%c for a backslash and the letter, or \\x..",
			c, c);
		return 0;
	}
	/* A lone backslash stands for itself, which is kind to patterns. */
	*(*to)++ = '\\';
	return 1;
}

static bool read_string(struct lexer *l, struct token *t)
{
	const char *end = find_string_end(l);
	char *to;

	if (!end) {
		problem_add(l->problems, l->file, l->line, "this string is never closed");
		return false;
	}
	to = t->str = xmalloc((size_t)(end - l->pos));
	for (l->pos++; l->pos < end;) {
		size_t n = 1;

		if (*l->pos == '\\') {
			n = decode_escape(l, &to);
		} else if ((unsigned char)*l->pos < 0x20 && !strchr("\t\r\n", *l->pos)) {
			problem_add(l->problems, l->file, l->line,
				    "control character 0x%02x in a string; write \\x%02x",
				    (unsigned)*l->pos, (unsigned)*l->pos);
			n = 0;
		} else {
			l->line += *l->pos == '\n';
			*to++ = *l->pos;
		}
		if (n == 0) {
			explicit_bzero(t->str, (size_t)(to - t->str));
			free(TAKE_PTR(t->str));
			return false;
		}
		l->pos += n;
	}
	*to = '\0';
	t->len = (size_t)(to - t->str);
	l->pos = end + 1;
	return true;
}

static bool read_include(struct lexer *l, struct token *t)
{
	const struct ez_view word = VIEW("@include");
	struct ez_view rest = view_of(l->pos, (size_t)(l->end - l->pos));

	if (!view_starts(rest, word) || !l->at_line_start) {
		problem_add(
			l->problems, l->file, l->line,
			"unexpected \"@\"; only @include may follow, at the beginning of "
			"a line");
		return false;
	}
	l->pos += word.len;
	while (peek(l, 0) == ' ' || peek(l, 0) == '\t')
		l->pos++;
	if (peek(l, 0) != '"') {
		problem_add(l->problems, l->file, l->line,
			    "@include needs a path in double quotes");
		return false;
	}
	t->kind = TOKEN_INCLUDE;
	return read_string(l, t);
}

static bool read_hex(struct ez_view digits, int64_t *ret_num)
{
	uint64_t n = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (n >> 59)
			return false;
		n = n << 4 | (uint64_t)hex_value(digits.ptr[i]);
	}
	*ret_num = (int64_t)n;
	return true;
}

static void read_int(struct lexer *l, struct token *t, bool is_hex)
{
	const char *begin = l->pos;
	int64_t num = 0;
	bool fits;

	if (is_hex) {
		for (begin = l->pos += 2; hex_value(peek(l, 0)) >= 0;)
			l->pos++;
		fits = read_hex(view_of(begin, (size_t)(l->pos - begin)), &num);
	} else {
		begin += *begin == '+';
		for (l->pos += !is_digit(*l->pos); is_digit(peek(l, 0));)
			l->pos++;
		fits = parse_i64(view_of(begin, (size_t)(l->pos - begin)), &num);
	}
	for (int i = 0; i < 2 && peek(l, 0) == 'L'; i++, l->pos++)
		t->is_wide = true;
	t->kind = TOKEN_INT;
	t->num = num;
	if (!fits)
		t->fit = TOKEN_TOO_BIG;
	else if (!t->is_wide && (num > INT32_MAX || num < INT32_MIN))
		t->fit = TOKEN_NEEDS_L;
}

/* The length of a number with a point or an exponent at l->pos, or 0. */
static size_t float_len(const struct lexer *l)
{
	size_t n = peek(l, 0) == '+' || peek(l, 0) == '-', digits = 0, exponent;
	bool has_point, has_exponent = false;

	for (; is_digit(peek(l, n)); n++)
		digits++;
	has_point = peek(l, n) == '.';
	for (n += has_point; has_point && is_digit(peek(l, n)); n++)
		digits++;
	if (digits == 0)
		return 0;
	if (peek(l, n) == 'e' || peek(l, n) == 'E') {
		exponent = n + 1;
		exponent += peek(l, exponent) == '+' || peek(l, exponent) == '-';
		while (is_digit(peek(l, exponent))) {
			n = ++exponent;
			has_exponent = true;
		}
	}
	return has_point || has_exponent ? n : 0;
}

static bool read_number(struct lexer *l, struct token *t)
{
	const char *begin = l->pos;
	char first = peek(l, 0), second = peek(l, 1);
	bool is_hex = first == '0' && (second == 'x' || second == 'X') &&
		      hex_value(peek(l, 2)) >= 0;
	size_t n = is_hex ? 0 : float_len(l);

	if (n > 0) {
		t->kind = TOKEN_FLOAT;
		l->pos += n;
	} else if (is_digit(first) ||
		   ((first == '-' || first == '+') && is_digit(second))) {
		read_int(l, t, is_hex);
	} else {
		problem_add(l->problems, l->file, l->line, "unexpected \"%c\"", first);
		return false;
	}
	if (is_name_char(peek(l, 0)) || peek(l, 0) == '.') {
		problem_add(l->problems, l->file, l->line,
			    "a number is followed by other characters; text, sizes and "
			    "durations need double quotes");
		return false;
	}
	t->raw = view_of(begin, (size_t)(l->pos - begin));
	return true;
}

static bool is_bool_word(struct ez_view v)
{
	return (v.len == 4 && strncasecmp(v.ptr, "true", 4) == 0) ||
	       (v.len == 5 && strncasecmp(v.ptr, "false", 5) == 0);
}

bool lexer_is_name(struct ez_view v)
{
	if (v.len == 0 || !(is_letter(*v.ptr) || *v.ptr == '*') || is_bool_word(v))
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (!is_name_char(v.ptr[i]))
			return false;
	}
	return true;
}

static void read_word(struct lexer *l, struct token *t)
{
	const char *begin = l->pos;

	while (is_name_char(peek(l, 0)))
		l->pos++;
	t->raw = view_of(begin, (size_t)(l->pos - begin));
	t->kind = TOKEN_NAME;
	if (is_bool_word(t->raw)) {
		t->kind = TOKEN_BOOL;
		t->num = t->raw.len == 4;
	}
}

static bool read_mark(struct lexer *l, struct token *t)
{
	static const struct {
		char c;
		enum token_kind kind;
	} marks[] = {
		{ '=', TOKEN_ASSIGN },    { ':', TOKEN_ASSIGN }, { ',', TOKEN_COMMA },
		{ ';', TOKEN_SEMICOLON }, { '{', TOKEN_OPEN },   { '(', TOKEN_OPEN },
		{ '[', TOKEN_OPEN },      { '}', TOKEN_CLOSE },  { ')', TOKEN_CLOSE },
		{ ']', TOKEN_CLOSE },
	};
	char c = *l->pos;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (marks[i].c == c) {
			t->kind = marks[i].kind;
			t->raw = view_of(l->pos++, 1);
			return true;
		}
	}
	if (c == '\'')
		problem_add(l->problems, l->file, l->line, "text needs double quotes");
	else if (c == '_')
		problem_add(l->problems, l->file, l->line,
			    "a name cannot begin with \"_\"");
	else if (c > 0x20 && c < 0x7f)
		problem_add(l->problems, l->file, l->line, "unexpected \"%c\"", c);
	else
		problem_add(l->problems, l->file, l->line, "unexpected byte 0x%02x",
			    (unsigned)(unsigned char)c);
	return false;
}

bool lexer_next(struct lexer *l, struct token *ret_token)
{
	struct token t = { .kind = TOKEN_END };
	bool ok = true;
	char c;

	if (!skip_blanks(l))
		return false;
	t.line = l->line;
	c = peek(l, 0);
	if (l->pos < l->end) {
		if (is_letter(c) || c == '*') {
			read_word(l, &t);
		} else if (c == '"') {
			t.kind = TOKEN_STRING;
			ok = read_string(l, &t);
		} else if (c == '@') {
			ok = read_include(l, &t);
		} else if (is_digit(c) || c == '-' || c == '+' || c == '.') {
			ok = read_number(l, &t);
		} else {
			ok = read_mark(l, &t);
		}
	}
	l->at_line_start = false;
	if (ok)
		*ret_token = t;
	return ok;
}
