/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recording_host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

enum { TEXT_MAX_BYTES = 64 << 20 };

static struct recording *recording_of(const struct ez_out *out)
{
	/* A const_cast in C: the struct is the test's own and writable. */
	union {
		const struct ez_out *in;
		struct recording *out;
	} p = { .in = out };

	return p.out;
}

static void add_lsn(struct buf *b, uint64_t lsn)
{
	buf_addf(b, "%X/%X", (unsigned)(lsn >> 32), (unsigned)lsn);
}

static void add_cell(struct buf *b, const struct ez_cell *c)
{
	switch (c->kind) {
	case EZ_CELL_NULL:
		buf_add_str(b, " ~");
		break;
	case EZ_CELL_UNCHANGED:
		buf_add_str(b, " =");
		break;
	case EZ_CELL_ABSENT:
		buf_add_str(b, " -");
		break;
	case EZ_CELL_TEXT:
		buf_addf(b, " '%.*s'", (int)c->len, c->ptr);
		break;
	case EZ_CELL_BYTES:
		buf_add_str(b, " x'");
		for (uint32_t i = 0; i < c->len; i++)
			buf_addf(b, "%02x", (unsigned char)c->ptr[i]);
		buf_add_char(b, '\'');
		break;
	default:
		ENSURE(false, "a cell of an unknown kind");
	}
}

static void add_cells(struct buf *b, const char *what, const struct ez_cell *cells,
		      uint32_t n)
{
	if (!cells)
		return;
	buf_addf(b, " %s", what);
	for (uint32_t i = 0; i < n; i++)
		add_cell(b, &cells[i]);
}

static size_t room(const struct ez_out *out)
{
	return recording_of(out)->room;
}

static void *alloc(struct ez_out *out, size_t n)
{
	return arena_alloc(&recording_of(out)->arena, n);
}

static void adopt(struct ez_out *out, void *mem, size_t n, void (*release)(void *))
{
	arena_adopt(&recording_of(out)->arena, mem, n, release);
}

static bool same_shape(const struct ez_table *a, const struct ez_table *b)
{
	if (!view_eq(a->schema, b->schema) || !view_eq(a->name, b->name) ||
	    a->flags != b->flags || a->n_columns != b->n_columns)
		return false;
	for (uint32_t i = 0; i < a->n_columns; i++) {
		const struct ez_column *x = a->columns[i], *y = b->columns[i];

		if (!view_eq(x->name, y->name) || x->type != y->type ||
		    x->flags != y->flags || x->type_mod != y->type_mod ||
		    x->native_type != y->native_type)
			return false;
	}
	return true;
}

static void free_table(void *p)
{
	struct ez_table *t = p;
	union {
		const void *in;
		void *out;
	} u;

	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_columns; i++) {
		u.in = t->columns[i];
		free(u.out);
	}
	u.in = t->columns;
	free(u.out);
	u.in = t->schema.ptr;
	free(u.out);
	u.in = t->name.ptr;
	free(u.out);
	free(t);
}

static struct ez_table *copy_table(struct recording *r, const struct ez_table *shape,
				   uint32_t version)
{
	struct ez_table *t = xmemdup(shape, sizeof(*t));
	struct ez_column **columns = xcalloc(shape->n_columns + 1u, sizeof(*columns));

	t->uid = ++r->next_uid;
	t->version = version;
	t->schema = view_str(view_dup(shape->schema));
	t->name = view_str(view_dup(shape->name));
	for (uint32_t i = 0; i < shape->n_columns; i++) {
		const struct ez_column *from = shape->columns[i];
		/* The name behind the column, so that one free() does. */
		struct ez_column *c = xmalloc(sizeof(*c) + from->name.len + 1);
		char *name = (char *)(c + 1);

		*c = *from;
		if (from->name.len)
			memcpy(name, from->name.ptr, from->name.len);
		name[from->name.len] = '\0';
		c->name.ptr = name;
		c->native = c->fallback = (struct ez_view){ NULL, 0 };
		columns[i] = c;
	}
	t->columns = (const struct ez_column *const *)columns;
	return t;
}

static void add_table(struct buf *b, const struct ez_table *t)
{
	buf_addf(b, "table %" PRIu64 " %.*s.%.*s v%" PRIu32 ":", t->id,
		 VIEW_ARG(t->schema), VIEW_ARG(t->name), t->version);
	for (uint32_t i = 0; i < t->n_columns; i++)
		buf_addf(b, "%s %.*s%s", i ? "," : "", VIEW_ARG(t->columns[i]->name),
			 t->columns[i]->flags & EZ_COL_KEY ? " key" : "");
	buf_add_char(b, '\n');
}

static const struct ez_table *declare(struct ez_out *out, const struct ez_table *shape,
				      struct ez_error *err)
{
	struct recording *r = recording_of(out);
	const struct ez_table *old = map_get_u64(&r->tables, shape->id);
	struct ez_table *t;

	if (r->refuse && view_eq_str(shape->name, r->refuse)) {
		r->host.fail(err, EZ_E_CONFIG, "", "refused");
		return NULL;
	}
	if (old && same_shape(old, shape))
		return old;
	t = copy_table(r, shape, old ? old->version + 1 : 1);
	free_table(map_put_u64(&r->tables, shape->id, t));
	r->n_tables++;
	if (!r->is_silent)
		add_table(&r->text, t);
	return t;
}

