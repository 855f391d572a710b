/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "ddl.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#include "host.h"
#include "names.h"
#include "value.h"

enum {
	SQL_MAX = 4 * 1024 * 1024,
	FIRST_WAIT_MS = 50,
	MOST_WAIT_MS = 2000,
	SAY_EVERY_MS = 30000,
};

/* ------------------------------------------------------------------ looking */

void described_release(struct described *d)
{
	free(d->columns);
	sqlc_rows_release(&d->rows);
	*d = (struct described){ .columns = NULL };
}

const struct described_column *described_find(const struct described *d,
					      struct ez_view name)
{
	for (size_t i = 0; i < d->n; i++)
		if (names_same_column(d->columns[i].name, name))
			return &d->columns[i];
	return NULL;
}

int ddl_make_database(struct sqlc *sql, struct ez_view database, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	int rc;

	buf_add_str(&b, "SELECT SCHEMA_NAME FROM information_schema.schemata WHERE "
			"SCHEMA_NAME = ");
	names_literal(&b, database);
	rc = sqlc_query(sql, buf_view(&b), 0, &rows, err);
	if (rc < 0 || rows.n_rows > 0)
		return rc;
	buf_reset(&b);
	buf_add_str(&b, "CREATE DATABASE IF NOT EXISTS ");
	names_quote(&b, database);
	return sqlc_exec(sql, buf_view(&b), err);
}

void ddl_add_name(struct buf *b, struct ez_view database, struct ez_view table)
{
	names_quote(b, database);
	buf_add_char(b, '.');
	names_quote(b, table);
}

static int exists(struct sqlc *sql, struct ez_view database, struct ez_view table,
		  struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	int rc;

	buf_add_str(&b, "SELECT TABLE_NAME FROM information_schema.tables WHERE "
			"TABLE_SCHEMA = ");
	names_literal(&b, database);
	buf_add_str(&b, " AND TABLE_NAME = ");
	names_literal(&b, table);
	rc = sqlc_query(sql, buf_view(&b), 0, &rows, err);
	if (rc < 0)
		return rc;
	return rows.n_rows > 0 ? EZ_OK : EZ_EOF;
}

static bool is_word(struct ez_view v, const char *word)
{
	return names_same_column(v, view_str(word));
}

/* Field, Type, Null, Key, Default, Extra. */
static int read_columns(struct sqlc *sql, struct ez_view name, struct described *d,
			struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	int rc;

	buf_add_str(&b, "DESC ");
	buf_add_view(&b, name);
	rc = sqlc_query(sql, buf_view(&b), 0, &d->rows, err);
	if (rc < 0)
		return rc;
	if (d->rows.n_columns < 5)
		return host->fail(err, EZ_E_FATAL, "",
				  "the server's answer to %.*s has %zu columns",
				  VIEW_ARG(buf_view(&b)), d->rows.n_columns);
	d->n = d->rows.n_rows;
	d->columns = xcalloc(d->n + 1, sizeof(*d->columns));
	for (size_t i = 0; i < d->n; i++)
		d->columns[i] = (struct described_column){
			.name = sqlc_cell(&d->rows, i, 0),
			.type = type_parse(sqlc_cell(&d->rows, i, 1)),
			.is_nullable = is_word(sqlc_cell(&d->rows, i, 2), "yes"),
			.is_key = is_word(sqlc_cell(&d->rows, i, 3), "true") ||
				  is_word(sqlc_cell(&d->rows, i, 3), "yes"),
			.fallback = sqlc_cell(&d->rows, i, 4),
		};
	return EZ_OK;
}

static int read_model(struct sqlc *sql, struct ez_view name, struct described *d,
		      struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct ez_view text;
	int rc;

	buf_add_str(&b, "SHOW CREATE TABLE ");
	buf_add_view(&b, name);
	rc = sqlc_query(sql, buf_view(&b), 0, &rows, err);
	if (rc < 0)
		return rc;
	if (rows.n_rows < 1 || rows.n_columns < 2)
		return host->fail(err, EZ_E_FATAL, "", "the server has no answer to %.*s",
				  VIEW_ARG(buf_view(&b)));
	/* At the beginning of a line, where no name or comment can stand. */
	text = sqlc_cell(&rows, 0, 1);
	d->has_primary_key =
		text.len > 0 && memmem(text.ptr, text.len, "\nPRIMARY KEY", 12) != NULL;
	return EZ_OK;
}

int ddl_describe(struct sqlc *sql, struct ez_view database, struct ez_view table,
		 struct described *ret, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf name = BUF_INIT(SQL_MAX);
	struct described d = { .columns = NULL };
	int rc = exists(sql, database, table, err);

	if (rc != EZ_OK)
		return rc;
	ddl_add_name(&name, database, table);
	rc = read_columns(sql, buf_view(&name), &d, err);
	if (rc >= 0)
		rc = read_model(sql, buf_view(&name), &d, err);
	if (rc < 0) {
		described_release(&d);
		return rc;
	}
	*ret = d;
	return EZ_OK;
}

/* ------------------------------------------------------------------ making */

static bool can_have_default(enum type_kind kind)
{
	return kind <= TYPE_VARCHAR;
}

struct ez_view ddl_fallback(const struct field *f, const struct ez_column *c,
			    struct buf *text)
{
	const struct ez_view none = { .ptr = NULL, .len = 0 };
	struct ez_view v = c ? c->fallback : none;
	enum value_state state;

