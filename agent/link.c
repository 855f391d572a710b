/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "link.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"
#include "http.h"
#include "link_identity.h"
#include "link_post.h"

enum {
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 60 * 1000,
	TOKEN_MIN_MS = 1000,
	TOKEN_MAX_MS = 300 * 1000,
	REFUSED_US = 300 * US_PER_SEC,
	ANSWER_MS = 30 * 1000,
	POLL_SLACK_MS = 15 * 1000,
	PLUGINS_US = 10 * US_PER_SEC, /* so long a registration waits for the option tables */
	HOST_MAX = 256,
	POLL_LEAST_US = 200 * US_PER_MS, /* however quickly it answers */
};

/* ----------------------------------------------------------------- what went wrong */

/* Said once per outage, and again when it is another. */
static void complain(struct link *l, const char *text)
{
	if (l->down_since_us == 0)
		l->down_since_us = mono_us();
	if (l->complaint && strcmp(l->complaint, text) == 0)
		return;
	free(l->complaint);
	l->complaint = xstrdup(text);
	l->host->log(4, "control plane %s: %s; jobs go on as they are", l->url, text);
}

static void all_is_well(struct link *l)
{
	backoff_reset(&l->backoff);
	if (l->down_since_us == 0)
		return;
	l->host->log(5, "control plane %s answers again after %s", l->url,
		     format_duration_ms((mono_us() - l->down_since_us) / US_PER_MS).text);
	l->down_since_us = 0;
	free(l->complaint);
	l->complaint = NULL;
}

static void hold(struct link *l, int64_t us)
{
	l->hold_us = MAX(l->hold_us, mono_us() + us);
}

static bool has_token(const struct link *l)
{
	return l->host->is_set(l->config, "token") != 0;
}

static void hold_for_token(struct link *l)
{
	hold(l, (int64_t)backoff_next_ms(&l->token_backoff) * US_PER_MS);
}

/* The secret is unknown to the control plane: only the token can earn another. What else was
 * under way is told the same, which says nothing new. */
static void lose_secret(struct link *l, bool is_register)
{
	bool by_token = l->use_token || !l->id.secret;
	bool is_news = l->registered || is_register;

	l->registered = false;
	if (is_register && by_token) {
		complain(l, "it does not know the deployment token: set agent: token to a fresh one");
		hold_for_token(l);
	} else if (!has_token(l)) {
		complain(l, "it does not know this worker any more; to register anew, set agent: "
			    "token to a fresh deployment token");
		hold(l, REFUSED_US);
	} else if (is_news) {
		l->host->log(3, "control plane %s does not know this worker any more: it is "
				"registered anew with the deployment token", l->url);
		l->use_token = true;
		hold_for_token(l);
	}
}

static void judge_client_error(struct link *l, const char *what, const struct http_answer *a,
			       bool *ret_again)
{
	char code[32];
	_cleanup_(freep) char *message = protocol_error(a->body, code, sizeof(code));
	_cleanup_(freep) char *text =
		xasprintf("%s: answer %ld: %.300s", what, a->status, message ? message : code);

	*ret_again = a->status == 403;
	if (a->status == 403) {
		complain(l, text);
		hold(l, REFUSED_US);
	} else if (a->status != 404 && a->status != 409) {
		l->host->log(3, "control plane %s refuses a message, %s", l->url, text);
	}
}

bool link_judge(struct link *l, const char *what, const void *answer, bool *ret_again)
{
	const struct http_answer *a = answer;
	_cleanup_(freep) char *text = NULL;

	*ret_again = true;
	if (a->status == 200 || a->status == 204) {
		all_is_well(l);
		return true;
	}
	if (l->closing)
		return false;
	if (a->status == 401) {
		lose_secret(l, strcmp(what, "register") == 0);
		return false;
	}
	if (a->status >= 300 && a->status < 500 && a->status != 429) {
		judge_client_error(l, what, a, ret_again);
		return false;
	}
	text = a->status ? xasprintf("answer %ld", a->status) : xstrdup(a->error);
	complain(l, text);
	hold(l, a->retry_after_ms > 0 ? a->retry_after_ms * US_PER_MS :
					(int64_t)backoff_next_ms(&l->backoff) * US_PER_MS);
	return false;
}

/* ------------------------------------------------------------------------- register */

