/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/snapshot.h"

#include <string.h>

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/begin.h"
#include "engine/copier.h"
#include "engine/dead_letter.h"
#include "engine/engine.h"
#include "engine/job.h"
#include "engine/loader.h"

/*
 * The steps, and what a crash after each of them finds.
 *
 *  1 checkpoint: CREATING         nothing yet, or a slot of ours: drop it, begin again
 *  2 slot and exported snapshot
 *  3 checkpoint: SNAPSHOT         the copy is partial: drop the slot, the sink empties what
 *  4 parts are copied             this job copied, begin again
 *  5 checkpoint: PUBLISHING       the copy is whole and durable: go on with 6
 *  6 the sink shows it            (safe to repeat)
 *  7 checkpoint: STREAMING        resume from the consistent point
 *
 * The exported snapshot lives as long as the session that made the slot, so losing that
 * session, or the server, is the same as a crash in 4: all parts are copied again under a
 * new slot. Nothing was lost or shown, because nobody has seen the partial copy.
 */
enum {
	IDLE_MS = 100,
	MAX_RESTARTS = 20, /* for reasons other than an unreachable server */
};

struct snapshot {
	struct reader *r;
	struct engine *e;
	const struct ez_source *source;
	bool only;              /* snapshot = "only": a temporary slot */
	bool restart;
	uint32_t prepare_flags;
	struct ez_prepared prepared;
	struct ez_plan plan;
	struct ez_snapshot pub;
	char *position;         /* text of the consistent point */
	uint64_t order;
};

/* ---------------------------------------------------------------------- checkpoints */

struct phase_change {
	enum phase phase;
	uint64_t snapshot;
	struct ez_position start;
	struct engine *e;
};

static void change_phase(struct checkpoint *cp, void *arg)
{
	const struct phase_change *c = arg;

	cp->phase = c->phase;
	if (c->snapshot > 0)
		cp->snapshot = c->snapshot;
	if (c->start.bytes.len > 0)
		mark_set(&cp->start, c->start);
}

static int set_phase(struct engine *e, enum phase phase, uint64_t number,
		     struct ez_position start, struct ez_error *err)
{
	struct phase_change c = { phase, number, start, e };

	return keeper_change(&e->keeper, change_phase, &c, err);
}

static const struct ez_position nowhere;

/* ----------------------------------------------------------------- the sink's share */

struct begin {
	struct engine *e;
	const struct ez_snapshot *pub;
	const struct ez_table *table; /* NULL: the end */
};

static int call_sink(void *arg, struct ez_error *err)
{
	const struct begin *b = arg;
	struct lane *l = &b->e->writer.lane;
	const struct ez_sink *ops = &l->plugin->ops.sink;

	for (;;) {
		int rc = EZ_OK;

		if (b->table && ops->snapshot_begin)
			rc = ops->snapshot_begin(l->inst, b->pub, b->table, err);
		else if (!b->table && ops->snapshot_end)
			rc = ops->snapshot_end(l->inst, b->pub, err);
		if (rc != EZ_E_TRANSIENT)
			return rc;
		rc = lane_put_off(l, err);
		if (rc < 0)
			return rc;
	}
}

static int begin_tables(struct snapshot *s, struct ez_error *err)
{
	const struct ez_table *last = NULL;

	for (size_t i = 0; i < s->plan.n; i++) {
		struct begin b = { s->e, &s->pub, out_final(s->plan.parts[i]->table) };
		int rc = EZ_OK;

		if (b.table != last)
			rc = writer_call(&s->e->writer, call_sink, &b, err);
		if (rc < 0)
			return rc;
		last = b.table;
	}
	return EZ_OK;
}

static int show(struct engine *e, const struct ez_snapshot *pub, struct ez_error *err)
{
	struct begin b = { e, pub, NULL };
	int rc = writer_call(&e->writer, call_sink, &b, err);

	KILL_POINT("snapshot-published");
	return rc < 0 ? rc : EZ_OK;
}

/* ----------------------------------------------------------------------- one attempt */

static int prepare(struct snapshot *s, struct ez_error *err)
{
	uint32_t flags = s->prepare_flags | EZ_PREPARE_SNAPSHOT;
	int rc;

	if (s->only)
		flags |= EZ_PREPARE_TEMPORARY;
	if (!s->only) {
		rc = set_phase(s->e, PHASE_CREATING, 0, nowhere, err);
		if (rc < 0)
			return rc;
	}
	s->prepared = (struct ez_prepared){ .size = sizeof(s->prepared) };
	rc = s->source->prepare(s->r->inst, flags, &s->prepared, err);
	if (rc < 0)
		return rc;
	KILL_POINT("after-slot");
	s->order = s->prepared.position.order;
	if (!str_copy(s->position, EZ_POSITION_MAX + 1, s->prepared.position.bytes))
		return host_table.fail(err, EZ_E_FATAL, "", "the source's position is too long");
	s->pub.position = (struct ez_position){ view_str(s->position), s->order };
	return set_phase(s->e, PHASE_SNAPSHOT, s->pub.number, s->pub.position, err);
}

