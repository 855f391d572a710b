/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_ROWS_H
#define STARROCKS_SQL_ROWS_H

#include "sql.h"

/*
 * Rows to choose from: those of a table, or of something that looks like one.
 *
 * A source gives its rows one after the other as views that live as long as the lock is held.
 * sql_choose filters, orders, cuts and projects them into a result.
 */
enum sql_sort {
	SQL_AS_TEXT,
	SQL_AS_NUMBER, /* exact, of any length */
	SQL_AS_FLOAT,
	SQL_AS_TIME, /* a date is midnight, zeros at the end of the fraction do not count */
	SQL_AS_BOOLEAN, /* also "true" and "false" */
};

struct sql_source_column {
	struct ez_view name;
	enum sql_column_type type;
	enum sql_sort sort;
	const struct column_type *stored; /* of a table's column */
};

struct sql_source {
	struct sql_source_column *columns;
	size_t n_columns;
	/* Fills the cells of the next row; false at the end. */
	bool (*next)(struct sql_source *s, struct ez_view *cells);
	const struct table *table; /* of a table */
	size_t cursor;
	struct list *row, *rows; /* of a result */
};

/* The visible rows of a table. */
void sql_source_of_table(struct sql_source *s, struct arena *a, const struct table *t);
/* The rows of a result, made somewhere else. */
void sql_source_of_rows(struct sql_source *s, struct arena *a, struct sql_result *rows);

/* `items` NULL means all columns. */
bool sql_choose(struct sql_session *session, struct sql_source *source,
		struct list *items, struct sql_choice *choice, struct sql_result *r);

/* The type of result columns that values of a StarRocks type become. */
enum sql_column_type sql_mysql_type(const struct column_type *t);

/* ------------------------------------------------------------ expressions */

/* What an expression is evaluated with. */
struct sql_scope {
	struct sql_session *session;
	const struct sql_source *source; /* or NULL */
	const struct ez_view *cells;     /* of its present row */
	struct sql_result *r;            /* errors, and memory */
};

/* A value; NULL has a NULL pointer. */
struct sql_value {
	struct ez_view text;
	enum sql_sort sort;
};

/* False after an error. Nothing is an error that names are unknown and functions are not emulated. */
bool sql_eval(const struct sql_scope *sc, struct sql_expr *e,
	      struct sql_value *ret_value);
/* NULL counts as false. */
bool sql_eval_condition(const struct sql_scope *sc, struct sql_expr *e,
			bool *ret_is_true);
bool sql_is_aggregate(const struct sql_expr *e);
/* sql_func.c */
bool sql_has_function(struct ez_view name);
bool sql_call_function(const struct sql_scope *sc, struct sql_expr *e,
		       struct sql_value *ret);
bool sql_eval_cast(const struct sql_scope *sc, struct sql_expr *e, struct sql_value *ret);
bool sql_eval_arithmetic(const struct sql_scope *sc, struct sql_expr *e,
			 struct sql_value *ret);
/* <0, 0, >0. Neither is NULL. */
int sql_compare(struct sql_value a, struct sql_value b);
/* With % and _. */
bool sql_is_like(struct ez_view text, struct ez_view pattern);

#endif