static void on_registered(void *arg, const struct http_answer *a)
{
	struct link *l = arg;
	struct registered r;
	bool again;

	l->registering = false;
	if (!link_judge(l, "register", a, &again)) {
		if (!again)
			hold(l, REFUSED_US);
		return;
	}
	if (!protocol_registered(a->body, &r)) {
		complain(l, "its answer to a registration cannot be understood");
		hold(l, REFUSED_US);
		return;
	}
	free(l->id.worker_id);
	l->id.worker_id = TAKE_PTR(r.worker_id);
	if (r.secret) {
		if (l->id.secret)
			explicit_bzero(l->id.secret, strlen(l->id.secret));
		free(l->id.secret);
		l->id.secret = TAKE_PTR(r.secret);
		if (link_save_identity(l) < 0)
			l->host->log(3, "cannot write %s: after a restart the worker must "
					"register anew", l->path);
		l->host->log(5, "registered with the control plane %s as worker %s", l->url,
			     l->id.worker_id);
	}
	l->heartbeat_us = r.heartbeat_s * US_PER_SEC;
	l->poll_us = r.poll_s * US_PER_SEC;
	l->registered = true;
	l->use_token = false;
	l->beat_due_us = 0;
	backoff_reset(&l->token_backoff);
	registered_release(&r);
}

/* The deployment token, read anew each time; false after saying why not. */
static bool read_token(struct link *l, char *to, size_t size)
{
	struct ez_error err = { .size = sizeof(err) };
	size_t len = 0;

	if (l->host->secret(l->config, "token", to, size, &len, &err) < 0) {
		complain(l, err.text);
	} else if (len == 0) {
		complain(l, "this worker is not registered: set agent: token to a deployment token");
	} else {
		return true;
	}
	hold_for_token(l);
	return false;
}

static void start_register(struct link *l)
{
	bool first = l->use_token || !l->id.secret;
	struct buf body = BUF_INIT(PROTOCOL_REGISTER_MAX);
	const struct registration r = {
		.instance = l->id.instance,
		.worker_id = first ? NULL : l->id.worker_id,
		.name = l->name,
		.host = l->host_name,
		.version = PACKAGE_VERSION,
		.max_jobs = l->max_jobs,
		.started_us = now_us() - (mono_us() - l->started_us),
		.plugins = view_str(l->plugins),
	};
	struct http_post p = { "/api/worker/register", "", &body, PROTOCOL_SMALL_MAX,
			       ANSWER_MS, on_registered, l };
	char token[PROTOCOL_SECRET_MAX + 2] = "";

	if (first && !read_token(l, token, sizeof(token)))
		return;
	protocol_register(&r, &body);
	p.token = first ? token : l->id.secret;
	l->registering = true;
	http_post(l->http, &p);
	explicit_bzero(token, sizeof(token));
	buf_release(&body);
}

/* ------------------------------------------------------------------ heartbeat and poll */

void link_send(struct link *l, const char *path, struct buf *body, unsigned timeout_ms,
	       void (*done)(void *arg, const struct http_answer *a), void *arg)
{
	_cleanup_(freep) char *full = xasprintf("/api/worker%s", path);
	const struct http_post p = {
		full, l->id.secret, body,
		strcmp(path, "/poll") == 0 ? PROTOCOL_SET_MAX : PROTOCOL_SMALL_MAX,
		timeout_ms, done, arg,
	};

	http_post(l->http, &p);
}

static void on_beat(void *arg, const struct http_answer *a)
{
	struct link *l = arg;
	bool again;

	l->beating = false;
	/* A failure holds all requests; what is refused is not repeated at once either. */
	if (!link_judge(l, "heartbeat", a, &again) && again)
		l->told_leaving = false;
	else if (l->leaving == l->told_leaving)
		l->beat_due_us = mono_us() + l->heartbeat_us;
}

/* Said at once: others can take over the jobs meanwhile. */
static void note_leaving(struct link *l)
{
	if (l->leaving || !l->host->leaving || !l->host->leaving())
		return;
	l->leaving = true;
	l->beat_due_us = 0;
}

static void start_beat(struct link *l)
{
	struct buf body = BUF_INIT(PROTOCOL_SMALL_MAX);
	const struct heartbeat h = {
		.worker_id = l->id.worker_id,
		.sent_us = now_us(),
		.uptime_s = (mono_us() - l->started_us) / US_PER_SEC,
		.jobs = link_running(l),
		.max_jobs = l->max_jobs,
		.stopping = l->leaving,
	};

	protocol_heartbeat(&h, &body);
	l->beating = true;
	l->told_leaving = l->leaving;
	link_send(l, "/heartbeat", &body, ANSWER_MS, on_beat, l);
	buf_release(&body);
}