	if (v.len == 0 || f->is_key || !can_have_default(f->type.kind))
		return none;
	if (f->form == FORM_BOOL &&
	    (view_eq(v, VIEW("true")) || view_eq(v, VIEW("false"))))
		v.len = 1;
	buf_reset(text);
	state = value_csv(text, f, v);
	if (state != VALUE_OK && state != VALUE_UNSAFE)
		return none;
	return f->form == FORM_FLOAT ? v : buf_view(text);
}

void ddl_add_column(struct buf *b, const struct field *f, struct ez_view fallback)
{
	names_quote(b, f->name);
	buf_add_char(b, ' ');
	type_add(b, &f->type);
	buf_add_str(b, f->is_key ? " NOT NULL" : " NULL");
	if (!fallback.ptr)
		return;
	buf_add_str(b, " DEFAULT ");
	names_literal(b, fallback);
}

/* The key's columns stand first, in the order of the key. */
static void add_columns(struct buf *b, const struct target *t, bool keys)
{
	for (uint32_t i = 0; i < t->n_fields; i++) {
		if (t->fields[i].is_key != keys)
			continue;
		buf_add_str(b, b->ptr[b->len - 1] == '(' ? "\n  " : ",\n  ");
		ddl_add_column(b, &t->fields[i], view_of(NULL, 0));
	}
}

static void add_key(struct buf *b, const struct target *t)
{
	bool first = true;

	buf_add_char(b, '(');
	for (uint32_t i = 0; i < t->n_fields; i++) {
		if (!t->fields[i].is_key)
			continue;
		buf_add_str(b, first ? "" : ", ");
		names_quote(b, t->fields[i].name);
		first = false;
	}
	buf_add_char(b, ')');
}

static bool has_property(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_properties; i++)
		if (view_eq_str(s->properties[i].key, name))
			return true;
	return false;
}

static void add_properties(struct buf *b, const struct settings *s, uint32_t version)
{
	buf_addf(b, "\nPROPERTIES ('replication_num' = '%u'", s->replication_num);
	if (version >= SQLC_VERSION(3, 2, 0) && !has_property(s, "fast_schema_evolution"))
		buf_add_str(b, ", 'fast_schema_evolution' = 'true'");
	for (size_t i = 0; i < s->n_properties; i++) {
		buf_add_str(b, ", ");
		names_literal(b, s->properties[i].key);
		buf_add_str(b, " = ");
		names_literal(b, s->properties[i].value);
	}
	buf_add_char(b, ')');
}

void ddl_add_create(struct buf *b, const struct target *t, uint32_t version)
{
	buf_add_str(b, "CREATE TABLE IF NOT EXISTS ");
	ddl_add_name(b, t->settings->database, view_str(t->name));
	buf_add_str(b, " (");
	add_columns(b, t, true);
	add_columns(b, t, false);
	buf_add_str(b, "\n)\nPRIMARY KEY ");
	add_key(b, t);
	buf_add_str(b, "\nDISTRIBUTED BY HASH ");
	add_key(b, t);
	if (t->settings->buckets > 0)
		buf_addf(b, " BUCKETS %u", t->settings->buckets);
	add_properties(b, t->settings, version);
}

/* ------------------------------------------------------------------ waiting */

bool ddl_is_busy(const struct ez_error *err)
{
	return strstr(err->text, "schema change operation is in progress") != NULL ||
	       strstr(err->text, "state is not NORMAL") != NULL;
}

/* JobId, TableName, ..., State, Msg, ...: by the names' usual places. */
enum {
	JOB_STATE = 9,
	JOB_TEXT = 10,
};

static int read_job(struct sqlc *sql, struct ez_view question, struct ddl_job *ret,
		    struct ez_error *err)
{
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	int rc = sqlc_query(sql, question, 0, &rows, err);
	bool whole;

	if (rc < 0)
		return rc;
	*ret = (struct ddl_job){ .state = "" };
	if (rows.n_rows == 0 || rows.n_columns <= JOB_TEXT)
		return EZ_OK;
	whole = str_copy(ret->state, sizeof(ret->state), sqlc_cell(&rows, 0, JOB_STATE));
	whole &= str_copy(ret->text, sizeof(ret->text), sqlc_cell(&rows, 0, JOB_TEXT));
	(void)whole; /* a cut text says enough */
	return EZ_OK;
}

static bool is_running(const struct ddl_job *job)
{
	return job->state[0] != '\0' && strcmp(job->state, "FINISHED") != 0 &&
	       strcmp(job->state, "CANCELLED") != 0;
}

int ddl_wait(struct sqlc *sql, struct ez_view database, struct ez_view table,
	     struct ddl_job *ret, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	uint32_t wait_ms = FIRST_WAIT_MS, waited_ms = 0;

	buf_add_str(&b, "SHOW ALTER TABLE COLUMN FROM ");
	names_quote(&b, database);
	buf_add_str(&b, " WHERE TableName = ");
	names_literal(&b, table);
	buf_add_str(&b, " ORDER BY JobId DESC LIMIT 1");
	for (;;) {
		int rc = read_job(sql, buf_view(&b), ret, err);

		if (rc < 0 || !is_running(ret))
			return rc;
		rc = sqlc_sleep(sql, wait_ms, err);
		if (rc < 0)
			return rc;
		waited_ms += wait_ms;
		wait_ms = MIN(wait_ms * 2, (uint32_t)MOST_WAIT_MS);
		if (waited_ms >= SAY_EVERY_MS) {
			waited_ms = 0;
			host->log(5,
				  "waiting for the schema change of table %.*s state=%s",
				  VIEW_ARG(table), ret->state);
		}
	}
}
