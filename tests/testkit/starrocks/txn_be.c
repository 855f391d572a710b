/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "be_load.h"
#include "exchange.h"
#include "load.h"
#include "options.h"
#include "publish.h"
#include "txn.h"
#include "txn_api.h"

/*
 * The back end's side of the transaction interface. A back end knows transactions by label
 * alone, and only those it coordinates; several tables are the front end's business but for
 * the loads.
 */

struct answer {
	const char *status;
	char message[1024];
};

static void say(struct exchange *x, const struct txn *t, const char *status,
		const char *message)
{
	answer_begin(x);
	if (t)
		answer_i64(x, "TxnId", t->id);
	answer_str(x, "Label", x->label);
	answer_str(x, "Status", status);
	answer_str(x, "Message", message);
	answer_end(x);
	x->closes = x->closes || !x->req->is_whole;
}

static bool is_header(const struct exchange *x, const char *name, const char *value)
{
	return view_eq_str(request_header(x->req, name), value);
}

/* What this back end coordinates under the label, or a transaction of several tables. */
static struct txn *find(struct exchange *x)
{
	bool is_multi = txn_api_is_multi(x);

	list_for_each(pos, &x->c->running) {
		struct txn *t = LIST_OF(pos, struct txn, link);

		if (strcmp(t->label, x->label) != 0 || t->kind == TXN_STREAM_LOAD ||
		    is_multi != (t->kind == TXN_MULTI) || !t->is_on_be)
			continue;
		if (is_multi || t->be == x->node->index)
			return t;
	}
	return NULL;
}

static void begin(struct exchange *x)
{
	char *db = view_dup(request_header(x->req, "db"));
	char *table = view_dup(request_header(x->req, "table"));
	struct begin_args args = { .db = database_find(x->c, view_str(db)),
				   .label = view_str(x->label),
				   .kind = TXN_SINGLE,
				   .be = x->node->index,
				   .fe = x->c->leader,
				   .timeout_ms = txn_api_seconds(x, "timeout", 600),
				   .idle_ms = txn_api_seconds(
					   x, "idle_transaction_timeout", 0) };
	struct txn *t;
	char text[512];

	if (txn_api_is_multi(x)) {
		say(x, NULL, "INVALID_ARGUMENT",
		    "a transaction of several tables begins at the "
		    "front end");
		free(db);
		free(table);
		return;
	}
	args.table = args.db ? table_find(args.db, view_str(table)) : NULL;
	if (!args.db || !args.table) {
		snprintf(text, sizeof(text), "unknown %s, %s.%s",
			 args.db ? "table" : "database", db, table);
		say(x, NULL, "INTERNAL_ERROR", text);
	} else if (!exchange_may_insert_locked(x, view_str(db), view_str(table))) {
		say(x, NULL, "ANALYSIS_ERROR", DENIED_BY_LEADER);
	} else {
		switch (txn_begin(x->c, &args, &t, text, sizeof(text))) {
		case BEGIN_OK:
			say(x, t, "OK", "OK");
			break;
		case BEGIN_EXISTS:
			answer_begin(x);
			answer_str(x, "Label", x->label);
			answer_str(x, "Status", "LABEL_ALREADY_EXISTS");
			answer_str(x, "ExistingJobStatus", txn_job_status(t));
			answer_str(x, "Message", text);
			answer_end(x);
			break;
		default:
			say(x, NULL, "INTERNAL_ERROR", text);
		}
	}
	free(db);
	free(table);
}

/* Whether the request's db and table are those of the transaction. */
static bool matches(struct exchange *x, const struct txn *t, bool with_table, char *text,
		    size_t size)
{
	struct ez_view table = request_header(x->req, "table");

	if (!is_header(x, "db", t->db->name)) {
		snprintf(text, size,
			 "Request database %.*s not equal transaction database %s",
			 VIEW_ARG(request_header(x->req, "db")), t->db->name);
		return false;
	}
	if (with_table && t->table && !view_eq_str(table, t->table->name)) {
		snprintf(text, size, "Request table %.*s not equal transaction table %s",
			 VIEW_ARG(table), t->table->name);
		return false;
	}
	return true;
}

