/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/out.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "engine/problems.h"

/*
 * How a batch ends.
 *
 * The limit on bytes is looked at when a transaction ends, so batches are cut between
 * transactions and run a little over the limit. A single transaction that passes `tx_bytes`
 * is cut where it stands: the batch is marked EZ_BATCH_OPEN, the next one
 * EZ_BATCH_CONTINUED, and its commit entry has no position until the last part. With
 * tx_bytes equal to bytes a batch is at most twice the limit, which is half the memory of
 * the job (R10), so a source that waits for room inside a transaction always gets it once
 * earlier batches are durable.
 *
 * What a source allocates between two emits belongs to the next event. When a transform
 * drops that event the arena goes back to where it was, so a filter that drops everything
 * costs no memory. That needs no bookkeeping beyond one pointer: if the arena still stands
 * in the same chunk and adopted nothing, its cursor is set back.
 */

/* What the source declared, what leaves the transforms, and the way between. */
struct entry {
	struct table *in;
	struct table *final;
	struct chain_plan plan;
	uint64_t held_in;            /* number of the batch that has a reference to `final` */
	struct entry *next_touched;
	uint32_t rows[OUT_OPS];      /* of that batch */
};

int out_op_index(uint32_t op)
{
	static const char ops[] = "rcudtm";
	const char *p = strchr(ops, (int)op);

	return p && op ? (int)(p - ops) : OUT_OPS - 1;
}

void out_init(struct ez_out *o, struct batch_pool *pool, struct budget *budget,
	      struct registry *registry)
{
	*o = (struct ez_out){
		.pool = pool,
		.budget = budget,
		.registry = registry,
		.entries = MAP_INIT,
		.limits = { SIZE_MAX, SIZE_MAX, SIZE_MAX, 0 },
		.next_number = 1,
	};
	o->chain.uids = registry;
}

/* Takes what is counted so far out of the way before the entry goes. */
static void entry_forget(struct ez_out *o, struct entry *e)
{
	struct entry **at = &o->touched;

	while (*at && *at != e)
		at = &(*at)->next_touched;
	if (!*at)
		return;
	*at = e->next_touched;
	o->ops->counted(o->arg, &e->final->desc, e->rows);
}

static void entry_free(void *p)
{
	struct entry *e = p;

	chain_plan_release(&e->plan);
	table_unref(e->in);
	table_unref(e->final);
	free(e);
}

void out_release(struct ez_out *o)
{
	map_release(&o->entries, entry_free);
	batch_free(o->pool, o->batch);
	o->batch = NULL;
	chain_release(&o->chain);
}

bool out_is_whole(const struct ez_out *o)
{
	return o->batch && !o->batch->tx_open && o->batch->n_commits > 0;
}

int64_t out_due_us(const struct ez_out *o)
{
	return o->batch ? o->batch->first_us + o->limits.age_us : INT64_MAX;
}

static struct batch *need_batch(struct ez_out *o)
{
	if (!o->batch) {
		o->batch = batch_new(o->pool, o->budget);
		o->batch->first_us = mono_us();
		o->tx_start = 0;
		o->mark = NULL;
	}
	return o->batch;
}

static void report_counts(struct ez_out *o)
{
	for (struct entry *e = o->touched; e; e = e->next_touched) {
		o->ops->counted(o->arg, &e->final->desc, e->rows);
		memset(e->rows, 0, sizeof(e->rows));
	}
	o->touched = NULL;
}

static void hand_over(struct ez_out *o)
{
	struct batch *b = o->batch;
	uint32_t flags = o->is_snapshot ? EZ_BATCH_SNAPSHOT : 0;

	if (o->is_continued)
		flags |= EZ_BATCH_CONTINUED;
	report_counts(o);
	batch_seal(b, o->next_number++, flags, o->part);
	o->is_continued = b->tx_open;
	if (o->tx)
		o->tx_copy = *o->tx;
	o->tx = NULL;
	o->batch = NULL;
	o->ops->batch(o->arg, b);
}

void out_cut(struct ez_out *o)
{
	if (o->batch && o->batch->n_commits > 0)
		hand_over(o);
}

void out_finish(struct ez_out *o)
{
	if (!o->batch)
		return;
	if (batch_cut_open(o->batch)) {
		hand_over(o);
	} else {
		batch_free(o->pool, o->batch);
		o->batch = NULL;
	}
	o->tx = NULL;
}

size_t out_room(const struct ez_out *o)
{
	return MAX(budget_room(o->budget), o->room_floor);
}

void *out_alloc(struct ez_out *o, size_t n)
{
	return arena_alloc(&need_batch(o)->arena, n);
}

void out_adopt(struct ez_out *o, void *mem, size_t n, void (*release)(void *))
{
	arena_adopt(&need_batch(o)->arena, mem, n, release);
	o->mark = NULL;
}

/* Tells the sink about the shape that leaves the transforms, after everything that came
 * before it. */
static struct table *announce(struct ez_out *o, const struct entry *e, uint64_t lsn)
{
	struct ez_table shape = *chain_plan_shape(&e->plan, &e->in->desc);
	struct table *t, *before;
	bool news = false;

