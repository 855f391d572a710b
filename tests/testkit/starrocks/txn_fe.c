/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "be_load.h"
#include "fe.h"
#include "load.h"
#include "txn.h"
#include "txn_api.h"

/*
 * The front end's side of the transaction interface: the leader sends to the coordinator what
 * only that can do, and answers the rest itself.
 */

static void answer_txn(struct exchange *x, const struct txn *t, const char *status,
		       const char *message)
{
	answer_begin(x);
	answer_str(x, "Status", status);
	answer_str(x, "Message", message);
	answer_str(x, "Label", x->label);
	if (t)
		answer_i64(x, "TxnId", t->id);
	answer_end(x);
	x->closes = x->closes || !x->req->is_whole;
}

bool txn_api_is_multi(const struct exchange *x)
{
	return view_eq_str(request_header(x->req, "transaction_type"), "multi");
}

int64_t txn_api_seconds(const struct exchange *x, const char *name, int64_t preset)
{
	struct ez_view v = request_header(x->req, name);
	int64_t n = preset;

	return v.len > 0 && parse_i64(v, &n) && n > 0 ? n * 1000 : preset * 1000;
}

bool txn_api_await(struct exchange *x, struct txn *t)
{
	int64_t end = cluster_now_ms(x->c) +
		      txn_api_seconds(x, "timeout", x->c->settings.fe_commit_wait_s);
	struct fault f;

	if (exchange_fault_locked(x, "publish_timeout", &f))
		end = cluster_now_ms(x->c);
	while (t->state == TXN_COMMITTED && cluster_now_ms(x->c) < end &&
	       !exchange_is_stale(x))
		cluster_wait(x->c, end);
	return t->state == TXN_VISIBLE;
}

static void commit_here(struct exchange *x, struct txn *t)
{
	char text[1024];

	publish_delay(x, t);
	if (!txn_commit(x->c, t, text, sizeof(text))) {
		answer_txn(x, t, "FAILED", text);
		return;
	}
	if (txn_api_await(x, t))
		answer_txn(x, t, "OK", "");
	else
		answer_txn(x, t, "FAILED",
			   "timeout while waiting for publish, the transaction "
			   "is committed and will be visible later");
}

/* Commit and rollback of what is not in PREPARE any more. */
static void finish_known(struct exchange *x, struct txn *t, const char *op)
{
	bool commits = strcmp(op, "commit") == 0, is_prepare = strcmp(op, "prepare") == 0;
	char text[1024];

	if (t->state == TXN_PREPARED && commits) {
		commit_here(x, t);
	} else if (t->state == TXN_PREPARED && !is_prepare) {
		txn_abort(x->c, t, "user rollback");
		answer_txn(x, t, "OK", "");
	} else if (t->state == TXN_ABORTED) {
		snprintf(text, sizeof(text),
			 "Transaction %lld has aborted, label is %s: %s",
			 (long long)t->id, t->label, t->reason);
		answer_txn(x, t, commits || is_prepare ? "FAILED" : "OK", text);
	} else if (commits && t->state != TXN_PREPARED) {
		snprintf(text, sizeof(text),
			 "Transaction %lld has already committed, label is %s",
			 (long long)t->id, t->label);
		answer_txn(x, t, "OK", text);
	} else {
		snprintf(text, sizeof(text),
			 "Can not %s %s transaction %lld, label is %s", op,
			 txn_state_to_str(t->state), (long long)t->id, t->label);
		answer_txn(x, t, "FAILED", text);
	}
}

/* ------------------------------------------------------------------ several tables */

