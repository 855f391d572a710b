/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "be_load.h"
#include "exchange.h"
#include "load.h"
#include "options.h"
#include "publish.h"
#include "txn.h"
#include "txn_api.h"

/* One plain Stream Load. */
struct job {
	struct exchange *x;
	struct txn *txn;
	struct sub_load *sub;
	struct load_result result;
	struct load_options options;
	bool is_counted; /* among the loads of the back end */
	int64_t json_bytes;
};

static void answer_result(struct job *j, const char *status, const char *message)
{
	struct exchange *x = j->x;
	const struct load_result *r = &j->result;

	answer_begin(x);
	answer_i64(x, "TxnId", j->txn ? j->txn->id : -1);
	answer_str(x, "Label", x->label);
	answer_str(x, "Status", status);
	if (r->existing)
		answer_str(x, "ExistingJobStatus", r->existing);
	answer_str(x, "Message", message);
	load_result_answer(x, r);
	answer_i64(x, "LoadBytes", r->counts.bytes);
	answer_i64(x, "LoadTimeMs", (mono_us() - x->started_us) / US_PER_MS);
	answer_i64(x, "BeginTxnTimeMs", 0);
	answer_i64(x, "StreamLoadPlanTimeMs", 1);
	answer_i64(x, "ReadDataTimeMs", r->read_ms);
	answer_i64(x, "WriteDataTimeMs", r->write_ms);
	answer_i64(x, "CommitAndPublishTimeMs", r->publish_ms);
	if (r->error_url[0])
		answer_str(x, "ErrorURL", r->error_url);
	answer_end(x);
}

/* The answer of a load that failed; its transaction is rolled back. The lock is held. */
static void fail_locked(struct job *j, const char *message)
{
	struct exchange *x = j->x;

	if (j->txn)
		txn_abort(x->c, j->txn, message);
	answer_result(j, "Fail", message);
	if (!x->req->is_whole)
		x->closes = true;
}

static void choose_label(struct exchange *x)
{
	if (x->label[0] != '\0')
		return;
	free(x->label);
	x->label =
		xasprintf("%08x-%04x-4%03x-a%03x-%012llx", (unsigned)random_u64(),
			  (unsigned)random_u64() & 0xffff, (unsigned)random_u64() & 0xfff,
			  (unsigned)random_u64() & 0xfff,
			  (unsigned long long)random_u64() & 0xffffffffffffULL);
}

/* Everything before the transaction; the message when it fails. */
static bool check_request(struct job *j, char *text, size_t size)
{
	struct exchange *x = j->x;
	struct be *be = &x->c->be[x->node->index];

	if (!label_is_valid(view_str(x->label))) {
		snprintf(text, size,
			 "Label format error. regex: ^[-\\w]{1,128}$, input: %s",
			 x->label);
		return false;
	}
	if (be->is_draining) {
		snprintf(text, size, "Service is shutting down, please retry later!");
		return false;
	}
	if (x->c->settings.max_loads_per_be > 0 &&
	    be->n_loads >= (unsigned)x->c->settings.max_loads_per_be) {
		snprintf(
			text, size,
			"Stream Load exceed http cuncurrent limit %lld, please try again "
			"later",
			(long long)x->c->settings.max_loads_per_be);
		return false;
	}
	return options_parse_early(&j->options, x->req, &x->c->profile, &x->c->settings,
				   text, size);
}

static bool find_table(struct exchange *x, struct database **ret_db, struct table **ret_t,
		       char *text, size_t size)
{
	*ret_db = database_find(x->c, view_str(x->db));
	if (!*ret_db) {
		snprintf(text, size, "unknown database, database=%s", x->db);
		return false;
	}
	*ret_t = table_find(*ret_db, view_str(x->table));
	if (!*ret_t) {
		snprintf(text, size, "unknown table, table=%s", x->table);
		return false;
	}
	return true;
}

