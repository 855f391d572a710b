/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "publish.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "load.h"
#include "rowset.h"
#include "txn.h"

static void compact(struct cluster *c, struct table *t)
{
	int64_t now = cluster_now_ms(c);

	if (c->settings.compaction_per_min == 0)
		t->uncompacted = 0;
	else
		t->uncompacted =
			MAX(0.0, t->uncompacted -
					 (double)(now - t->compacted_ms) / 60000 *
						 (double)c->settings.compaction_per_min);
	t->compacted_ms = now;
}

bool publish_has_room(struct cluster *c, struct table *t, char *ret_message, size_t size)
{
	int64_t n;

	compact(c, t);
	n = (int64_t)t->uncompacted;
	n += t->uncompacted > (double)n;
	if (n < c->settings.tablet_max_versions)
		return true;
	snprintf(
		ret_message, size,
		"Failed to load data into tablet %lld, because of too many versions, "
		"current/limit: %lld/%lld. You can reduce the loading job concurrency, or "
		"increase loading data batch size. If you are loading data with Routine Load, "
		"you can increase FE configs routine_load_task_consume_second and "
		"max_routine_load_batch_size,",
		(long long)t->id + 1, (long long)n,
		(long long)c->settings.tablet_max_versions);
	return false;
}

static void add_version(struct cluster *c, struct txn *x, struct sub_load *sub)
{
	struct table *t = sub->table;
	struct version *v = xcalloc(1, sizeof(*v));

	v->number = t->next_version++;
	v->txn_id = x->id;
	v->label = xstrdup(x->label);
	v->committed_ms = cluster_now_ms(c);
	v->sets = xcalloc(1, sizeof(struct rowset *));
	v->sets[v->n_sets++] = load_take_rows(sub->load);
	sub->is_committed = true;
	if (t->n_versions == t->versions_size) {
		t->versions_size = MAX(t->versions_size * 2, (size_t)16);
		t->versions = xreallocarray(t->versions, t->versions_size,
					    sizeof(struct version *));
	}
	t->versions[t->n_versions++] = v;
	t->uncompacted += 1;
}

bool publish_add(struct cluster *c, struct txn *x, char *ret_message, size_t size)
{
	for (size_t i = 0; i < x->n_subs; i++)
		if (!publish_has_room(c, x->subs[i]->table, ret_message, size))
			return false;
	for (size_t i = 0; i < x->n_subs; i++)
		if (x->subs[i]->load)
			add_version(c, x, x->subs[i]);
	return true;
}

static struct version *next_version(const struct table *t)
{
	return t->n_published < t->n_versions ? t->versions[t->n_published] : NULL;
}

static bool can_publish(const struct txn *x, int64_t now_ms)
{
	if (now_ms < x->due_ms)
		return false;
	for (size_t i = 0; i < x->n_subs; i++) {
		const struct version *v = next_version(x->subs[i]->table);

		if (x->subs[i]->is_committed && (!v || v->txn_id != x->id))
			return false;
	}
	return true;
}

static void publish_version(struct cluster *c, struct table *t)
{
	struct version *v = t->versions[t->n_published];
	bool is_truncated = t->n_published < t->rows_truncated;

	for (size_t i = 0; i < v->n_sets && !is_truncated; i++)
		rowset_apply(c, t, v->sets[i], v);
	if (c->history != HISTORY_FULL) {
		for (size_t i = 0; i < v->n_sets; i++)
			rowset_free(v->sets[i]);
		v->n_sets = 0;
	}
	v->is_visible = true;
	v->visible_ms = cluster_now_ms(c);
	t->n_published++;
}

static void publish(struct cluster *c, struct txn *x)
{
	for (size_t i = 0; i < x->n_subs; i++)
		if (x->subs[i]->is_committed)
			publish_version(c, x->subs[i]->table);
	x->state = TXN_VISIBLE;
	x->finished_ms = cluster_now_ms(c);
	x->is_on_be = false;
	list_remove(&x->link);
	list_add_tail(&x->db->finished, &x->link);
	x->db->n_finished++;
	cluster_changed(c);
}

void publish_due(struct cluster *c, int64_t now_ms)
{
	/* One pass is enough: a transaction waits for older ones only, and those come first. */
	list_for_each(pos, &c->publishing) {
		struct txn *x = LIST_OF(pos, struct txn, link);

		if (can_publish(x, now_ms))
			publish(c, x);
	}
}
