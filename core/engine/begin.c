/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/begin.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/dead_letter.h"
#include "engine/engine.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/snapshot.h"

int begin_patiently(struct reader *r, int (*step)(struct reader *, void *, struct ez_error *),
		    void *arg, struct ez_error *err)
{
	struct backoff backoff;
	int64_t give_up_us = mono_us() + (r->e->start_by_us - r->e->started_us);
	int64_t since_us = 0;
	unsigned tries = 0;

	backoff_init(&backoff, 250, 5000);
	for (;;) {
		int rc = step(r, arg, err);
		int64_t until;

		if (rc != EZ_E_TRANSIENT) {
			if (rc >= 0)
				engine_note_recovered(r->e, "source", &since_us);
			return rc;
		}
		tries++;
		if (mono_us() > give_up_us || (r->e->opt.impatient && tries >= 3))
			return rc;
		engine_note_retry(r->e, err, "source", &since_us);
		until = mono_us() + (int64_t)backoff_next_ms(&backoff) * US_PER_MS;
		while (mono_us() < until && !engine_is_stopping(r->e))
			sleep_us(20 * US_PER_MS);
		if (engine_is_stopping(r->e))
			return engine_cancelled(err);
	}
}

static int get_info(struct reader *r, void *arg, struct ez_error *err)
{
	return r->ops->info(r->inst, arg, err);
}

struct same_args {
	struct ez_view identity;
	struct ez_position from;
};

static int is_same(struct reader *r, void *arg, struct ez_error *err)
{
	const struct same_args *a = arg;

	return r->ops->same(r->inst, a->identity, a->from, err);
}

static int check_identity(struct reader *r, const struct checkpoint *cp,
			  struct ez_position from, struct ez_error *err)
{
	struct same_args a = { view_str(cp->identity), from };

	if (!cp->identity || !r->ops->same)
		return EZ_OK;
	return begin_patiently(r, is_same, &a, err);
}

struct recovered {
	struct engine *e;
	struct mark mark;
};

static int recover_sink(void *arg, struct ez_error *err)
{
	struct recovered *rec = arg;
	struct lane *l = &rec->e->writer.lane;
	const struct ez_sink *ops = &l->plugin->ops.sink;
	struct ez_position p = { .order = 0 };

	for (;;) {
		int rc = ops->recover ? ops->recover(l->inst, &p, err) : EZ_EOF;

		if (rc == EZ_OK)
			mark_set(&rec->mark, p);
		if (rc != EZ_E_TRANSIENT)
			return rc < 0 ? rc : EZ_OK;
		if (mono_us() > rec->e->start_by_us)
			return rc;
		rc = lane_put_off(l, err);
		if (rc < 0)
			return rc;
	}
}

static void seed_identity(struct checkpoint *cp, void *arg)
{
	const struct ez_source_info *info = arg;

	free(cp->identity);
	cp->identity = view_dup(info->identity);
	if (!str_copy(cp->slot, sizeof(cp->slot), info->slot_name))
		cp->slot[0] = '\0';
}

static void keep_from(struct beginning *p, struct ez_position from)
{
	if (!str_copy(p->from, sizeof(p->from), from.bytes))
		p->from[0] = '\0';
	p->from_order = from.order;
}

static int set_until(struct reader *r, const struct ez_source_info *info, struct ez_error *err)
{
	const char *until = r->e->opt.until;
	struct ez_position p;
	int rc;

	if (!until)
		return EZ_OK;
	if (view_eq_str(view_str(until), "now")) {
		r->until = info->now.order;
		return EZ_OK;
	}
	if (!r->ops->position)
		return host_table.fail(err, EZ_E_CONFIG, "",
				       "this source has no positions to stop at");
	rc = r->ops->position(r->inst, view_str(until), &p, err);
	if (rc >= 0)
		r->until = p.order;
	return rc;
}

