/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_RESULT_H
#define STARROCKS_SQL_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/list.h"
#include "base/view.h"

/*
 * What a statement answers: OK, an error, or rows of text.
 *
 * A result begins as OK with no rows affected. Columns are added first, which makes it a
 * result set, then rows, whose cells are NULL until set. An error replaces what was
 * there; the first error stays.
 *
 * Everything lies in the arena given to sql_result_init, and dies with it.
 */

enum sql_result_kind {
	SQL_RESULT_OK,
	SQL_RESULT_ERROR,
	SQL_RESULT_ROWS,
};

/* The numbers of the MySQL protocol. */
enum sql_column_type {
	SQL_MYSQL_TINY = 1,
	SQL_MYSQL_SHORT = 2,
	SQL_MYSQL_LONG = 3,
	SQL_MYSQL_FLOAT = 4,
	SQL_MYSQL_DOUBLE = 5,
	SQL_MYSQL_LONGLONG = 8,
	SQL_MYSQL_DATE = 10,
	SQL_MYSQL_DATETIME = 12,
	SQL_MYSQL_NEWDECIMAL = 246,
	SQL_MYSQL_BLOB = 252,
	SQL_MYSQL_VAR_STRING = 253,
	SQL_MYSQL_STRING = 254,
};

struct sql_column {
	struct ez_view name;
	enum sql_column_type type;
};

/* A cell with a NULL pointer is NULL; an empty text has a pointer. */
struct sql_row {
	struct list link; /* in sql_result.rows */
	struct ez_view cells[];
};

struct sql_result {
	struct arena *arena;
	enum sql_result_kind kind;
	uint64_t affected;

	unsigned code;
	char state[6];
	struct ez_view text;

	struct sql_column *columns;
	size_t n_columns, max_columns;
	struct list rows;
	size_t n_rows;
};

void sql_result_init(struct sql_result *r, struct arena *arena);

/* The error numbers and states that are used more than once. */
enum {
	SQL_ACCESS_DENIED = 1045,
	SQL_NO_DATABASE = 1046,
	SQL_UNKNOWN_COMMAND = 1047,
	SQL_TABLE_EXISTS = 1050,
	SQL_GENERIC = 1064,
	SQL_NO_PRIVILEGE = 5203,
	SQL_UNKNOWN_DATABASE = 5501,
	SQL_UNKNOWN_TABLE = 5502,
};

/* Always false, so that a check can end with it. */
_printf_(4, 5) bool sql_fail(struct sql_result *r, unsigned code, const char *state,
			     const char *fmt, ...);

/* 1064 with state HY000, the code of nearly everything in StarRocks. */
_printf_(2, 3) bool sql_fail_generic(struct sql_result *r, const char *fmt, ...);

static inline bool sql_failed(const struct sql_result *r)
{
	return r->kind == SQL_RESULT_ERROR;
}

/* The name is copied. */
void sql_result_column(struct sql_result *r, struct ez_view name,
		       enum sql_column_type type);

/* Text columns with the names given, up to a NULL. */
void sql_result_columns(struct sql_result *r, const char *const *names);

/* A new row of NULLs at the end. */
struct ez_view *sql_result_row(struct sql_result *r);

/* Copies of text in the arena of the result, never with a NULL pointer. */
struct ez_view sql_text(struct sql_result *r, struct ez_view v);
struct ez_view sql_text_str(struct sql_result *r, const char *s);
_printf_(2, 3) struct ez_view sql_textf(struct sql_result *r, const char *fmt, ...);

#endif
