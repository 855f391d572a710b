/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"

#include "encode_row.h"
#include "host.h"
#include "names.h"
#include "table_make.h"

enum {
	TEXT_MAX = 16 * 1024 * 1024,
	COLUMNS_HEADER_MAX = 24 * 1024, /* a front end takes 32 KiB of headers */
};

struct target *target_ref(struct target *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void target_unref(struct target *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(t->name);
	free(t->source);
	free(t->text);
	free(t->keys);
	free(t->fields);
	free(t);
}

/* ------------------------------------------------------------------ identity */

static int check_identity(const struct ez_table *table, const char *source,
			  bool *ret_place, struct ez_error *err)
{
	*ret_place = false;
	if (table->n_keys > 0)
		return EZ_OK;
	if (table->flags & EZ_TABLE_NO_IDENTITY) {
		*ret_place = true;
		return EZ_OK;
	}
	host->fail(err, EZ_E_CONFIG, "",
		   "table %s has no key: equal rows could not be told apart in StarRocks",
		   source);
	return host->hint(err,
			  "give it a primary key, or a unique index over NOT NULL "
			  "columns and REPLICA IDENTITY USING INDEX; or leave it out");
}

/* ------------------------------------------------------------------ fields */

struct field_spec {
	enum field_kind kind;
	const char *name;
	struct type type;
	uint32_t audit;
	bool is_key;
};

static const struct field_spec OWN[] = {
	{ FIELD_ROW_LSN, "_ez_row_lsn", { .kind = TYPE_BIGINT }, 0, true },
	{ FIELD_ROW_PART, "_ez_row_part", { .kind = TYPE_BIGINT }, 0, true },
	{ FIELD_ROW_SEQ, "_ez_row_seq", { .kind = TYPE_BIGINT }, 0, true },
	{ FIELD_OP, "_ez_op", { .kind = TYPE_VARCHAR, .length = 1 }, AUDIT_OP, false },
	{ FIELD_DELETED, "_ez_deleted", { .kind = TYPE_BOOLEAN }, AUDIT_DELETED, false },
	{ FIELD_COMMIT_TS,
	  "_ez_commit_ts",
	  { .kind = TYPE_DATETIME },
	  AUDIT_COMMIT_TS,
	  false },
	{ FIELD_LSN, "_ez_lsn", { .kind = TYPE_BIGINT }, AUDIT_LSN, false },
	{ FIELD_LOADED_AT,
	  "_ez_loaded_at",
	  { .kind = TYPE_DATETIME },
	  AUDIT_LOADED_AT,
	  false },
};

static bool has_own(const struct target *t, const struct field_spec *spec)
{
	if (spec->is_key)
		return t->by_place;
	if (spec->audit == AUDIT_DELETED && t->settings->delete_mode == DELETE_SOFT)
		return true;
	return (t->settings->audit & spec->audit) != 0;
}

static void fill_source(struct field *f, const struct type_rules *rules,
			const struct ez_column *c, bool is_key)
{
	f->type = type_of(c, is_key, rules);
	f->is_key = is_key;
	f->element = (uint8_t)c->element;
	f->delimiter = view_starts(c->native, VIEW("box[]")) ? ';' : ',';
}

void target_settle(struct field *f, const struct settings *s, const struct ez_column *c)
{
	f->form = c ? type_form(c, &f->type) : FORM_TEXT;
	f->policy = s->out_of_range[type_class(f->form)];
}

static void add_field(struct target *t, const struct field *f)
{
	t->fields[t->n_fields++] = *f;
}

static void make_fields(struct target *t, const struct type_rules *rules,
			const struct ez_table *table)
{
	t->fields = xcalloc(table->n_columns + ARRAY_LEN(OWN), sizeof(*t->fields));
	t->keys = xcalloc(table->n_keys + 1, sizeof(*t->keys));
	for (size_t i = 0; i < ARRAY_LEN(OWN); i++) {
		struct field f = { .kind = OWN[i].kind,
				   .type = OWN[i].type,
				   .is_key = OWN[i].is_key,
				   .form = FORM_TEXT };

		if (has_own(t, &OWN[i]) && OWN[i].is_key)
			add_field(t, &f);
	}
	for (uint32_t i = 0; i < table->n_columns; i++) {
		const struct ez_column *c = table->columns[i];
		struct field f = { .kind = FIELD_SOURCE, .source = i };

		fill_source(&f, rules, c, (c->flags & EZ_COL_KEY) != 0);
		target_settle(&f, t->settings, c);
		if (f.is_key)
			t->keys[t->n_keys++] = i;
		add_field(t, &f);
	}
	for (size_t i = 0; i < ARRAY_LEN(OWN); i++) {
		struct field f = { .kind = OWN[i].kind,
				   .type = OWN[i].type,
				   .form = FORM_TEXT };

		if (has_own(t, &OWN[i]) && !OWN[i].is_key)
			add_field(t, &f);
	}
}

static void add_field_name(struct buf *b, const struct field *f,
			   const struct ez_table *table)
{
	if (f->kind == FIELD_SOURCE) {
		names_add_column(b, table->columns[f->source]->name);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(OWN); i++)
		if (OWN[i].kind == f->kind)
			buf_add_str(b, OWN[i].name);
}

/* All names in one text; views are set when it no longer moves. */
static void lay_names(struct target *t, char *text)
{
	char *at = text;

	free(t->text);
	t->text = text;
	for (uint32_t i = 0; i < t->n_fields; i++) {
		t->fields[i].name.ptr = at;
		at += t->fields[i].name.len;
	}
}

static void make_names(struct target *t, const struct ez_table *table)
{
	struct buf b = BUF_INIT(TEXT_MAX);

	for (uint32_t i = 0; i < t->n_fields; i++) {
		struct field *f = &t->fields[i];
		size_t from = b.len;

		add_field_name(&b, f, table);
		f->name.len = b.len - from;
	}
	lay_names(t, buf_take(&b));
}

void target_set_name(struct target *t, uint32_t field, struct ez_view name)
{
	struct buf b = BUF_INIT(TEXT_MAX);

	for (uint32_t i = 0; i < t->n_fields; i++)
		buf_add_view(&b, i == field ? name : t->fields[i].name);
	t->fields[field].name.len = name.len;
	lay_names(t, buf_take(&b));
	target_finish(t);
}

/* `,"name":` of each; a VARBINARY goes under the name of its temporary column. */
void target_finish(struct target *t)
{
	struct buf b = BUF_INIT(TEXT_MAX);
	size_t names = 0, header = 0;
	char *at;

	t->has_bytes = false;
	t->needs_json = false;
	for (uint32_t i = 0; i < t->n_fields; i++)
		names += t->fields[i].name.len;
	buf_add(&b, t->text, names);
	for (uint32_t i = 0; i < t->n_fields; i++) {
		struct field *f = &t->fields[i];
		size_t from = b.len;

		buf_add_char(&b, ',');
		if (f->form == FORM_BYTES)
			buf_addf(&b, "\"_ez_tmp_%u\"", i);
		else
			json_add_string(&b, f->name);
		buf_add_char(&b, ':');
		f->json.len = b.len - from;
		header += f->name.len + 3;
		t->has_bytes |= f->form == FORM_BYTES;
		t->needs_json |= f->type.kind == TYPE_ARRAY;
	}
	t->needs_json |= header > COLUMNS_HEADER_MAX && !t->has_bytes;
	lay_names(t, buf_take(&b));
	at = t->text + names;
	for (uint32_t i = 0; i < t->n_fields; i++) {
		t->fields[i].json.ptr = at;
		at += t->fields[i].json.len;
	}
}

static int check_names(const struct target *t, struct ez_error *err)
{
	for (uint32_t i = 0; i < t->n_fields; i++)
		for (uint32_t j = 0; j < i; j++) {
			struct ez_view a = t->fields[j].name, b = t->fields[i].name;

			if (!names_same_column(a, b))
				continue;
			host->fail(err, EZ_E_CONFIG, "",
				   "table %s has two columns that are one in StarRocks, "
				   "where case does not count: %.*s and %.*s",
				   t->source, VIEW_ARG(a), VIEW_ARG(b));
			return host->hint(err, "rename one with the transform columns");
		}
	return EZ_OK;
}

static int make_name(struct target *t, const struct ez_table *table, struct ez_error *err)
{
	struct buf b = BUF_INIT(TEXT_MAX);
	const char *why;

	t->source =
		xasprintf("%.*s.%.*s", VIEW_ARG(table->schema), VIEW_ARG(table->name));
	if (names_add_table(&b, t->settings->table, table->schema, table->name, &why)) {
		t->name = buf_take(&b);
		return EZ_OK;
	}
	buf_release(&b);
	return host->fail(err, EZ_E_CONFIG, "", "table %s: %s", t->source, why);
}

int target_make(const struct type_rules *rules, const struct ez_table *table,
		struct target **ret, struct ez_error *err)
{
	struct target *t = xcalloc(1, sizeof(*t));
	int rc;

	atomic_init(&t->refs, 1);
	t->settings = rules->settings;
	t->uid = table->uid;
	t->id = table->id;
	t->n_source = table->n_columns;
	rc = make_name(t, table, err);
	if (rc >= 0)
		rc = check_identity(table, t->source, &t->by_place, err);
	if (rc >= 0 && table->n_columns > SET_FIELDS_MAX - ARRAY_LEN(OWN))
		rc = host->fail(err, EZ_E_CONFIG, "", "table %s has over %zu columns",
				t->source, SET_FIELDS_MAX - ARRAY_LEN(OWN));
	if (rc >= 0) {
		make_fields(t, rules, table);
		make_names(t, table);
		rc = check_names(t, err);
	}
	if (rc < 0) {
		target_unref(t);
		return rc;
	}
	target_finish(t);
	*ret = t;
	return EZ_OK;
}

/* ------------------------------------------------------------------ targets */

struct targets *targets_new(const struct settings *settings, struct sqlc *sql,
			    struct ez_ctx *ctx)
{
	struct targets *ts = xcalloc(1, sizeof(*ts));

	ts->settings = settings;
	ts->sql = sql;
	ts->ctx = ctx;
	ts->by_uid = MAP_INIT;
	ts->by_name = MAP_INIT;
	return ts;
}

static void unref(void *p)
{
	target_unref(p);
}

void targets_remember(struct targets *ts, struct renames *renames,
		      int (*keep)(void *arg, struct ez_error *err), void *arg)
{
	ts->renames = renames;
	ts->keep = keep;
	ts->arg = arg;
}

struct targets *targets_free(struct targets *ts)
{
	if (!ts)
		return NULL;
	map_release(&ts->by_uid, unref);
	map_release(&ts->by_name, unref);
	free(ts);
	return NULL;
}

int targets_get(struct targets *ts, const struct ez_table *table, struct target **ret,
		struct ez_error *err)
{
	if (LIKELY(ts->last && ts->last->uid == table->uid)) {
		*ret = ts->last;
		return EZ_OK;
	}
	return targets_find(ts, table, ret, err);
}

int targets_find(struct targets *ts, const struct ez_table *table, struct target **ret,
		 struct ez_error *err)
{
	struct target *t = map_get_u64(&ts->by_uid, table->uid);
	int rc = EZ_OK;

	if (!t) {
		rc = targets_prepare(ts, NULL, table, err);
		if (rc < 0)
			return rc;
		t = map_get_u64(&ts->by_uid, table->uid);
	}
	ts->last = t;
	*ret = t;
	return EZ_OK;
}

/* The rows of the old one are there, and nobody knows what became of it. */
static int fail_other_table(const struct target *t, struct ez_error *err)
{
	host->fail(
		err, EZ_E_CONFIG, "",
		"table %s is not the one that it was: it was dropped and made again, or "
		"another one took its name; table %s in StarRocks has the rows of the old "
		"one",
		t->source, t->name);
	return host->hint(
		err, "empty or rename table %s in StarRocks, then start the job again",
		t->name);
}

/* Another table that goes to the same name. */
static int check_collision(const struct targets *ts, const struct target *t,
			   struct ez_error *err)
{
	const struct target *other = map_get(&ts->by_name, view_str(t->name));

	if (!other || other->id == t->id)
		return EZ_OK;
	if (strcmp(other->source, t->source) == 0)
		return fail_other_table(t, err);
	host->fail(err, EZ_E_CONFIG, "", "tables %s and %s both go to table %s",
		   other->source, t->source, t->name);
	return host->hint(err, "put {schema} into the option table of the sink, or use "
			       "the transform route");
}

int targets_put(struct targets *ts, struct target *t, struct ez_error *err)
{
	int rc = check_collision(ts, t, err);

	if (rc < 0) {
		target_unref(t);
		return rc;
	}
	target_unref(map_put(&ts->by_name, view_str(t->name), target_ref(t)));
	target_unref(map_put_u64(&ts->by_uid, t->uid, t));
	ts->last = NULL;
	return EZ_OK;
}

int targets_rules(struct targets *ts, struct type_rules *ret, struct ez_error *err)
{
	ret->settings = ts->settings;
	ret->version = SQLC_VERSION(3, 0, 0);
	if (!ts->sql || !sqlc_is_available())
		return EZ_OK;
	return sqlc_version(ts->sql, &ret->version, err);
}

static int run_on(struct targets *ts, const struct ez_table *table, const char *before,
		  const char *after, struct sqlc_rows *ret_rows, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(TEXT_MAX);
	struct target *t;
	int rc = targets_find(ts, table, &t, err);

	if (rc < 0)
		return rc;
	buf_add_str(&b, before);
	ddl_add_name(&b, ts->settings->database, view_str(t->name));
	buf_add_str(&b, after);
	return sqlc_query(ts->sql, buf_view(&b), 0, ret_rows, err);
}

int targets_truncate(struct targets *ts, const struct ez_table *table,
		     struct ez_error *err)
{
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };

	return run_on(ts, table, "TRUNCATE TABLE ", "", &rows, err);
}

int targets_is_empty(struct targets *ts, const struct ez_table *table, bool *ret_empty,
		     struct ez_error *err)
{
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	int rc = run_on(ts, table, "SELECT 1 FROM ", " LIMIT 1", &rows, err);

	if (rc >= 0)
		*ret_empty = rows.n_rows == 0;
	return rc;
}
