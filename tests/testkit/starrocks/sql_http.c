/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/jsonw.h"
#include "base/str.h"
#include "sql.h"
#include "sql_lex.h"

/* Results as the SQL API over HTTP gives them: an object a line. */

static const char *type_name(enum sql_column_type type)
{
	switch (type) {
	case SQL_MYSQL_TINY:
		return "tinyint(4)";
	case SQL_MYSQL_SHORT:
		return "smallint(6)";
	case SQL_MYSQL_LONG:
		return "int(11)";
	case SQL_MYSQL_LONGLONG:
		return "bigint(20)";
	case SQL_MYSQL_DOUBLE:
		return "double";
	case SQL_MYSQL_FLOAT:
		return "float";
	case SQL_MYSQL_DATE:
		return "date";
	case SQL_MYSQL_DATETIME:
		return "datetime";
	default:
		return "varchar";
	}
}

static bool is_json_number(enum sql_column_type type)
{
	return type == SQL_MYSQL_TINY || type == SQL_MYSQL_SHORT ||
	       type == SQL_MYSQL_LONG || type == SQL_MYSQL_LONGLONG;
}

static void add_connection(struct buf *out, const struct sql_session *s)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "connectionId");
	jsonw_u64(&w, s->connection_id);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

static void add_meta(struct buf *out, const struct sql_result *r)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "meta");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < r->n_columns; i++) {
		jsonw_begin_object(&w);
		jsonw_key(&w, "name");
		jsonw_view(&w, r->columns[i].name);
		jsonw_key(&w, "type");
		jsonw_str(&w, type_name(r->columns[i].type));
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

static void add_row(struct buf *out, const struct sql_result *r,
		    const struct sql_row *row)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "data");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < r->n_columns; i++) {
		if (!row->cells[i].ptr)
			jsonw_null(&w);
		else if (is_json_number(r->columns[i].type))
			jsonw_raw(&w, row->cells[i]);
		else
			jsonw_view(&w, row->cells[i]);
	}
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

static void add_result(struct buf *out, const struct sql_session *s, struct sql_result *r)
{
	add_connection(out, s);
	if (r->kind == SQL_RESULT_ROWS) {
		add_meta(out, r);
		list_for_each(at, &r->rows)
			add_row(out, r, LIST_OF(at, struct sql_row, link));
	}
	buf_add_str(out, "{\"statistics\":{\"scanRows\":0,\"scanBytes\":0,"
			 "\"returnRows\":");
	buf_add_u64(out, r->n_rows);
	buf_add_str(out, "}}\n");
}

/* What the API takes: everything else is refused before it is looked at. */
static bool is_reading(struct ez_view sql)
{
	static const char *const words[] = { "select", "show", "explain", "desc",
					     "kill" };
	size_t n = 0;

	sql = view_trim(sql);
	while (n < sql.len && ((sql.ptr[n] | 0x20) >= 'a' && (sql.ptr[n] | 0x20) <= 'z'))
		n++;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sql_same_word(view_of(sql.ptr, n), words[i]))
			return true;
	return false;
}

static bool run(struct cluster *c, unsigned fe, struct ez_view db, struct ez_view sql,
		struct buf *answer)
{
	struct sql_session session = { .cluster = c, .fe = fe };
	struct arena_pool pool;
	struct arena arena;
	struct sql_result r;
	bool is_good;

	arena_pool_init(&pool);
	arena_init(&arena, &pool, 0);
	sql_result_init(&r, &arena);
	cluster_lock(c);
	session.user = view_str(c->user);
	is_good = str_copy(session.database, sizeof(session.database), db) &&
		  sql_run(&session, sql, &r);
	sql_journal(&session, sql, &r);
	cluster_unlock(c);
	if (is_good)
		add_result(answer, &session, &r);
	else
		buf_add_view(answer, sql_failed(&r) ? r.text : VIEW("Unknown database"));
	arena_release(&arena);
	arena_pool_release(&pool);
	return is_good;
}

bool sql_http(struct cluster *c, unsigned fe, struct ez_view db, struct ez_view query,
	      struct buf *answer)
{
	if (!is_reading(query)) {
		buf_add_str(answer, "This interface only supports one statement of type "
				    "SELECT, SHOW, EXPLAIN or KILL");
		return false;
	}
	return run(c, fe, db, query, answer);
}

bool sql_control(struct cluster *c, struct ez_view db, struct ez_view sql,
		 struct buf *answer)
{
	return run(c, 0, db, sql, answer);
}
