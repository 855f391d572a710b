/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "tests/bench/play.h"

/*
 * One worker, by docs/worker-protocol.md. Long and short polls take turns: the short ones
 * tell what the way there and back takes, the long ones how late the end of a wait comes.
 */
enum {
	HEARTBEAT_US = 10 * US_PER_SEC,
	REPORT_US = 10 * US_PER_SEC,
	WAIT_S = 25,
	ANSWER_US = 30 * US_PER_SEC,
	MORE_US = 15 * US_PER_SEC,
	BACKOFF_MAX_US = 8 * US_PER_SEC,
	TELL_US = 300 * US_PER_MS,
	BODY_MAX_BYTES = 1024 * 1024,
};

static int64_t below(struct worker *w, int64_t us)
{
	return (int64_t)prng_below(&w->play->chance, (uint64_t)us);
}

static void copy(char *to, size_t size, const char *from)
{
	ENSURE(from && str_copy(to, size, view_str(from)), "an answer says too much");
}

void worker_init(struct worker *w, struct play *p, int number, const char *token)
{
	uint64_t a = prng_next(&p->chance), b = prng_next(&p->chance);

	w->play = p;
	w->number = w->home = number;
	copy(w->token, sizeof(w->token), token);
	ENSURE(str_format(w->instance, sizeof(w->instance),
			  "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64
			  "-%012" PRIx64,
			  a >> 32, (a >> 16) & 0xffff, a & 0xfff, (b >> 48) & 0xfff,
			  b & 0xffffffffffff),
	       "an id");
	w->leases = xcalloc((size_t)p->room + 1, sizeof(*w->leases));
	conn_init(&w->talk, w);
	conn_init(&w->poll, w);
}

static struct lease *lease_of(struct worker *w, const struct job *job)
{
	for (int i = 0; i < w->n_leases; i++) {
		if (w->leases[i].job == job)
			return &w->leases[i];
	}
	return NULL;
}

static void send_to(struct conn *c, const char *path, struct buf *body, int64_t timeout_us)
{
	struct worker *w = c->worker;

	ENSURE(buf_ok(body), "half a message would be sent");
	conn_send(c, w->play->ports[w->home % w->play->n_ports], w->token, path,
		  buf_view(body), timeout_us);
	buf_release(body);
}

/* ------------------------------------------------------------------ what it says */

static void say_register(struct worker *w)
{
	struct buf b = BUF_INIT(BODY_MAX_BYTES);

	buf_addf(&b,
		 "{\"protocol\":1,\"instance\":\"%s\",\"name\":\"w%d\",\"host\":\"play\","
		 "\"version\":\"0.1.0\",\"abi\":\"1.0\",\"max_jobs\":%d,\"started_at\":\"%s\","
		 "\"plugins\":%s",
		 w->instance, w->number, w->play->room, format_rfc3339_us(now_us()).text,
		 w->play->plugins);
	if (w->id[0])
		buf_addf(&b, ",\"worker_id\":\"%s\"", w->id);
	buf_add_char(&b, '}');
	send_to(&w->talk, "/api/worker/register", &b, ANSWER_US);
}

static void say_beat(struct worker *w)
{
	struct buf b = BUF_INIT(BODY_MAX_BYTES);

	buf_addf(&b,
		 "{\"worker_id\":\"%s\",\"sent_at\":\"%s\",\"uptime_seconds\":1,\"jobs\":%d,"
		 "\"max_jobs\":%d,\"stopping\":false}",
		 w->id, format_rfc3339_us(now_us()).text, w->n_leases, w->play->room);
	send_to(&w->talk, "/api/worker/heartbeat", &b, ANSWER_US);
}

