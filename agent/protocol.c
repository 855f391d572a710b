/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "protocol.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/str.h"
#include "base/view.h"

enum { CONFIG_MAX = 1024 * 1024, TASKS_MAX = 100, ID_LEN = 36, VERSION_MAX = 64 };

/* ------------------------------------------------------------------------- reading */

static json_t *parse(struct ez_view text)
{
	json_t *t = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);

	if (t && !json_is_object(t)) {
		json_decref(t);
		return NULL;
	}
	return t;
}

static const char *text_of(const json_t *t, const char *key)
{
	return json_string_value(json_object_get(t, key));
}

static char *copy_of(const json_t *t, const char *key)
{
	const char *s = text_of(t, key);

	return s ? xstrdup(s) : NULL;
}

/* Lower-case hex digits and dashes of a UUID: what may go into a path. */
static bool is_id(const char *s)
{
	return s && strlen(s) == ID_LEN && strspn(s, "0123456789abcdef-") == ID_LEN;
}

/* What may stand in a header. */
static bool is_secret(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (n == 0 || n > PROTOCOL_SECRET_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* ------------------------------------------------------------------------- identity */

void identity_release(struct identity *id)
{
	free(id->instance);
	free(id->worker_id);
	wipe(id->secret);
	free(id->url);
	*id = (struct identity){ .instance = NULL };
}

bool identity_parse(struct ez_view text, struct identity *ret)
{
	json_t *t = parse(text);
	bool ok = t && is_id(text_of(t, "instance"));

	if (ok) {
		*ret = (struct identity){ .instance = copy_of(t, "instance"),
					  .url = copy_of(t, "control_url") };
		if (is_id(text_of(t, "worker_id")) && is_secret(text_of(t, "secret"))) {
			ret->worker_id = copy_of(t, "worker_id");
			ret->secret = copy_of(t, "secret");
		}
	}
	json_decref(t);
	return ok;
}

static void add_str(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static void add_i64(struct jsonw *w, const char *key, int64_t value)
{
	jsonw_key(w, key);
	jsonw_i64(w, value);
}

static void add_u64(struct jsonw *w, const char *key, uint64_t value)
{
	jsonw_key(w, key);
	jsonw_u64(w, value);
}

static void add_time(struct jsonw *w, const char *key, int64_t us)
{
	add_str(w, key, format_rfc3339_us(us).text);
}

void identity_format(const struct identity *id, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	add_str(&w, "instance", id->instance);
	add_str(&w, "worker_id", id->worker_id);
	add_str(&w, "secret", id->secret);
	add_str(&w, "control_url", id->url);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

/* ------------------------------------------------------------------------- register */

void protocol_register(const struct registration *r, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);
	char abi[16];

	if (!str_format(abi, sizeof(abi), "%d.%d", EZ_ABI_MAJOR, EZ_ABI_MINOR))
		abi[0] = '\0';
	jsonw_begin_object(&w);
	add_i64(&w, "protocol", PROTOCOL_VERSION);
	add_str(&w, "instance", r->instance);
	if (r->worker_id)
		add_str(&w, "worker_id", r->worker_id);
	add_str(&w, "name", r->name);
	add_str(&w, "host", r->host);
	add_str(&w, "version", r->version);
	add_str(&w, "abi", abi);
	add_u64(&w, "max_jobs", r->max_jobs);
	add_time(&w, "started_at", r->started_us);
	jsonw_key(&w, "plugins");
	jsonw_raw(&w, r->plugins.len > 0 ? view_trim(r->plugins) : VIEW("null"));
	jsonw_end_object(&w);
}

static int64_t seconds_of(const json_t *t, const char *key, int64_t fallback)
{
	int64_t n = json_integer_value(json_object_get(t, key));

	return n >= 1 && n <= 3600 ? n : fallback;
}

bool protocol_registered(struct ez_view text, struct registered *ret)
{
	json_t *t = parse(text);
	const char *secret = t ? text_of(t, "secret") : NULL;
	bool ok = t && is_id(text_of(t, "worker_id")) && (!secret || is_secret(secret));

	if (ok)
		*ret = (struct registered){
			.worker_id = copy_of(t, "worker_id"),
			.secret = copy_of(t, "secret"),
			.heartbeat_s = seconds_of(t, "heartbeat_seconds", 10),
			.poll_s = seconds_of(t, "poll_seconds", 30),
		};
	json_decref(t);
	return ok;
}

void registered_release(struct registered *r)
{
	free(r->worker_id);
	wipe(r->secret);
	*r = (struct registered){ .worker_id = NULL };
}

void protocol_heartbeat(const struct heartbeat *h, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	add_str(&w, "worker_id", h->worker_id);
	add_time(&w, "sent_at", h->sent_us);
	add_i64(&w, "uptime_seconds", h->uptime_s);
	add_u64(&w, "jobs", h->jobs);
	add_u64(&w, "max_jobs", h->max_jobs);
	jsonw_key(&w, "stopping");
	jsonw_bool(&w, h->stopping);
	jsonw_end_object(&w);
}

void protocol_deregister(const char *worker_id, int64_t sent_us, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	add_str(&w, "worker_id", worker_id);
	add_time(&w, "sent_at", sent_us);
	jsonw_end_object(&w);
}

/* ----------------------------------------------------------------------------- poll */

void protocol_poll(const struct poll_question *q, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	add_str(&w, "worker_id", q->worker_id);
	add_str(&w, "seen", q->seen);
	add_i64(&w, "wait_seconds", q->wait_s);
	jsonw_key(&w, "jobs");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < q->n_jobs; i++) {
		jsonw_begin_object(&w);
		add_str(&w, "job_id", q->jobs[i].id);
		add_u64(&w, "epoch", q->jobs[i].epoch);
		add_u64(&w, "revision", q->jobs[i].revision);
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	jsonw_key(&w, "tasks");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < q->n_tasks; i++)
		jsonw_str(&w, q->tasks[i]);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
}

void desired_release(struct desired *d)
{
	for (size_t i = 0; i < d->n_jobs; i++) {
		free(d->jobs[i].id);
		free(d->jobs[i].name);
		wipe(d->jobs[i].config);
	}
	for (size_t i = 0; i < d->n_tasks; i++) {
		free(d->tasks[i].id);
		free(d->tasks[i].kind);
		wipe(d->tasks[i].config);
	}
	free(d->jobs);
	free(d->tasks);
	free(d->version);
	*d = (struct desired){ .version = NULL };
}

static bool parse_state(const char *s, uint32_t *ret)
{
	static const char *const names[] = { "stopped", "running", "paused" };

	for (uint32_t i = 0; s && i < ARRAY_LEN(names); i++) {
		if (strcmp(s, names[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* Rises from 1. */
static bool parse_number(const json_t *t, const char *key, uint64_t *ret)
{
	const json_t *n = json_object_get(t, key);

	if (!json_is_integer(n) || json_integer_value(n) < 1)
		return false;
	*ret = (uint64_t)json_integer_value(n);
	return true;
}

static bool parse_job(const json_t *t, struct wanted *ret)
{
	const char *config = text_of(t, "config");

	if (!is_id(text_of(t, "job_id")) || !text_of(t, "name") || !config ||
	    strlen(config) > CONFIG_MAX || !parse_state(text_of(t, "state"), &ret->state) ||
	    !parse_number(t, "epoch", &ret->epoch) ||
	    !parse_number(t, "revision", &ret->revision))
		return false;
	ret->id = copy_of(t, "job_id");
	ret->name = copy_of(t, "name");
	ret->config = xstrdup(config);
	ret->config_len = strlen(config);
	return true;
}

/* What a removal needs beside the text. */
static char *drop_config(const json_t *t, const char *config)
{
	struct buf out = BUF_INIT(8 * CONFIG_MAX);
	struct jsonw w = JSONW_INIT(&out);

	jsonw_begin_object(&w);
	add_str(&w, "job_id", text_of(t, "job_id"));
	add_i64(&w, "epoch", json_integer_value(json_object_get(t, "epoch")));
	add_str(&w, "config", config);
	jsonw_end_object(&w);
	return buf_take(&out);
}

static bool parse_task(const json_t *t, struct asked *ret)
{
	const char *config = text_of(t, "config"), *kind = text_of(t, "kind");

	if (!is_id(text_of(t, "task_id")) || !kind || !config || strlen(config) > CONFIG_MAX)
		return false;
	ret->id = copy_of(t, "task_id");
	ret->kind = xstrdup(kind);
	ret->config = strcmp(kind, "drop") == 0 ? drop_config(t, config) : xstrdup(config);
	ret->config_len = strlen(ret->config);
	return true;
}

static bool parse_jobs(const json_t *list, struct desired *d)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > PROTOCOL_JOBS_MAX)
		return false;
	d->jobs = xcalloc(n, sizeof(*d->jobs));
	for (size_t i = 0; i < n; i++, d->n_jobs++)
		if (!parse_job(json_array_get(list, i), &d->jobs[i]))
			return false;
	return true;
}

static bool parse_tasks(const json_t *list, struct desired *d)
{
	size_t n = json_array_size(list);

	if (list && !json_is_array(list))
		return false;
	n = MIN(n, (size_t)TASKS_MAX);
	d->tasks = xcalloc(n, sizeof(*d->tasks));
	for (size_t i = 0; i < n; i++, d->n_tasks++)
		if (!parse_task(json_array_get(list, i), &d->tasks[i]))
			return false;
	return true;
}

/* A set is taken whole or not at all: half of it would stop the other half's jobs. */
bool protocol_desired(struct ez_view text, struct desired *ret)
{
	json_t *t = parse(text);
	struct desired d = { .version = NULL };
	const char *version = t ? text_of(t, "version") : NULL;
	bool ok = version && strlen(version) <= VERSION_MAX;

	if (ok)
		d.version = xstrdup(version);
	ok = ok && parse_jobs(json_object_get(t, "jobs"), &d) &&
	     parse_tasks(json_object_get(t, "tasks"), &d);
	json_decref(t);
	if (!ok) {
		desired_release(&d);
		return false;
	}
	*ret = d;
	return true;
}

/* -------------------------------------------------------------------------- statuses */

void protocol_sign(const char *worker_id, struct ez_view object, struct buf *out)
{
	ASSERT(object.len > 2 && object.ptr[0] == '{');
	buf_add_str(out, "{\"worker_id\":");
	json_add_string(out, view_str(worker_id));
	buf_add_char(out, ',');
	buf_add(out, object.ptr + 1, object.len - 1);
}

static const char *state_to_str(uint32_t state)
{
	static const char *const names[] = { "stopped", "running", "paused", "failed",
					     "starting" };

	return state < ARRAY_LEN(names) ? names[state] : "failed";
}

static void add_text(struct jsonw *w, const char *key, struct ez_view v)
{
	jsonw_key(w, key);
	if (v.len > 0)
		jsonw_view(w, v);
	else
		jsonw_null(w);
}

void protocol_status(const char *worker_id, int64_t sent_us, const struct ez_job_status *s,
		     struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	if (worker_id)
		add_str(&w, "worker_id", worker_id);
	add_time(&w, "sent_at", sent_us);
	add_u64(&w, "epoch", s->epoch);
	add_u64(&w, "revision", s->revision);
	add_str(&w, "state", state_to_str(s->state));
	jsonw_key(&w, "exit_code");
	if (s->exit_code < 0)
		jsonw_null(&w);
	else
		jsonw_i64(&w, s->exit_code);
	add_text(&w, "error", s->error);
	jsonw_key(&w, "status");
	jsonw_raw(&w, s->status.len > 0 ? s->status : VIEW("null"));
	jsonw_end_object(&w);
}

static void add_number(struct jsonw *w, const char *key, const json_t *n)
{
	jsonw_key(w, key);
	if (json_is_integer(n))
		jsonw_i64(w, json_integer_value(n));
	else if (json_is_real(n))
		jsonw_double(w, json_real_value(n));
	else
		jsonw_null(w);
}

bool protocol_sample(const struct ez_job_status *s, int64_t at_us, struct buf *out)
{
	static const struct {
		const char *name, *group, *member;
	} members[] = {
		{ "rows_total", NULL, "rows_total" },
		{ "rows_per_second", NULL, "rows_per_second" },
		{ "bytes_per_second", NULL, "bytes_per_second" },
		{ "lag_bytes", "lag", "bytes" },
		{ "lag_ms", "lag", "ms" },
		{ "queue_bytes", NULL, "queue_bytes" },
		{ "retained_bytes", "slot", "retained_bytes" },
		{ "safe_bytes", "slot", "safe_bytes" },
		{ "dead_letters", NULL, "dead_letters" },
		{ "rss_bytes", NULL, "rss_bytes" },
		{ "cpu_percent", NULL, "cpu_percent" },
		{ "flush_p99_ms", "batch", "flush_p99_ms" },
	};
	json_t *t = parse(s->status);
	struct jsonw w = JSONW_INIT(out);

	if (!t)
		return false;
	jsonw_begin_object(&w);
	jsonw_key(&w, "job_id");
	jsonw_view(&w, s->id);
	add_u64(&w, "epoch", s->epoch);
	add_time(&w, "at", at_us);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *from =
			members[i].group ? json_object_get(t, members[i].group) : t;

		add_number(&w, members[i].name, json_object_get(from, members[i].member));
	}
	jsonw_end_object(&w);
	json_decref(t);
	return true;
}

void protocol_metrics(const char *worker_id, uint64_t dropped, struct ez_view samples,
		      struct buf *out)
{
	buf_add_str(out, "{\"worker_id\":");
	json_add_string(out, view_str(worker_id));
	buf_add_str(out, ",\"dropped\":");
	buf_add_u64(out, dropped);
	buf_add_str(out, ",\"samples\":[");
	buf_add_view(out, samples);
	buf_add_str(out, "]}");
}

/* --------------------------------------------------------------------- tasks, errors */

static void add_value(struct jsonw *w, const char *key, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	jsonw_key(w, key);
	if (text)
		jsonw_raw(w, view_str(text));
	else
		jsonw_null(w);
	free(text);
}

void protocol_result(const char *worker_id, int rc, struct ez_view json, struct buf *out)
{
	json_t *t = parse(json);
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	if (worker_id)
		add_str(&w, "worker_id", worker_id);
	add_str(&w, "status", rc < 0 ? "failed" : "succeeded");
	add_value(&w, "exit_code", t ? json_object_get(t, "exit_code") : NULL);
	add_value(&w, "result", t ? json_object_get(t, "result") : NULL);
	add_value(&w, "error", t ? json_object_get(t, "error") : NULL);
	jsonw_end_object(&w);
	json_decref(t);
}

char *protocol_error(struct ez_view text, char *ret_code, size_t code_size)
{
	json_t *t = parse(text);
	const json_t *e = t ? json_object_get(t, "error") : NULL;
	const char *code = e ? text_of(e, "code") : NULL;
	char *message = e ? copy_of(e, "message") : NULL;

	if (!str_copy(ret_code, code_size, view_str(code ? code : "")))
		ret_code[0] = '\0';
	json_decref(t);
	return message;
}

char *protocol_base(struct ez_view url)
{
	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	return view_dup(url);
}