	shape.lsn = lsn;
	t = registry_intern(o->registry, &shape, &news, &before);
	if (news)
		o->ops->news(o->arg, before, table_ref(t));
	else
		table_unref(before);
	if (t->is_past)
		o->past = MAX(o->past, registry_past(o->registry, shape.id));
	return t;
}

static struct entry *entry_new(struct ez_out *o, const struct ez_table *shape,
			       struct ez_error *err)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	e->in = table_new(shape, registry_uid(o->registry), shape->version);
	e->in->owner = e;
	if (chain_plan_make(&o->chain, &e->in->desc, &e->plan, err) < 0) {
		entry_free(e);
		return NULL;
	}
	e->final = announce(o, e, e->in->desc.lsn);
	return e;
}

static void entry_replace(struct ez_out *o, struct entry *old)
{
	if (!old)
		return;
	entry_forget(o, old);
	entry_free(old);
}

const struct ez_table *out_table(struct ez_out *o, const struct ez_table *shape,
				 struct ez_error *err)
{
	struct entry *e = map_get_u64(&o->entries, shape->id);

	if (e && table_is_same(&e->in->desc, shape))
		return &e->in->desc;
	e = entry_new(o, shape, err);
	if (!e)
		return NULL;
	entry_replace(o, map_put_u64(&o->entries, shape->id, e));
	return &e->in->desc;
}

static void set_mark(struct ez_out *o)
{
	o->mark = o->batch->arena.pos;
	o->mark_bytes = arena_bytes(&o->batch->arena);
}

static void take_back(struct ez_out *o)
{
	struct arena *a = &o->batch->arena;

	if (o->mark && arena_bytes(a) == o->mark_bytes)
		a->pos = o->mark;
	set_mark(o);
}

const struct ez_table *out_final(const struct ez_table *declared)
{
	const struct entry *e = table_of(declared)->owner;

	return &e->final->desc;
}

/* No shape is past its time. The source declares one as it comes again; this is for those
 * that it had no reason to. */
static void end_past(struct ez_out *o, uint64_t lsn)
{
	o->past = 0;
	map_for_each (m, &o->entries) {
		struct entry *e = m->value;

		if (!e->final->is_past)
			continue;
		entry_forget(o, e);
		table_unref(e->final);
		e->final = announce(o, e, lsn);
		e->held_in = 0;
		memset(e->rows, 0, sizeof(e->rows));
	}
}

void out_begin(struct ez_out *o, const struct ez_commit *tx)
{
	struct batch *b;

	if (UNLIKELY(o->past > 0 && tx->lsn > o->past))
		end_past(o, tx->lsn);
	b = need_batch(o);
	o->tx = batch_begin(b, tx);
	o->tx_start = arena_used_bytes(&b->arena);
	set_mark(o);
}

/* The transaction goes on in a new batch. */
static void resume_tx(struct ez_out *o)
{
	o->tx = batch_begin(need_batch(o), &o->tx_copy);
	o->tx_start = 0;
	set_mark(o);
}

static struct ez_event *new_event(struct ez_out *o, const struct ez_table *t, uint32_t op,
				  uint32_t n_before, uint32_t n_after)
{
	size_t cells = ((size_t)n_before + n_after) * sizeof(struct ez_cell);
	struct ez_event *ev;
	struct ez_cell *cell;

	if (UNLIKELY(!o->tx))
		resume_tx(o);
	ev = arena_alloc(&o->batch->arena, sizeof(*ev) + cells);
	cell = (struct ez_cell *)(ev + 1);
	o->entry = t ? table_of(t)->owner : NULL;
	*ev = (struct ez_event){
		.size = sizeof(*ev),
		.op = op,
		.table = o->entry ? &o->entry->final->desc : NULL,
		.before = n_before ? cell : NULL,
		.after = n_after ? cell + n_before : NULL,
		.tx = o->tx,
	};
	return ev;
}

static bool is_barrier(const struct ez_out *o, uint32_t op)
{
	return op == EZ_OP_TRUNCATE && o->wants_barriers;
}

struct ez_event *out_event(struct ez_out *o, const struct ez_table *t, uint32_t op,
			   uint32_t n_before, uint32_t n_after)
{
	if (UNLIKELY(is_barrier(o, op)) && o->batch && o->batch->n_events > 0) {
		hand_over(o);
		o->ops->barrier(o->arg);
	}
	return new_event(o, t, op, n_before, n_after);
}

/* The dead letter of an event that was not transformed to the end names its place only: a
 * value may be one that a later transform was to hide. */
static int reject(struct ez_out *o, struct ez_event *ev, struct ez_error *err)
{
	ev->before = NULL;
	ev->after = NULL;
	return o->ops->reject(o->arg, ev, err) < 0 ? EZ_E_DATA : EZ_SKIP;
}

static int transform(struct ez_out *o, struct ez_event *ev, struct ez_error *err)
{
	int rc = o->entry ? chain_apply(&o->entry->plan, ev, o, err) :
			    chain_apply_message(&o->chain, ev, o, err);

	if (rc == EZ_E_DATA)
		rc = reject(o, ev, err);
	if (rc == EZ_OK && o->entry)
		ev->table = &o->entry->final->desc;
	return rc;
}

