/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "names.h"

#include <string.h>
#include <strings.h>

enum {
	TABLE_NAME_MAX = 1024,
};

static void add_filled(struct buf *b, struct ez_view pattern, struct ez_view schema,
		       struct ez_view table)
{
	while (pattern.len > 0) {
		size_t skip = 1;

		if (view_starts(pattern, VIEW("{schema}"))) {
			buf_add_view(b, schema);
			skip = sizeof("{schema}") - 1;
		} else if (view_starts(pattern, VIEW("{table}"))) {
			buf_add_view(b, table);
			skip = sizeof("{table}") - 1;
		} else {
			buf_add_char(b, pattern.ptr[0]);
		}
		pattern = view_of(pattern.ptr + skip, pattern.len - skip);
	}
}

bool names_add_table(struct buf *b, struct ez_view pattern, struct ez_view schema,
		     struct ez_view table, const char **ret_why)
{
	size_t from = b->len;

	add_filled(b, pattern, schema, table);
	if (!buf_ok(b) || b->len - from > TABLE_NAME_MAX)
		*ret_why = "the name of the target table is over 1024 bytes long";
	else if (b->len == from)
		*ret_why = "the name of the target table is empty";
	else if (memchr(b->ptr + from, '\0', b->len - from))
		*ret_why = "the name of the target table holds a NUL";
	else
		return true;
	return false;
}

static bool is_reserved(struct ez_view name)
{
	static const char *const prefixes[] = { "__op", "__row", "__starrocks_shadow_",
						"__generated_partition_column_", "_ez_" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (name.len >= n && strncasecmp(name.ptr, prefixes[i], n) == 0)
			return true;
	}
	return false;
}

void names_add_column(struct buf *b, struct ez_view name)
{
	if (name.len == 0 || is_reserved(name))
		buf_add_str(b, "_src");
	for (size_t i = 0; i < name.len; i++) {
		bool odd = name.ptr[i] == '\0' || strchr("=<>!*", name.ptr[i]) != NULL;

		buf_add_char(b, odd ? '_' : name.ptr[i]);
	}
}

bool names_same_column(struct ez_view a, struct ez_view b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

void names_quote(struct buf *b, struct ez_view name)
{
	buf_add_char(b, '`');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '`')
			buf_add_char(b, '`');
		buf_add_char(b, name.ptr[i]);
	}
	buf_add_char(b, '`');
}

void names_literal(struct buf *b, struct ez_view text)
{
	buf_add_char(b, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\'' || text.ptr[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, text.ptr[i]);
	}
	buf_add_char(b, '\'');
}