static struct open_task *find_task(const struct link *l, const char *id)
{
	list_for_each (at, &l->tasks) {
		struct open_task *t = LIST_OF(at, struct open_task, link);

		if (strcmp(t->id, id) == 0)
			return t;
	}
	return NULL;
}

/* Notes of jobs that are no longer ours have nothing to say. */
static void forget_others(struct link *l)
{
	map_for_each (e, &l->notes) {
		struct link_note *n = e->value;
		bool ours = false;

		for (size_t i = 0; i < l->set.n_jobs; i++)
			ours = ours || strcmp(l->set.jobs[i].id, n->id) == 0;
		n->gone = !ours;
	}
}

static void on_poll(void *arg, const struct http_answer *a)
{
	struct link *l = arg;
	struct desired d;
	bool again;

	l->polling = false;
	if (!link_judge(l, "poll", a, &again)) {
		if (!again)
			hold(l, REFUSED_US / 10);
		return;
	}
	if (a->status == 204)
		return;
	if (!protocol_desired(a->body, &d)) {
		complain(l, "the set of jobs it states cannot be understood");
		hold(l, (int64_t)backoff_next_ms(&l->backoff) * US_PER_MS);
		return;
	}
	desired_release(&l->set);
	l->set = d;
	l->has_set = true;
	forget_others(l);
}

static void start_poll(struct link *l)
{
	struct buf body = BUF_INIT(PROTOCOL_POLL_MAX);
	const char **tasks = xcalloc(list_count(&l->tasks) + 1, sizeof(*tasks));
	struct poll_question q = {
		.worker_id = l->id.worker_id,
		.seen = l->seen ? l->seen : "",
		.wait_s = l->poll_us / US_PER_SEC,
		.jobs = l->set.jobs,
		.n_jobs = l->set.n_jobs,
		.tasks = tasks,
	};

	list_for_each (at, &l->tasks)
		tasks[q.n_tasks++] = LIST_OF(at, struct open_task, link)->id;
	protocol_poll(&q, &body);
	l->polling = true;
	l->poll_due_us = mono_us() + POLL_LEAST_US;
	link_send(l, "/poll", &body, (unsigned)(l->poll_us / US_PER_MS) + POLL_SLACK_MS, on_poll,
		  l);
	free(tasks);
	buf_release(&body);
}

/* ----------------------------------------------------------------------------- step */

void link_step(struct link *l)
{
	int64_t now = mono_us();

	note_leaving(l);
	if (now < l->hold_us)
		return;
	if (!l->registered) {
		if (!l->registering && (l->has_plugins || now - l->started_us >= PLUGINS_US))
			start_register(l);
		return;
	}
	if (!l->beating && now >= l->beat_due_us)
		start_beat(l);
	/* The next question names the newest set, so it waits until that is handed over. */
	if (!l->polling && !l->has_set && !l->closing && now >= l->poll_due_us)
		start_poll(l);
	link_post_all(l);
}

int64_t link_due_us(const struct link *l)
{
	int64_t due_us = INT64_MAX;

	if (!l->registered)
		return MAX(l->hold_us, l->registering ? INT64_MAX :
				       l->has_plugins ? 0 : l->started_us + PLUGINS_US);
	if (!l->beating)
		due_us = MIN(due_us, l->beat_due_us);
	if (!l->polling && !l->has_set)
		due_us = MIN(due_us, l->poll_due_us);
	return MAX(MIN(due_us, link_post_due_us(l)), l->hold_us);
}

static void want_one(struct link *l, struct ez_desired *d, const struct wanted *j)
{
	const struct ez_want w = {
		.size = sizeof(w),
		.id = view_str(j->id),
		.name = view_str(j->name),
		.config = view_of(j->config, j->config_len),
		.revision = j->revision,
		.epoch = j->epoch,
		.state = j->state,
	};

	if (l->host->want(d, &w) < 0)
		l->host->log(3, "the control plane states a job with an odd id: %s", j->id);
}

static void task_one(struct link *l, struct ez_desired *d, const struct asked *t)
{
	const struct ez_task task = {
		.size = sizeof(task),
		.id = view_str(t->id),
		.kind = view_str(t->kind),
		.config = view_of(t->config, t->config_len),
	};
	struct open_task *open;

	if (find_task(l, t->id) || l->host->task(d, &task) != EZ_OK)
		return;
	open = xcalloc(1, sizeof(*open));
	if (!str_copy(open->id, sizeof(open->id), view_str(t->id)))
		open->id[0] = '\0';
	list_add_tail(&l->tasks, &open->link);
}