static const struct ez_column *broken_column(const struct ez_table *t,
					     const struct ez_cell *cells)
{
	for (uint32_t i = 0; cells && i < t->n_columns; i++)
		if (cells[i].kind == EZ_CELL_TEXT &&
		    !utf8_is_valid(view_of(cells[i].ptr, cells[i].len)))
			return t->columns[i];
	return NULL;
}

/* A source whose text may be anything: what is not UTF-8 goes no further. */
static int check_text(struct ez_out *o, struct ez_event *ev, struct ez_error *err)
{
	const struct ez_column *c = broken_column(&o->entry->in->desc, ev->after);

	if (!c)
		c = broken_column(&o->entry->in->desc, ev->before);
	if (!c)
		return EZ_OK;
	error_fill(err, EZ_E_DATA, "22021", "%.*s.%.*s: column %.*s holds bytes that are not UTF-8",
		   VIEW_ARG(o->entry->in->desc.schema), VIEW_ARG(o->entry->in->desc.name),
		   VIEW_ARG(c->name));
	return o->ops->reject(o->arg, ev, err) < 0 ? EZ_E_DATA : EZ_SKIP;
}

static bool has_transforms(const struct ez_out *o)
{
	return o->entry ? o->entry->plan.n_links > 0 : o->chain.n > 0;
}

/* It was durable before the sink heard of a newer shape. */
static int pass_over(struct ez_out *o, const struct ez_event *ev, struct ez_error *err)
{
	int rc = o->ops->passed_over ? o->ops->passed_over(o->arg, ev, err) : EZ_OK;

	return rc < 0 ? rc : EZ_SKIP;
}

static int prepare(struct ez_out *o, struct ez_event *ev, struct ez_error *err)
{
	int rc = EZ_OK;

	if (UNLIKELY(o->entry && o->entry->final->is_past))
		return pass_over(o, ev, err);
	if (UNLIKELY(ev->flags & EZ_EV_UNCHECKED_TEXT) && o->entry)
		rc = check_text(o, ev, err);
	if (rc == EZ_OK && has_transforms(o))
		rc = transform(o, ev, err);
	return rc;
}

/* The first event of this table in the batch. */
static void touch(struct ez_out *o, struct entry *e)
{
	batch_hold(o->batch, e->final);
	e->held_in = o->next_number;
	e->next_touched = o->touched;
	o->touched = e;
}

static bool is_over(const struct ez_out *o)
{
	const struct batch *b = o->batch;

	return arena_used_bytes(&b->arena) - o->tx_start >= o->limits.tx_bytes ||
	       b->n_events >= o->limits.rows * 2;
}

int out_emit(struct ez_out *o, struct ez_event *ev, struct ez_error *err)
{
	struct batch *b = o->batch;

	int rc = prepare(o, ev, err);

	if (UNLIKELY(rc != EZ_OK)) {
		take_back(o);
		return rc == EZ_SKIP ? EZ_OK : rc;
	}
	if (o->entry) {
		if (UNLIKELY(o->entry->held_in != o->next_number))
			touch(o, o->entry);
		o->entry->rows[out_op_index(ev->op)]++;
	}
	batch_add_event(b, ev);
	o->tx->n_events++;
	batch_account(b);
	set_mark(o);
	if (UNLIKELY(is_barrier(o, ev->op))) {
		hand_over(o);
		o->ops->barrier(o->arg);
		return EZ_AGAIN;
	}
	if (UNLIKELY(is_over(o))) {
		hand_over(o);
		return EZ_AGAIN;
	}
	return EZ_OK;
}

static bool wants_control(const struct ez_out *o)
{
	return o->reached || atomic_load_explicit(&o->attention, memory_order_relaxed) ||
	       mono_us() >= out_due_us(o);
}

int out_commit(struct ez_out *o, struct ez_position p, struct ez_error *err)
{
	struct batch *b;

	(void)err;
	if (!o->tx)
		resume_tx(o);
	b = o->batch;
	batch_commit(b, p);
	batch_account(b);
	set_mark(o);
	o->tx = NULL;
	if (o->until && p.order >= o->until)
		o->reached = true;
	if (arena_used_bytes(&b->arena) >= o->limits.bytes || b->n_events >= o->limits.rows) {
		hand_over(o);
		return EZ_AGAIN;
	}
	return wants_control(o) ? EZ_AGAIN : EZ_OK;
}

void out_idle_at(struct ez_out *o, struct ez_position p)
{
	size_t len = MIN(p.bytes.len, (size_t)EZ_POSITION_MAX);

	if (o->idle.bytes.len && p.order <= o->idle.order)
		return;
	memcpy(o->idle_text, p.bytes.ptr, len);
	o->idle_text[len] = '\0';
	o->idle = (struct ez_position){ view_of(o->idle_text, len), p.order };
	o->idle_is_news = true;
	if (o->until && p.order >= o->until)
		o->reached = true;
}
