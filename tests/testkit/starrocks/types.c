/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "types.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"

static const struct {
	const char *name;
	enum type_kind kind;
	int64_t length;
	int precision;
} names[] = {
	{ "boolean", TYPE_BOOLEAN, 0, 0 },
	{ "bool", TYPE_BOOLEAN, 0, 0 },
	{ "tinyint", TYPE_TINYINT, 0, 0 },
	{ "smallint", TYPE_SMALLINT, 0, 0 },
	{ "int", TYPE_INT, 0, 0 },
	{ "integer", TYPE_INT, 0, 0 },
	{ "bigint", TYPE_BIGINT, 0, 0 },
	{ "largeint", TYPE_LARGEINT, 0, 0 },
	{ "float", TYPE_FLOAT, 0, 0 },
	{ "double", TYPE_DOUBLE, 0, 0 },
	{ "decimal", TYPE_DECIMAL, 0, 10 },
	{ "decimalv2", TYPE_DECIMAL, 0, 10 },
	{ "decimal32", TYPE_DECIMAL, 0, 9 },
	{ "decimal64", TYPE_DECIMAL, 0, 18 },
	{ "decimal128", TYPE_DECIMAL, 0, 38 },
	{ "date", TYPE_DATE, 0, 0 },
	{ "datetime", TYPE_DATETIME, 0, 0 },
	{ "char", TYPE_CHAR, 1, 0 },
	{ "varchar", TYPE_VARCHAR, 1, 0 },
	{ "string", TYPE_VARCHAR, 65533, 0 },
	{ "text", TYPE_VARCHAR, 65533, 0 },
	{ "varbinary", TYPE_VARBINARY, 0, 0 },
	{ "binary", TYPE_VARBINARY, 0, 0 },
	{ "json", TYPE_JSON, 0, 0 },
	{ "array", TYPE_ARRAY, 0, 0 },
	{ "map", TYPE_MAP, 0, 0 },
	{ "struct", TYPE_STRUCT, 0, 0 },
	{ "bitmap", TYPE_BITMAP, 0, 0 },
	{ "hll", TYPE_HLL, 0, 0 },
};

static const char *const kind_names[_TYPE_MAX] = {
	[TYPE_BOOLEAN] = "boolean",   [TYPE_TINYINT] = "tinyint",
	[TYPE_SMALLINT] = "smallint", [TYPE_INT] = "int",
	[TYPE_BIGINT] = "bigint",     [TYPE_LARGEINT] = "largeint",
	[TYPE_FLOAT] = "float",       [TYPE_DOUBLE] = "double",
	[TYPE_DECIMAL] = "decimal",   [TYPE_DATE] = "date",
	[TYPE_DATETIME] = "datetime", [TYPE_CHAR] = "char",
	[TYPE_VARCHAR] = "varchar",   [TYPE_VARBINARY] = "varbinary",
	[TYPE_JSON] = "json",         [TYPE_ARRAY] = "array",
	[TYPE_MAP] = "map",           [TYPE_STRUCT] = "struct",
	[TYPE_BITMAP] = "bitmap",     [TYPE_HLL] = "hll",
};

const char *type_kind_to_str(enum type_kind kind)
{
	return kind_names[kind];
}

void column_type_release(struct column_type *t)
{
	if (t->element) {
		column_type_release(t->element);
		free(t->element);
	}
	free(t->text);
	*t = (struct column_type){ .kind = TYPE_BOOLEAN };
}

struct column_type column_type_dup(const struct column_type *t)
{
	struct column_type copy = *t;

	if (t->element) {
		copy.element = xmalloc(sizeof(*copy.element));
		*copy.element = column_type_dup(t->element);
	}
	copy.text = t->text ? xstrdup(t->text) : NULL;
	return copy;
}