static void multi_begin(struct exchange *x, struct database *db)
{
	struct begin_args args = { .db = db,
				   .label = view_str(x->label),
				   .kind = TXN_MULTI,
				   .fe = x->node->index,
				   .timeout_ms = txn_api_seconds(x, "timeout", 600),
				   .idle_ms = txn_api_seconds(
					   x, "idle_transaction_timeout", 0) };
	struct txn *t;
	char text[512];
	enum begin_result rc;

	rc = txn_begin(x->c, &args, &t, text, sizeof(text));
	if (rc == BEGIN_OK) {
		answer_txn(x, t, "OK", "");
		return;
	}
	if (rc == BEGIN_FAILED) {
		answer_txn(x, NULL, "FAILED", text);
		return;
	}
	answer_begin(x);
	answer_str(x, "Status", "LABEL_ALREADY_EXISTS");
	answer_str(x, "ExistingJobStatus", txn_job_status(t));
	answer_str(x, "Message", text);
	answer_str(x, "Label", x->label);
	answer_end(x);
}

static bool finish_sub(struct exchange *x, struct sub_load *sub, char *text, size_t size)
{
	struct load_result r = { .existing = NULL };
	bool is_good;

	if (!sub->load)
		return true;
	is_good = load_finish(sub->load);
	load_result_take(x, &r, sub->load);
	if (!is_good)
		snprintf(text, size, "%s%s%s", sub->load->failure,
			 r.error_url[0] ? ", tracking url: " : "", r.error_url);
	return is_good;
}

static void multi_commit(struct exchange *x, struct txn *t)
{
	bool has_data = false, is_good = true;
	char text[1024] = "";

	for (size_t i = 0; i < t->n_subs; i++) {
		if (t->subs[i]->is_busy) {
			answer_txn(x, t, "TXN_IN_PROCESSING",
				   "Transaction in processing, please retry later");
			return;
		}
		has_data = has_data || t->subs[i]->load;
	}
	if (!has_data) {
		snprintf(text, sizeof(text), "transaction %s hasn't send any data yet",
			 t->label);
		is_good = false;
	}
	for (size_t i = 0; is_good && i < t->n_subs; i++)
		is_good = finish_sub(x, t->subs[i], text, sizeof(text));
	if (is_good) {
		commit_here(x, t);
		return;
	}
	txn_abort(x->c, t, text);
	answer_txn(x, t, "FAILED", text);
}

/* Where the rows of the table are, or may go. */
static int be_of_table(struct exchange *x, const struct txn *t)
{
	struct ez_view table = request_header(x->req, "table");

	for (size_t i = 0; i < t->n_subs; i++)
		if (t->subs[i]->load && view_eq_str(table, t->subs[i]->table->name))
			return (int)t->subs[i]->be;
	return fe_choose_be(x->c);
}

static void multi(struct exchange *x, struct database *db, struct txn *t, const char *op)
{
	if (!x->c->profile.has_multi_table) {
		answer_txn(x, NULL, "FAILED", "Unsupported transaction type: multi");
	} else if (strcmp(op, "begin") == 0) {
		multi_begin(x, db);
	} else if (strcmp(op, "prepare") == 0) {
		answer_txn(x, t, "FAILED", "Unsupported operation");
	} else if (!t) {
		char text[512];

		snprintf(text, sizeof(text), "No transaction found, label is %s",
			 x->label);
		answer_txn(x, NULL, "FAILED", text);
	} else if (t->kind != TXN_MULTI) {
		answer_txn(x, t, "FAILED", "the transaction is not of type multi");
	} else if (strcmp(op, "load") == 0) {
		fe_redirect_to_be(x, be_of_table(x, t));
	} else if (t->state != TXN_PREPARE) {
		finish_known(x, t, op);
	} else if (strcmp(op, "commit") == 0) {
		multi_commit(x, t);
	} else {
		txn_abort(x->c, t, "user rollback");
		answer_txn(x, t, "OK", "");
	}
}

/* ------------------------------------------------------------------ one table */

static void single(struct exchange *x, struct database *db, struct txn *t, const char *op)
{
	char text[1024];

	if (strcmp(op, "begin") == 0) {
		fe_redirect_to_be(x, t && t->state != TXN_ABORTED ? (int)t->be
								  : fe_choose_be(x->c));
	} else if (!t && strcmp(op, "load") == 0) {
		snprintf(text, sizeof(text),
			 "Can't find the transaction with db [%s] and label[%s]",
			 db->name, x->label);
		answer_txn(x, NULL, "FAILED", text);
	} else if (!t) {
		snprintf(text, sizeof(text), "No transaction found, label is %s",
			 x->label);
		answer_txn(x, NULL, "FAILED", text);
	} else if (t->kind == TXN_MULTI) {
		answer_txn(x, t, "FAILED", "the transaction is of type multi");
	} else if (strcmp(op, "load") == 0 || t->state == TXN_PREPARE) {
		fe_redirect_to_be(x, (int)t->be);
	} else {
		finish_known(x, t, op);
	}
}

