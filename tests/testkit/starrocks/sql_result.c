/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum {
	TEXT_CAP = 16 * 1024 * 1024,
};

void sql_result_init(struct sql_result *r, struct arena *arena)
{
	*r = (struct sql_result){ .arena = arena, .kind = SQL_RESULT_OK };
	list_init(&r->rows);
}

struct ez_view sql_text(struct sql_result *r, struct ez_view v)
{
	struct ez_view copy = arena_dup(r->arena, v);

	return copy.ptr ? copy : VIEW("");
}

struct ez_view sql_text_str(struct sql_result *r, const char *s)
{
	return sql_text(r, view_str(s));
}

_printf_(2, 0) static struct ez_view
	format_text(struct sql_result *r, const char *fmt, va_list ap)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(TEXT_CAP);

	buf_addv(&b, fmt, ap);
	return sql_text(r, buf_view(&b));
}

struct ez_view sql_textf(struct sql_result *r, const char *fmt, ...)
{
	struct ez_view text;
	va_list ap;

	va_start(ap, fmt);
	text = format_text(r, fmt, ap);
	va_end(ap);
	return text;
}

static void set_error(struct sql_result *r, unsigned code, const char *state,
		      struct ez_view text)
{
	if (sql_failed(r))
		return;
	r->kind = SQL_RESULT_ERROR;
	r->code = code;
	snprintf(r->state, sizeof(r->state), "%s", state);
	r->text = text;
}

bool sql_fail(struct sql_result *r, unsigned code, const char *state, const char *fmt,
	      ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_error(r, code, state, format_text(r, fmt, ap));
	va_end(ap);
	return false;
}

bool sql_fail_generic(struct sql_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_error(r, SQL_GENERIC, "HY000", format_text(r, fmt, ap));
	va_end(ap);
	return false;
}

void sql_result_column(struct sql_result *r, struct ez_view name,
		       enum sql_column_type type)
{
	ASSERT(r->n_rows == 0);
	if (r->n_columns == r->max_columns) {
		size_t max = r->max_columns ? r->max_columns * 2 : 16;
		struct sql_column *grown = arena_alloc(r->arena, max * sizeof(*grown));

		if (r->n_columns)
			memcpy(grown, r->columns, r->n_columns * sizeof(*grown));
		r->columns = grown;
		r->max_columns = max;
	}
	r->columns[r->n_columns++] = (struct sql_column){
		.name = sql_text(r, name),
		.type = type,
	};
	if (r->kind == SQL_RESULT_OK)
		r->kind = SQL_RESULT_ROWS;
}

void sql_result_columns(struct sql_result *r, const char *const *names)
{
	for (; *names; names++)
		sql_result_column(r, view_str(*names), SQL_MYSQL_VAR_STRING);
}

struct ez_view *sql_result_row(struct sql_result *r)
{
	size_t bytes = sizeof(struct sql_row) + r->n_columns * sizeof(struct ez_view);
	struct sql_row *row = arena_calloc(r->arena, 1, bytes);

	list_add_tail(&r->rows, &row->link);
	r->n_rows++;
	return row->cells;
}