static void say_report(struct worker *w, const struct lease *l)
{
	struct buf b = BUF_INIT(BODY_MAX_BYTES), path = BUF_INIT(200);

	w->is_over = l->job->highest > l->epoch;
	buf_addf(&b,
		 "{\"worker_id\":\"%s\",\"sent_at\":\"%s\",\"epoch\":%" PRId64
		 ",\"revision\":%" PRId64
		 ",\"state\":\"%s\",\"exit_code\":null,\"error\":null,\"status\":"
		 "{\"name\":\"shop\",\"state\":\"streaming\",\"phase\":\"streaming\","
		 "\"paused\":false,\"tables\":[{\"name\":\"public.orders\","
		 "\"state\":\"streaming\",\"parts\":1,\"parts_done\":1,\"rows\":100,"
		 "\"estimate\":100}],\"lag\":{\"bytes\":4096,\"ms\":%d},"
		 "\"rows_total\":%" PRId64 ",\"rows_per_second\":812.5,"
		 "\"bytes_per_second\":98304.5,\"batch\":{\"flush_p99_ms\":12.5},"
		 "\"queue_bytes\":0,\"slot\":{\"retained_bytes\":16777216,"
		 "\"safe_bytes\":null},\"dead_letters\":0,\"rss_bytes\":14680064,"
		 "\"cpu_percent\":3.5,\"last_error\":null}}",
		 w->id, format_rfc3339_us(now_us()).text, l->epoch, l->revision, l->state,
		 (int)below(w, 1000), now_us() / US_PER_MS % 1000000000);
	buf_addf(&path, "/api/worker/jobs/%s/status", l->job->id);
	send_to(&w->talk, buf_cstr(&path), &b, ANSWER_US);
	buf_release(&path);
}

static void say_samples(struct worker *w)
{
	struct rfc3339 at = format_rfc3339_us(now_us());
	struct buf b = BUF_INIT(BODY_MAX_BYTES);

	buf_addf(&b, "{\"worker_id\":\"%s\",\"dropped\":0,\"samples\":[", w->id);
	for (int i = 0; i < w->n_leases; i++)
		buf_addf(&b,
			 "%s{\"job_id\":\"%s\",\"epoch\":%" PRId64
			 ",\"at\":\"%s\",\"rows_total\":120000,\"rows_per_second\":812.5,"
			 "\"bytes_per_second\":98304.5,\"lag_bytes\":4096,\"lag_ms\":350,"
			 "\"queue_bytes\":0,\"retained_bytes\":16777216,\"safe_bytes\":null,"
			 "\"dead_letters\":0,\"rss_bytes\":14680064,\"cpu_percent\":3.5,"
			 "\"flush_p99_ms\":12.5}",
			 i > 0 ? "," : "", w->leases[i].job->id, w->leases[i].epoch,
			 at.text);
	buf_add_str(&b, "]}");
	send_to(&w->talk, "/api/worker/metrics", &b, ANSWER_US);
}

static void drop_item(struct worker *w)
{
	w->n_items--;
	memmove(w->items, w->items + 1, (size_t)w->n_items * sizeof(w->items[0]));
}

/* One after the other, over one connection. */
static void say_next(struct worker *w)
{
	while (w->n_items > 0 && !w->talk.busy) {
		const struct item *i = &w->items[0];
		const struct lease *l = i->job ? lease_of(w, i->job) : NULL;

		if (i->kind == KIND_BEAT)
			say_beat(w);
		else if (i->kind == KIND_SAMPLES && w->n_leases > 0)
			say_samples(w);
		else if (i->kind == KIND_REPORT && l)
			say_report(w, l);
		else
			drop_item(w);
	}
}

/* The newest word counts: what waits already is said as it is then. */
static void say(struct worker *w, enum kind kind, struct job *job)
{
	for (int i = w->talk.busy ? 1 : 0; i < w->n_items; i++) {
		if (w->items[i].kind == kind && w->items[i].job == job)
			return;
	}
	ENSURE(w->n_items < ITEMS_MAX, "a message would be lost");
	w->items[w->n_items++] = (struct item){ .kind = kind, .job = job };
	say_next(w);
}

