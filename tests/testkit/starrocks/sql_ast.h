/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_AST_H
#define STARROCKS_SQL_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/list.h"
#include "base/view.h"
#include "sql_result.h"
#include "types.h"

/*
 * A statement as the parser leaves it: the subset of StarRocks' SQL that a sink needs, no
 * names looked up, nothing checked that needs the catalog.
 *
 * Everything lies in the arena, or in the text given to sql_parse.
 */

/* ------------------------------------------------------------ expressions */

enum sql_expr_kind {
	SQL_VALUE,    /* text, number, TRUE, FALSE, NULL */
	SQL_COLUMN,   /* name */
	SQL_VARIABLE, /* @@name or @name */
	SQL_STAR,
	SQL_CALL, /* name(args) */
	SQL_AND,
	SQL_OR,
	SQL_NOT,
	SQL_COMPARE, /* name is the operator: = <> < <= > >= <=> */
	SQL_IN,      /* args[0] among the others */
	SQL_IS_NULL,
	SQL_LIKE,
	SQL_MINUS,
	SQL_CAST,       /* name is the type */
	SQL_ARITHMETIC, /* name is the operator: + - * */
};

struct sql_expr {
	enum sql_expr_kind kind;
	struct ez_view name;      /* unquoted */
	struct ez_view qualifier; /* of a column; NULL pointer without */
	bool is_null, is_number;  /* of a value; `name` is its text */
	bool is_distinct;         /* of a call */
	struct sql_expr **args;
	size_t n_args;
	struct ez_view source; /* how it was written */
};

/* ------------------------------------------------------------- statements */

/* "db.name"; db has a NULL pointer when it was left out. */
struct sql_ref {
	struct ez_view db, name;
};

struct sql_name {
	struct list link;
	struct ez_view name;
	bool is_descending; /* in ORDER BY */
};

struct sql_property {
	struct list link;
	struct ez_view key, value;
};

enum sql_place {
	SQL_AT_END,
	SQL_FIRST,
	SQL_AFTER,
};

struct sql_column_def {
	struct list link;
	struct ez_view name;
	const struct column_type *type; /* dies with the arena */
	bool is_key, has_not_null, has_null;
	bool has_default, default_is_null, has_comment;
	struct ez_view default_text, comment;
	const char *not_emulated; /* AUTO_INCREMENT and the like */
	enum sql_place place;     /* in ALTER TABLE */
	struct ez_view after;
};

enum sql_key_kind {
	SQL_KEY_NONE,
	SQL_KEY_PRIMARY,
	SQL_KEY_DUPLICATE,
	SQL_KEY_UNIQUE,
	SQL_KEY_AGGREGATE,
};

struct sql_create_table {
	struct list columns; /* struct sql_column_def */
	enum sql_key_kind key_kind;
	struct list keys; /* struct sql_name */
	struct ez_view engine, comment;
	bool has_engine, has_comment, has_distribution;
	struct list buckets_by;   /* struct sql_name; empty: RANDOM */
	struct ez_view n_buckets; /* NULL pointer: not said */
	struct list order_by;
	struct list properties; /* struct sql_property */
};

enum sql_alter_kind {
	SQL_ADD_COLUMN,
	SQL_DROP_COLUMN,
	SQL_MODIFY_COLUMN,
	SQL_RENAME_COLUMN,
	SQL_RENAME_TABLE,
	SQL_SWAP_TABLE,
	SQL_SET_PROPERTIES,
	SQL_SET_COMMENT,
};

struct sql_alter {
	struct list link;
	enum sql_alter_kind kind;
	struct sql_column_def *column; /* ADD, MODIFY */
	struct ez_view name;           /* DROP, RENAME COLUMN: the old one */
	struct ez_view new_name;       /* RENAME, SWAP, COMMENT: its text */
	struct list properties;
};

enum sql_kind {
	SQL_NOTHING, /* an empty statement */
	SQL_USE,
	SQL_SET,
	SQL_CREATE_DATABASE,
	SQL_DROP_DATABASE,
	SQL_CREATE_TABLE,
	SQL_DROP_TABLE,
	SQL_ALTER_TABLE,
	SQL_CANCEL_ALTER,
	SQL_TRUNCATE,
	SQL_DESCRIBE,
	SQL_SHOW_ALTER,
	SQL_SHOW_CREATE_TABLE,
	SQL_SHOW_DATABASES,
	SQL_SHOW_TABLES,
	SQL_SHOW_BACKENDS,
	SQL_SHOW_FRONTENDS,
	SQL_SHOW_COMPUTE_NODES,
	SQL_SHOW_GRANTS,
	SQL_SHOW_VARIABLES,
	SQL_SHOW_WARNINGS,
	SQL_SELECT,
	SQL_CREATE_USER,
	SQL_CREATE_ROLE,
	SQL_GRANT, /* or REVOKE */
	SQL_SET_DEFAULT_ROLE,
};

/* Of users, roles and rights. A NULL pointer in db or table: all of them. */
struct sql_grant {
	struct list privileges; /* struct sql_name: "SELECT", "CREATE TABLE", "ALL" */
	struct list roles;      /* the same: roles that are granted */
	unsigned object_kind;   /* enum object_kind */
	struct ez_view db, table;
	struct ez_view grantee, password;
	bool to_role, is_revoke, is_all;
};

struct sql_item {
	struct list link;
	struct sql_expr *expr;
	struct ez_view title; /* the alias, or how it was written */
};

/* One expression of GROUP BY. */
struct sql_group_by {
	struct list link;
	struct sql_expr *expr;
};

/* Rows to choose: of SELECT and of those SHOW statements that can. */
struct sql_choice {
	struct sql_expr *where; /* or NULL */
	struct list group_by;   /* struct sql_group_by */
	struct list order_by;   /* struct sql_name */
	bool has_limit;
	uint64_t limit, offset;
	struct ez_view like; /* SHOW ... LIKE; NULL pointer without */
};

struct sql_statement {
	enum sql_kind kind;
	struct sql_ref ref; /* the table; of databases only its name */
	bool has_ref;
	bool if_exists; /* or IF NOT EXISTS */
	bool is_forced;
	struct sql_create_table *create;
	struct list alters; /* struct sql_alter */
	struct list items;  /* struct sql_item, of SELECT */
	struct sql_choice choice;
	struct ez_view alias; /* of the table in SELECT */
	struct list settings; /* struct sql_property, of SET */
	struct sql_grant *grant;
};

enum sql_verdict {
	SQL_PARSED,
	SQL_SYNTAX,       /* a real server would not take it */
	SQL_NOT_EMULATED, /* a real server might */
};

/* When it is not SQL_PARSED, `r` is the error to send. */
_must_check_ enum sql_verdict sql_parse(struct arena *a, struct ez_view sql,
					struct sql_result *r,
					struct sql_statement *ret_statement);

#endif