static bool is_processing(const struct txn *t, const struct table *table)
{
	if (t->is_busy)
		return true;
	for (size_t i = 0; i < t->n_subs; i++)
		if (t->subs[i]->is_busy && (!table || t->subs[i]->table == table))
			return true;
	return false;
}

/* ------------------------------------------------------------------ load */

struct job {
	struct exchange *x;
	struct txn *txn;
	struct sub_load *sub;
	struct load_options options;
};

static bool refuse(struct job *j, const char *status, const char *text)
{
	say(j->x, j->txn, status, text);
	return false;
}

static bool refuse_and_abort(struct job *j, const char *text)
{
	txn_abort(j->x->c, j->txn, text);
	return refuse(j, "INTERNAL_ERROR", text);
}

/* Plans the first load into a table, and holds the others to its parameters. */
static bool plan_load(struct job *j, struct table *t)
{
	struct exchange *x = j->x;
	struct buf print = BUF_INIT(1 << 20);
	char text[1024];
	bool is_same;

	if (!options_parse_early(&j->options, x->req, &x->c->profile, &x->c->settings,
				 text, sizeof(text)) ||
	    !options_parse_late(&j->options, x->req, &x->c->profile, text,
				sizeof(text)) ||
	    !load_has_resources(x, &j->options, text, sizeof(text)) ||
	    !publish_has_room(x->c, t, text, sizeof(text)))
		return refuse_and_abort(j, text);
	j->sub = txn_sub(j->txn, t);
	options_fingerprint(x->req, &print);
	if (!j->sub->load) {
		j->sub->load = load_new(x->c, t, &j->options, text, sizeof(text));
		if (!j->sub->load) {
			buf_release(&print);
			return refuse_and_abort(j, text);
		}
		j->sub->be = x->node->index;
		free(j->sub->parameters);
		j->sub->parameters = buf_take(&print);
		load_check_habits(x, &j->options);
		return true;
	}
	is_same = strcmp(j->sub->parameters, buf_cstr(&print)) == 0;
	buf_release(&print);
	return is_same || refuse(j, "INVALID_ARGUMENT", "load request not equal last.");
}

/* The rows of one table are on one back end: the front end knows which. */
static bool is_elsewhere(const struct exchange *x, const struct txn *t,
			 const struct table *table)
{
	for (size_t i = 0; i < t->n_subs; i++)
		if (t->subs[i]->table == table && t->subs[i]->load)
			return t->subs[i]->be != x->node->index;
	return false;
}

static bool begin_load(struct job *j)
{
	struct exchange *x = j->x;
	struct ez_view name = request_header(x->req, "table");
	struct table *t;
	struct fault f;
	char text[1024];

	if (exchange_fault_locked(x, "fail_early", &f))
		return refuse(j, f.body[0] ? f.body : "INTERNAL_ERROR", f.text);
	j->txn = find(x);
	if (!j->txn || j->txn->state != TXN_PREPARE) {
		j->txn = NULL;
		snprintf(text, sizeof(text), "transaction with label %s not exists",
			 x->label);
		return refuse(j, "TXN_NOT_EXISTS", text);
	}
	if (!matches(x, j->txn, true, text, sizeof(text)))
		return refuse(j, "INVALID_ARGUMENT", text);
	t = table_find(j->txn->db, name);
	if (t && is_elsewhere(x, j->txn, t)) {
		snprintf(text, sizeof(text), "transaction with label %s not exists",
			 x->label);
		return refuse(j, "TXN_NOT_EXISTS", text);
	}
	if (!t) {
		snprintf(text, sizeof(text), "unknown table, table=%.*s", VIEW_ARG(name));
		return refuse_and_abort(j, text);
	}
	if (!exchange_may_insert_locked(x, view_str(j->txn->db->name), name))
		return refuse_and_abort(j, DENIED_BY_LEADER);
	if (is_processing(j->txn, t))
		return refuse(j, "TXN_IN_PROCESSING",
			      "Transaction in processing, please retry later");
	if (!plan_load(j, t))
		return false;
	j->sub->is_busy = true;
	txn_hold(j->txn);
	return true;
}