/* Begins the transaction. False: the answer is there. */
static bool begin_txn(struct job *j, struct table **ret_table)
{
	struct exchange *x = j->x;
	struct begin_args args = { .label = view_str(x->label),
				   .kind = TXN_STREAM_LOAD,
				   .be = x->node->index,
				   .fe = x->c->leader,
				   .timeout_ms = j->options.timeout_ms };
	struct txn *txn;
	char text[512];
	enum begin_result rc;

	if (!find_table(x, &args.db, ret_table, text, sizeof(text))) {
		fail_locked(j, text);
		return false;
	}
	args.table = *ret_table;
	rc = txn_begin(x->c, &args, &txn, text, sizeof(text));
	if (rc == BEGIN_EXISTS) {
		j->result.existing = txn_job_status(txn);
		answer_result(j, "Label Already Exists", text);
		x->closes = !x->req->is_whole || x->closes;
		return false;
	}
	if (rc == BEGIN_FAILED) {
		fail_locked(j, text);
		return false;
	}
	j->txn = txn;
	txn_hold(txn);
	return true;
}

/* Plans the load. False: the answer is there. The lock is held. */
static bool plan(struct job *j)
{
	struct exchange *x = j->x;
	struct table *t;
	char text[1024];

	if (!begin_txn(j, &t))
		return false;
	if (!options_parse_late(&j->options, x->req, &x->c->profile, text,
				sizeof(text)) ||
	    !load_has_resources(x, &j->options, text, sizeof(text)) ||
	    !publish_has_room(x->c, t, text, sizeof(text))) {
		fail_locked(j, text);
		return false;
	}
	j->sub = txn_sub(j->txn, t);
	j->sub->load = load_new(x->c, t, &j->options, text, sizeof(text));
	if (!j->sub->load) {
		fail_locked(j, text);
		return false;
	}
	j->sub->is_busy = true;
	load_check_habits(x, &j->options);
	if (j->options.is_json)
		j->json_bytes = MAX(x->req->content_length, INT64_C(0));
	x->c->json_bytes += j->json_bytes;
	x->c->be[x->node->index].n_loads++;
	j->is_counted = true;
	return true;
}

static bool begin(struct job *j)
{
	struct exchange *x = j->x;
	struct fault f;
	char text[1024];
	bool is_good;

	choose_label(x);
	if (request_header(x->req, "authorization").len == 0) {
		answer_result(j, "Fail", "no valid Basic authorization");
		x->closes = x->closes || !x->req->is_whole;
		return false;
	}
	is_good = exchange_is_authorized(x);
	cluster_lock(x->c);
	if (!check_request(j, text, sizeof(text))) {
		fail_locked(j, text);
		is_good = false;
	} else if (!is_good) {
		fail_locked(j, "Access denied for user@127.0.0.1");
	} else if (!exchange_may_insert_locked(x, view_str(x->db), view_str(x->table))) {
		fail_locked(j, DENIED_BY_LEADER);
		is_good = false;
	} else if (exchange_fault_locked(x, "fail_early", &f)) {
		answer_result(j, f.body[0] ? f.body : "Fail", f.text);
		x->closes = x->closes || !x->req->is_whole;
		is_good = false;
	} else {
		is_good = plan(j);
	}
	cluster_unlock(x->c);
	return is_good;
}

static bool take(void *arg, const char *data, size_t n)
{
	struct load *l = arg;

	/* A failure is told at the end of the body. */
	(void)!load_feed(l, data, n);
	return true;
}

/* Ends without an answer. */
static void vanish(struct exchange *x)
{
	x->is_mute = x->conn->resets = true;
}

static void await_visible(struct job *j)
{
	struct cluster *c = j->x->c;
	int64_t end = j->txn->begun_ms + j->options.timeout_ms;
	int64_t from = cluster_now_ms(c);
	struct fault f;

	if (c->settings.publish_timeout_ms > 0)
		end = MIN(end, from + c->settings.publish_timeout_ms);
	if (exchange_fault_locked(j->x, "publish_timeout", &f))
		end = from;
	while (j->txn->state == TXN_COMMITTED && cluster_now_ms(c) < end &&
	       !exchange_is_stale(j->x))
		cluster_wait(c, end);
	j->result.publish_ms = cluster_now_ms(c) - from;
	if (j->txn->state == TXN_VISIBLE)
		answer_result(j, "Success", "OK");
	else
		answer_result(j, "Publish Timeout", "Publish timeout");
}

