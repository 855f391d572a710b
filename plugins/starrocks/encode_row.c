/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "encode_row.h"

#include <string.h>
#include <time.h>

#include "base/str.h"

#include "dialect.h"
#include "host.h"
#include "value.h"
#include "value_text.h"

enum {
	OWN_MAX = 40,           /* bytes of a value that is ours */
	ROW_FAST_MAX = 1 << 20, /* longer rows go field by field */
	CHARGE_STEP = 256 * 1024,
	US_PER_S = 1000000,
};

/* ------------------------------------------------------------------ our own values */

static uint32_t format_time(char *to, size_t size, int64_t us)
{
	time_t s = (time_t)(us / US_PER_S);
	int64_t rest = us % US_PER_S;
	struct tm tm;

	if (rest < 0) {
		rest += US_PER_S;
		s--;
	}
	if (us == 0 || !gmtime_r(&s, &tm))
		return 0;
	if (!str_format(to, size, "%04d-%02d-%02d %02d:%02d:%02d.%06d", tm.tm_year + 1900,
			tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			(int)rest))
		return 0;
	return (uint32_t)strlen(to);
}

static char *put_u64(char *p, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	memcpy(p, digits + at, sizeof(digits) - at);
	return p + (sizeof(digits) - at);
}

static uint64_t commit_lsn(const struct ez_event *ev)
{
	return ev->tx ? ev->tx->lsn : ev->lsn;
}

static char *put_time(char *p, const char *text, uint32_t n)
{
	memcpy(p, text, n);
	return p + n;
}

/* The value's text; nothing for NULL. At most OWN_MAX bytes, none of them special. */
static char *put_own(struct encoder *e, char *p, enum field_kind kind,
		     const struct fold_row *r)
{
	const struct ez_event *ev = e->batch->events[r->event];

	switch (kind) {
	case FIELD_OP:
		*p = (char)ev->op;
		return p + 1;
	case FIELD_DELETED:
		*p = r->is_delete ? '1' : '0';
		return p + 1;
	case FIELD_COMMIT_TS:
		if (ev->tx != e->tx || !e->tx) {
			e->tx = ev->tx;
			e->commit_ts_len = format_time(e->commit_ts, sizeof(e->commit_ts),
						       ev->tx ? ev->tx->time_us : 0);
		}
		return put_time(p, e->commit_ts, e->commit_ts_len);
	case FIELD_LOADED_AT:
		if (e->loaded_at_len == 0)
			e->loaded_at_len = format_time(e->loaded_at, sizeof(e->loaded_at),
						       host->now_us());
		return put_time(p, e->loaded_at, e->loaded_at_len);
	case FIELD_LSN:
	case FIELD_ROW_LSN:
		return put_u64(p, commit_lsn(ev));
	case FIELD_ROW_PART:
		return put_u64(p, e->batch->part);
	default:
		return put_u64(p, ev->seq);
	}
}

/* ------------------------------------------------------------------ usual rows */

/* Most bytes the row takes in CSV; 0: not for the fast way. */
static size_t usual_bytes(const struct target *t, const struct fold_row *r)
{
	size_t n = 2 + (size_t)t->n_fields * (VALUE_FRAME + 1);

	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		const struct ez_cell *c;

		if (f->kind != FIELD_SOURCE) {
			n += OWN_MAX;
			continue;
		}
		c = &r->cells[f->source];
		if (c->kind == EZ_CELL_TEXT)
			n += c->len;
		else if (UNLIKELY(c->kind != EZ_CELL_NULL))
			return 0;
	}
	return n <= ROW_FAST_MAX ? n : 0;
}

/* The value of a type that has a longer way, written into the load; then there is room for
 * `room` more bytes. NULL: it is for the row's longer way too. */
static char *put_special(struct load *load, char *p, size_t room, const struct field *f,
			 struct ez_view v)
{
	load->body.len = (size_t)(p - load->body.ptr);
	if (value_csv(&load->body, f, v) != VALUE_OK)
		return NULL;
	return buf_reserve(&load->body, room);
}

static char *put_null(char *p)
{
	memcpy(p, "\\N", 2);
	return p + 2;
}