static bool take(void *arg, const char *data, size_t n)
{
	(void)!load_feed(arg, data, n);
	return true;
}

static void answer_load(struct job *j, const char *status, const char *message,
			int64_t bytes)
{
	struct exchange *x = j->x;

	answer_begin(x);
	answer_i64(x, "TxnId", j->txn->id);
	answer_str(x, "Label", x->label);
	answer_str(x, "Status", status);
	answer_str(x, "Message", message);
	answer_i64(x, "LoadBytes", bytes);
	answer_i64(x, "StreamLoadPlanTimeMs", 1);
	answer_i64(x, "ReceivedDataTimeMs", (mono_us() - x->started_us) / US_PER_MS);
	answer_end(x);
}

static void end_load(struct job *j, enum body_result body, bool is_good)
{
	struct exchange *x = j->x;
	struct fault f;

	j->txn->used_ms = cluster_now_ms(x->c);
	if (body != BODY_OK) {
		/* A part of the body may be in the pipe: the transaction is of no use. */
		x->is_mute = true;
	} else if (exchange_is_stale(x)) {
		x->is_mute = x->conn->resets = true;
	} else if (j->txn->state != TXN_PREPARE) {
		answer_load(j, "TXN_NOT_EXISTS", j->txn->reason, 0);
	} else if (exchange_fault_locked(x, "fail", &f)) {
		txn_abort(x->c, j->txn, f.text);
		answer_load(j, f.body[0] ? f.body : "INTERNAL_ERROR", f.text, 0);
	} else if (!is_good) {
		txn_abort(x->c, j->txn, j->sub->load->failure);
		answer_load(j, "INTERNAL_ERROR", j->txn->reason, 0);
	} else {
		answer_load(j, "OK", "", j->sub->load->counts.bytes);
	}
	if (exchange_fault_locked(x, "reset_before_answer", &f))
		x->is_mute = x->conn->resets = true;
	txn_sub_done(j->txn, j->sub);
}

static void load(struct exchange *x)
{
	struct job j = { .x = x };
	enum body_result body;
	bool is_good;

	cluster_lock(x->c);
	is_good = begin_load(&j);
	cluster_unlock(x->c);
	if (!is_good)
		return;
	body = exchange_read_body(x, take, j.sub->load);
	is_good = body == BODY_OK && load_end_body(j.sub->load);
	cluster_lock(x->c);
	end_load(&j, body, is_good);
	txn_let_go(j.txn);
	cluster_unlock(x->c);
}

/* ------------------------------------------------------------------ the end */

static void answer_end_of(struct exchange *x, const struct txn *t,
			  const struct load_result *r, const char *status,
			  const char *message)
{
	answer_begin(x);
	answer_i64(x, "TxnId", t->id);
	answer_str(x, "Label", x->label);
	answer_str(x, "Status", status);
	answer_str(x, "Message", message);
	load_result_answer(x, r);
	answer_i64(x, "LoadBytes", r->counts.bytes);
	answer_i64(x, "LoadTimeMs", cluster_now_ms(x->c) - t->begun_ms);
	answer_i64(x, "WriteDataTimeMs", 0);
	answer_i64(x, "CommitAndPublishTimeMs", r->publish_ms);
	if (r->error_url[0])
		answer_str(x, "ErrorURL", r->error_url);
	answer_end(x);
}

/* All rows are there now. False: the transaction is aborted and the answer made. */
static bool finish_rows(struct exchange *x, struct txn *t, struct load_result *r)
{
	struct load *l = t->n_subs > 0 ? t->subs[0]->load : NULL;
	char text[512];
	bool is_good;

	if (!l) {
		snprintf(text, sizeof(text), "transaction %s hasn't send any data yet",
			 x->label);
		txn_abort(x->c, t, text);
		answer_end_of(x, t, r, "INTERNAL_ERROR", text);
		return false;
	}
	is_good = load_finish(l);
	load_result_take(x, r, l);
	if (is_good)
		return true;
	snprintf(text, sizeof(text), "%s", l->failure);
	txn_abort(x->c, t, text);
	answer_end_of(x, t, r, "INTERNAL_ERROR", text);
	return false;
}

