/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "convert.h"
#include "ddl.h"

static const char *const state_names[_ALTER_STATE_MAX] = {
	[ALTER_PENDING] = "PENDING",     [ALTER_WAITING_TXN] = "WAITING_TXN",
	[ALTER_RUNNING] = "RUNNING",     [ALTER_FINISHED] = "FINISHED",
	[ALTER_CANCELLED] = "CANCELLED",
};

const char *alter_state_to_str(enum alter_state state)
{
	return state_names[state];
}

void alter_job_free(struct alter_job *job)
{
	schema_free(job->target);
	free(job->table_name);
	free(job->message);
	free(job);
}

/* --------------------------------------------------------------- the data */

struct conversion {
	const struct profile *profile;
	const struct column_type *from, *to;
	bool failed;
};

/* The old canonical text read as a literal of the new type. */
static bool convert_cell(void *arg, struct ez_view old, struct buf *out)
{
	struct conversion *c = arg;

	if (c->from->kind == TYPE_DATETIME && c->to->kind == TYPE_DATE)
		old.len = MIN(old.len, (size_t)10);
	if (convert_literal(c->profile, c->to, old, out))
		return true;
	c->failed = true;
	return false;
}

static const struct column *column_by_id(const struct schema *s, unsigned id)
{
	for (size_t i = 0; id && i < s->n_columns; i++)
		if (s->columns[i].id == id)
			return &s->columns[i];
	return NULL;
}

/* Whether every value fits; nothing is changed then if not. */
static bool can_convert(const struct table *t, const struct column *column,
			struct conversion *c)
{
	_cleanup_(buf_release) struct buf scratch = BUF_INIT(UINT32_MAX);

	map_for_each(e, &t->rows) {
		struct ez_view value;

		buf_reset(&scratch);
		if (row_cell(e->value, column, &value) &&
		    !convert_cell(c, value, &scratch))
			return false;
	}
	return true;
}

/* Rewrites the columns whose type differs in `target`. */
static bool rewrite_rows(struct table *t, const struct schema *target)
{
	const struct profile *profile = &t->db->cluster->profile;

	for (size_t i = 0; i < target->n_columns; i++) {
		const struct column *old = column_by_id(t->schema, target->columns[i].id);
		struct conversion c = {
			.profile = profile,
			.to = &target->columns[i].type,
		};

		if (!old || column_type_eq(&old->type, c.to) ||
		    ddl_is_widening(&old->type, c.to))
			continue;
		c.from = &old->type;
		if (!can_convert(t, old, &c))
			return false;
		table_rewrite(t, old->id, convert_cell, &c);
	}
	return true;
}

/* ------------------------------------------------------------------- jobs */

static void end_job(struct alter_job *job, enum alter_state state)
{
	job->state = state;
	job->finished_us = now_us();
	if (job->table->alter == job)
		job->table->alter = NULL;
	cluster_changed(job->table->db->cluster);
}

void alter_job_cancel(struct alter_job *job, const char *why)
{
	free(job->message);
	job->message = xstrdup(why);
	schema_free(job->target);
	job->target = NULL;
	end_job(job, ALTER_CANCELLED);
}

static void finish_job(struct alter_job *job)
{
	if (!rewrite_rows(job->table, job->target)) {
		alter_job_cancel(job,
				 "alter task failed: a value does not fit the new type");
		return;
	}
	table_set_schema(job->table, TAKE_PTR(job->target));
	end_job(job, ALTER_FINISHED);
}

/* Whether what older transactions have committed is not all visible. */
static bool has_unpublished(const struct table *t, int64_t txn_id)
{
	for (size_t i = t->n_published; i < t->n_versions; i++)
		if (t->versions[i]->txn_id < txn_id)
			return true;
	return false;
}

/* One step; false when the job has to wait. */
static bool step_job(struct alter_job *job, int64_t now_ms)
{
	int64_t pending_ms = job->duration_ms / 4;

	if (now_ms - job->created_ms >= job->timeout_ms) {
		alter_job_cancel(job, "schema change job timeout");
		return false;
	}
	switch (job->state) {
	case ALTER_PENDING:
		if (now_ms - job->created_ms < pending_ms)
			return false;
		job->state = ALTER_WAITING_TXN;
		return true;
	case ALTER_WAITING_TXN:
		if (table_has_running_txn(job->table, job->txn_id) ||
		    has_unpublished(job->table, job->txn_id)) {
			job->has_waited = true;
			return false;
		}
		job->state = ALTER_RUNNING;
		job->running_ms = job->has_waited ? now_ms : job->created_ms + pending_ms;
		return true;
	case ALTER_RUNNING:
		if (job->is_stuck ||
		    now_ms - job->running_ms < job->duration_ms - pending_ms)
			return false;
		if (job->will_cancel)
			alter_job_cancel(job, "alter task failed: ordered by the test");
		else
			finish_job(job);
		return false;
	default:
		return false;
	}
}

void ddl_tick(struct cluster *c, int64_t now_ms)
{
	for (size_t i = 0; i < c->n_all_tables; i++) {
		struct table *t = c->all_tables[i];

		if (!t->alter)
			continue;
		if (t->dropped)
			alter_job_cancel(t->alter, "the table has been dropped");
		else
			while (step_job(t->alter, now_ms))
				continue;
	}
}

/* A schema change that is over before its statement is answered. */
static bool begins_finished(struct cluster *c, const struct alter_job *job, bool is_fast)
{
	return is_fast && c->settings.alter_is_sync && !job->is_stuck &&
	       !job->will_cancel && job->duration_ms == c->settings.alter_ms;
}

static void order_misbehaviour(struct alter_job *job)
{
	struct cluster *c = job->table->db->cluster;
	struct fault_subject subject = { .node = "", .subject = job->table_name };
	struct fault fault;

	job->is_stuck = fault_take(c, "alter_stuck", &subject, &fault);
	job->will_cancel = fault_take(c, "alter_cancel", &subject, &fault);
	job->is_hidden = fault_take(c, "alter_hidden", &subject, &fault);
	if (fault_take(c, "alter_slow", &subject, &fault))
		job->duration_ms = fault.ms;
}

void alter_job_begin(struct table *t, struct schema *target, bool is_fast,
		     int64_t timeout_ms)
{
	struct cluster *c = t->db->cluster;
	struct alter_job *job = xcalloc(1, sizeof(*job));

	*job = (struct alter_job){
		.table = t,
		.id = cluster_next_id(c),
		.table_name = xstrdup(t->name),
		.target = target,
		.txn_id = c->next_txn_id++,
		.created_ms = cluster_now_ms(c),
		.created_us = now_us(),
		.duration_ms = c->settings.alter_ms,
		.timeout_ms = timeout_ms,
	};
	target->version = t->schema->version + 1;
	list_add_tail(&t->alters, &job->link);
	order_misbehaviour(job);
	if (begins_finished(c, job, is_fast)) {
		finish_job(job);
		return;
	}
	t->alter = job;
	cluster_changed(c);
}
