/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "txn.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#include "host.h"
#include "loader.h"
#include "settings.h"
#include "table.h"

/*
 * One attempt is begin, all loads at the same time, commit. Whatever fails before the commit
 * is answered by giving the attempt up: a load must not be repeated within a transaction,
 * since part of its bytes may be in it already. After a commit without a clear answer the
 * label is asked for, and as long as the transaction is open the commit is said again.
 *
 * An attempt that was given up is rolled back, and its label is asked for until it says that
 * the transaction is gone: only then does the next attempt begin, under the next label. So
 * there is never a transaction that could come back and put older rows over newer ones.
 */
enum {
	MARGIN_US = 30 * US_PER_SEC,
	CALL_TIMEOUT_US = 60 * US_PER_SEC,
};

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_OVER };

struct txn {
	struct loader *l;
	struct load *const *loads;
	size_t n;
	struct label label;
	struct refusal *refusal;
	enum reaction reaction; /* why an attempt was given up */
	struct ez_error why;
};

/* When one load fails the cluster aborts all: that the others find no transaction is no news. */
static bool is_consequence(enum reaction r)
{
	return r == REACT_ANEW || r == REACT_ASK;
}

static void give_up(struct txn *t, enum reaction r, const struct ez_error *why)
{
	if (reaction_is_final(t->reaction) ||
	    (is_consequence(r) && t->reaction != REACT_DONE))
		return;
	t->reaction = r;
	error_copy(&t->why, why);
}

static void init_call(const struct loader *l, struct exchange *x, const char *method,
		      const char *path, const char *label)
{
	exchange_init(x, method);
	x->path = path;
	x->expects = true;
	x->timeout_us = CALL_TIMEOUT_US;
	exchange_header(x, "label", "%s", label);
	exchange_header(x, "db", "%.*s", VIEW_ARG(l->s->database));
}

/* begin, prepare, commit or rollback. */
static enum reaction call(struct loader *l, const char *path, const char *label,
			  const char *table, struct answer *a, struct ez_error *why)
{
	_cleanup_(exchange_release) struct exchange x;
	struct exchange *xs[] = { &x };
	enum reaction r;

	init_call(l, &x, "POST", path, label);
	if (table)
		exchange_header(&x, "table", "%s", table);
	else
		exchange_header(&x, "transaction_type", "multi");
	exchange_header(&x, "timeout", "%lld",
			(long long)(l->s->load_timeout_us / US_PER_SEC));
	x.timeout_us = MAX(x.timeout_us, l->s->load_timeout_us + MARGIN_US);
	http_run(l->http, xs, 1, 1);
	r = loader_judge(l, &x, strrchr(path, '/') + 1, a);
	if (r != REACT_DONE)
		error_copy(why, &x.error);
	return r;
}

/* ------------------------------------------------------------------------ resolving */

static int resolve(struct loader *l, const char *label, const char *table,
		   enum label_state *ret, struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };

	for (;;) {
		bool said = false;
		int rc = loader_ask(l, label, ret, &why);
		struct answer a;

		if (rc < 0 && rc != EZ_E_TRANSIENT)
			return error_copy(err, &why);
		if (rc == EZ_OK && *ret != LABEL_OPEN)
			return EZ_OK;
		if (rc == EZ_OK)
			said = call(l, "/api/transaction/rollback", label, table, &a,
				    &why) == REACT_DONE;
		if (said) {
			rc = loader_ask(l, label, ret, &why);
			if (rc == EZ_OK && *ret != LABEL_OPEN)
				return EZ_OK;
			host->fail(&why, EZ_E_TRANSIENT, "",
				   "a transaction is still open");
		}
		why.rc = EZ_E_TRANSIENT;
		rc = loader_put_off(l, REACT_WAIT, &why, err);
		if (rc < 0)
			return rc;
	}
}

int txn_resolve(struct loader *l, const struct label *label, enum label_state *ret,
		struct ez_error *err)
{
	return resolve(l, label->text, NULL, ret, err);
}

/* ------------------------------------------------------------------------ an attempt */

struct part {
	struct exchange x;
	struct parcel parcel;
};