static int open_dead_letters(struct engine *e, const struct start *s, struct ez_error *err)
{
	_cleanup_(freep) char *own = state_dir_file(&e->dir, "dead-letter.jsonl");
	const char *path = e->job->errors.path ? e->job->errors.path : own;
	bool stream = s->action == START_STREAM || s->action == START_PUBLISH;

	int rc = dead_letters_open(path, e->job->errors.policy == JOB_POLICY_STOP,
				   e->job->errors.limit, stream ? s->from.order : 0,
				   s->action == START_SNAPSHOT, &e->dead, err);

	if (rc >= 0)
		atomic_store(&e->stats.dead_letters, dead_letters_count(e->dead));
	return rc;
}

static void seed(struct registry *r, const struct told *t)
{
	registry_seed(r, &t->newest->desc, t->before ? &t->before->desc : NULL);
}

static int decide(struct reader *r, struct beginning *plan, struct ez_error *err)
{
	struct engine *e = r->e;
	struct ez_source_info info = { .size = sizeof(info) };
	struct recovered rec = { .e = e };
	struct checkpoint cp;
	struct start_facts facts;
	int rc = writer_call(&e->writer, recover_sink, &rec, err);

	if (rc >= 0)
		rc = begin_patiently(r, get_info, &info, err);
	if (rc < 0)
		return rc;
	log_msg(EZL_INFO, "connected to %.*s", VIEW_ARG(info.server));
	keeper_peek(&e->keeper, &cp);
	facts = (struct start_facts){
		.cp = &cp,
		.recovered = mark_is_set(&rec.mark) ? mark_position(&rec.mark) :
						      (struct ez_position){ .order = 0 },
		.sink_keeps = plugin_can(e->job->sink.plugin, EZ_CAP_POSITION),
		.info = &info,
		.snapshot = e->job->snapshot,
		.again = e->opt.again,
		.job = e->job->name,
	};
	rc = start_decide(&facts, &plan->start, err);
	if (rc >= 0)
		rc = set_until(r, &info, err);
	if (rc < 0)
		return rc;
	keep_from(plan, plan->start.from);
	plan->start.from.bytes = view_str(plan->from);
	for (size_t i = 0; i < cp.n_tables; i++)
		seed(&e->registry, &cp.tables[i]);
	rc = open_dead_letters(e, &plan->start, err);
	if (rc >= 0 && !cp.identity)
		rc = keeper_change(&e->keeper, seed_identity, &info, err);
	return rc < 0 ? rc : check_identity(r, &cp, plan->start.from, err);
}

static void set_start(struct checkpoint *cp, void *arg)
{
	const struct beginning *p = arg;

	cp->phase = PHASE_STREAMING;
	if (!checkpoint_resume(cp))
		mark_set(&cp->start, (struct ez_position){ view_str(p->from), p->from_order });
}

static int get_ready(struct reader *r, struct beginning *plan, struct ez_error *err)
{
	struct ez_position from = plan->start.from;
	int rc = EZ_OK;

	switch (plan->start.action) {
	case START_SNAPSHOT:
		rc = snapshot_run(r, &plan->start, &from, plan->from, err);
		plan->from_order = from.order;
		plan->done = r->e->job->snapshot == JOB_SNAPSHOT_ONLY;
		break;
	case START_SLOT:
		rc = snapshot_slot_only(r, &plan->start, &from, plan->from, err);
		plan->from_order = from.order;
		break;
	case START_PUBLISH:
		rc = snapshot_publish(r, err);
		break;
	case START_STREAM:
		if (plan->start.first)
			log_msg(EZL_NOTICE, "no checkpoint yet: starting where the slot stands "
				"position=%s", plan->from);
		rc = keeper_change(&r->e->keeper, set_start, plan, err);
		break;
	}
	if (r->until && r->until < plan->from_order)
		r->until = plan->from_order;
	return rc;
}

int begin_job(struct reader *r, struct beginning *ret, struct ez_error *err)
{
	int rc = decide(r, ret, err);

	return rc < 0 ? rc : get_ready(r, ret, err);
}