bool link_hand_over(struct link *l, struct ez_desired *d)
{
	if (!l->has_set)
		return false;
	for (size_t i = 0; i < l->set.n_jobs; i++) {
		struct wanted *j = &l->set.jobs[i];

		want_one(l, d, j);
		explicit_bzero(j->config, j->config_len);
	}
	for (size_t i = 0; i < l->set.n_tasks; i++)
		task_one(l, d, &l->set.tasks[i]);
	free(l->seen);
	l->seen = xstrdup(l->set.version);
	l->has_set = false;
	return true;
}

void link_put_plugins(struct link *l, struct ez_view json)
{
	free(l->plugins);
	l->plugins = view_dup(json);
	/* Option tables that come late are told by registering again. */
	if (!l->has_plugins && l->registered)
		l->registered = false;
	l->has_plugins = true;
}

/* ------------------------------------------------------------------------- the ends */

static void on_deregistered(void *arg, const struct http_answer *a)
{
	struct link *l = arg;

	l->registered = false;
	if (a->status != 200 && a->status != 204)
		l->host->log(6, "the control plane was not told that this worker leaves");
}

static void start_deregister(struct link *l, unsigned ms)
{
	struct buf body = BUF_INIT(PROTOCOL_SMALL_MAX);

	protocol_deregister(l->id.worker_id, now_us(), &body);
	link_send(l, "/deregister", &body, ms, on_deregistered, l);
	buf_release(&body);
}

void link_farewell(struct link *l, unsigned ms)
{
	int64_t until_us = mono_us() + (int64_t)ms * US_PER_MS;

	l->closing = true;
	note_leaving(l);
	if (!l->registered || mono_us() < l->hold_us)
		return;
	while (!link_is_empty(l) && l->down_since_us == 0 && mono_us() < until_us) {
		link_post_all(l);
		http_wait(l->http, 50);
	}
	if (!l->leaving || l->down_since_us != 0)
		return;
	start_deregister(l, ms);
	until_us += US_PER_SEC;
	while (l->registered && mono_us() < until_us)
		http_wait(l->http, 50);
}

static char *own_name(const struct link *l)
{
	struct ez_view name = l->host->str(l->config, "name");

	return name.len > 0 ? view_dup(name) : xstrdup(l->host_name);
}

static const char *given(const struct link *l, const char *option)
{
	struct ez_view v = l->host->str(l->config, option);

	return v.len > 0 ? v.ptr : NULL;
}

int link_init(struct link *l, const struct ez_host *host, const struct ez_open *open,
	      struct ez_error *err)
{
	char host_name[HOST_MAX] = "";
	struct http_options o = { .user_agent = "ezcdc-worker/" PACKAGE_VERSION };
	int rc;

	*l = (struct link){ .host = host, .config = open->config };
	list_init(&l->tasks);
	list_init(&l->results);
	samples_init(&l->samples);
	backoff_init(&l->backoff, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
	backoff_init(&l->token_backoff, TOKEN_MIN_MS, TOKEN_MAX_MS);
	if (gethostname(host_name, sizeof(host_name) - 1) != 0)
		host_name[0] = '\0';
	l->host_name = xstrdup(host_name);
	l->name = own_name(l);
	l->url = protocol_base(host->str(open->config, "control_url"));
	l->path = xasprintf("%.*s/agent.json", VIEW_ARG(open->scratch));
	l->max_jobs = open->n_workers;
	l->started_us = mono_us();
	o.base = l->url;
	o.ca_file = given(l, "ca_file");
	o.cert_file = given(l, "cert_file");
	o.key_file = given(l, "key_file");
	o.proxy = host->is_set(open->config, "proxy") ? host->str(open->config, "proxy").ptr : NULL;
	rc = http_new(host, &o, &l->http, err);
	if (rc == EZ_OK)
		rc = link_load_identity(l, err);
	return rc;
}

void link_release(struct link *l)
{
	l->closing = true;
	http_free(l->http);
	link_post_release(l);
	list_for_each (at, &l->tasks)
		free(LIST_OF(at, struct open_task, link));
	desired_release(&l->set);
	samples_release(&l->samples);
	identity_release(&l->id);
	free(l->seen);
	free(l->plugins);
	free(l->complaint);
	free(l->url);
	free(l->name);
	free(l->host_name);
	free(l->path);
}