bool column_type_eq(const struct column_type *a, const struct column_type *b)
{
	struct buf x = BUF_INIT(1 << 20), y = BUF_INIT(1 << 20);
	bool same;

	column_type_format(&x, a);
	column_type_format(&y, b);
	same = view_eq(buf_view(&x), buf_view(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

static void skip_space(struct ez_view *rest)
{
	while (rest->len > 0 && isspace((unsigned char)*rest->ptr))
		*rest = view_of(rest->ptr + 1, rest->len - 1);
}

static bool take_char(struct ez_view *rest, char c)
{
	skip_space(rest);
	if (rest->len == 0 || *rest->ptr != c)
		return false;
	*rest = view_of(rest->ptr + 1, rest->len - 1);
	return true;
}

static bool take_number(struct ez_view *rest, int64_t *ret_n)
{
	int64_t n = 0;
	size_t i;

	skip_space(rest);
	for (i = 0; i < rest->len && isdigit((unsigned char)rest->ptr[i]) && i < 12; i++)
		n = n * 10 + (rest->ptr[i] - '0');
	if (i == 0)
		return false;
	*rest = view_of(rest->ptr + i, rest->len - i);
	*ret_n = n;
	return true;
}

static struct ez_view take_word(struct ez_view *rest)
{
	struct ez_view word;
	size_t i = 0;

	skip_space(rest);
	while (i < rest->len &&
	       (isalnum((unsigned char)rest->ptr[i]) || rest->ptr[i] == '_'))
		i++;
	word = view_of(rest->ptr, i);
	*rest = view_of(rest->ptr + i, rest->len - i);
	return word;
}

/* "(n)" or "(n, m)", where there is one; "(*)" is the longest VARCHAR. */
static bool parse_sizes(struct ez_view *rest, struct column_type *t)
{
	int64_t first, second = 0;

	if (!take_char(rest, '('))
		return true;
	if (t->kind == TYPE_VARCHAR && take_char(rest, '*')) {
		t->length = 1048576;
		return take_char(rest, ')');
	}
	if (!take_number(rest, &first))
		return false;
	if (t->kind == TYPE_DECIMAL && take_char(rest, ',') &&
	    !take_number(rest, &second))
		return false;
	if (t->kind == TYPE_DECIMAL) {
		t->precision = (int)MIN(first, INT64_C(1000));
		t->scale = (int)MIN(second, INT64_C(1000));
	} else if (t->kind == TYPE_CHAR || t->kind == TYPE_VARCHAR ||
		   t->kind == TYPE_VARBINARY) {
		t->length = first;
	}
	return take_char(rest, ')');
}

enum {
	NESTING_MAX = 14,
};

static bool parse_type(struct ez_view *rest, int depth, struct column_type *ret_type);

static bool parse_nested(struct ez_view *rest, int depth, struct column_type *t)
{
	const char *from;
	int open = 1;

	if (!take_char(rest, '<'))
		return false;
	if (t->kind == TYPE_ARRAY) {
		struct column_type element;

		if (depth == NESTING_MAX || !parse_type(rest, depth + 1, &element))
			return false;
		t->element = xmemdup(&element, sizeof(element));
		return take_char(rest, '>');
	}
	for (from = rest->ptr; rest->len > 0;
	     *rest = view_of(rest->ptr + 1, rest->len - 1)) {
		open += *rest->ptr == '<';
		open -= *rest->ptr == '>';
		if (open == 0)
			break;
	}
	t->text = xstrndup(from, (size_t)(rest->ptr - from));
	return take_char(rest, '>');
}

static bool parse_type(struct ez_view *rest, int depth, struct column_type *ret_type)
{
	struct column_type t = { .kind = TYPE_BOOLEAN };
	struct ez_view word = take_word(rest);
	size_t i;
	bool is_good;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i].name) == word.len &&
		    strncasecmp(names[i].name, word.ptr, word.len) == 0)
			break;
	if (word.len == 0 || i == ARRAY_LEN(names))
		return false;
	t.kind = names[i].kind;
	t.length = names[i].length;
	t.precision = names[i].precision;
	if (t.kind == TYPE_ARRAY || t.kind == TYPE_MAP || t.kind == TYPE_STRUCT)
		is_good = parse_nested(rest, depth, &t);
	else
		is_good = parse_sizes(rest, &t);
	if (!is_good) {
		column_type_release(&t);
		return false;
	}
	*ret_type = t;
	return true;
}

bool column_type_parse(struct ez_view *rest, struct column_type *ret_type)
{
	return parse_type(rest, 0, ret_type);
}

void column_type_format(struct buf *b, const struct column_type *t)
{
	static const char *const integers[_TYPE_MAX] = {
		[TYPE_TINYINT] = "tinyint(4)",    [TYPE_SMALLINT] = "smallint(6)",
		[TYPE_INT] = "int(11)",           [TYPE_BIGINT] = "bigint(20)",
		[TYPE_LARGEINT] = "largeint(40)",
	};

	if (integers[t->kind]) {
		buf_add_str(b, integers[t->kind]);
		return;
	}
	buf_add_str(b, kind_names[t->kind]);
	switch (t->kind) {
	case TYPE_DECIMAL:
		buf_addf(b, "(%d, %d)", t->precision, t->scale);
		break;
	case TYPE_CHAR:
	case TYPE_VARCHAR:
		buf_addf(b, "(%lld)", (long long)t->length);
		break;
	case TYPE_VARBINARY:
		if (t->length > 0)
			buf_addf(b, "(%lld)", (long long)t->length);
		break;
	case TYPE_ARRAY:
		buf_add_char(b, '<');
		column_type_format(b, t->element);
		buf_add_char(b, '>');
		break;
	case TYPE_MAP:
	case TYPE_STRUCT:
		buf_addf(b, "<%s>", t->text);
		break;
	default:
		break;
	}
}