static void commit(struct job *j)
{
	struct exchange *x = j->x;
	struct fault f, late;
	char text[1024];
	bool vanishes = exchange_fault_locked(x, "reset_before_answer", &f);

	if (vanishes && !f.committed) {
		txn_abort(x->c, j->txn, "cancelled");
		vanish(x);
		return;
	}
	if (exchange_fault_locked(x, "late_finish", &late)) {
		j->txn->late_ms = cluster_now_ms(x->c) + late.ms;
		j->txn->late_commits = late.committed;
		vanish(x);
		return;
	}
	if (exchange_fault_locked(x, "fail", &f)) {
		txn_abort(x->c, j->txn, f.text);
		answer_result(j, f.body[0] ? f.body : "Fail", f.text);
		return;
	}
	/* Looked at twice: here for the delay, and when the answer is due. */
	publish_delay(x, j->txn);
	if (!txn_commit(x->c, j->txn, text, sizeof(text))) {
		answer_result(j, "Fail", text);
		return;
	}
	if (vanishes)
		vanish(x);
	else
		await_visible(j);
}

static void finish(struct job *j, enum body_result body)
{
	struct exchange *x = j->x;
	struct load *l = j->sub->load;
	int64_t from = mono_us();
	bool is_good = body == BODY_OK && load_end_body(l) && load_finish(l);

	j->result.write_ms = (mono_us() - from) / US_PER_MS;
	cluster_lock(x->c);
	load_result_take(x, &j->result, l);
	if (body != BODY_OK) {
		txn_abort(x->c, j->txn, "cancelled");
		x->is_mute = true;
	} else if (exchange_is_stale(x)) {
		vanish(x);
	} else if (j->txn->state != TXN_PREPARE) {
		answer_result(j, "Fail", j->txn->reason);
	} else if (!is_good) {
		fail_locked(j, l->failure);
	} else {
		commit(j);
	}
	txn_sub_done(j->txn, j->sub);
	cluster_unlock(x->c);
}

static void stream_load(struct exchange *x)
{
	struct job j = { .x = x };

	if (begin(&j)) {
		int64_t from = mono_us();
		enum body_result body = exchange_read_body(x, take, j.sub->load);

		j.result.read_ms = (mono_us() - from) / US_PER_MS;
		finish(&j, body);
	}
	cluster_lock(x->c);
	if (j.is_counted)
		x->c->be[x->node->index].n_loads--;
	x->c->json_bytes -= j.json_bytes;
	if (j.txn)
		txn_let_go(j.txn);
	cluster_unlock(x->c);
}

void be_stream_load(struct exchange *x)
{
	stream_load(x);
}

static void error_log(struct exchange *x)
{
	struct buf name = BUF_INIT(4096);
	const char *text = NULL;

	if (request_parameter(x->req, "file", &name)) {
		cluster_lock(x->c);
		text = map_get(&x->c->error_logs, buf_view(&name));
		if (text)
			buf_add_str(&x->body, text);
		cluster_unlock(x->c);
	}
	buf_release(&name);
	if (!text) {
		answer_not_found(x);
		return;
	}
	x->status = 200;
	x->content_type = "text/plain";
}

void be_handle(struct exchange *x)
{
	struct ez_view path = x->req->path;

	if (view_starts(path, VIEW("/api/transaction/")))
		txn_api_be(x);
	else if (view_ends(path, VIEW("/_stream_load")) &&
		 view_eq_str(x->req->method, "PUT"))
		stream_load(x);
	else if (view_eq_str(path, "/api/_load_error_log"))
		error_log(x);
	else if (view_eq_str(path, "/api/health")) {
		answer_begin(x);
		answer_str(x, "status", "OK");
		answer_str(x, "msg", "To Be Added");
		answer_end(x);
	} else {
		answer_not_found(x);
	}
}
