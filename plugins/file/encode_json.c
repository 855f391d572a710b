/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "encode.h"

#include <string.h>

#include "base/view.h"

#include "plain.h"

enum {
	HEAD_OP = 7, /* where the head has the op's letter */
	LSN_MAX = 17,
	TAIL_MAX = 64, /* the constant pieces between the parts of a line */
};

static char *put(char *p, struct ez_view v)
{
	memcpy(p, v.ptr, v.len);
	return p + v.len;
}

void encoder_init(struct encoder *e, struct out *out, const struct settings *settings)
{
	*e = (struct encoder){ .out = out, .settings = settings };
}

void encoder_begin_batch(struct encoder *e, const struct ez_batch *b, int64_t now_us)
{
	char *p = put(e->head, VIEW("{\"op\":\"?\",\"ts_ms\":"));

	p = value_put_i64(p, now_us / 1000);
	p = put(p, VIEW(",\"source\":{\"name\":\""));
	p = put(p, view_str(e->settings->source));
	p = put(p, VIEW("\","));
	e->head_len = (uint32_t)(p - e->head);
	e->part_len = 0;
	if (b->flags & EZ_BATCH_SNAPSHOT) {
		p = put(e->part, VIEW(",\"part\":"));
		p = value_put_u64(p, b->part);
		e->part_len = (uint32_t)(p - e->part);
	}
	e->tx = NULL;
}

void encoder_begin_tx(struct encoder *e, const struct ez_commit *tx)
{
	static const struct ez_commit none = { .size = sizeof(none) };
	char *p = put(e->commit, VIEW("\",\"commit_lsn\":\""));

	e->tx = tx;
	if (!tx)
		tx = &none;
	p = value_put_lsn(p, tx->lsn);
	p = put(p, VIEW("\",\"xid\":"));
	p = tx->xid ? value_put_u64(p, tx->xid) : put(p, VIEW("null"));
	p = put(p, VIEW(",\"seq\":"));
	e->commit_len = (uint32_t)(p - e->commit);
	p = put(e->time, VIEW(",\"ts_us\":"));
	p = value_put_i64(p, tx->time_us);
	p = put(p, VIEW(",\"snapshot\":"));
	e->time_len = (uint32_t)(p - e->time);
}

/* All up to the end of the member `source`. */
static void add_source(struct encoder *e, const struct shape *s,
		       const struct ez_event *ev)
{
	char *p = out_room(e->out, e->head_len + s->table_len + e->commit_len +
					   e->time_len + e->part_len + LSN_MAX +
					   VALUE_DIGITS_MAX + TAIL_MAX);
	char *start = p;

	p = copy_ready(p, e->head, e->head_len);
	start[HEAD_OP] = (char)ev->op;
	p = copy_ready(p, s->text + s->table_at, s->table_len);
	p = value_put_lsn(p, ev->lsn);
	p = copy_ready(p, e->commit, e->commit_len);
	p = value_put_u64(p, ev->seq);
	p = copy_ready(p, e->time, e->time_len);
	if (ev->op == EZ_OP_SNAPSHOT) {
		p = put(p, VIEW("true"));
		p = put(p, view_of(e->part, e->part_len));
	} else {
		p = put(p, VIEW("false"));
	}
	*p++ = '}';
	out_advance(e->out, p);
}

static void add_value(struct out *o, const struct field *f, const struct ez_cell *c)
{
	if (c->kind == EZ_CELL_TEXT)
		value_add_json(o, f->form, view_of(c->ptr, c->len));
	else if (c->kind == EZ_CELL_BYTES)
		value_add_base64(o, view_of(c->ptr, c->len));
	else
		out_add(o, "null", 4);
}

static void add_field(struct out *o, const struct shape *s, const struct field *f,
		      const struct ez_cell *c, bool first)
{
	size_t len = c->kind == EZ_CELL_TEXT && c->len <= VALUE_SHORT_MAX ? c->len : 0;
	char *p = out_room(o, f->len + PLAIN_BLOCK + len + VALUE_FRAME_MAX), *end;

	/* The first member does without the comma. */
	p = copy_ready(p, s->text + f->at + first, f->len - first);
	if (c->kind == EZ_CELL_TEXT && c->len <= VALUE_SHORT_MAX) {
		end = value_put_json(p, f->form, view_of(c->ptr, c->len));
		if (LIKELY(end)) {
			out_advance(o, end);
			return;
		}
	}
	out_advance(o, p);
	add_value(o, f, c);
}

