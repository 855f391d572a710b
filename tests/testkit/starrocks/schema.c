/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "model.h"

struct schema *schema_new(size_t n_columns)
{
	struct schema *s = xcalloc(1, sizeof(*s));

	s->columns = xcalloc(MAX(n_columns, (size_t)1), sizeof(*s->columns));
	s->n_columns = n_columns;
	return s;
}

struct schema *schema_dup(const struct schema *s)
{
	struct schema *copy = schema_new(s->n_columns);

	copy->n_keys = s->n_keys;
	copy->version = s->version;
	for (size_t i = 0; i < s->n_columns; i++) {
		struct column *c = &copy->columns[i];

		*c = s->columns[i];
		c->name = xstrdup(c->name);
		c->type = column_type_dup(&s->columns[i].type);
		c->default_text = c->default_text ? xstrdup(c->default_text) : NULL;
		c->comment = c->comment ? xstrdup(c->comment) : NULL;
	}
	return copy;
}

void schema_free(struct schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_columns; i++) {
		free(s->columns[i].name);
		column_type_release(&s->columns[i].type);
		free(s->columns[i].default_text);
		free(s->columns[i].comment);
	}
	free(s->columns);
	free(s);
}

const struct column *schema_find(const struct schema *s, struct ez_view name)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (strlen(s->columns[i].name) == name.len &&
		    strncasecmp(s->columns[i].name, name.ptr, name.len) == 0)
			return &s->columns[i];
	return NULL;
}

const struct column *schema_find_exact(const struct schema *s, struct ez_view name)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (view_eq_str(name, s->columns[i].name))
			return &s->columns[i];
	return NULL;
}

bool row_cell(const struct row *row, const struct column *col, struct ez_view *ret_value)
{
	const char *p = row->cells;

	for (size_t i = 0; i < row->schema->n_columns; i++) {
		uint32_t len;

		memcpy(&len, p, sizeof(len));
		p += sizeof(len);
		if (row->schema->columns[i].id == col->id) {
			if (len == CELL_NULL)
				return false;
			*ret_value = view_of(p, len);
			return true;
		}
		p += len == CELL_NULL ? 0 : len;
	}
	if (!col->has_default || !col->default_text)
		return false;
	*ret_value = view_str(col->default_text);
	return true;
}
