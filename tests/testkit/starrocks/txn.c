/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "txn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "load.h"
#include "publish.h"

const char *txn_state_to_str(enum txn_state s)
{
	static const char *const names[] = {
		[TXN_PREPARE] = "PREPARE",     [TXN_PREPARED] = "PREPARED",
		[TXN_COMMITTED] = "COMMITTED", [TXN_VISIBLE] = "VISIBLE",
		[TXN_ABORTED] = "ABORTED",
	};

	return names[s];
}

struct txn *txn_find(const struct database *db, struct ez_view label)
{
	return map_get(&db->labels, label);
}

const char *txn_job_status(const struct txn *x)
{
	return x->state == TXN_COMMITTED || x->state == TXN_VISIBLE ? "FINISHED"
								    : "RUNNING";
}

static int64_t count_running(const struct cluster *c, const struct database *db)
{
	int64_t n = 0;

	list_for_each(pos, &c->running)
		n += LIST_OF(pos, struct txn, link)->db == db;
	return n;
}

enum begin_result txn_begin(struct cluster *c, const struct begin_args *args,
			    struct txn **ret_txn, char *ret_message, size_t size)
{
	struct txn *x = txn_find(args->db, args->label);
	int64_t n = count_running(c, args->db), now = cluster_now_ms(c);

	if (x && x->state != TXN_ABORTED) {
		snprintf(ret_message, size, "Label [%.*s] has already been used.",
			 VIEW_ARG(args->label));
		*ret_txn = x;
		return BEGIN_EXISTS;
	}
	if (n >= c->settings.max_running_txns) {
		snprintf(
			ret_message, size,
			"current running txns on db %lld is %lld, larger than limit %lld",
			(long long)args->db->id, (long long)n,
			(long long)c->settings.max_running_txns);
		return BEGIN_FAILED;
	}
	x = xcalloc(1, sizeof(*x));
	x->id = c->next_txn_id++;
	x->db = args->db;
	x->table = args->table;
	x->label = view_dup(args->label);
	x->kind = args->kind;
	x->be = args->be;
	x->be_epoch = c->be[args->be].epoch;
	x->fe = args->fe;
	x->fe_epoch = c->fe[args->fe].epoch;
	x->is_on_be = true;
	x->timeout_ms = args->timeout_ms;
	x->idle_ms = args->idle_ms;
	x->begun_ms = x->used_ms = now;
	list_add_tail(&c->running, &x->link);
	map_put_u64(&c->txns, (uint64_t)x->id, x);
	map_put(&args->db->labels, args->label, x);
	*ret_txn = x;
	return BEGIN_OK;
}

void txn_hold(struct txn *x)
{
	x->users++;
}

void txn_let_go(struct txn *x)
{
	if (--x->users == 0 && x->is_forgotten)
		txn_free(x);
}

struct sub_load *txn_sub(struct txn *x, struct table *t)
{
	struct sub_load *sub;

	for (size_t i = 0; i < x->n_subs; i++)
		if (x->subs[i]->table == t)
			return x->subs[i];
	sub = xcalloc(1, sizeof(*sub));
	sub->table = t;
	x->subs = xreallocarray(x->subs, x->n_subs + 1, sizeof(struct sub_load *));
	x->subs[x->n_subs++] = sub;
	return sub;
}

static void drop_loads(struct txn *x)
{
	for (size_t i = 0; i < x->n_subs; i++) {
		if (x->subs[i]->is_busy)
			continue;
		load_free(x->subs[i]->load);
		x->subs[i]->load = NULL;
	}
}

void txn_sub_done(struct txn *x, struct sub_load *sub)
{
	sub->is_busy = false;
	if (x->state == TXN_ABORTED)
		drop_loads(x);
}

void txn_free(struct txn *x)
{
	for (size_t i = 0; i < x->n_subs; i++) {
		load_free(x->subs[i]->load);
		free(x->subs[i]->parameters);
		free(x->subs[i]);
	}
	free(x->subs);
	free(x->label);
	free(x);
}

static void finish(struct cluster *c, struct txn *x, enum txn_state state)
{
	x->state = state;
	x->finished_ms = cluster_now_ms(c);
	x->is_on_be = false;
	list_remove(&x->link);
	list_add_tail(&x->db->finished, &x->link);
	x->db->n_finished++;
	drop_loads(x);
	cluster_changed(c);
}

void txn_abort(struct cluster *c, struct txn *x, const char *reason)
{
	if (x->state != TXN_PREPARE && x->state != TXN_PREPARED)
		return;
	snprintf(x->reason, sizeof(x->reason), "%s", reason);
	finish(c, x, TXN_ABORTED);
}

/* What a commit checks again, because it may have changed since the load was planned. */
static bool check_tables(struct txn *x, char *ret_message, size_t size)
{
	for (size_t i = 0; i < x->n_subs; i++) {
		const struct table *t = x->subs[i]->table;

		if (t->dropped) {
			snprintf(ret_message, size, "unknown table: %s.%s", x->db->name,
				 t->name);
			return false;
		}
	}
	if (x->db->dropped) {
		snprintf(ret_message, size, "unknown database, database=%s", x->db->name);
		return false;
	}
	return true;
}

