/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "encode.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

#include "dialect.h"
#include "encode_row.h"
#include "host.h"
#include "names.h"
#include "value_text.h"

/*
 * The order of things, and why it may begin again.
 *
 * Fold, read back what is missing, write rows. A row that can never be loaded is found while
 * it is written, when an earlier event of the same key has already been folded away. Leaving
 * the row out then would lose that event too. So the writing goes on to find all such rows,
 * and then everything is done again as if their last events had never been there; each round
 * leaves out at least one event, so it ends. Bad rows are rare enough for that.
 *
 * A value that CSV cannot say turns the table's load into JSON: its rows up to there are
 * written once more, the others are not touched.
 */

enum {
	ROWS_FIRST = 256,
};

struct encoder *encoder_new(struct targets *targets, struct sqlc *sql, struct ez_ctx *ctx)
{
	struct encoder *e = xcalloc(1, sizeof(*e));

	e->targets = targets;
	e->sql = sql;
	e->ctx = ctx;
	e->states = MAP_INIT;
	e->scratch = BUF_INIT(TYPE_STRING_MAX);
	fold_init(&e->fold);
	return e;
}

static void charge_fold(struct encoder *e, size_t bytes)
{
	if (e->ctx && bytes != e->fold_charged)
		(void)host->mem(e->ctx, (int64_t)bytes - (int64_t)e->fold_charged);
	e->fold_charged = bytes;
}

struct encoder *encoder_free(struct encoder *e)
{
	if (!e)
		return NULL;
	charge_fold(e, 0);
	fold_release(&e->fold);
	map_release(&e->states, free);
	buf_release(&e->scratch);
	free(e);
	return NULL;
}

struct table_state *encoder_state(struct encoder *e, struct target *t)
{
	struct table_state *s = e->last;

	if (LIKELY(s && s->target == t))
		return s;
	s = map_get_u64(&e->states, t->uid);
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		map_put_u64(&e->states, t->uid, s);
		s->target = t;
		s->use_json = t->needs_json;
	}
	e->last = s;
	return s;
}

/* ------------------------------------------------------------------ loads */

static void load_free(struct load *load)
{
	if (load->ctx && load->charged)
		(void)host->mem(load->ctx, -(int64_t)load->charged);
	target_unref(load->target);
	buf_release(&load->body);
	free(load->columns);
	free(load->rows);
	free(load->missing);
	free(load);
}

void loads_release(struct loads *loads)
{
	for (size_t i = 0; i < loads->n; i++)
		load_free(loads->items[i]);
	free(loads->items);
	*loads = (struct loads){ .items = NULL };
}

/* The header `columns`: fields as they come, then what is made of them. */
static char *columns_of(const struct load *load)
{
	const struct target *t = load->target;
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	if (load->format == LOAD_JSON && !load->missing && !t->has_bytes)
		return NULL;
	for (uint32_t i = 0; i < t->n_fields; i++) {
		if (load->missing && set_has(load->missing, i))
			continue;
		if (t->fields[i].form == FORM_BYTES)
			buf_addf(&b, "`_ez_tmp_%u`,", i);
		else {
			names_quote(&b, t->fields[i].name);
			buf_add_char(&b, ',');
		}
	}
	buf_add_str(&b, dialect_starrocks.delete_column);
	for (uint32_t i = 0; i < t->n_fields; i++) {
		if (t->fields[i].form != FORM_BYTES ||
		    (load->missing && set_has(load->missing, i)))
			continue;
		buf_add_char(&b, ',');
		names_quote(&b, t->fields[i].name);
		buf_addf(&b, "=to_binary(`_ez_tmp_%u`,'hex')", i);
	}
	return buf_take(&b);
}

static struct load *load_new(struct encoder *e, struct table_state *s,
			     const uint64_t *missing)
{
	struct load *load = xcalloc(1, sizeof(*load));
	struct loads *all = e->loads;

	load->target = target_ref(s->target);
	load->format = s->use_json ? LOAD_JSON : LOAD_CSV;
	load->body = BUF_INIT(SIZE_MAX / 2);
	load->ctx = e->ctx;
	load->is_read_back = s->is_fetched;
	load->sibling = s->loads;
	s->loads = load;
	if (missing) {
		load->is_partial = true;
		load->missing = xmemdup(missing, set_words(s->target) * sizeof(*missing));
	}
	load->columns = columns_of(load);
	if (all->n == all->size) {
		all->size = all->size ? all->size * 2 : 8;
		all->items = xreallocarray(all->items, all->size, sizeof(struct load *));
	}
	all->items[all->n++] = load;
	return load;
}

