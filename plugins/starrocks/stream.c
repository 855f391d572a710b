/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "stream.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#include "host.h"
#include "loader.h"
#include "settings.h"
#include "table.h"

/*
 * The label protocol, one load at a time:
 *
 *   TODO ──load──► committed ─────────────────────────────► DONE
 *     ▲      ├──► unknown: no answer, a timeout, a proxy ──► ASK ──VISIBLE, COMMITTED──► DONE
 *     │      ├──► the label exists and is being worked on ─► ASK ──PREPARE: ask again
 *     │      │                                               │
 *     └──────┴── failed: the label is free again ◄───────────┘ ABORTED, UNKNOWN
 *
 * A label that the cluster no longer knows (UNKNOWN) is loaded once more. That is harmless:
 * rows are upserts and deletes by key, and nothing newer of this table was loaded since.
 *
 * Loads go in rounds. In each round the first undecided load of every table takes a step;
 * after a round with trouble the loader waits. A round ends when its slowest load has ended,
 * which costs nothing: all loads of a group are needed before the next group.
 */
enum step { STEP_TODO, STEP_ASK, STEP_DONE, STEP_REFUSED };

enum {
	MARGIN_US = 30 * US_PER_SEC, /* beyond the cluster's own timeout */
};

struct task {
	const struct load *load;
	enum step step;
	struct exchange x;
	struct parcel parcel;
	char *path;
	struct label label;
	bool in_round, is_unseen;
};

struct round {
	struct loader *l;
	struct task *tasks;
	size_t n;
	enum reaction worst; /* of what is to be tried again; REACT_DONE: nothing */
	struct ez_error why;
};

static void tasks_free(struct round *r)
{
	for (size_t i = 0; i < r->n; i++) {
		exchange_release(&r->tasks[i].x);
		parcel_release(&r->tasks[i].parcel);
		free(r->tasks[i].path);
	}
	free(r->tasks);
}

static void note(struct round *r, enum reaction reaction, const struct ez_error *why)
{
	if (r->worst != REACT_DONE && !reaction_is_final(reaction))
		return;
	r->worst = reaction;
	error_copy(&r->why, why);
}

static void prepare(struct loader *l, struct task *t)
{
	struct exchange *x = &t->x;

	exchange_release(x);
	exchange_init(x, "PUT");
	x->path = t->path;
	x->expects = true;
	x->timeout_us = l->s->load_timeout_us + MARGIN_US;
	if (!t->parcel.body.len)
		parcel_init(&t->parcel, l, t->load->format, buf_view(&t->load->body));
	x->body = parcel_body(&t->parcel);
	exchange_header(x, "label", "%s", t->label.text);
	loader_add_headers(l, x, t->load, &t->parcel);
}

/* All earlier loads of its table are done. */
static bool is_next(const struct round *r, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (r->tasks[j].step != STEP_DONE && r->tasks[j].step != STEP_REFUSED &&
		    strcmp(target_name(r->tasks[j].load->target),
			   target_name(r->tasks[i].load->target)) == 0)
			return false;
	return true;
}

/* Committed, but not all of it: strict mode does not let that happen, and if it does anyhow
 * nobody shall learn of it from the target. */
static bool lacks_rows(struct task *t, const struct answer *a, const char *what)
{
	if (a->existing[0] || /* counts of a load that was refused */
	    (a->filtered_rows <= 0 &&
	     (a->loaded_rows < 0 || (uint64_t)a->loaded_rows >= t->load->n_rows)))
		return false;
	host->fail(&t->x.error, EZ_E_CONFIG, "",
		   "%s: StarRocks says that it took %lld of %zu rows", what,
		   (long long)a->loaded_rows, (size_t)t->load->n_rows);
	host->hint(&t->x.error, "copy the table again: ezcdc snapshot");
	return true;
}

