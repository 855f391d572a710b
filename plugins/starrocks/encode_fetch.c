/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "encode_row.h"
#include "host.h"
#include "names.h"
#include "value.h"
#include "value_text.h"

/*
 * Values that the source did not send and the batch does not have.
 *
 * They stand in the target: under the row's key, or under the key that the row had before
 * the batch. A partial update leaves them there, but only under the same key, and all rows
 * of a load lack the same columns then. Where that is not enough they are read back, once
 * everything before the batch is visible.
 *
 * A row that was moved and is not found under its old key is looked for under its new one:
 * without notes of the run before (ahead.h) the batch may be here for the second time, after
 * the first time was applied and the position lost. If it is under neither, the target never had it (the job began without a
 * copy): its missing columns become NULL, which is counted and said.
 */
enum {
	CHUNK_ROWS = 64,
	SQL_MAX = 1024 * 1024,
	KEY_MAX = 64 * 1024,
};

struct fetch {
	struct encoder *e;
	struct target *target;
	uint64_t want[SET_WORDS]; /* fields to read */
	struct fold_row *rows[CHUNK_ROWS];
	size_t n;
	size_t n_lost;
};

/* ------------------------------------------------------------------ who needs it */

/* What the rows of each table lack: whether one set of columns would do. */
static void survey(struct encoder *e)
{
	for (size_t i = 0; i < e->fold.n_rows; i++) {
		const struct fold_row *r = &e->fold.rows[i];
		struct table_state *s = encoder_state(e, r->target);
		uint64_t set[SET_WORDS] = { 0 };
		size_t bytes = set_words(r->target) * sizeof(set[0]);

		if (r->is_missing)
			encoder_missing(r, set);
		if (!s->has_rows)
			memcpy(s->set, set, bytes);
		else if (memcmp(s->set, set, bytes) != 0)
			s->is_mixed = true;
		s->has_rows = true;
		s->has_moved |= r->is_missing && r->moved;
	}
}

static bool is_wanted(struct encoder *e, const struct fold_row *r)
{
	const struct table_state *s;

	if (!r->is_missing)
		return false;
	s = encoder_state(e, r->target);
	return s->has_moved || (s->is_mixed && e->rules->one_set);
}

/* ------------------------------------------------------------------ the question */

static void add_columns(struct buf *b, const struct fetch *f)
{
	const struct target *t = f->target;

	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *field = &t->fields[i];

		if (!field->is_key && !set_has(f->want, i))
			continue;
		buf_add_str(b, b->len > sizeof("SELECT") ? ", " : "");
		if (field->type.kind == TYPE_VARBINARY)
			buf_add_str(b, "hex(");
		names_quote(b, field->name);
		if (field->type.kind == TYPE_VARBINARY)
			buf_add_char(b, ')');
	}
}

/* A key column's value as the target has it. */
static int add_key_text(struct buf *b, const struct target *t, const struct field *f,
			const struct ez_cell *key, struct ez_error *err)
{
	const struct ez_cell *c = &key[f->source];
	enum value_state state = value_csv(b, f, view_of(c->ptr, c->len));

	if (state == VALUE_OK || state == VALUE_UNSAFE)
		return EZ_OK;
	return host->fail(err, EZ_E_DATA, "",
			  "a value of the key column %.*s of table %s is out of range",
			  VIEW_ARG(f->name), t->source);
}

static int add_condition(struct buf *b, const struct fetch *f, const struct ez_cell *key,
			 struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(KEY_MAX);
	const struct target *t = f->target;
	bool first = true;

	buf_add_char(b, '(');
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *field = &t->fields[i];
		bool bare = field->form == FORM_INT || field->form == FORM_BOOL;
		int rc;

		if (!field->is_key)
			continue;
		buf_reset(&text);
		rc = add_key_text(&text, t, field, key, err);
		if (rc < 0)
			return rc;
		buf_add_str(b, first ? "" : " AND ");
		names_quote(b, field->name);
		buf_add_str(b, " = ");
		if (bare && text.len > 0 && text_is_finite(buf_view(&text)))
			buf_add_view(b, buf_view(&text));
		else
			names_literal(b, buf_view(&text));
		first = false;
	}
	buf_add_char(b, ')');
	return EZ_OK;
}