bool txn_prepare(struct cluster *c, struct txn *x, char *ret_message, size_t size)
{
	if (!check_tables(x, ret_message, size)) {
		txn_abort(c, x, ret_message);
		return false;
	}
	x->state = TXN_PREPARED;
	x->prepared_ms = cluster_now_ms(c);
	if (x->prepared_timeout_ms == 0)
		x->prepared_timeout_ms = c->settings.prepared_timeout_s * 1000;
	cluster_changed(c);
	return true;
}

bool txn_commit(struct cluster *c, struct txn *x, char *ret_message, size_t size)
{
	if (!check_tables(x, ret_message, size) ||
	    !publish_add(c, x, ret_message, size)) {
		txn_abort(c, x, ret_message);
		return false;
	}
	x->state = TXN_COMMITTED;
	x->committed_ms = cluster_now_ms(c);
	x->due_ms = MAX(x->due_ms, x->committed_ms + c->settings.publish_ms);
	list_remove(&x->link);
	list_add_tail(&c->publishing, &x->link);
	publish_due(c, x->committed_ms);
	cluster_changed(c);
	return true;
}

/* ------------------------------------------------------------------ time */

static int64_t deadline(const struct txn *x)
{
	int64_t at = x->begun_ms + x->timeout_ms;

	if (x->late_ms > 0)
		return x->late_ms;
	if (x->state == TXN_PREPARED)
		return x->prepared_ms + x->prepared_timeout_ms;
	if (x->idle_ms > 0)
		at = MIN(at, x->used_ms + x->idle_ms);
	return at;
}

static void expire(struct cluster *c, struct txn *x)
{
	char reason[128];

	if (x->late_ms > 0) {
		char message[256];
		bool committed = x->late_commits;

		x->late_ms = 0;
		if (!committed)
			txn_abort(c, x, "cancelled");
		else if (!txn_commit(c, x, message, sizeof(message)))
			return;
		return;
	}
	snprintf(reason, sizeof(reason), "transaction is aborted by timeout %lld seconds",
		 (long long)(x->timeout_ms / 1000));
	txn_abort(c, x, reason);
}

static void forget_oldest(struct cluster *c, struct database *db)
{
	struct txn *x = LIST_OF(db->finished.next, struct txn, link);

	list_remove(&x->link);
	db->n_finished--;
	if (txn_find(db, view_str(x->label)) == x)
		map_remove(&db->labels, view_str(x->label));
	map_remove_u64(&c->txns, (uint64_t)x->id);
	x->is_forgotten = true;
	if (x->users == 0)
		txn_free(x);
}

static void forget_old(struct cluster *c, struct database *db, int64_t now_ms)
{
	while (!list_is_empty(&db->finished)) {
		struct txn *x = LIST_OF(db->finished.next, struct txn, link);

		if ((int64_t)db->n_finished <= c->settings.label_keep_max_num &&
		    now_ms - x->finished_ms <= c->settings.label_keep_max_second * 1000)
			break;
		forget_oldest(c, db);
	}
}

void txn_tick(struct cluster *c, int64_t now_ms)
{
	list_for_each(pos, &c->running) {
		struct txn *x = LIST_OF(pos, struct txn, link);

		if (now_ms >= deadline(x))
			expire(c, x);
	}
	publish_due(c, now_ms);
	for (size_t i = 0; i < c->n_all_databases; i++)
		forget_old(c, c->all_databases[i], now_ms);
}

int64_t txn_next_due(const struct cluster *c)
{
	int64_t due = INT64_MAX;

	list_for_each(pos, &c->running) {
		int64_t at = deadline(LIST_OF(pos, struct txn, link));

		due = MIN(due, at);
	}
	list_for_each(pos, &c->publishing) {
		int64_t at = LIST_OF(pos, struct txn, link)->due_ms;

		due = MIN(due, at);
	}
	return due;
}

static bool has_rows_on(const struct txn *x, unsigned be)
{
	if (x->kind != TXN_MULTI)
		return x->be == be;
	for (size_t i = 0; i < x->n_subs; i++)
		if (x->subs[i]->load && x->subs[i]->be == be)
			return true;
	return false;
}

void txn_be_lost(struct cluster *c, unsigned be)
{
	list_for_each(pos, &c->running) {
		struct txn *x = LIST_OF(pos, struct txn, link);

		if (has_rows_on(x, be) && x->late_ms == 0 && x->state == TXN_PREPARE)
			txn_abort(c, x, "coordinate BE is restarted");
	}
}

void txn_leader_lost(struct cluster *c)
{
	list_for_each(pos, &c->running) {
		struct txn *x = LIST_OF(pos, struct txn, link);

		if (x->kind == TXN_MULTI && x->state == TXN_PREPARE)
			txn_abort(c, x, "FE leader changed");
	}
}
