/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/str.h"
#include "ddl.h"
#include "sql_grant.h"
#include "sql_lex.h"
#include "sql_rows.h"

enum {
	JOURNAL_SQL_MAX = 64 * 1024, /* of one statement; more is cut off */
};

bool sql_fail_analysis(struct sql_result *r, const char *fmt, ...)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(1 << 16);
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	return sql_fail(r, SQL_GENERIC, "HY000",
			"Getting analyzing error. Detail message: %s.", buf_cstr(&b));
}

/* Newer servers have numbers of their own for this. */
static bool is_new(const struct cluster *c)
{
	return c->profile.major > 3 || (c->profile.major == 3 && c->profile.minor >= 3);
}

struct database *sql_database(struct sql_session *s, struct ez_view name,
			      struct sql_result *r)
{
	struct database *db;

	if (!name.ptr && !*s->database) {
		sql_fail(r, SQL_NO_DATABASE, "3D000", "No database selected");
		return NULL;
	}
	if (!name.ptr)
		name = view_str(s->database);
	db = database_find(s->cluster, name);
	if (!db)
		sql_fail(
			r, is_new(s->cluster) ? SQL_UNKNOWN_DATABASE : SQL_GENERIC,
			is_new(s->cluster) ? "3F000" : "HY000",
			"Getting analyzing error. Detail message: Unknown database '%.*s'.",
			VIEW_ARG(name));
	return db;
}

struct table *sql_table(struct sql_session *s, const struct sql_ref *ref,
			struct sql_result *r)
{
	struct database *db = sql_database(s, ref->db, r);
	struct table *t = db ? table_find(db, ref->name) : NULL;

	if (db && !t)
		sql_fail(
			r, is_new(s->cluster) ? SQL_UNKNOWN_TABLE : SQL_GENERIC,
			is_new(s->cluster) ? "42602" : "HY000",
			"Getting analyzing error. Detail message: Unknown table '%s.%.*s'.",
			db->name, VIEW_ARG(ref->name));
	return t;
}

static bool use_database(struct sql_session *s, struct ez_view name, struct sql_result *r)
{
	if (!sql_same_word(name, "information_schema") && !sql_database(s, name, r))
		return false;
	return str_copy(s->database, sizeof(s->database), name) ||
	       sql_fail(r, 1102, "42000", "Incorrect database name");
}

/* Variables that sessions of the products that speak to StarRocks set, and no other. */
static bool set_variables(struct sql_session *s, struct sql_statement *st,
			  struct sql_result *r)
{
	static const char *const known[] = {
		"autocommit",
		"sql_mode",
		"time_zone",
		"query_timeout",
		"wait_timeout",
		"interactive_timeout",
		"net_write_timeout",
		"net_read_timeout",
		"sql_select_limit",
		"exec_mem_limit",
		"query_mem_limit",
		"insert_timeout",
		"character_set_results",
		"max_allowed_packet",
		"enable_profile",
		"new_planner_optimize_timeout",
	};

	list_for_each(at, &st->settings) {
		struct ez_view name = LIST_OF(at, struct sql_property, link)->key;
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known |= sql_same_word(name, known[i]);
		if (!is_known) {
			violation_add(s->cluster, "not_emulated", "SET %.*s",
				      VIEW_ARG(name));
			return sql_fail(r, 1193, "HY000",
					"Unknown system variable '%.*s'", VIEW_ARG(name));
		}
	}
	return true;
}

static bool run_ddl(struct sql_session *s, struct sql_statement *st, struct sql_result *r)
{
	switch (st->kind) {
	case SQL_CREATE_DATABASE:
		return ddl_create_database(s, st, r);
	case SQL_DROP_DATABASE:
		return ddl_drop_database(s, st, r);
	case SQL_CREATE_TABLE:
		return ddl_create_table(s, st, r);
	case SQL_DROP_TABLE:
		return ddl_drop_table(s, st, r);
	case SQL_ALTER_TABLE:
		return ddl_alter_table(s, st, r);
	case SQL_CANCEL_ALTER:
		return ddl_cancel_alter(s, st, r);
	default:
		return ddl_truncate(s, st, r);
	}
}

static bool run_statement(struct sql_session *s, struct sql_statement *st,
			  struct sql_result *r)
{
	if (!sql_is_allowed(s, st, r))
		return false;
	switch (st->kind) {
	case SQL_NOTHING:
		return true;
	case SQL_USE:
		return use_database(s, st->ref.name, r);
	case SQL_SET:
		return set_variables(s, st, r);
	case SQL_CREATE_DATABASE:
	case SQL_DROP_DATABASE:
	case SQL_CREATE_TABLE:
	case SQL_DROP_TABLE:
	case SQL_ALTER_TABLE:
	case SQL_CANCEL_ALTER:
	case SQL_TRUNCATE:
		return run_ddl(s, st, r);
	case SQL_SELECT:
		return sql_run_select(s, st, r);
	case SQL_CREATE_USER:
	case SQL_CREATE_ROLE:
	case SQL_GRANT:
	case SQL_SET_DEFAULT_ROLE:
		return sql_run_grant(s, st, r);
	default:
		return sql_run_show(s, st, r);
	}
}

bool sql_run(struct sql_session *s, struct ez_view sql, struct sql_result *r)
{
	struct sql_statement st;

	switch (sql_parse(r->arena, sql, r, &st)) {
	case SQL_PARSED:
		return run_statement(s, &st, r);
	case SQL_SYNTAX:
		violation_add(s->cluster, "sql_syntax", "%.*s", VIEW_ARG(r->text));
		return false;
	case SQL_NOT_EMULATED:
		violation_add(s->cluster, "not_emulated", "%.*s", VIEW_ARG(r->text));
		return false;
	}
	return false;
}

void sql_setup(struct cluster *c)
{
	c->sql_tick = ddl_tick;
	c->alter_job_free = alter_job_free;
}

/* ---------------------------------------------------------------- as JSON */

void sql_journal(struct sql_session *s, struct ez_view sql, const struct sql_result *r)
{
	_cleanup_(buf_release) struct buf line = BUF_INIT((size_t)1 << 27);
	struct jsonw w = JSONW_INIT(&line);

	jsonw_begin_object(&w);
	jsonw_key(&w, "kind");
	jsonw_str(&w, "sql");
	jsonw_key(&w, "fe");
	jsonw_u64(&w, s->fe);
	jsonw_key(&w, "connection");
	jsonw_u64(&w, s->connection_id);
	jsonw_key(&w, "at_ms");
	jsonw_i64(&w, cluster_now_ms(s->cluster));
	jsonw_key(&w, "sql");
	jsonw_view(&w, view_of(sql.ptr, MIN(sql.len, (size_t)JOURNAL_SQL_MAX)));
	jsonw_key(&w, "bytes");
	jsonw_u64(&w, sql.len);
	jsonw_key(&w, "error");
	jsonw_u64(&w, sql_failed(r) ? r->code : 0);
	jsonw_key(&w, "rows");
	jsonw_u64(&w, r->n_rows);
	jsonw_end_object(&w);
	journal_add(s->cluster, buf_view(&line));
}