static int add_question(struct buf *b, const struct fetch *f, struct ez_error *err)
{
	buf_add_str(b, "SELECT ");
	add_columns(b, f);
	buf_add_str(b, " FROM ");
	names_quote(b, f->target->settings->database);
	buf_add_char(b, '.');
	names_quote(b, view_str(f->target->name));
	buf_add_str(b, " WHERE ");
	for (size_t i = 0; i < f->n; i++) {
		int rc;

		buf_add_str(b, i > 0 ? " OR " : "");
		rc = add_condition(b, f, f->rows[i]->origin, err);
		if (rc < 0)
			return rc;
	}
	if (!buf_ok(b))
		return host->fail(err, EZ_E_DATA, "", "the keys of table %s are too long",
				  f->target->source);
	return EZ_OK;
}

/* ------------------------------------------------------------------ the answer */

/* "12:00:00.500000" and "12:00:00.5" are the same instant. */
static struct ez_view without_zeros(struct ez_view v)
{
	if (v.len > 19 && v.ptr[19] == '.') {
		while (v.ptr[v.len - 1] == '0')
			v.len--;
		if (v.ptr[v.len - 1] == '.')
			v.len--;
	}
	return v;
}

static int is_answer_for(const struct fetch *f, const struct sqlc_rows *rows, size_t row,
			 const struct ez_cell *key, bool *ret_same, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(KEY_MAX);
	const struct target *t = f->target;
	size_t column = 0;

	*ret_same = false;
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *field = &t->fields[i];
		struct ez_view have, want;
		int rc;

		if (!field->is_key && !set_has(f->want, i))
			continue;
		have = sqlc_cell(rows, row, column++);
		if (!field->is_key)
			continue;
		buf_reset(&text);
		rc = add_key_text(&text, t, field, key, err);
		if (rc < 0)
			return rc;
		want = buf_view(&text);
		if (field->type.kind == TYPE_DATETIME) {
			have = without_zeros(have);
			want = without_zeros(want);
		}
		if (!view_eq(have, want))
			return EZ_OK;
	}
	*ret_same = true;
	return EZ_OK;
}

/* A value of the target as the source would have sent it. */
static struct ez_cell cell_of(struct fold *fold, const struct field *f, struct ez_view v)
{
	bool hex = f->form == FORM_BYTES || f->form == FORM_HEX;
	size_t head = hex ? 2 : 0, tail = f->form == FORM_DATETIME_UTC ? 3 : 0;
	char *to;

	if (!v.ptr)
		return (struct ez_cell){ .kind = EZ_CELL_NULL };
	to = arena_alloc(&fold->arena, head + v.len + tail + 1);
	memcpy(to, "\\x", head);
	memcpy(to + head, v.ptr, v.len);
	memcpy(to + head + v.len, "+00", tail);
	return (struct ez_cell){
		.ptr = to,
		.len = (uint32_t)(head + v.len + tail),
		.kind = f->form == FORM_ARRAY ? (uint32_t)CELL_TARGET
					      : (uint32_t)EZ_CELL_TEXT,
	};
}

/* Cells of a row that may be changed: what it has may be the batch's. */
static struct ez_cell *own_cells(struct fold *fold, struct fold_row *r)
{
	size_t bytes = r->target->n_source * sizeof(struct ez_cell);
	struct ez_cell *cells = arena_alloc(&fold->arena, bytes);

	memcpy(cells, r->cells, bytes);
	r->cells = cells;
	return cells;
}

static void take_answer(const struct fetch *f, const struct sqlc_rows *rows, size_t row,
			struct fold_row *r)
{
	struct fold *fold = &f->e->fold;
	struct ez_cell *cells = own_cells(fold, r);
	size_t column = 0;

	for (uint32_t i = 0; i < f->target->n_fields; i++) {
		const struct field *field = &f->target->fields[i];
		struct ez_cell *c;

		if (!field->is_key && !set_has(f->want, i))
			continue;
		column++;
		if (field->kind != FIELD_SOURCE)
			continue;
		c = &cells[field->source];
		if (c->kind == EZ_CELL_UNCHANGED || c->kind == EZ_CELL_ABSENT)
			*c = cell_of(fold, field, sqlc_cell(rows, row, column - 1));
	}
	r->is_missing = false;
	r->moved = false;
}

static void give_up(const struct fetch *f, struct fold_row *r)
{
	struct ez_cell *cells = own_cells(&f->e->fold, r);

	for (uint32_t i = 0; i < f->target->n_source; i++)
		if (cells[i].kind == EZ_CELL_UNCHANGED || cells[i].kind == EZ_CELL_ABSENT)
			cells[i] = (struct ez_cell){ .kind = EZ_CELL_NULL };
	r->is_missing = false;
	r->moved = false;
}