static void ask(struct worker *w)
{
	struct buf b = BUF_INIT(BODY_MAX_BYTES);

	buf_addf(&b,
		 "{\"worker_id\":\"%s\",\"seen\":\"%s\",\"wait_seconds\":%d,\"jobs\":[",
		 w->id, w->seen, w->wait_s);
	for (int i = 0; i < w->n_leases; i++)
		buf_addf(&b,
			 "%s{\"job_id\":\"%s\",\"epoch\":%" PRId64
			 ",\"revision\":%" PRId64 "}",
			 i > 0 ? "," : "", w->leases[i].job->id, w->leases[i].epoch,
			 w->leases[i].revision);
	buf_add_str(&b, "],\"tasks\":[]}");
	send_to(&w->poll, "/api/worker/poll", &b, w->wait_s * US_PER_SEC + MORE_US);
}

/* ------------------------------------------------------------------ what it is told */

/* By the table of answers: what to wait for before the next try. */
static void put_off(struct conn *c, int status, struct ez_view head, enum todo todo)
{
	static const char later[] = "\r\nretry-after:";
	struct worker *w = c->worker;
	const char *at = head.len > 0 ? memmem(head.ptr, head.len, later, sizeof(later) - 1)
				      : NULL;
	int64_t us = US_PER_SEC / 2;

	w->home += status == 0;
	w->tries++;
	w->play->put_off++;
	for (int i = 1; i < w->tries && us < BACKOFF_MAX_US; i++)
		us *= 2;
	us = below(w, us) + 50 * US_PER_MS;
	if (at)
		us += (at[sizeof(later) - 1] == ' ' ? at[sizeof(later)] - '0' : 1) *
		      US_PER_SEC;
	play_after(w->play, w, us, todo, NULL);
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static void go_on(struct worker *w)
{
	play_after(w->play, w, below(w, HEARTBEAT_US), TODO_BEAT, NULL);
	play_after(w->play, w, below(w, REPORT_US), TODO_REPORTS, NULL);
	w->wait_s = WAIT_S;
	ask(w);
}

static void registered(struct worker *w, int status, struct ez_view head,
		       struct ez_view body)
{
	json_t *j;

	if (status != 200) {
		put_off(&w->talk, status, head, TODO_START);
		return;
	}
	j = json_loadb(body.ptr, body.len, 0, NULL);
	play_took(w->play, KIND_REGISTER, mono_us() - w->talk.sent_us);
	copy(w->id, sizeof(w->id), text_of(j, "worker_id"));
	if (json_object_get(j, "secret"))
		copy(w->token, sizeof(w->token), text_of(j, "secret"));
	json_decref(j);
	w->tries = 0;
	w->play->registered += !w->known;
	w->known = true;
	go_on(w);
}

static void said(struct worker *w, int status, struct ez_view head, struct ez_view body)
{
	const struct item i = w->items[0];

	if (status == 0 || status == 429 || status >= 500) {
		put_off(&w->talk, status, head, TODO_SAY);
		return;
	}
	w->tries = 0;
	play_took(w->play, i.kind, mono_us() - w->talk.sent_us);
	if (status == 409)
		w->play->stale++;
	else if (status != 200 && status != 404)
		play_problem("a message of worker %s was answered with %d %.*s", w->id,
			     status, (int)MIN(body.len, (size_t)300), body.ptr);
	if (status == 200 && i.kind == KIND_REPORT && w->is_over)
		play_problem("job %s: worker %s was believed after a higher epoch was given",
			     i.job->id, w->id);
	drop_item(w);
	say_next(w);
}

static void take_job(struct worker *w, const json_t *j, const struct lease *old, int n_old)
{
	struct lease *l = &w->leases[w->n_leases++];
	bool is_news = true;

	l->job = play_job(w->play, text_of(j, "job_id"));
	l->epoch = json_integer_value(json_object_get(j, "epoch"));
	l->revision = json_integer_value(json_object_get(j, "revision"));
	copy(l->state, sizeof(l->state), text_of(j, "state"));
	for (int i = 0; i < n_old; i++) {
		if (old[i].job == l->job && old[i].epoch > l->epoch)
			play_problem("job %s: an epoch came after a higher one",
				     l->job->id);
		if (old[i].job == l->job && old[i].epoch == l->epoch &&
		    old[i].revision == l->revision &&
		    strcmp(old[i].state, l->state) == 0)
			is_news = false;
	}
	l->job->highest = MAX(l->job->highest, l->epoch);
	if (!is_news)
		return;
	printf("held %s %s %" PRId64 " %s %" PRId64 "\n", w->id, l->job->id, l->epoch,
	       l->state, mono_us());
	play_after(w->play, w, below(w, TELL_US), TODO_TELL, l->job);
}

static void take_set(struct worker *w, struct ez_view body)
{
	json_t *j = json_loadb(body.ptr, body.len, 0, NULL), *jobs, *one;
	struct lease *old = xmemdup(w->leases, (size_t)w->n_leases * sizeof(*old) + 1);
	int n_old = w->n_leases;
	size_t i;

	jobs = json_object_get(j, "jobs");
	w->n_leases = 0;
	if (!json_is_array(jobs) || json_array_size(jobs) > (size_t)w->play->room) {
		play_problem("worker %s was given %zu jobs", w->id, json_array_size(jobs));
	} else {
		copy(w->seen, sizeof(w->seen), text_of(j, "version"));
		json_array_foreach(jobs, i, one)
			take_job(w, one, old, n_old);
	}
	free(old);
	json_decref(j);
}

static void told(struct worker *w, int status, struct ez_view head, struct ez_view body)
{
	int64_t took = mono_us() - w->poll.sent_us;

	if (status != 200 && status != 204) {
		if (status != 0 && status != 429 && status < 500)
			play_problem("a poll of worker %s was answered with %d", w->id,
				     status);
		put_off(&w->poll, status, head, TODO_ASK);
		return;
	}
	w->tries = 0;
	if (w->wait_s == 0)
		play_took(w->play, KIND_POLL, took);
	else if (status == 204)
		play_took(w->play, KIND_LATE, took - w->wait_s * US_PER_SEC);
	else
		w->play->sets++;
	if (status == 200)
		take_set(w, body);
	w->wait_s = w->wait_s ? 0 : WAIT_S;
	ask(w);
}

void worker_answer(struct conn *c, int status, struct ez_view head, struct ez_view body)
{
	struct worker *w = c->worker;

	if (c == &w->poll)
		told(w, status, head, body);
	else if (w->n_items == 0)
		registered(w, status, head, body);
	else
		said(w, status, head, body);
}

/* ------------------------------------------------------------------ what it does */

static void come_back(struct worker *w)
{
	w->away = false;
	/* As a machine that slept and knows of nothing, or as a new process. */
	if (prng_below(&w->play->chance, 2)) {
		go_on(w);
		for (int i = 0; i < w->n_leases; i++)
			say(w, KIND_REPORT, w->leases[i].job);
	} else {
		w->seen[0] = '\0';
		w->n_leases = 0;
		say_register(w);
	}
}

static void report_all(struct worker *w)
{
	for (int i = 0; i < w->n_leases; i++)
		say(w, KIND_REPORT, w->leases[i].job);
	if (w->n_leases > 0)
		say(w, KIND_SAMPLES, NULL);
	play_after(w->play, w, REPORT_US, TODO_REPORTS, NULL);
}

void worker_do(struct worker *w, enum todo todo, struct job *job)
{
	switch (todo) {
	case TODO_START:
		say_register(w);
		break;
	case TODO_BEAT:
		play_after(w->play, w, HEARTBEAT_US, TODO_BEAT, NULL);
		say(w, KIND_BEAT, NULL);
		break;
	case TODO_REPORTS:
		report_all(w);
		break;
	case TODO_TELL:
		say(w, KIND_REPORT, job);
		break;
	case TODO_ASK:
		ask(w);
		break;
	case TODO_SAY:
		say_next(w);
		break;
	case TODO_COME_BACK:
		come_back(w);
		break;
	}
}

void worker_vanish(struct worker *w)
{
	w->life++;
	w->away = true;
	w->n_items = 0;
	w->tries = 0;
	conn_close(&w->talk);
	conn_close(&w->poll);
}
