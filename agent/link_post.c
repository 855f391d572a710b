/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "link_post.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "http.h"
#include "link.h"

enum {
	STATUS_US = 10 * US_PER_SEC,
	SAMPLE_US = 10 * US_PER_SEC,
	STATUSES_AT_ONCE = 2,
	ANSWER_MS = 30 * 1000,
	RESULTS_MAX = 100,
	SIGNATURE_MAX = 128,
};

/* ---------------------------------------------------------------------------- statuses */

static void note_free(void *p)
{
	struct link_note *n = p;

	buf_release(&n->body);
	free(n);
}

static struct link_note *note_of(struct link *l, struct ez_view id)
{
	struct link_note *n = map_get(&l->notes, id);

	if (n)
		return n;
	n = xcalloc(1, sizeof(*n));
	n->link = l;
	n->body = BUF_INIT(PROTOCOL_STATUS_MAX - SIGNATURE_MAX);
	if (!str_copy(n->id, sizeof(n->id), id)) {
		free(n);
		return NULL;
	}
	(void)map_put(&l->notes, id, n);
	return n;
}

/* The word that the daemon has for its state: `"state":"streaming"`, which is the first
 * member of that name. */
static struct ez_view daemon_state(struct ez_view json)
{
	static const char key[] = "\"state\":\"";
	const char *at = json.len ? memmem(json.ptr, json.len, key, sizeof(key) - 1) : NULL;
	const char *end;

	if (!at)
		return view_of(NULL, 0);
	at += sizeof(key) - 1;
	end = memchr(at, '"', json.len - (size_t)(at - json.ptr));
	return end ? view_of(at, (size_t)(end - at)) : view_of(NULL, 0);
}

/* What a person would want to know at once. */
static uint64_t digest_of(const struct ez_job_status *s)
{
	uint64_t h = view_hash(s->error);

	h = view_hash_seeded(daemon_state(s->status), h);
	h = h * 31 + s->state;
	h = h * 31 + s->epoch;
	h = h * 31 + s->revision;
	return h * 31 + (uint64_t)(int64_t)s->exit_code;
}

static void sample(struct link *l, struct link_note *n, const struct ez_job_status *s)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(4096);
	int64_t now = mono_us();

	if (s->status.len == 0 || (n->sampled_us != 0 && now - n->sampled_us < SAMPLE_US))
		return;
	if (!protocol_sample(s, now_us(), &text) || !buf_ok(&text))
		return;
	n->sampled_us = now;
	samples_add(&l->samples, buf_view(&text));
}

void link_put_status(struct link *l, const struct ez_job_status *s)
{
	struct link_note *n = note_of(l, s->id);
	uint64_t digest = digest_of(s);

	if (!n)
		return;
	sample(l, n, s);
	n->gone = false;
	n->state = s->state;
	n->urgent = n->urgent || n->sent_us == 0 || digest != n->digest;
	n->digest = digest;
	n->number++;
	buf_reset(&n->body);
	protocol_status(NULL, now_us(), s, &n->body);
	if (!buf_ok(&n->body)) {
		l->host->log(4, "the status of job %s is too long to be told", n->id);
		buf_reset(&n->body);
	}
}

size_t link_running(const struct link *l)
{
	size_t running = 0;

	map_for_each (e, &l->notes) {
		const struct link_note *n = e->value;

		/* running, paused or starting */
		running += !n->gone && (n->state == 1 || n->state == 2 || n->state == 4);
	}
	return running;
}

static void on_status(void *arg, const struct http_answer *a)
{
	struct link_note *n = arg;
	struct link *l = n->link;
	bool again, ok = link_judge(l, "status", a, &again);

	n->under_way = false;
	if (!ok && again) {
		n->urgent = true;
		return;
	}
	n->sent_us = mono_us();
	/* A newer one may have come meanwhile. */
	if (n->number == n->number_under_way)
		buf_reset(&n->body);
}

static bool note_is_due(const struct link_note *n, int64_t now)
{
	return n->body.len > 0 && !n->under_way &&
	       (n->urgent || n->link->closing || now - n->sent_us >= STATUS_US);
}

static void post_status(struct link *l, struct link_note *n)
{
	_cleanup_(freep) char *path = xasprintf("/jobs/%s/status", n->id);
	struct buf body = BUF_INIT(PROTOCOL_STATUS_MAX + SIGNATURE_MAX);

	/* Kept until it is accepted. */
	protocol_sign(l->id.worker_id, buf_view(&n->body), &body);
	n->under_way = true;
	n->urgent = false;
	n->number_under_way = n->number;
	link_send(l, path, &body, ANSWER_MS, on_status, n);
	buf_release(&body);
}

static void post_statuses(struct link *l)
{
	int64_t now = mono_us();
	size_t under_way = 0;

	map_for_each (e, &l->notes) {
		struct link_note *n = e->value;

		under_way += n->under_way;
	}
	map_for_each (e, &l->notes) {
		struct link_note *n = e->value;

		if (n->gone && !n->under_way && n->body.len == 0) {
			(void)map_remove(&l->notes, e->key);
			note_free(n);
		} else if (under_way < STATUSES_AT_ONCE && note_is_due(n, now)) {
			post_status(l, n);
			under_way++;
		}
	}
}