static void expect(struct snapshot *s)
{
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct ez_part *p = s->plan.parts[i];
		struct table_stats *t = copy_stats(s->e, p);

		atomic_store(&t->parts, 0);
		atomic_store(&t->parts_done, 0);
		atomic_store(&t->copied_rows, 0);
		atomic_store(&t->estimated_rows, 0);
		atomic_store(&t->estimated_bytes, 0);
	}
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct ez_part *p = s->plan.parts[i];
		struct table_stats *t = copy_stats(s->e, p);

		atomic_store(&t->state, TABLE_WAITING);
		atomic_fetch_add(&t->parts, 1);
		atomic_fetch_add(&t->estimated_rows, MAX(p->rows_estimate, (int64_t)0));
		atomic_fetch_add(&t->estimated_bytes, MAX(p->bytes_estimate, (int64_t)0));
	}
}

static void release_tables(struct snapshot *s, const struct copy *c, bool *told)
{
	for (size_t i = 0; s->source->table_done && i < s->plan.n; i++) {
		uint32_t t = c->table_of_part[i];

		if (told[t] || atomic_load(&c->left[t]) > 0)
			continue;
		told[t] = true;
		s->source->table_done(s->r->inst, s->plan.parts[i]->table->id);
	}
}

/* The source's sessions are kept alive here while copiers work. */
static int watch(struct snapshot *s, struct copy *c, struct ez_error *err)
{
	_cleanup_(freep) bool *told = xcalloc(s->plan.n + 1, sizeof(*told));
	size_t seen = 0;

	while (atomic_load(&c->running) > 0) {
		int rc = s->source->idle ? s->source->idle(s->r->inst, IDLE_MS, err) : EZ_OK;

		if (!s->source->idle)
			sleep_us(IDLE_MS * US_PER_MS);
		if (rc < 0) {
			copy_cancel(c);
			return rc;
		}
		if (engine_is_stopping(s->e))
			copy_cancel(c);
		if (atomic_load(&c->parts_done) != seen) {
			seen = atomic_load(&c->parts_done);
			release_tables(s, c, told);
		}
	}
	return EZ_OK;
}

static int copy_all(struct snapshot *s, struct ez_error *err)
{
	struct ez_error watched = ERROR_INIT;
	struct copy c = {
		.e = s->e,
		.plan = &s->plan,
		.snapshot = s->prepared.snapshot,
		.bell = &s->e->done,
	};
	int rc = copy_start(&c, err), watch_rc = EZ_OK;

	if (rc < 0)
		copy_cancel(&c);
	watch_rc = watch(s, &c, &watched);
	rc = copy_finish(&c, err);
	if (watch_rc < 0 && (rc >= 0 || rc == EZ_E_CANCELLED)) {
		*err = watched;
		rc = watch_rc;
	}
	return rc;
}

static int attempt(struct snapshot *s, struct ez_error *err)
{
	int rc = prepare(s, err);

	if (rc >= 0)
		rc = s->source->plan(s->r->inst, &s->plan, &s->r->out, err);
	if (rc != EZ_OK)
		return rc;
	expect(s);
	rc = begin_tables(s, err);
	if (rc >= 0)
		rc = copy_all(s, err);
	return rc;
}

static void clean_up(struct snapshot *s)
{
	plan_release(&s->plan);
	if (s->source->snapshot_done)
		s->source->snapshot_done(s->r->inst);
}

/* What to do after a failed attempt: EZ_OK is "again". */
static int again(struct snapshot *s, int rc, unsigned tries, struct backoff *backoff,
		 struct ez_error *err)
{
	bool may = rc == EZ_E_TRANSIENT || rc == EZ_AGAIN || rc == EZ_E_GONE;
	int64_t until;

	if (engine_is_stopping(s->e) && may)
		return engine_cancelled(err);
	if (!may || (rc != EZ_E_TRANSIENT && tries > MAX_RESTARTS))
		return rc == EZ_AGAIN ? host_table.fail(err, EZ_E_CONFIG, "",
							"tables keep being rewritten while the "
							"snapshot is set up") :
					rc;
	log_msg(EZL_WARNING, "snapshot begins again: %s",
		rc == EZ_AGAIN ? "a table was rewritten while it was set up" : err->text);
	stats_error(&s->e->stats, err);
	rc = dead_letters_forget_snapshot(s->e->dead, err);
	if (rc < 0)
		return rc;
	atomic_store(&s->e->stats.dead_letters, dead_letters_count(s->e->dead));
	s->restart = s->pub.number > 0;
	s->prepare_flags = s->only ? 0 : EZ_PREPARE_DROP;
	until = mono_us() + (int64_t)backoff_next_ms(backoff) * US_PER_MS;
	while (mono_us() < until && !engine_is_stopping(s->e))
		sleep_us(20 * US_PER_MS);
	return engine_is_stopping(s->e) ? engine_cancelled(err) : EZ_OK;
}

