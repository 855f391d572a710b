/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "encode.h"

#include <string.h>

#include "base/view.h"

enum {
	LINE_HEAD_MAX = 96, /* op, LSN and two numbers, with commas */
};

static void add_head(struct encoder *e, const struct ez_event *ev, uint32_t op)
{
	char *p = out_room(e->out, LINE_HEAD_MAX);

	*p++ = (char)op;
	*p++ = ',';
	p = value_put_lsn(p, ev->tx ? ev->tx->lsn : ev->lsn);
	*p++ = ',';
	p = value_put_u64(p, ev->seq);
	*p++ = ',';
	p = value_put_i64(p, ev->tx ? ev->tx->time_us : 0);
	out_advance(e->out, p);
}

/* NULL is nothing at all between the commas, and so is what was not sent. */
static uint32_t add_cells(struct out *o, const struct shape *s,
			  const struct ez_cell *cells)
{
	uint32_t unchanged = 0;

	for (uint32_t i = 0; i < s->n_fields; i++) {
		out_add(o, ",", 1);
		if (!cells)
			continue;
		if (cells[i].kind == EZ_CELL_TEXT)
			value_add_csv(o, s->fields[i].form,
				      view_of(cells[i].ptr, cells[i].len));
		unchanged += cells[i].kind == EZ_CELL_UNCHANGED;
	}
	return unchanged;
}

/* The last field: a JSON array of the names, so that any name is unambiguous. */
static void add_unchanged(struct out *o, const struct shape *s,
			  const struct ez_cell *cells)
{
	bool first = true;

	out_add(o, "\"[", 2);
	for (uint32_t i = 0; i < s->n_fields; i++) {
		struct ez_view name = view_of(s->text + s->fields[i].at + first,
					      s->fields[i].len - 1 - first);

		if (cells[i].kind != EZ_CELL_UNCHANGED)
			continue;
		first = false;
		for (size_t at = 0; at < name.len; at++)
			out_add(o, name.ptr[at] == '"' ? "\"\"" : name.ptr + at,
				name.ptr[at] == '"' ? 2 : 1);
	}
	out_add(o, "]\"", 2);
}

static void add_line(struct encoder *e, const struct shape *s, const struct ez_event *ev,
		     uint32_t op, const struct ez_cell *cells)
{
	uint32_t unchanged;

	add_head(e, ev, op);
	unchanged = add_cells(e->out, s, cells);
	out_add(e->out, ",", 1);
	if (unchanged > 0)
		add_unchanged(e->out, s, cells);
	out_add(e->out, "\n", 1);
}

static void add_base64_field(struct out *o, struct ez_view v)
{
	out_add(o, ",", 1);
	value_add_base64(o, v);
}

static void add_message(struct encoder *e, const struct ez_event *ev)
{
	add_head(e, ev, ev->op);
	out_add(e->out, ",", 1);
	value_add_csv_text(e->out, view_of(ev->after[0].ptr, ev->after[0].len));
	add_base64_field(e->out, view_of(ev->after[1].ptr, ev->after[1].len));
	out_add(e->out, "\n", 1);
}

void encode_csv(struct encoder *e, const struct shape *s, const struct ez_event *ev)
{
	switch (ev->op) {
	case EZ_OP_MESSAGE:
		add_message(e, ev);
		break;
	case EZ_OP_UPDATE:
		/* A line has one row: the old key goes with a line of its own. */
		if (ev->before && (ev->flags & EZ_EV_KEY_CHANGED))
			add_line(e, s, ev, EZ_OP_DELETE, ev->before);
		add_line(e, s, ev, ev->op, ev->after);
		break;
	case EZ_OP_DELETE:
		add_line(e, s, ev, ev->op, ev->before);
		break;
	default:
		add_line(e, s, ev, ev->op, ev->after);
		break;
	}
}
