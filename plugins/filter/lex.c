/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "filter/lex.h"

#include <string.h>
#include <strings.h>

#include "base/view.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Letters, underscore and whatever is not ASCII. */
static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static void set_bad(struct lexer *l, const char *why)
{
	l->token.kind = TOKEN_BAD;
	l->token.why = why;
}

static void read_quoted(struct lexer *l, char quote)
{
	char *start = l->to;

	for (l->pos++; l->pos < l->end; l->pos++) {
		if (*l->pos == quote && !(l->pos + 1 < l->end && l->pos[1] == quote)) {
			l->pos++;
			l->token.kind = quote == '"' ? TOKEN_COLUMN : TOKEN_TEXT;
			l->token.text = view_of(start, (size_t)(l->to - start));
			return;
		}
		if (*l->pos == quote)
			l->pos++;
		*l->to++ = *l->pos;
	}
	set_bad(l, "this quote is not closed");
}

static size_t take_digits(struct lexer *l)
{
	const char *start = l->pos;

	while (l->pos < l->end && is_digit(*l->pos))
		l->pos++;
	return (size_t)(l->pos - start);
}

/* Takes one of two characters if it is there. */
static bool take_either(struct lexer *l, char a, char b)
{
	if (l->pos == l->end || (*l->pos != a && *l->pos != b))
		return false;
	l->pos++;
	return true;
}

/* Digits with an optional sign before and fraction and exponent behind. */
static void read_number(struct lexer *l)
{
	const char *start = l->pos;
	bool ok;

	(void)take_either(l, '-', '+');
	ok = take_digits(l) > 0;
	if (ok && take_either(l, '.', '.'))
		ok = take_digits(l) > 0;
	if (ok && take_either(l, 'e', 'E')) {
		(void)take_either(l, '-', '+');
		ok = take_digits(l) > 0;
	}
	if (!ok || (l->pos < l->end && is_word_start(*l->pos))) {
		set_bad(l, "this is no number");
		return;
	}
	l->token.kind = TOKEN_NUMBER;
	l->token.text = view_of(start, (size_t)(l->pos - start));
}

static void read_word(struct lexer *l)
{
	const char *start = l->pos;

	while (l->pos < l->end &&
	       (is_word_start(*l->pos) || is_digit(*l->pos) || *l->pos == '$'))
		l->pos++;
	l->token.kind = TOKEN_WORD;
	l->token.text = view_of(start, (size_t)(l->pos - start));
}

static void read_sign(struct lexer *l)
{
	static const char *const signs[] = { "!=", "<>", "<=", ">=", "=",
					     "<",  ">",  "(",  ")",  "," };
	struct ez_view rest = view_of(l->pos, (size_t)(l->end - l->pos));

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		struct ez_view sign = view_str(signs[i]);

		if (!view_starts(rest, sign))
			continue;
		l->pos += sign.len;
		l->token.kind = TOKEN_SIGN;
		l->token.text = sign;
		return;
	}
	set_bad(l, "this character has no meaning here");
}

void lexer_next(struct lexer *l)
{
	while (l->pos < l->end && is_space(*l->pos))
		l->pos++;
	l->token = (struct token){ .kind = TOKEN_END, .at = (size_t)(l->pos - l->start) };
	if (l->pos == l->end)
		return;
	if (*l->pos == '"' || *l->pos == '\'')
		read_quoted(l, *l->pos);
	else if (is_digit(*l->pos) || *l->pos == '-' || *l->pos == '+')
		read_number(l);
	else if (is_word_start(*l->pos))
		read_word(l);
	else
		read_sign(l);
}

void lexer_init(struct lexer *l, struct ez_view text, char *memory)
{
	const char *start = text.ptr ? text.ptr : "";

	*l = (struct lexer){
		.start = start,
		.pos = start,
		.end = start + text.len,
	};
	l->to = memory;
	lexer_next(l);
}

bool lexer_is_word(const struct lexer *l, const char *keyword)
{
	return l->token.kind == TOKEN_WORD && l->token.text.len == strlen(keyword) &&
	       strncasecmp(l->token.text.ptr, keyword, l->token.text.len) == 0;
}

bool lexer_is_sign(const struct lexer *l, const char *sign)
{
	return l->token.kind == TOKEN_SIGN && view_eq_str(l->token.text, sign);
}