/* Behind `p` there is room for `room` bytes, which is what the whole row takes. */
static char *put_field(struct encoder *e, struct load *load, char *p, size_t room,
		       const struct field *f, const struct fold_row *r)
{
	const struct ez_cell *c;
	struct ez_view v;
	char *end;

	if (f->kind != FIELD_SOURCE) {
		end = put_own(e, p, f->kind, r);
		return end == p ? put_null(p) : end;
	}
	c = &r->cells[f->source];
	if (c->kind != EZ_CELL_TEXT)
		return put_null(p);
	v = view_of(c->ptr, c->len);
	end = value_put(p, f, v);
	return LIKELY(end) ? end : put_special(load, p, room, f, v);
}

/* The whole row on memory; false: something in it is not usual. */
static bool put_row(struct encoder *e, struct load *load, const struct fold_row *r)
{
	const struct target *t = load->target;
	size_t bytes = usual_bytes(t, r), from = load->body.len;
	char *p = bytes ? buf_reserve(&load->body, bytes) : NULL;

	for (uint32_t i = 0; i < t->n_fields && LIKELY(p); i++) {
		p = put_field(e, load, p, bytes, &t->fields[i], r);
		if (LIKELY(p))
			*p++ = TEXT_SEPARATOR;
	}
	if (UNLIKELY(!p)) {
		buf_truncate(&load->body, from);
		return false;
	}
	p[0] = '0';
	p[1] = TEXT_DELIMITER;
	load->body.len = (size_t)(p + 2 - load->body.ptr);
	return true;
}

/* ------------------------------------------------------------------ other rows */

/* A value being written: where, and what was asked for. */
struct slot {
	struct encoder *e;
	struct load *load;
	const struct fold_row *row;
	const struct field *field;
};

static void add_null(struct load *load)
{
	if (load->format == LOAD_CSV)
		buf_add(&load->body, "\\N", 2);
	else
		buf_add(&load->body, "null", 4);
}

static enum value_state add_text(struct load *load, const struct field *f,
				 struct ez_view v)
{
	size_t from = load->body.len;
	enum value_state state = load->format == LOAD_CSV ? value_csv(&load->body, f, v)
							  : value_json(&load->body, f, v);

	if (state != VALUE_OK && load->body.len > from)
		buf_truncate(&load->body, from);
	return state;
}

static void count_changed(const struct encoder *e, const struct field *f)
{
	static const char *const names[] = {
		[RANGE_NUMERIC] = "starrocks_out_of_range_numeric_total",
		[RANGE_FLOAT] = "starrocks_out_of_range_float_total",
		[RANGE_DATE] = "starrocks_out_of_range_date_total",
		[RANGE_TIMESTAMP] = "starrocks_out_of_range_timestamp_total",
		[RANGE_STRING] = "starrocks_out_of_range_string_total",
	};

	if (e->ctx)
		host->metric(e->ctx, names[type_class(f->form)], 1);
}

static int add_out_of_range(const struct slot *s, struct ez_view v, struct ez_error *err)
{
	const struct field *f = s->field;

	if (!f->is_key && f->policy == RANGE_NULL) {
		count_changed(s->e, f);
		add_null(s->load);
		return EZ_OK;
	}
	if (!f->is_key && f->policy == RANGE_CLAMP &&
	    value_clamp(f, &v, &s->e->scratch)) {
		enum value_state state = add_text(s->load, f, v);

		if (state == VALUE_UNSAFE)
			return EZ_AGAIN;
		if (state == VALUE_OK) {
			count_changed(s->e, f);
			return EZ_OK;
		}
	}
	return encoder_reject(s->e, s->row, f, "is out of range", err);
}

static int add_cell(const struct slot *s, const struct ez_cell *c, struct ez_error *err)
{
	struct ez_view v = view_of(c->ptr, c->len);

	if (c->kind == CELL_TARGET) {
		buf_add_view(&s->load->body, v);
		return EZ_OK;
	}
	/* A delete has nothing but its key; what else is missing has been looked for. */
	if (c->kind != EZ_CELL_TEXT) {
		add_null(s->load);
		return EZ_OK;
	}
	switch (add_text(s->load, s->field, v)) {
	case VALUE_OK:
		return EZ_OK;
	case VALUE_UNSAFE:
		return EZ_AGAIN;
	case VALUE_OUT:
		return add_out_of_range(s, v, err);
	default:
		return encoder_reject(s->e, s->row, s->field,
				      "is not what its type promises", err);
	}
}