/* ------------------------------------------------------------------ asking */

static int ask(struct fetch *f, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	int rc = add_question(&sql, f, err);

	if (rc >= 0)
		rc = sqlc_query(f->e->sql, buf_view(&sql), SQLC_QUIET, &rows, err);
	for (size_t row = 0; row < rows.n_rows && rc >= 0; row++) {
		for (size_t i = 0; i < f->n && rc >= 0; i++) {
			bool same;

			rc = is_answer_for(f, &rows, row, f->rows[i]->origin, &same, err);
			if (rc >= 0 && same && f->rows[i]->is_missing)
				take_answer(f, &rows, row, f->rows[i]);
		}
	}
	return rc;
}

/* Those that were not found under their old key: under their own. */
static int ask_again(struct fetch *f, struct ez_error *err)
{
	size_t n = 0;
	int rc = EZ_OK;

	for (size_t i = 0; i < f->n; i++) {
		struct fold_row *r = f->rows[i];

		if (r->is_missing && r->moved) {
			r->origin = r->cells;
			f->rows[n++] = r;
		} else if (r->is_missing) {
			give_up(f, r);
			f->n_lost++;
		}
	}
	f->n = n;
	if (n > 0)
		rc = ask(f, err);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		if (!f->rows[i]->is_missing)
			continue;
		give_up(f, f->rows[i]);
		f->n_lost++;
	}
	return rc;
}

static int flush(struct fetch *f, struct ez_error *err)
{
	int rc = EZ_OK;

	if (f->n > 0) {
		if (f->e->ctx)
			host->metric(f->e->ctx, "starrocks_rows_read_back_total",
				     (int64_t)f->n);
		rc = ask(f, err);
		if (rc >= 0)
			rc = ask_again(f, err);
	}
	f->n = 0;
	memset(f->want, 0, sizeof(f->want));
	return rc;
}

static int settle(struct encoder *e, struct ez_error *err)
{
	int rc = EZ_OK;

	if (!e->settled && e->rules->settle)
		rc = e->rules->settle(e->rules->arg, err);
	e->settled = rc >= 0;
	return rc;
}

static int fetch_table(struct encoder *e, struct target *t, struct ez_error *err)
{
	struct fetch f = { .e = e, .target = t };
	int rc = settle(e, err);

	for (size_t i = 0; i < e->fold.n_rows && rc >= 0; i++) {
		struct fold_row *r = &e->fold.rows[i];
		uint64_t set[SET_WORDS];

		if (r->target != t || !is_wanted(e, r))
			continue;
		if (!r->origin)
			r->origin = r->cells;
		encoder_missing(r, set);
		for (size_t w = 0; w < set_words(t); w++)
			f.want[w] |= set[w];
		f.rows[f.n++] = r;
		if (f.n == CHUNK_ROWS)
			rc = flush(&f, err);
	}
	if (rc >= 0)
		rc = flush(&f, err);
	if (f.n_lost > 0) {
		if (e->ctx)
			host->metric(e->ctx, "starrocks_rows_not_found_total",
				     (int64_t)f.n_lost);
		host->log(4,
			  "table %s: %zu changed rows are not in the target; values the "
			  "source did not send are NULL in them",
			  t->source, f.n_lost);
	}
	return rc;
}

int encode_fetch(struct encoder *e, struct ez_error *err)
{
	bool any = false;
	int rc = EZ_OK;

	for (size_t i = 0; i < e->fold.n_rows && !any; i++)
		any = e->fold.rows[i].is_missing;
	if (!any)
		return EZ_OK;
	survey(e);
	for (size_t i = 0; i < e->fold.n_rows && rc >= 0; i++) {
		struct fold_row *r = &e->fold.rows[i];

		if (!is_wanted(e, r) || encoder_state(e, r->target)->is_fetched)
			continue;
		if (!e->sql || !sqlc_is_available()) {
			host->fail(
				err, EZ_E_CONFIG, "",
				"an update of table %s left out large values, and they "
				"cannot be read back from the target",
				r->target->source);
			return host->hint(err, "build with libmariadb, or set REPLICA "
					       "IDENTITY FULL for the table");
		}
		encoder_state(e, r->target)->is_fetched = true;
		rc = fetch_table(e, r->target, err);
	}
	return rc;
}
