/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "common/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/view.h"

/* A copy of a size-first struct, never smaller than this build knows it. */
static void *copy_sized(const void *from, size_t from_size, size_t known_size)
{
	size_t size = MAX(from_size, known_size);
	char *to = xcalloc(1, size);

	memcpy(to, from, from_size);
	memcpy(to, &size, sizeof(size));
	return to;
}

void shape_init(struct shape *s, const struct ez_table *in, uint32_t n_extra)
{
	s->table = copy_sized(in, in->size, sizeof(*in));
	s->n_columns = in->n_columns;
	s->cap = in->n_columns + n_extra;
	s->columns = xcalloc((size_t)s->cap + 1, sizeof(*s->columns));
	for (uint32_t i = 0; i < in->n_columns; i++)
		s->columns[i] = copy_sized(in->columns[i], in->columns[i]->size,
					   sizeof(struct ez_column));
}

void shape_release(struct shape *s)
{
	for (uint32_t i = 0; i < s->n_columns; i++)
		free(s->columns[i]);
	free(s->columns);
	free(s->table);
	*s = (struct shape){ .n_columns = 0 };
}

struct ez_column *shape_add(struct shape *s, struct ez_view name, uint32_t type,
			    const char *native)
{
	struct ez_column *c = xcalloc(1, sizeof(*c));

	ASSERT(s->n_columns < s->cap);
	c->size = sizeof(*c);
	c->name = name;
	c->native = view_str(native);
	c->type = type;
	c->type_mod = -1;
	c->precision = -1;
	c->length = -1;
	s->columns[s->n_columns++] = c;
	return c;
}

void shape_drop(struct shape *s, uint32_t i)
{
	ASSERT(i < s->n_columns);
	free(s->columns[i]);
	s->n_columns--;
	memmove(&s->columns[i], &s->columns[i + 1],
		(s->n_columns - i) * sizeof(*s->columns));
}

void column_set_text(struct ez_column *c, int32_t length)
{
	c->type = EZ_TYPE_TEXT;
	c->native = VIEW("text");
	c->native_type = 0;
	c->fallback = (struct ez_view){ .ptr = NULL };
	c->type_mod = -1;
	c->element = EZ_TYPE_OTHER;
	c->precision = -1;
	c->scale = 0;
	c->length = length;
}

void shape_put(struct shape *s, const struct ez_host *host, struct ez_shape *out)
{
	s->table->n_keys = 0;
	for (uint32_t i = 0; i < s->n_columns; i++)
		s->table->n_keys += (s->columns[i]->flags & EZ_COL_KEY) != 0;
	s->table->n_columns = s->n_columns;
	s->table->columns = (const struct ez_column *const *)s->columns;
	host->reshape(out, s->table);
}
