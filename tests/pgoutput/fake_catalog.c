/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fake_catalog.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/view.h"
#include "plugins/pgoutput/pgoutput.h"
#include "plugins/pgoutput/shape.h"

unsigned fake_catalog_failures, fake_catalog_lookups;
const char *fake_catalog_code = "53300";

static bool is_key(const struct pg_relation *rel, uint32_t i)
{
	if (rel->identity == 'f' || rel->identity == 'n')
		return view_eq(rel->columns[i].name, VIEW("id"));
	return rel->columns[i].key;
}

int pg_shape_of(struct pg *pg, const struct pg_relation *rel, struct pg_shape **ret_shape,
		struct ez_error *err)
{
	struct pg_shape *shape;
	const struct ez_column **pointers;
	struct ez_column *columns;

	if (fake_catalog_failures > 0) {
		fake_catalog_failures--;
		return pg->host->fail(err, EZ_E_TRANSIENT, fake_catalog_code,
				      "the catalog is away");
	}
	fake_catalog_lookups++;
	shape = xcalloc(1, sizeof(*shape));
	pointers = xcalloc(rel->n_columns + 1u, sizeof(*pointers));
	columns = xcalloc(rel->n_columns + 1u, sizeof(*columns));
	for (uint32_t i = 0; i < rel->n_columns; i++) {
		columns[i] = (struct ez_column){
			.size = sizeof(columns[i]),
			.name = rel->columns[i].name,
			.type = EZ_TYPE_TEXT,
			.flags = is_key(rel, i) ? EZ_COL_KEY : 0u,
			.native_type = rel->columns[i].type,
			.type_mod = rel->columns[i].type_mod,
		};
		pointers[i] = &columns[i];
		shape->table.n_keys += is_key(rel, i);
	}
	pointers[rel->n_columns] = columns; /* for pg_shape_free */
	shape->table.size = sizeof(shape->table);
	shape->table.id = rel->oid;
	shape->table.schema = rel->schema;
	shape->table.name = rel->name;
	shape->table.n_columns = rel->n_columns;
	shape->table.columns = pointers;
	*ret_shape = shape;
	return EZ_OK;
}

void pg_shape_free(struct pg_shape *shape)
{
	union {
		const void *in;
		void *out;
	} columns = { .in = shape->table.columns[shape->table.n_columns] },
	  pointers = { .in = shape->table.columns };

	free(columns.out);
	free(pointers.out);
	free(shape);
}

bool pg_selects(const struct pg *pg, struct ez_view schema, struct ez_view name)
{
	(void)pg;
	(void)schema;
	return !view_starts(name, VIEW("skip"));
}