/*
 * An operator must act first, perhaps for days: the half-made slot would keep the server's
 * log all that time, and nothing depends on it yet.
 */
static void leave_nothing(struct snapshot *s, int rc)
{
	struct ez_error err = ERROR_INIT;

	if (s->only || !s->source->drop || (rc != EZ_E_CONFIG && rc != EZ_E_PERMISSION))
		return;
	if (s->source->drop(s->r->inst, &err) < 0)
		log_msg(EZL_WARNING, "the slot of the unfinished snapshot is still there: %s",
			err.text);
}

static int finish(struct snapshot *s, struct ez_error *err)
{
	int rc = set_phase(s->e, PHASE_PUBLISHING, 0, nowhere, err);

	if (rc >= 0)
		rc = show(s->e, &s->pub, err);
	if (rc >= 0)
		rc = set_phase(s->e, s->only ? PHASE_COPIED : PHASE_STREAMING, 0, nowhere, err);
	return rc;
}

int snapshot_run(struct reader *r, const struct start *start, struct ez_position *ret_from,
		 char *text, struct ez_error *err)
{
	struct checkpoint cp;
	struct snapshot s = {
		.r = r,
		.e = r->e,
		.source = r->ops,
		.only = r->e->job->snapshot == JOB_SNAPSHOT_ONLY,
		.prepare_flags = start->drop_slot ? EZ_PREPARE_DROP : 0,
		.position = text,
	};
	struct backoff backoff;
	int64_t began_us = mono_us();
	int rc;

	keeper_peek(&r->e->keeper, &cp);
	s.pub = (struct ez_snapshot){
		.size = sizeof(s.pub),
		.number = start->restart ? cp.snapshot : cp.snapshot + 1,
		.restart = start->restart,
		.append = r->e->job->append,
	};
	backoff_init(&backoff, 200, 10000);
	engine_set_state(r->e, RUN_SNAPSHOT);
	for (unsigned tries = 1;; tries++) {
		rc = attempt(&s, err);
		clean_up(&s);
		if (rc == EZ_OK)
			break;
		rc = again(&s, rc, tries, &backoff, err);
		if (rc < 0) {
			leave_nothing(&s, rc);
			return rc;
		}
		s.pub.restart = 1;
	}
	rc = finish(&s, err);
	if (rc < 0)
		return rc;
	log_msg(EZL_INFO, "snapshot %llu is complete position=%s seconds=%.1f",
		(unsigned long long)s.pub.number, text,
		(double)(mono_us() - began_us) / US_PER_SEC);
	*ret_from = s.pub.position;
	return EZ_OK;
}

struct making {
	uint32_t flags;
	struct ez_prepared prepared;
};

static int make_slot(struct reader *r, void *arg, struct ez_error *err)
{
	struct making *m = arg;
	uint32_t flags = m->flags;

	m->flags = EZ_PREPARE_DROP; /* what an attempt that was cut short may leave */
	return r->ops->prepare(r->inst, flags, &m->prepared, err);
}

int snapshot_slot_only(struct reader *r, const struct start *start,
		       struct ez_position *ret_from, char *text, struct ez_error *err)
{
	struct making m = { .flags = start->drop_slot ? EZ_PREPARE_DROP : 0,
			    .prepared = { .size = sizeof(m.prepared) } };
	int rc = set_phase(r->e, PHASE_CREATING, 0, nowhere, err);

	if (rc >= 0)
		rc = begin_patiently(r, make_slot, &m, err);
	if (rc < 0)
		return rc;
	if (!str_copy(text, EZ_POSITION_MAX + 1, m.prepared.position.bytes))
		return host_table.fail(err, EZ_E_FATAL, "", "the source's position is too long");
	if (r->ops->snapshot_done)
		r->ops->snapshot_done(r->inst);
	*ret_from = (struct ez_position){ view_str(text), m.prepared.position.order };
	return set_phase(r->e, PHASE_STREAMING, 0, *ret_from, err);
}

int snapshot_publish(struct reader *r, struct ez_error *err)
{
	struct checkpoint cp;
	struct ez_snapshot pub = { .size = sizeof(pub) };
	int rc;

	keeper_peek(&r->e->keeper, &cp);
	pub.number = cp.snapshot;
	pub.position = mark_position(&cp.start);
	pub.append = r->e->job->append;
	rc = show(r->e, &pub, err);
	if (rc >= 0)
		rc = set_phase(r->e, PHASE_STREAMING, 0, nowhere, err);
	return rc;
}