static void add_own(const struct slot *s)
{
	enum field_kind kind = s->field->kind;
	bool quoted =
		s->load->format == LOAD_JSON &&
		(kind == FIELD_OP || kind == FIELD_COMMIT_TS || kind == FIELD_LOADED_AT);
	char text[OWN_MAX];
	char *end = put_own(s->e, text, kind, s->row);

	if (end == text) {
		add_null(s->load);
		return;
	}
	if (quoted)
		buf_add_char(&s->load->body, '"');
	buf_add(&s->load->body, text, (size_t)(end - text));
	if (quoted)
		buf_add_char(&s->load->body, '"');
}

/* A delete in a table that forgets rows is its key; one that keeps them has all it has. */
static bool is_bare(const struct fold_row *r, const struct field *f)
{
	return r->is_delete && r->target->settings->delete_mode == DELETE_HARD &&
	       !f->is_key;
}

static int add_field(const struct slot *s, bool first, struct ez_error *err)
{
	const struct field *f = s->field;
	struct load *load = s->load;
	int rc = EZ_OK;

	if (load->format == LOAD_JSON)
		buf_add_view(&load->body,
			     first ? view_of(f->json.ptr + 1, f->json.len - 1) : f->json);
	if (is_bare(s->row, f))
		add_null(load);
	else if (f->kind != FIELD_SOURCE)
		add_own(s);
	else
		rc = add_cell(s, &s->row->cells[f->source], err);
	if (load->format == LOAD_CSV)
		buf_add_char(&load->body, TEXT_SEPARATOR);
	return rc;
}

static int add_row(struct encoder *e, struct load *load, const struct fold_row *r,
		   struct ez_error *err)
{
	const struct target *t = load->target;
	bool deletes = r->is_delete && t->settings->delete_mode == DELETE_HARD;
	struct slot s = { .e = e, .load = load, .row = r };
	bool first = true;

	if (load->format == LOAD_JSON)
		buf_add_str(&load->body, load->body.len == 0 ? "[{" : "{");
	for (uint32_t i = 0; i < t->n_fields; i++) {
		int rc;

		if (load->missing && set_has(load->missing, i))
			continue;
		s.field = &t->fields[i];
		rc = add_field(&s, first, err);
		if (rc != EZ_OK)
			return rc;
		first = false;
	}
	if (load->format == LOAD_JSON)
		buf_add_str(&load->body,
			    deletes ? ",\"" STARROCKS_DELETE_COLUMN "\":1},\n"
				    : ",\"" STARROCKS_DELETE_COLUMN "\":0},\n");
	else
		buf_add(&load->body, deletes ? "1\x02" : "0\x02", 2);
	if (!buf_ok(&load->body))
		return host->fail(err, EZ_E_TRANSIENT, "ENOMEM",
				  "no memory for a load of table %s: %zu bytes",
				  t->source, load->body.len);
	return EZ_OK;
}

void load_charge(struct load *load)
{
	size_t bytes = load->body.len + load->rows_size * sizeof(load->rows[0]);

	if (load->ctx && bytes != load->charged)
		(void)host->mem(load->ctx, (int64_t)bytes - (int64_t)load->charged);
	load->charged = bytes;
}

int encode_row(struct encoder *e, struct load *load, const struct fold_row *r,
	       struct ez_error *err)
{
	size_t from = load->body.len;
	int rc;

	if (load->format != LOAD_CSV || r->is_delete || load->missing ||
	    !put_row(e, load, r)) {
		rc = add_row(e, load, r, err);
		if (rc != EZ_OK) {
			buf_truncate(&load->body, from);
			return rc;
		}
	}
	if (load->body.len - MIN(load->body.len, load->charged) >= CHARGE_STEP)
		load_charge(load);
	return EZ_OK;
}