static void prepare(struct exchange *x, struct txn *t)
{
	struct load_result r = { .existing = NULL };
	char text[1024];

	if (!finish_rows(x, t, &r))
		return;
	if (x->c->profile.has_prepared_timeout)
		t->prepared_timeout_ms = txn_api_seconds(x, "prepared_timeout", 0);
	if (!txn_prepare(x->c, t, text, sizeof(text))) {
		answer_end_of(x, t, &r, "INTERNAL_ERROR", text);
		return;
	}
	/* From now on the front end knows it, the back end does not. */
	t->is_on_be = false;
	answer_end_of(x, t, &r, "OK", "");
}

static void commit(struct exchange *x, struct txn *t)
{
	struct load_result r = { .existing = NULL };
	int64_t from = cluster_now_ms(x->c);
	char text[1024];
	bool is_visible;

	if (!finish_rows(x, t, &r))
		return;
	publish_delay(x, t);
	if (!txn_commit(x->c, t, text, sizeof(text))) {
		answer_end_of(x, t, &r, "INTERNAL_ERROR", text);
		return;
	}
	is_visible = txn_api_await(x, t);
	r.publish_ms = cluster_now_ms(x->c) - from;
	answer_end_of(x, t, &r, is_visible ? "OK" : "PUBLISH_TIMEOUT",
		      is_visible ? "" : "Publish timeout");
}

static void finish(struct exchange *x, const char *op)
{
	struct txn *t = find(x);
	struct fault f;
	char text[1024];

	if (exchange_fault_locked(x, "fail_early", &f)) {
		say(x, t, f.body[0] ? f.body : "INTERNAL_ERROR", f.text);
		return;
	}
	if (!t || t->state != TXN_PREPARE || t->kind == TXN_MULTI) {
		snprintf(text, sizeof(text), "transaction with label %s not exists",
			 x->label);
		say(x, NULL, "TXN_NOT_EXISTS", text);
		return;
	}
	if (!matches(x, t, false, text, sizeof(text))) {
		say(x, t, "INVALID_ARGUMENT", text);
		return;
	}
	if (is_processing(t, NULL)) {
		say(x, t, "TXN_IN_PROCESSING",
		    "Transaction in processing, please retry later");
		return;
	}
	t->is_busy = true;
	txn_hold(t);
	if (exchange_fault_locked(x, "fail", &f)) {
		txn_abort(x->c, t, f.text);
		say(x, t, f.body[0] ? f.body : "INTERNAL_ERROR", f.text);
	} else if (strcmp(op, "prepare") == 0) {
		prepare(x, t);
	} else if (strcmp(op, "commit") == 0) {
		commit(x, t);
	} else {
		txn_abort(x->c, t, "user rollback");
		say(x, t, "OK", "");
	}
	t->is_busy = false;
	txn_let_go(t);
}

static void list(struct exchange *x)
{
	cluster_lock(x->c);
	x->status = 200;
	x->content_type = "application/json; charset=utf-8";
	list_for_each(pos, &x->c->running) {
		const struct txn *t = LIST_OF(pos, struct txn, link);

		if (t->is_on_be && t->be == x->node->index)
			buf_addf(&x->body, "%s\n", t->label);
	}
	cluster_unlock(x->c);
}

void txn_api_be(struct exchange *x)
{
	const char *op = strrchr(x->path, '/') + 1;
	bool ends = strcmp(op, "prepare") == 0 || strcmp(op, "commit") == 0 ||
		    strcmp(op, "rollback") == 0;

	if (strcmp(op, "list") == 0) {
		list(x);
		return;
	}
	if (!exchange_is_authorized(x)) {
		say(x, NULL, "NOT_AUTHORIZED", "no valid Basic authorization");
		return;
	}
	if (x->label[0] == '\0') {
		say(x, NULL, "INVALID_ARGUMENT", "empty label");
		return;
	}
	if (strcmp(op, "load") == 0) {
		load(x);
		return;
	}
	cluster_lock(x->c);
	if (strcmp(op, "begin") == 0)
		begin(x);
	else if (ends)
		finish(x, op);
	else
		answer_not_found(x);
	cluster_unlock(x->c);
}