static void begin(struct ez_out *out, const struct ez_commit *tx)
{
	struct recording *r = recording_of(out);

	ENSURE(!r->is_begun, "begin within a transaction");
	ENSURE(tx->size == sizeof(*tx) && tx->position.bytes.len == 0,
	       "begin with a position");
	r->is_begun = true;
	r->next_seq = 0;
	if (r->is_silent)
		return;
	buf_add_str(&r->text, "begin ");
	add_lsn(&r->text, tx->lsn);
	buf_addf(&r->text, " xid %" PRIu32 "\n", tx->xid);
}

static struct ez_event *event(struct ez_out *out, const struct ez_table *table,
			      uint32_t op, uint32_t n_before, uint32_t n_after)
{
	struct recording *r = recording_of(out);
	struct ez_event *ev = arena_alloc(
		&r->arena, sizeof(*ev) + (n_before + n_after) * sizeof(struct ez_cell));
	struct ez_cell *cells = (void *)(ev + 1);

	*ev = (struct ez_event){
		.size = sizeof(*ev),
		.op = op,
		.table = table,
		.before = n_before ? cells : NULL,
		.after = n_after ? cells + n_before : NULL,
	};
	r->pending = ev;
	return ev;
}

static void add_event(struct recording *r, const struct ez_event *ev)
{
	uint32_t n = ev->table ? ev->table->n_columns : 2;
	struct buf *b = &r->text;

	buf_addf(b, "%c%s%s%s%s%s ", (char)ev->op,
		 ev->flags & EZ_EV_KEY_CHANGED ? "!key" : "",
		 ev->flags & EZ_EV_BEFORE_FULL ? "!full" : "",
		 ev->flags & EZ_EV_CASCADE ? "!cascade" : "",
		 ev->flags & EZ_EV_RESTART_IDENTITY ? "!restart" : "",
		 ev->flags & EZ_EV_NOT_TRANSACTIONAL ? "!lone" : "");
	if (ev->table)
		buf_addf(b, "%.*s.%.*s ", VIEW_ARG(ev->table->schema),
			 VIEW_ARG(ev->table->name));
	buf_add_str(b, "lsn ");
	add_lsn(b, ev->lsn);
	buf_addf(b, " seq %" PRIu64, ev->seq);
	add_cells(b, "before", ev->before, n);
	add_cells(b, "after", ev->after, n);
	buf_add_char(b, '\n');
}

static int emit(struct ez_out *out, struct ez_event *ev, struct ez_error *err)
{
	struct recording *r = recording_of(out);

	(void)err;
	ENSURE(ev == r->pending, "emit of something that is not the newest event");
	ENSURE(r->is_begun, "an event outside a transaction");
	ENSURE(ev->seq == r->next_seq, "seq does not rise by one");
	r->next_seq++;
	r->n_events++;
	r->pending = NULL;
	if (!r->is_silent)
		add_event(r, ev);
	return r->full_after && r->n_events % r->full_after == 0 ? EZ_AGAIN : EZ_OK;
}

static void note_position(struct recording *r, const char *what, struct ez_position p)
{
	ENSURE(p.order > r->last_order, "positions do not rise");
	r->last_order = p.order;
	if (!r->is_silent)
		buf_addf(&r->text, "%s %.*s\n", what, VIEW_ARG(p.bytes));
}

static int commit(struct ez_out *out, struct ez_position position, struct ez_error *err)
{
	struct recording *r = recording_of(out);

	(void)err;
	ENSURE(r->is_begun, "commit outside a transaction");
	r->is_begun = false;
	r->n_commits++;
	note_position(r, "commit", position);
	return EZ_OK;
}

static void idle_at(struct ez_out *out, struct ez_position position)
{
	struct recording *r = recording_of(out);

	ENSURE(!r->is_begun, "idle within a transaction");
	r->n_idle++;
	note_position(r, "idle", position);
}

struct recording *recording_new(const struct ez_option *const *options,
				const struct fake_setting *settings)
{
	struct recording *r = xcalloc(1, sizeof(*r));

	r->fake = fake_host_new(options, settings);
	buf_init(&r->text, TEXT_MAX_BYTES);
	arena_pool_init(&r->pool);
	arena_init(&r->arena, &r->pool, 0);
	r->tables = MAP_INIT;
	r->room = SIZE_MAX;
	r->host = *fake_host_table();
	r->host.room = room;
	r->host.alloc = alloc;
	r->host.adopt = adopt;
	r->host.table = declare;
	r->host.begin = begin;
	r->host.event = event;
	r->host.emit = emit;
	r->host.commit = commit;
	r->host.idle_at = idle_at;
	return r;
}

void recording_free(struct recording *r)
{
	if (!r)
		return;
	map_release(&r->tables, free_table);
	arena_release(&r->arena);
	arena_pool_release(&r->pool);
	buf_release(&r->text);
	fake_host_free(r->fake);
	free(r);
}

const char *recording_take(struct recording *r)
{
	const char *text;

	ENSURE(buf_ok(&r->text), "too much was recorded");
	text = arena_dup(&r->arena, buf_view(&r->text)).ptr;
	buf_reset(&r->text);
	return text;
}

void recording_recycle(struct recording *r)
{
	arena_release(&r->arena);
}