static bool is_sent(const struct ez_cell *c)
{
	return c->kind != EZ_CELL_UNCHANGED && c->kind != EZ_CELL_ABSENT;
}

/* `,"after":{...}`; how many columns are marked as unchanged. */
static uint32_t add_cells(struct out *o, const struct shape *s, struct ez_view name,
			  const struct ez_cell *cells)
{
	uint32_t unchanged = 0;
	bool first = true;

	out_add(o, name.ptr, name.len);
	for (uint32_t i = 0; i < s->n_fields; i++) {
		if (is_sent(&cells[i])) {
			add_field(o, s, &s->fields[i], &cells[i], first);
			first = false;
		} else {
			unchanged += cells[i].kind == EZ_CELL_UNCHANGED;
		}
	}
	out_add(o, "}", 1);
	return unchanged;
}

/* A key column that the update did not send is the same in the old row. */
static const struct ez_cell *key_cell(const struct ez_event *ev, uint32_t i)
{
	if (ev->after && is_sent(&ev->after[i]))
		return &ev->after[i];
	if (ev->before && is_sent(&ev->before[i]))
		return &ev->before[i];
	return NULL;
}

static void add_key(struct out *o, const struct shape *s, const struct ez_event *ev)
{
	bool first = true;

	if (s->n_keys == 0)
		return;
	out_add(o, ",\"key\":{", 8);
	for (uint32_t i = 0; i < s->n_fields; i++) {
		const struct ez_cell *c = s->fields[i].is_key ? key_cell(ev, i) : NULL;

		if (c) {
			add_field(o, s, &s->fields[i], c, first);
			first = false;
		}
	}
	out_add(o, "}", 1);
}

/* `,"unchanged":["note"]` */
static void add_unchanged(struct out *o, const struct shape *s,
			  const struct ez_cell *cells)
{
	bool first = true;

	out_add(o, ",\"unchanged\":[", 14);
	for (uint32_t i = 0; i < s->n_fields; i++) {
		if (cells[i].kind != EZ_CELL_UNCHANGED)
			continue;
		/* Between the comma and the colon stands the quoted name. */
		out_add(o, s->text + s->fields[i].at + first,
			s->fields[i].len - 1 - first);
		first = false;
	}
	out_add(o, "]", 1);
}

static bool has_before(const struct ez_event *ev)
{
	if (!ev->before)
		return false;
	return ev->op == EZ_OP_DELETE ||
	       (ev->flags & (EZ_EV_KEY_CHANGED | EZ_EV_BEFORE_FULL)) != 0;
}

/* A table without columns has rows too, without cells. */
static bool has_after(const struct shape *s, const struct ez_event *ev)
{
	return ev->op != EZ_OP_DELETE && (ev->after || s->n_fields == 0);
}

static void add_row(struct out *o, const struct shape *s, const struct ez_event *ev)
{
	add_key(o, s, ev);
	if (has_before(ev))
		add_cells(o, s, VIEW(",\"before\":{"), ev->before);
	if (has_after(s, ev) && add_cells(o, s, VIEW(",\"after\":{"), ev->after) > 0)
		add_unchanged(o, s, ev->after);
}

static void add_message(struct out *o, const struct ez_event *ev)
{
	out_add(o, ",\"message\":{\"prefix\":", 21);
	value_add_string(o, view_of(ev->after[0].ptr, ev->after[0].len));
	out_add(o, ",\"content\":", 11);
	value_add_base64(o, view_of(ev->after[1].ptr, ev->after[1].len));
	out_add(o, "}", 1);
}

static void add_truncate(struct out *o, const struct ez_event *ev)
{
	struct ez_view cascade = ev->flags & EZ_EV_CASCADE ? VIEW("true") : VIEW("false");
	struct ez_view restart =
		ev->flags & EZ_EV_RESTART_IDENTITY ? VIEW("true") : VIEW("false");

	out_add(o, ",\"truncate\":{\"cascade\":", 23);
	out_add(o, cascade.ptr, cascade.len);
	out_add(o, ",\"restart_identity\":", 20);
	out_add(o, restart.ptr, restart.len);
	out_add(o, "}", 1);
}

void encode_json(struct encoder *e, const struct shape *s, const struct ez_event *ev)
{
	add_source(e, s, ev);
	switch (ev->op) {
	case EZ_OP_MESSAGE:
		add_message(e->out, ev);
		break;
	case EZ_OP_TRUNCATE:
		add_truncate(e->out, ev);
		break;
	default:
		add_row(e->out, s, ev);
		break;
	}
	out_add(e->out, "}\n", 2);
}