/* ---------------------------------------------------------------------------- samples */

static void on_measured(void *arg, const struct http_answer *a)
{
	struct link *l = arg;
	bool again, ok = link_judge(l, "metrics", a, &again);

	l->measuring = false;
	if (ok || !again)
		samples_sent(&l->samples);
	else
		samples_again(&l->samples);
	/* What piled up goes out at once. */
	if (!ok || samples_count(&l->samples) < SAMPLES_PER_REQUEST)
		l->measure_due_us = mono_us() + SAMPLE_US;
}

static void post_samples(struct link *l)
{
	_cleanup_(buf_release) struct buf samples = BUF_INIT(PROTOCOL_METRICS_MAX);
	struct buf body = BUF_INIT(PROTOCOL_METRICS_MAX);

	if (l->measuring || samples_count(&l->samples) == 0 ||
	    (mono_us() < l->measure_due_us && !l->closing))
		return;
	samples_take(&l->samples, &samples, PROTOCOL_METRICS_MAX - 1024);
	protocol_metrics(l->id.worker_id, l->samples.told, buf_view(&samples), &body);
	l->measuring = true;
	link_send(l, "/metrics", &body, ANSWER_MS, on_measured, l);
	buf_release(&body);
}

/* ---------------------------------------------------------------------------- results */

static void close_task(struct link *l, const char *id)
{
	list_for_each (at, &l->tasks) {
		struct open_task *t = LIST_OF(at, struct open_task, link);

		if (strcmp(t->id, id) == 0) {
			list_remove(&t->link);
			free(t);
		}
	}
}

static void result_free(struct link_result *r)
{
	list_remove(&r->link);
	buf_release(&r->body);
	free(r->task);
	free(r);
}

/* The oldest. */
static void drop_result(struct link *l)
{
	struct list *first = list_first(&l->results);
	struct link_result *r;

	if (!first)
		return;
	r = LIST_OF(first, struct link_result, link);
	close_task(l, r->task);
	result_free(r);
}

static void on_result(void *arg, const struct http_answer *a)
{
	struct link *l = arg;
	bool again, ok = link_judge(l, "result", a, &again);

	l->delivering = false;
	if (ok || !again)
		drop_result(l);
}

static void post_result(struct link *l)
{
	struct list *first = list_first(&l->results);
	struct buf body = BUF_INIT(PROTOCOL_RESULT_MAX + SIGNATURE_MAX);
	_cleanup_(freep) char *path = NULL;
	struct link_result *r;

	if (l->delivering || !first)
		return;
	r = LIST_OF(first, struct link_result, link);
	path = xasprintf("/tasks/%s/result", r->task);
	protocol_sign(l->id.worker_id, buf_view(&r->body), &body);
	l->delivering = true;
	link_send(l, path, &body, ANSWER_MS, on_result, l);
	buf_release(&body);
}

void link_put_result(struct link *l, struct ez_view task, int rc, struct ez_view json)
{
	struct link_result *r = xcalloc(1, sizeof(*r));

	r->task = view_dup(task);
	r->body = BUF_INIT(PROTOCOL_RESULT_MAX - SIGNATURE_MAX);
	list_add_tail(&l->results, &r->link);
	protocol_result(NULL, rc, json, &r->body);
	if (!buf_ok(&r->body)) {
		buf_reset(&r->body);
		protocol_result(NULL, EZ_E_CONFIG,
				VIEW("{\"error\":\"the result is too long\"}"), &r->body);
	}
	/* The control plane asks again for what it still wants. */
	if (list_count(&l->results) > RESULTS_MAX && !l->delivering)
		drop_result(l);
}

/* -------------------------------------------------------------------------------- all */

void link_post_all(struct link *l)
{
	post_statuses(l);
	post_samples(l);
	post_result(l);
}

int64_t link_post_due_us(const struct link *l)
{
	int64_t due_us = INT64_MAX;
	size_t under_way = 0;

	if (!l->measuring && samples_count(&l->samples) > 0)
		due_us = l->measure_due_us;
	if (!l->delivering && !list_is_empty(&l->results))
		return 0;
	map_for_each (e, &l->notes) {
		const struct link_note *n = e->value;

		under_way += n->under_way;
	}
	if (under_way >= STATUSES_AT_ONCE)
		return due_us;
	map_for_each (e, &l->notes) {
		const struct link_note *n = e->value;

		if (n->body.len > 0 && !n->under_way)
			due_us = MIN(due_us, n->urgent ? 0 : n->sent_us + STATUS_US);
	}
	return due_us;
}

bool link_is_empty(const struct link *l)
{
	if (!list_is_empty(&l->results) || samples_count(&l->samples) > 0)
		return false;
	map_for_each (e, &l->notes) {
		const struct link_note *n = e->value;

		if (n->body.len > 0)
			return false;
	}
	return true;
}

void link_post_release(struct link *l)
{
	map_for_each (e, &l->notes)
		note_free(e->value);
	map_release(&l->notes, NULL);
	list_for_each (at, &l->results)
		result_free(LIST_OF(at, struct link_result, link));
}