void encoder_missing(const struct fold_row *r, uint64_t *ret_set)
{
	const struct target *t = r->target;

	memset(ret_set, 0, set_words(t) * sizeof(*ret_set));
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		uint32_t kind;

		if (f->kind != FIELD_SOURCE)
			continue;
		kind = r->cells[f->source].kind;
		if (kind == EZ_CELL_UNCHANGED || kind == EZ_CELL_ABSENT)
			ret_set[i / 64] |= UINT64_C(1) << i % 64;
	}
}

static bool has_set(const struct load *load, const uint64_t *missing)
{
	if (!load->missing || !missing)
		return !load->missing && !missing;
	return memcmp(load->missing, missing,
		      set_words(load->target) * sizeof(*missing)) == 0;
}

static struct load *load_of(struct encoder *e, const struct fold_row *r)
{
	struct table_state *s = encoder_state(e, r->target);
	uint64_t set[SET_WORDS];
	const uint64_t *missing = NULL;

	if (UNLIKELY(r->is_missing)) {
		encoder_missing(r, set);
		missing = set;
	}
	for (struct load *load = s->loads; load; load = load->sibling)
		if (has_set(load, missing))
			return load;
	return load_new(e, s, missing);
}

static int note_row(struct load *load, uint32_t event, struct ez_error *err)
{
	if (UNLIKELY(load->n_rows == load->rows_size)) {
		size_t n = load->rows_size ? load->rows_size * 2 : ROWS_FIRST;
		uint32_t *rows = try_realloc(load->rows, n * sizeof(*rows));

		if (!rows)
			return host->fail(err, EZ_E_TRANSIENT, "ENOMEM",
					  "no memory for a load of %zu rows", n);
		load->rows = rows;
		load->rows_size = n;
	}
	load->rows[load->n_rows++] = event;
	return EZ_OK;
}

static void finish_load(struct load *load)
{
	struct buf *b = &load->body;

	/* The comma behind the last row goes. */
	if (load->format == LOAD_JSON && b->len > 2)
		memcpy(b->ptr + b->len - 2, "\n]", 2);
	load->sibling = NULL;
	load_charge(load);
}

void load_slice(const struct load *load, size_t from, size_t to, struct buf *b)
{
	char end = load->format == LOAD_CSV ? TEXT_DELIMITER : '\n';
	const char *p = load->body.ptr, *stop = p + load->body.len, *begin = p;

	if (load->format == LOAD_JSON)
		begin = ++p;
	for (size_t row = 0; row < to && p < stop; row++) {
		if (row == from)
			begin = p;
		p = memchr(p, end, (size_t)(stop - p));
		p = p ? p + 1 : stop;
	}
	if (from >= to)
		p = begin;
	if (load->format == LOAD_CSV) {
		buf_add(b, begin, (size_t)(p - begin));
		return;
	}
	/* Without what separates the last row from the next. */
	while (p > begin && (p[-1] == '\n' || p[-1] == ','))
		p--;
	buf_add_char(b, '[');
	buf_add(b, begin, (size_t)(p - begin));
	buf_add_char(b, ']');
}

/* ------------------------------------------------------------------ bad rows */

/* The event that brought the value: the last one, unless it did not send it. */
static uint32_t culprit(const struct encoder *e, const struct fold_row *r,
			const struct field *f)
{
	const struct ez_event *ev = e->batch->events[r->event];
	const struct ez_cell *cells = ev->after ? ev->after : ev->before;

	if (f->kind != FIELD_SOURCE || !cells)
		return r->event;
	return cells[f->source].kind == EZ_CELL_UNCHANGED ? r->base : r->event;
}

static void skip_event(struct encoder *e, uint32_t event)
{
	size_t i = event - e->first;

	if (!e->skip)
		e->skip = xcalloc((e->n + 63) / 64, sizeof(*e->skip));
	e->skip[i / 64] |= UINT64_C(1) << i % 64;
	e->has_new_skips = true;
}