static void prepare_part(const struct txn *t, struct part *p, const struct load *load)
{
	struct loader *l = t->l;

	init_call(l, &p->x, "PUT", "/api/transaction/load", t->label.text);
	exchange_header(&p->x, "table", "%s", target_name(load->target));
	exchange_header(&p->x, "transaction_type", "multi");
	parcel_init(&p->parcel, l, load->format, buf_view(&load->body));
	loader_add_headers(l, &p->x, load, &p->parcel);
	p->x.timeout_us = l->s->load_timeout_us + MARGIN_US;
	p->x.body = parcel_body(&p->parcel);
}

static void judge_part(struct txn *t, struct part *p, size_t i)
{
	struct answer a;
	char what[300];
	enum reaction r;

	if (!str_format(what, sizeof(what), "table %s", target_name(t->loads[i]->target)))
		what[sizeof(what) - 1] = '\0';
	r = loader_judge(t->l, &p->x, what, &a);
	if (r == REACT_DONE)
		return;
	if (r == REACT_DATA) {
		t->refusal->load = i;
		if (!str_copy(t->refusal->error_url, sizeof(t->refusal->error_url),
			      view_str(a.error_url)))
			t->refusal->error_url[0] = '\0';
	}
	give_up(t, r, &p->x.error);
}

/* False: the attempt has to be given up. */
static bool load_parts(struct txn *t)
{
	_cleanup_(freep) struct part *parts = xcalloc(t->n + 1, sizeof(*parts));
	_cleanup_(freep) struct exchange **xs =
		xcalloc(t->n + 1, sizeof(struct exchange *));

	for (size_t i = 0; i < t->n; i++) {
		prepare_part(t, &parts[i], t->loads[i]);
		xs[i] = &parts[i].x;
	}
	http_run(t->l->http, xs, t->n, t->l->s->max_inflight);
	for (size_t i = 0; i < t->n; i++) {
		judge_part(t, &parts[i], i);
		exchange_release(&parts[i].x);
		parcel_release(&parts[i].parcel);
	}
	return t->reaction == REACT_DONE;
}

/* Until it is known what became of it. */
static int commit(struct txn *t, bool *ret_is_committed, struct ez_error *err)
{
	struct loader *l = t->l;
	struct ez_error why = { .size = sizeof(why) };

	for (;;) {
		struct answer a;
		enum label_state state = LABEL_OPEN;
		enum reaction r =
			call(l, "/api/transaction/commit", t->label.text, NULL, &a, &why);
		int rc;

		*ret_is_committed = r == REACT_DONE;
		if (r == REACT_DONE)
			return a.is_unseen ? loader_await_visible(l, t->label.text, err)
					   : EZ_OK;
		if (r == REACT_DATA &&
		    !str_copy(t->refusal->error_url, sizeof(t->refusal->error_url),
			      view_str(a.error_url)))
			t->refusal->error_url[0] = '\0';
		give_up(t, r, &why);
		why.rc = EZ_E_TRANSIENT;
		while ((rc = loader_ask(l, t->label.text, &state, &why)) < 0) {
			rc = rc == EZ_E_TRANSIENT
				     ? loader_put_off(l, REACT_ASK, &why, err)
				     : error_copy(err, &why);
			if (rc < 0)
				return rc;
		}
		*ret_is_committed = state == LABEL_DONE || state == LABEL_COMMITTED;
		if (*ret_is_committed)
			return loader_await_visible(l, t->label.text, err);
		if (state != LABEL_OPEN || reaction_is_final(t->reaction))
			return EZ_OK;
		t->reaction = REACT_DONE;
		rc = loader_put_off(l, r, &why, err);
		if (rc < 0)
			return rc;
	}
}

/* Between loading and committing, see progress_fence(). */
static int commit_if_ours(struct txn *t, bool *ret_is_committed, struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };
	struct answer a;
	int rc = loader_guard(t->l, err);

	if (rc == EZ_E_BUSY)
		(void)call(t->l, "/api/transaction/rollback", t->label.text, NULL, &a, &why);
	return rc < 0 ? rc : commit(t, ret_is_committed, err);
}

