/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "columns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"

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
	"decimalv2",    "decimal32",
	"decimal64",    "decimal128",
	"default",      "deferred",
	"delete",       "dense_rank",
	"desc",         "describe",
	"distinct",     "double",
	"drop",         "dual",
	"else",         "except",
	"exists",       "explain",
	"false",        "first_value",
	"float",        "for",
	"force",        "from",
	"full",         "function",
	"grant",        "group",
	"grouping",     "groups",
	"having",       "hll",
	"host",         "if",
	"ignore",       "immediate",
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
	"maxvalue",     "minus",
	"mod",          "not",
	"ntile",        "null",
	"on",           "or",
	"order",        "outer",
	"over",         "partition",
	"percentile",   "primary",
	"procedure",    "qualify",
	"range",        "rank",
	"read",         "regexp",
	"release",      "rename",
	"replace",      "revoke",
	"right",        "rlike",
	"row",          "row_number",
	"rows",         "schema",
	"schemas",      "select",
	"set",          "set_var",
	"show",         "smallint",
	"system",       "table",
	"terminated",   "text",
	"then",         "tinyint",
	"to",           "true",
	"union",        "unique",
	"update",       "use",
	"using",        "values",
	"varchar",      "when",
	"where",        "with",
};

bool is_reserved_word(struct ez_view word)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (strlen(reserved[i]) == word.len &&
		    strncasecmp(reserved[i], word.ptr, word.len) == 0)
			return true;
	return false;
}

static void skip_space(struct ez_view *v)
{
	while (v->len > 0 && isspace((unsigned char)*v->ptr))
		*v = view_of(v->ptr + 1, v->len - 1);
}

static bool take_char(struct ez_view *v, char c)
{
	skip_space(v);
	if (v->len == 0 || *v->ptr != c)
		return false;
	*v = view_of(v->ptr + 1, v->len - 1);
	return true;
}

/* Text in quotes; two of them are one within back-ticks, a backslash escapes in the others. */
static char *take_quoted(struct ez_view *v)
{
	char quote = *v->ptr;
	struct buf text = BUF_INIT(1 << 20);

	for (size_t i = 1; i < v->len; i++) {
		char c = v->ptr[i];

		if (c == '\\' && quote != '`' && i + 1 < v->len) {
			buf_add_char(&text, v->ptr[++i]);
		} else if (c == quote && i + 1 < v->len && v->ptr[i + 1] == quote) {
			buf_add_char(&text, c);
			i++;
		} else if (c == quote) {
			*v = view_of(v->ptr + i + 1, v->len - i - 1);
			return buf_take(&text);
		} else {
			buf_add_char(&text, c);
		}
	}
	buf_release(&text);
	return NULL;
}

static struct ez_view take_word(struct ez_view *v)
{
	struct ez_view word = view_of(v->ptr, 0);

	while (word.len < v->len &&
	       (isalnum((unsigned char)v->ptr[word.len]) || v->ptr[word.len] == '_' ||
		v->ptr[word.len] == '$' || (unsigned char)v->ptr[word.len] >= 0x80))
		word.len++;
	*v = view_of(v->ptr + word.len, v->len - word.len);
	return word;
}

/* NULL when there is no name. */
static char *take_name(struct ez_view *v)
{
	struct ez_view word;

	skip_space(v);
	if (v->len > 0 && *v->ptr == '`')
		return take_quoted(v);
	word = take_word(v);
	if (word.len == 0 || isdigit((unsigned char)*word.ptr) || is_reserved_word(word))
		return NULL;
	return view_dup(word);
}

static bool take_format(struct ez_view *v, enum slot_kind *kind)
{
	char *format = NULL;

	if (!take_char(v, ','))
		return true;
	skip_space(v);
	if (v->len > 0 && (*v->ptr == '\'' || *v->ptr == '"'))
		format = take_quoted(v);
	if (!format)
		return false;
	/* An unknown format is read as hex. */
	if (strcasecmp(format, "encode64") == 0)
		*kind = SLOT_ENCODE64;
	if (strcasecmp(format, "utf8") == 0)
		*kind = SLOT_FIELD;
	free(format);
	return true;
}

static bool parse_function(struct column_item *item, struct ez_view *v, const char *name)
{
	if (strcasecmp(name, "to_binary") == 0)
		item->kind = SLOT_HEX;
	else if (strcasecmp(name, "from_base64") == 0)
		item->kind = SLOT_FROM_BASE64;
	else if (strcasecmp(name, "parse_json") == 0)
		item->kind = SLOT_PARSE_JSON;
	else
		return false;
	item->argument = take_name(v);
	if (!item->argument)
		return false;
	return (item->kind != SLOT_HEX || take_format(v, &item->kind)) &&
	       take_char(v, ')');
}

static bool parse_expression(struct column_item *item, struct ez_view *v)
{
	struct ez_view word = view_of(NULL, 0);
	char *name;

	skip_space(v);
	if (v->len == 0)
		return false;
	item->kind = SLOT_CONST;
	if (*v->ptr == '\'' || *v->ptr == '"') {
		item->argument = take_quoted(v);
		return item->argument != NULL;
	}
	if (isdigit((unsigned char)*v->ptr) || *v->ptr == '-') {
		word.ptr = v->ptr;
		while (v->len > 0 && strchr("-+.0123456789eE", *v->ptr) && *v->ptr) {
			*v = view_of(v->ptr + 1, v->len - 1);
			word.len++;
		}
		item->argument = view_dup(word);
		return true;
	}
	if (v->len >= 4 && strncasecmp(v->ptr, "null", 4) == 0) {
		*v = view_of(v->ptr + 4, v->len - 4);
		return true;
	}
	name = take_name(v);
	if (name && take_char(v, '(')) {
		bool is_good = parse_function(item, v, name);

		free(name);
		return is_good;
	}
	item->kind = SLOT_FIELD;
	item->argument = name;
	return name != NULL;
}

static struct column_item *add_item(struct column_list *l)
{
	l->items = xreallocarray(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n] = (struct column_item){ .kind = SLOT_FIELD };
	return &l->items[l->n++];
}

void column_list_release(struct column_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].name);
		free(l->items[i].argument);
	}
	free(l->items);
	*l = (struct column_list){ .n = 0 };
}

bool column_list_parse(struct column_list *l, struct ez_view header, char *text,
		       size_t size)
{
	struct ez_view v = header;

	*l = (struct column_list){ .n = 0 };
	do {
		struct column_item *item = add_item(l);

		item->name = take_name(&v);
		if (!item->name) {
			snprintf(text, size,
				 "Getting syntax error in the columns header at '%.*s'.",
				 VIEW_ARG(v));
			goto failed;
		}
		item->is_mapping = take_char(&v, '=');
		if (item->is_mapping && !parse_expression(item, &v)) {
			snprintf(text, size, "not emulated: expression of column %s",
				 item->name);
			goto failed;
		}
	} while (take_char(&v, ','));
	skip_space(&v);
	if (v.len == 0)
		return true;
	snprintf(text, size, "Getting syntax error in the columns header at '%.*s'.",
		 VIEW_ARG(v));
failed:
	column_list_release(l);
	return false;
}