int encoder_reject(struct encoder *e, const struct fold_row *r, const struct field *f,
		   const char *why, struct ez_error *err)
{
	const struct target *t = r->target;
	uint32_t event = culprit(e, r, f);
	int rc;

	if (e->skip && set_has(e->skip, event - (uint32_t)e->first))
		return EZ_SKIP; /* it was said before */
	host->fail(err, EZ_E_DATA, "", "a value of column %.*s of table %s %s",
		   VIEW_ARG(f->name), t->source, why);
	host->hint(err, "set out_of_range, or errors = { policy = \"dead-letter\"; }");
	err->row = event;
	if (!e->rules->reject)
		return EZ_E_DATA;
	rc = e->rules->reject(e->rules->arg, event, err);
	if (rc < 0)
		return rc;
	skip_event(e, event);
	return EZ_SKIP;
}

static int skip_keyless(struct encoder *e, struct ez_error *err)
{
	uint32_t event = err->row;
	int rc = EZ_E_DATA;

	if (e->rules->reject && event >= e->first && event - e->first < e->n)
		rc = e->rules->reject(e->rules->arg, event, err);
	if (rc >= 0)
		skip_event(e, event);
	return rc;
}

/* ------------------------------------------------------------------ the batch */

static int add_row(struct encoder *e, struct load *load, const struct fold_row *r,
		   struct ez_error *err)
{
	int rc = encode_row(e, load, r, err);

	return rc == EZ_OK ? note_row(load, r->event, err) : rc;
}

/* The load once more, as JSON, up to row `n`. */
static int turn_to_json(struct encoder *e, struct load *load, size_t n,
			struct ez_error *err)
{
	struct table_state *s = encoder_state(e, load->target);

	s->use_json = true;
	load->format = LOAD_JSON;
	free(load->columns);
	load->columns = columns_of(load);
	buf_reset(&load->body);
	load->n_rows = 0;
	if (e->ctx)
		host->metric(e->ctx, "starrocks_json_fallbacks_total", 1);
	for (size_t i = 0; i < n; i++) {
		const struct fold_row *r = &e->fold.rows[i];
		int rc = EZ_OK;

		if (r->target == load->target && load_of(e, r) == load)
			rc = add_row(e, load, r, err);
		if (rc < 0)
			return rc;
	}
	return EZ_OK;
}

static int write_rows(struct encoder *e, struct ez_error *err)
{
	struct load *load = NULL;

	for (size_t i = 0; i < e->fold.n_rows; i++) {
		const struct fold_row *r = &e->fold.rows[i];
		int rc;

		if (!load || load->target != r->target || r->is_missing || load->missing)
			load = load_of(e, r);
		rc = add_row(e, load, r, err);
		if (UNLIKELY(rc == EZ_AGAIN))
			rc = turn_to_json(e, load, i + 1, err);
		if (UNLIKELY(rc < 0))
			return rc;
	}
	return EZ_OK;
}

static void forget_states(struct encoder *e)
{
	map_release(&e->states, free);
	e->states = MAP_INIT;
	e->last = NULL;
}

static int encode_once(struct encoder *e, struct ez_error *err)
{
	bool unique = (e->batch->flags & EZ_BATCH_SNAPSHOT) != 0;
	int rc = fold_events(&e->fold, e->targets, e->batch, e->first, e->n, e->skip,
			     unique, err);

	charge_fold(e, fold_bytes(&e->fold));
	if (rc == EZ_E_DATA)
		return skip_keyless(e, err);
	if (rc >= 0)
		rc = encode_fetch(e, err);
	if (rc >= 0)
		rc = write_rows(e, err);
	return rc;
}

int encode_batch(struct encoder *e, const struct ez_batch *batch, size_t first, size_t n,
		 const struct encode_rules *rules, struct loads *ret_loads,
		 struct ez_error *err)
{
	struct loads loads = { .items = NULL };
	int rc;

	e->batch = batch;
	e->rules = rules;
	e->first = first;
	e->n = n;
	e->settled = false;
	e->tx = NULL;
	e->loaded_at_len = 0;
	e->loads = &loads;
	do {
		e->has_new_skips = false;
		loads_release(&loads);
		rc = encode_once(e, err);
		forget_states(e);
	} while (rc >= 0 && e->has_new_skips);
	free(e->skip);
	e->skip = NULL;
	if (rc < 0) {
		loads_release(&loads);
		return rc;
	}
	for (size_t i = 0; i < loads.n; i++)
		finish_load(loads.items[i]);
	*ret_loads = loads;
	return EZ_OK;
}