static int attempt(struct txn *t, enum attempt *ret, struct ez_error *err)
{
	struct answer a;
	struct ez_error why = { .size = sizeof(why) };
	enum label_state state;
	bool is_committed = false;
	enum reaction r =
		call(t->l, "/api/transaction/begin", t->label.text, NULL, &a, &why);
	int rc = EZ_OK;

	*ret = ATTEMPT_DONE;
	if (r != REACT_DONE)
		give_up(t, r, &why);
	else if (load_parts(t))
		rc = commit_if_ours(t, &is_committed, err);
	if (rc < 0 || is_committed)
		return rc;
	rc = resolve(t->l, t->label.text, NULL, &state, err);
	if (rc < 0)
		return rc;
	if (state == LABEL_DONE || state == LABEL_COMMITTED) /* a commit that came late */
		return loader_await_visible(t->l, t->label.text, err);
	*ret = reaction_is_final(t->reaction) ? ATTEMPT_OVER : ATTEMPT_AGAIN;
	return EZ_OK;
}

int txn_loads(struct loader *l, struct load *const *loads, size_t n,
	      const struct label *label, struct refusal *ret, struct ez_error *err)
{
	struct txn t = { .l = l,
			 .loads = loads,
			 .n = n,
			 .refusal = ret,
			 .why = { .size = sizeof(struct ez_error) } };
	enum attempt outcome = ATTEMPT_AGAIN;

	for (unsigned tries = 1;; tries++) {
		int rc;

		t.reaction = REACT_DONE;
		*ret = (struct refusal){ .load = SIZE_MAX };
		rc = label_add(&t.label, label, LABEL_ATTEMPT, tries, err);
		if (rc == EZ_OK)
			rc = attempt(&t, &outcome, err);
		if (rc < 0)
			return rc;
		if (outcome == ATTEMPT_DONE)
			break;
		if (outcome == ATTEMPT_OVER)
			return error_copy(err, &t.why);
		rc = loader_put_off(l, t.reaction, &t.why, err);
		if (rc < 0)
			return rc;
	}
	backoff_reset(&l->backoff);
	return EZ_OK;
}

/* ------------------------------------------------------------------------- dry runs */

static enum reaction load_slice_of(struct loader *l, const struct load *load, size_t from,
				   size_t to, const char *label, struct answer *a,
				   struct ez_error *why)
{
	_cleanup_(exchange_release) struct exchange x;
	_cleanup_(buf_release) struct buf body = BUF_INIT(SIZE_MAX / 2);
	_cleanup_(parcel_release) struct parcel parcel;
	struct exchange *xs[] = { &x };
	enum reaction r;

	load_slice(load, from, to, &body);
	init_call(l, &x, "PUT", "/api/transaction/load", label);
	exchange_header(&x, "table", "%s", target_name(load->target));
	parcel_init(&parcel, l, load->format, buf_view(&body));
	loader_add_headers(l, &x, load, &parcel);
	x.timeout_us = l->s->load_timeout_us + MARGIN_US;
	x.body = parcel_body(&parcel);
	http_run(l->http, xs, 1, 1);
	r = loader_judge(l, &x, target_name(load->target), a);
	if (r != REACT_DONE)
		error_copy(why, &x.error);
	return r;
}

/* One try; *ret_known: the cluster has judged the rows. */
static enum reaction try_once(struct loader *l, const struct load *load, size_t from,
			      size_t to, const char *label, struct answer *a,
			      struct ez_error *why)
{
	const char *table = target_name(load->target);
	enum reaction r = call(l, "/api/transaction/begin", label, table, a, why);

	if (r == REACT_DONE)
		r = load_slice_of(l, load, from, to, label, a, why);
	if (r == REACT_DONE)
		r = call(l, "/api/transaction/prepare", label, table, a, why);
	return r;
}

int txn_try(struct loader *l, const struct load *load, size_t from, size_t to,
	    const struct label *label, bool *ret_refused, struct refusal *ret,
	    struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };
	struct label own;
	enum label_state state;

	for (unsigned tries = 1;; tries++) {
		struct answer a;
		enum reaction r;
		int rc;

		rc = label_add(&own, label, LABEL_ATTEMPT, tries, err);
		if (rc < 0)
			return rc;
		r = try_once(l, load, from, to, own.text, &a, &why);
		rc = resolve(l, own.text, target_name(load->target), &state, err);
		if (rc < 0)
			return rc;
		*ret_refused = r == REACT_DATA;
		if (r == REACT_DATA && !str_copy(ret->error_url, sizeof(ret->error_url),
						 view_str(a.error_url)))
			ret->error_url[0] = '\0';
		if (r == REACT_DONE || r == REACT_DATA) {
			backoff_reset(&l->backoff);
			return EZ_OK;
		}
		rc = loader_put_off(l, r, &why, err);
		if (rc < 0)
			return rc;
	}
}
