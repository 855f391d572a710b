/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "sql_lex.h"
#include "sql_rows.h"
#include "sql_schema.h"

/* SELECT of what stands in no table: constants, functions, variables. */
static bool select_without_table(struct sql_session *s, struct sql_statement *st,
				 struct sql_result *r)
{
	struct sql_result one;
	struct sql_source source;

	sql_result_init(&one, r->arena);
	sql_result_column(&one, VIEW(""), SQL_MYSQL_VAR_STRING);
	sql_result_row(&one);
	sql_source_of_rows(&source, r->arena, &one);
	source.n_columns = 0;
	return sql_choose(s, &source, &st->items, &st->choice, r);
}

static bool select_from_schema(struct sql_session *s, struct sql_statement *st,
			       struct sql_result *r)
{
	struct sql_result rows;
	struct sql_source source;

	sql_result_init(&rows, r->arena);
	if (!sql_schema_rows(s, st->ref.name, &rows)) {
		violation_add(s->cluster, "not_emulated", "information_schema.%.*s",
			      VIEW_ARG(st->ref.name));
		return sql_fail_generic(r, "not emulated: information_schema.%.*s",
					VIEW_ARG(st->ref.name));
	}
	sql_source_of_rows(&source, r->arena, &rows);
	return sql_choose(s, &source, &st->items, &st->choice, r);
}

static bool is_schema(const struct sql_session *s, const struct sql_ref *ref)
{
	struct ez_view db = ref->db.ptr ? ref->db : view_str(s->database);

	return sql_same_word(db, "information_schema");
}

bool sql_run_select(struct sql_session *s, struct sql_statement *st, struct sql_result *r)
{
	struct sql_source source;
	struct table *t;

	if (!st->has_ref)
		return select_without_table(s, st, r);
	if (is_schema(s, &st->ref))
		return select_from_schema(s, st, r);
	t = sql_table(s, &st->ref, r);
	if (!t)
		return false;
	sql_source_of_table(&source, r->arena, t);
	return sql_choose(s, &source, &st->items, &st->choice, r);
}
