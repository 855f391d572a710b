/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "quote.h"

static void add_doubled(struct buf *b, struct ez_view v, char quote)
{
	buf_add_char(b, quote);
	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] == quote)
			buf_add_char(b, quote);
		buf_add_char(b, v.ptr[i]);
	}
	buf_add_char(b, quote);
}

void quote_ident(struct buf *b, struct ez_view name)
{
	add_doubled(b, name, '"');
}

void quote_table(struct buf *b, struct ez_view schema, struct ez_view name)
{
	quote_ident(b, schema);
	buf_add_char(b, '.');
	quote_ident(b, name);
}

void quote_literal(struct buf *b, struct ez_view text)
{
	add_doubled(b, text, '\'');
}

void quote_array_item(struct buf *b, struct ez_view text)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, text.ptr[i]);
	}
	buf_add_char(b, '"');
}
