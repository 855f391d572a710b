/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "sql_rows.h"

enum sql_column_type sql_mysql_type(const struct column_type *t)
{
	switch (t->kind) {
	case TYPE_BOOLEAN:
	case TYPE_TINYINT:
		return SQL_MYSQL_TINY;
	case TYPE_SMALLINT:
		return SQL_MYSQL_SHORT;
	case TYPE_INT:
		return SQL_MYSQL_LONG;
	case TYPE_BIGINT:
		return SQL_MYSQL_LONGLONG;
	case TYPE_FLOAT:
		return SQL_MYSQL_FLOAT;
	case TYPE_DOUBLE:
		return SQL_MYSQL_DOUBLE;
	case TYPE_DECIMAL:
		return SQL_MYSQL_NEWDECIMAL;
	case TYPE_DATE:
		return SQL_MYSQL_DATE;
	case TYPE_DATETIME:
		return SQL_MYSQL_DATETIME;
	case TYPE_CHAR:
		return SQL_MYSQL_STRING;
	case TYPE_VARBINARY:
		return SQL_MYSQL_BLOB;
	default:
		return SQL_MYSQL_VAR_STRING;
	}
}

static enum sql_sort sort_of(const struct column_type *t)
{
	switch (t->kind) {
	case TYPE_BOOLEAN:
		return SQL_AS_BOOLEAN;
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_BIGINT:
	case TYPE_LARGEINT:
	case TYPE_DECIMAL:
		return SQL_AS_NUMBER;
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		return SQL_AS_FLOAT;
	case TYPE_DATE:
	case TYPE_DATETIME:
		return SQL_AS_TIME;
	default:
		return SQL_AS_TEXT;
	}
}

/* The cells of a row of the table's own schema lie side by side: one pass reads them all. */
static void cells_in_order(const struct row *row, size_t n, struct ez_view *cells)
{
	const char *p = row->cells;

	for (size_t i = 0; i < n; i++) {
		uint32_t len;

		memcpy(&len, p, sizeof(len));
		p += sizeof(len);
		cells[i] = view_of(NULL, 0);
		if (len != CELL_NULL) {
			cells[i] = view_of(p, len);
			p += len;
		}
	}
}

static bool next_of_table(struct sql_source *s, struct ez_view *cells)
{
	const struct schema *schema = s->table->schema;
	const struct map_entry *e = map_next(&s->table->rows, &s->cursor);
	const struct row *row = e ? e->value : NULL;

	if (!row)
		return false;
	if (row->schema == schema) {
		cells_in_order(row, s->n_columns, cells);
		return true;
	}
	for (size_t i = 0; i < s->n_columns; i++) {
		cells[i] = view_of(NULL, 0);
		if (!row_cell(row, &schema->columns[i], &cells[i]))
			cells[i] = view_of(NULL, 0);
	}
	return true;
}

void sql_source_of_table(struct sql_source *s, struct arena *a, const struct table *t)
{
	const struct schema *schema = t->schema;

	*s = (struct sql_source){
		.columns = arena_calloc(a, schema->n_columns, sizeof(*s->columns)),
		.n_columns = schema->n_columns,
		.next = next_of_table,
		.table = t,
	};
	for (size_t i = 0; i < schema->n_columns; i++)
		s->columns[i] = (struct sql_source_column){
			.name = view_str(schema->columns[i].name),
			.type = sql_mysql_type(&schema->columns[i].type),
			.sort = sort_of(&schema->columns[i].type),
			.stored = &schema->columns[i].type,
		};
}

static bool next_of_rows(struct sql_source *s, struct ez_view *cells)
{
	struct list *at = s->row;

	if (at == s->rows)
		return false;
	s->row = at->next;
	memcpy(cells, LIST_OF(at, struct sql_row, link)->cells,
	       s->n_columns * sizeof(*cells));
	return true;
}

void sql_source_of_rows(struct sql_source *s, struct arena *a, struct sql_result *rows)
{
	*s = (struct sql_source){
		.columns = arena_calloc(a, rows->n_columns, sizeof(*s->columns)),
		.n_columns = rows->n_columns,
		.next = next_of_rows,
		.rows = &rows->rows,
		.row = rows->rows.next,
	};
	for (size_t i = 0; i < rows->n_columns; i++) {
		enum sql_column_type type = rows->columns[i].type;

		s->columns[i] = (struct sql_source_column){
			.name = rows->columns[i].name,
			.type = type,
			.sort = type == SQL_MYSQL_LONGLONG ? SQL_AS_NUMBER : SQL_AS_TEXT,
		};
	}
}