static bool is_operation(const char *op)
{
	static const char *const known[] = { "begin", "load", "prepare", "commit",
					     "rollback" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], op) == 0)
			return true;
	return false;
}

static void route(struct exchange *x, const char *op)
{
	char *name = view_dup(request_header(x->req, "db"));
	struct database *db = database_find(x->c, view_str(name));
	struct txn *t = db ? txn_find(db, view_str(x->label)) : NULL;
	struct ez_view table = request_header(x->req, "table");
	struct fault f;

	if (x->label[0] == '\0') {
		answer_failed(x, "Empty label.");
	} else if (name[0] == '\0') {
		answer_failed(x, "No database selected.");
	} else if (fe_redirect_to_leader(x)) {
		/* answered */
	} else if (!db) {
		answer_failed(x, "unknown database, database=%s", name);
	} else if (table.len > 0 && (strcmp(op, "begin") == 0 || strcmp(op, "load") == 0) &&
		   !exchange_may_insert_locked(x, view_str(name), table)) {
		answer_denied(x);
	} else if (exchange_fault_locked(x, "fail_early", &f)) {
		answer_txn(x, t, f.body[0] ? f.body : "FAILED", f.text);
	} else if (txn_api_is_multi(x)) {
		multi(x, db, t, op);
	} else if (strcmp(op, "begin") == 0 && request_header(x->req, "table").len == 0) {
		answer_failed(x, "No table selected.");
	} else {
		single(x, db, t, op);
	}
	free(name);
}

void txn_api_fe(struct exchange *x)
{
	const char *op = strrchr(x->path, '/') + 1;

	if (!is_operation(op)) {
		answer_not_found(x);
		return;
	}
	if (strcmp(op, "load") == 0 && fe_lacks_expect(x))
		return;
	cluster_lock(x->c);
	route(x, op);
	cluster_unlock(x->c);
}

/* ------------------------------------------------------------------ SQL over HTTP */

static bool take_text(void *arg, const char *data, size_t n)
{
	buf_add(arg, data, n);
	return true;
}

void txn_api_sql(struct exchange *x)
{
	struct buf text = BUF_INIT(1 << 20), db = BUF_INIT(4096), out = BUF_INIT(1 << 30);
	struct ez_view path = x->req->path;
	const char *at = memmem(path.ptr, path.len, "/databases/", 11);
	const char *end = path.ptr + path.len;
	json_t *in = NULL;

	if (at) {
		at += 11;
		end = memchr(at, '/', (size_t)(end - at));
		if (end)
			percent_decode(view_of(at, (size_t)(end - at)), &db);
	}
	x->has_continued = !x->req->expects_continue;
	if (exchange_read_body(x, take_text, &text) == BODY_OK)
		in = json_loadb(text.ptr ? text.ptr : "", text.len, 0, NULL);
	if (!x->c->profile.has_sql_api || !x->c->sql_http) {
		answer_not_found(x);
	} else if (!json_string_value(json_object_get(in, "query"))) {
		answer_failed(x, "The http body must be JSON with a query");
	} else if (!x->c->sql_http(
			   x->c, x->node->index, buf_view(&db),
			   view_str(json_string_value(json_object_get(in, "query"))),
			   &out)) {
		answer_failed(x, "%.*s", VIEW_ARG(buf_view(&out)));
	} else {
		x->status = 200;
		x->content_type = "application/x-ndjson; charset=utf-8";
		buf_swap(&out, &x->body);
	}
	json_decref(in);
	buf_release(&text);
	buf_release(&db);
	buf_release(&out);
}
