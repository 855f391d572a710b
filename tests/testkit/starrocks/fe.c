/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "be_load.h"
#include "exchange.h"
#include "fe.h"
#include "txn.h"
#include "txn_api.h"

/* The next living back end, or -1. The lock is held. */
int fe_choose_be(struct cluster *c)
{
	for (unsigned i = 0; i < c->n_be; i++) {
		unsigned at = c->next_be++ % c->n_be;

		if (c->be[at].is_alive)
			return (int)at;
	}
	return -1;
}

void fe_redirect_to_be(struct exchange *x, int be)
{
	struct fault f;

	if (be < 0) {
		answer_failed(x, "No backend alive.");
		return;
	}
	answer_redirect(x, x->c->be[be].host, x->c->be[be].http_port);
	if (!exchange_fault_locked(x, "redirect", &f))
		return;
	if (f.status > 0)
		x->status = (int)f.status;
	buf_reset(&x->head);
	if (f.text[0] != '\0' && strcmp(f.text, "none") != 0)
		answer_header(x, "Location: %s%.*s", f.text, VIEW_ARG(x->req->target));
}

bool fe_redirect_to_leader(struct exchange *x)
{
	const struct fe *leader = &x->c->fe[x->c->leader];

	if (x->node->index == x->c->leader)
		return false;
	answer_redirect(x, leader->host, leader->http_port);
	return true;
}

/* HTTP/1.1 without Expect. */
bool fe_lacks_expect(struct exchange *x)
{
	if (x->req->minor == 0 || x->req->expects_continue)
		return false;
	answer_failed(x,
		      "class com.starrocks.common.DdlException: There is no 100-continue "
		      "header");
	return true;
}

static void stream_load(struct exchange *x)
{
	struct fault f;

	if (fe_lacks_expect(x))
		return;
	if (x->db[0] == '\0') {
		answer_failed(x, "No database selected.");
	} else if (x->table[0] == '\0' || strcmp(x->table, "_stream_load") == 0) {
		answer_failed(x, "No table selected.");
	} else if (!exchange_may_insert(x, view_str(x->db), view_str(x->table))) {
		cluster_lock(x->c);
		answer_denied(x);
		cluster_unlock(x->c);
	} else if (exchange_fault(x, "proxy", &f)) {
		be_stream_load(x);
	} else {
		cluster_lock(x->c);
		fe_redirect_to_be(x, fe_choose_be(x->c));
		cluster_unlock(x->c);
	}
}

static void answer_state(struct exchange *x, const char *state, const char *reason)
{
	answer_begin(x);
	answer_str(x, "state", state);
	answer_str(x, "reason", reason);
	answer_str(x, "status", "OK");
	answer_str(x, "code", "0");
	answer_str(x, "msg", "Success");
	answer_str(x, "message", "OK");
	answer_end(x);
}

static void load_state(struct exchange *x)
{
	struct database *db;
	struct txn *t;

	cluster_lock(x->c);
	db = database_find(x->c, view_str(x->db));
	if (fe_redirect_to_leader(x)) {
		/* answered */
	} else if (x->label[0] == '\0') {
		answer_failed(x, "No label selected.");
	} else if (!db) {
		answer_failed(x, "unknown database, database=%s", x->db);
	} else {
		t = txn_find(db, view_str(x->label));
		answer_state(x, t ? txn_state_to_str(t->state) : "UNKNOWN",
			     t ? t->reason : "");
	}
	cluster_unlock(x->c);
}

static void cancel(struct exchange *x)
{
	struct database *db;
	struct txn *t;

	cluster_lock(x->c);
	db = database_find(x->c, view_str(x->db));
	t = db ? txn_find(db, view_str(x->label)) : NULL;
	if (fe_redirect_to_leader(x)) {
		/* answered */
	} else if (!t || (t->state != TXN_PREPARE && t->state != TXN_PREPARED)) {
		answer_failed(x, "transaction not found or finished, label=%s", x->label);
	} else {
		txn_abort(x->c, t, "user cancel");
		answer_state(x, "ABORTED", t->reason);
	}
	cluster_unlock(x->c);
}

static void nodes(struct exchange *x)
{
	cluster_lock(x->c);
	x->status = 200;
	x->content_type = "text/plain";
	for (unsigned i = 0; i < x->c->n_be; i++)
		if (x->c->be[i].is_alive)
			buf_addf(&x->body, "%s%s:%d", x->body.len > 0 ? "," : "",
				 x->c->be[i].host, x->c->be[i].http_port);
	cluster_unlock(x->c);
}

static void health(struct exchange *x)
{
	answer_begin(x);
	answer_i64(x, "online_backend_num", x->c->n_be);
	answer_i64(x, "total_backend_num", x->c->n_be);
	answer_end(x);
}

static bool is_method(const struct exchange *x, const char *method)
{
	return view_eq_str(x->req->method, method);
}

void fe_handle(struct exchange *x)
{
	struct ez_view path = x->req->path;

	if (view_eq_str(path, "/api/health")) {
		health(x);
		return;
	}
	if (!exchange_is_authorized(x)) {
		answer_unauthorized(x);
		return;
	}
	if (view_starts(path, VIEW("/api/transaction/")))
		txn_api_fe(x);
	else if (view_ends(path, VIEW("/_stream_load")) && is_method(x, "PUT"))
		stream_load(x);
	else if (view_ends(path, VIEW("/get_load_state")) && is_method(x, "GET"))
		load_state(x);
	else if (view_ends(path, VIEW("/_cancel")) && is_method(x, "POST"))
		cancel(x);
	else if (view_ends(path, VIEW("/_stream_load_meta")) && is_method(x, "GET"))
		nodes(x);
	else if (view_starts(path, VIEW("/api/v1/catalogs/")) && is_method(x, "POST"))
		txn_api_sql(x);
	else
		answer_not_found(x);
}