static void judge(struct round *r, struct task *t, struct refusal *ret)
{
	struct answer a;
	char what[300];
	enum reaction reaction;

	if (!str_format(what, sizeof(what), "table %s", target_name(t->load->target)))
		what[sizeof(what) - 1] = '\0';
	reaction = loader_judge(r->l, &t->x, what, &a);
	if (reaction == REACT_DONE && lacks_rows(t, &a, what)) {
		t->step = STEP_DONE;
		reaction = REACT_CONFIG;
	} else if (reaction == REACT_DONE) {
		t->step = STEP_DONE;
		t->is_unseen = a.is_unseen;
		parcel_release(&t->parcel);
		return;
	}
	if (reaction == REACT_DATA) {
		t->step = STEP_REFUSED;
		ret->load = (size_t)(t - r->tasks);
		if (!str_copy(ret->error_url, sizeof(ret->error_url),
			      view_str(a.error_url)))
			ret->error_url[0] = '\0';
	} else if (reaction == REACT_ASK || reaction == REACT_WAIT) {
		t->step = STEP_ASK;
	}
	note(r, reaction, &t->x.error);
}

static void load_round(struct round *r, struct refusal *ret)
{
	_cleanup_(freep) struct exchange **xs =
		xcalloc(r->n + 1, sizeof(struct exchange *));
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];

		t->in_round = t->step == STEP_TODO && is_next(r, i);
		if (!t->in_round)
			continue;
		prepare(r->l, t);
		xs[n++] = &t->x;
	}
	http_run(r->l->http, xs, n, r->l->s->max_inflight);
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].in_round)
			judge(r, &r->tasks[i], ret);
}

static void ask_round(struct round *r)
{
	struct ez_error why = { .size = sizeof(why) };

	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];
		enum label_state state = LABEL_OPEN;
		int rc;

		if (t->step != STEP_ASK)
			continue;
		rc = loader_ask(r->l, t->label.text, &state, &why);
		if (rc < 0) {
			note(r, rc == EZ_E_TRANSIENT ? REACT_ASK : REACT_PERMISSION,
			     &why);
		} else if (state == LABEL_DONE || state == LABEL_COMMITTED) {
			t->step = STEP_DONE;
			t->is_unseen = state == LABEL_COMMITTED;
		} else if (state != LABEL_OPEN) {
			t->step = STEP_TODO;
		} else {
			host->fail(&why, EZ_E_TRANSIENT, "",
				   "table %s: the cluster is still at "
				   "work on a load",
				   target_name(t->load->target));
			note(r, REACT_WAIT, &why);
		}
	}
}

static bool is_over(const struct round *r, bool *ret_refused)
{
	*ret_refused = false;
	for (size_t i = 0; i < r->n; i++) {
		if (r->tasks[i].step == STEP_TODO || r->tasks[i].step == STEP_ASK)
			return false;
		*ret_refused |= r->tasks[i].step == STEP_REFUSED;
	}
	return true;
}

int stream_loads(struct loader *l, struct load *const *loads, size_t n,
		 const struct label *label, struct refusal *ret, struct ez_error *err)
{
	_cleanup_(tasks_free) struct round r = {
		.l = l,
		.n = n,
		.tasks = xcalloc(n + 1, sizeof(struct task)),
		.why = { .size = sizeof(struct ez_error) },
	};
	bool refused;
	int rc;

	for (size_t i = 0; i < n; i++) {
		struct task *t = &r.tasks[i];

		t->load = loads[i];
		exchange_init(&t->x, "PUT");
		t->path = loader_path(l, target_name(loads[i]->target), "/_stream_load");
		rc = label_add(&t->label, label, LABEL_LOAD, i, err);
		if (rc < 0)
			return rc;
	}
	while (!is_over(&r, &refused)) {
		rc = loader_guard(l, err);
		if (rc < 0)
			return rc;
		r.worst = REACT_DONE;
		load_round(&r, ret);
		if (r.worst == REACT_DATA)
			r.worst = REACT_DONE; /* told at the end */
		ask_round(&r);
		if (r.worst == REACT_CONFIG || r.worst == REACT_PERMISSION)
			return error_copy(err, &r.why);
		if (r.worst != REACT_DONE)
			rc = loader_put_off(l, r.worst, &r.why, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < n; i++) {
		rc = r.tasks[i].is_unseen
			     ? loader_await_visible(l, r.tasks[i].label.text, err)
			     : EZ_OK;
		if (rc < 0)
			return rc;
	}
	backoff_reset(&l->backoff);
	if (refused)
		return host->fail(err, EZ_E_DATA, "", "table %s: rows were refused",
				  target_name(loads[ret->load]->target));
	return EZ_OK;
}
