/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "postgres/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

enum { NAME_MAX_BYTES = 63 };

char *quote_name(const char *name)
{
	char *quoted = xmalloc(2 * strlen(name) + 3), *to = quoted;

	*to++ = '"';
	for (; *name; name++) {
		if (*name == '"')
			*to++ = '"';
		*to++ = *name;
	}
	*to++ = '"';
	*to = '\0';
	return quoted;
}

static bool is_name(struct ez_view v)
{
	return v.len > 0 && v.len <= NAME_MAX_BYTES && !memchr(v.ptr, '\0', v.len);
}

bool store_names_init(struct store_names *n, struct ez_view schema, struct ez_view table)
{
	_cleanup_(freep) char *quoted_table = NULL;

	if (!is_name(schema) || !is_name(table))
		return false;
	n->schema = view_dup(schema);
	n->table = view_dup(table);
	n->quoted_schema = quote_name(n->schema);
	quoted_table = quote_name(n->table);
	n->relation = xasprintf("%s.%s", n->quoted_schema, quoted_table);
	return true;
}

void store_names_release(struct store_names *n)
{
	free(n->schema);
	free(n->table);
	free(n->quoted_schema);
	free(n->relation);
	*n = (struct store_names){ .schema = NULL };
}
