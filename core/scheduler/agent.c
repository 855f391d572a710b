/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/agent.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/map.h"
#include "engine/host.h"
#include "engine/loader.h"
#include "scheduler/settings.h"

enum {
	/* How long a poll may wait for news. What there is to say meanwhile ends it, if the
	 * plugin can be woken; else that waits as well. */
	POLL_MS = 60 * 1000,
	POLL_BLIND_MS = 500,
	RETRY_MIN_MS = 500,
	RETRY_MAX_MS = 30 * 1000,
	TASKS_MAX = 1000,
};

/* A status on its way to the plugin. */
struct letter {
	struct agent_status s;
	char *id, *json, *error;
};

struct result {
	struct result *next;
	char *task, *json;
	size_t json_len;
	int rc;
};

/* What one call of poll() says. */
struct ez_desired {
	struct want_set set;
	struct agent_task **tasks;
	size_t n_tasks;
};

struct agent {
	const struct settings *settings;
	const struct ez_agent *ops;
	struct ez_ctx ctx;
	void *inst;
	pthread_t thread;
	int event_fd;
	char *last_error;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	bool is_open, stopping;
	int open_rc;
	struct ez_error open_error;
	bool has_set;
	struct want_set set;
	struct agent_task **tasks;
	size_t n_tasks;
	struct map letters; /* by job: struct letter */
	struct result *results;
	char *plugins;
	bool is_busy; /* something was taken and is being handed over */
};

/* ---------------------------------------------------------------- what the plugin says */

void agent_task_free(struct agent_task *t)
{
	if (!t)
		return;
	if (t->config)
		explicit_bzero(t->config, strlen(t->config));
	free(t->config);
	free(t->id);
	free(t->kind);
	free(t);
}

static int host_want(struct ez_desired *d, const struct ez_want *w)
{
	struct want *copy = xcalloc(1, sizeof(*copy));

	copy->key = xasprintf("agent:%.*s", VIEW_ARG(w->id));
	copy->name = view_dup(w->name);
	copy->id = want_base_of(w->id);
	copy->is_remote = true;
	copy->state = (enum want_state)MIN(w->state, (uint32_t)WANT_PAUSED);
	copy->epoch = w->epoch;
	copy->revision = w->revision;
	copy->config = view_dup(w->config);
	copy->config_len = w->config.len;
	if (!copy->id || want_set_find(&d->set, copy->key)) {
		want_free(copy);
		return EZ_E_CONFIG;
	}
	want_set_add(&d->set, copy);
	return EZ_OK;
}

static int host_task(struct ez_desired *d, const struct ez_task *t)
{
	struct agent_task *copy;

	if (d->n_tasks >= TASKS_MAX)
		return EZ_AGAIN;
	copy = xcalloc(1, sizeof(*copy));
	*copy = (struct agent_task){ view_dup(t->id), view_dup(t->kind), view_dup(t->config) };
	d->tasks = xreallocarray(d->tasks, d->n_tasks + 1, sizeof(struct agent_task *));
	d->tasks[d->n_tasks++] = copy;
	return EZ_OK;
}

/* Of the process, as the table of the host is. */
static _Atomic bool leaving;

static int host_leaving(void)
{
	return atomic_load(&leaving);
}

struct ez_host agent_host(void)
{
	struct ez_host host = host_table;

	host.want = host_want;
	host.task = host_task;
	host.leaving = host_leaving;
	return host;
}

/* Tasks were said once: they are never thrown away. */
static void deliver_tasks(struct agent *a, struct ez_desired *d)
{
	for (size_t i = 0; i < d->n_tasks; i++) {
		a->tasks = xreallocarray(a->tasks, a->n_tasks + 1, sizeof(struct agent_task *));
		a->tasks[a->n_tasks++] = d->tasks[i];
	}
	free(d->tasks);
}

static void deliver(struct agent *a, struct ez_desired *d, bool has_set)
{
	bool news = has_set || d->n_tasks > 0;

	(void)pthread_mutex_lock(&a->lock);
	deliver_tasks(a, d);
	if (has_set) {
		want_set_release(&a->set);
		a->set = d->set;
		a->has_set = true;
	} else {
		want_set_release(&d->set);
	}
	(void)pthread_mutex_unlock(&a->lock);
	if (news)
		(void)!eventfd_write(a->event_fd, 1);
}

/* ---------------------------------------------------------------- what the worker says */

static void letter_free(void *p)
{
	struct letter *l = p;

	free(l->id);
	free(l->json);
	free(l->error);
	free(l);
}

struct outgoing {
	struct map letters;
	struct result *results;
	char *plugins;
};

static void take_outgoing(struct agent *a, struct outgoing *ret)
{
	(void)pthread_mutex_lock(&a->lock);
	*ret = (struct outgoing){ a->letters, a->results, a->plugins };
	a->letters = MAP_INIT;
	a->results = NULL;
	a->plugins = NULL;
	a->is_busy = true;
	(void)pthread_mutex_unlock(&a->lock);
}

static struct ez_job_status status_of(const struct letter *l)
{
	return (struct ez_job_status){
		.size = sizeof(struct ez_job_status),
		.id = view_str(l->id),
		.status = view_of(l->json, l->s.json.len),
		.error = view_str(l->error),
		.revision = l->s.revision,
		.epoch = l->s.epoch,
		.exit_code = l->s.exit_code,
		.state = l->s.state,
	};
}

static int hand_statuses(struct agent *a, const struct map *letters, struct ez_error *err)
{
	size_t n = map_len(letters), i = 0;
	struct ez_job_status *all;
	const struct ez_job_status **list;
	int rc;

	if (n == 0)
		return EZ_OK;
	all = xcalloc(n, sizeof(*all));
	list = xcalloc(n, sizeof(*list));
	map_for_each (e, letters) {
		all[i] = status_of(e->value);
		list[i] = &all[i];
		i++;
	}
	rc = a->ops->report(a->inst, list, n, err);
	free(list);
	free(all);
	return rc;
}

static int hand_results(struct agent *a, struct result *list, struct ez_error *err)
{
	int rc = EZ_OK;

	while (list) {
		struct result *r = list;

		list = r->next;
		if (a->ops->result && rc >= 0)
			rc = a->ops->result(a->inst, view_str(r->task), r->rc,
					    view_of(r->json, r->json_len), err);
		free(r->task);
		free(r->json);
		free(r);
	}
	return rc;
}

/* What the plugin does not take is lost but for its message: statuses come again by
 * themselves, and tasks are done again when the control plane still wants them. */
static int hand_over(struct agent *a, struct ez_error *err)
{
	struct outgoing out;
	int rc = EZ_OK, other;

	take_outgoing(a, &out);
	if (out.plugins && a->ops->plugins)
		rc = a->ops->plugins(a->inst, view_str(out.plugins), err);
	other = hand_statuses(a, &out.letters, err);
	rc = rc < 0 ? rc : other;
	other = hand_results(a, out.results, err);
	rc = rc < 0 ? rc : other;
	map_release(&out.letters, letter_free);
	free(out.plugins);
	(void)pthread_mutex_lock(&a->lock);
	a->is_busy = false;
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}

/* -------------------------------------------------------------------------- the thread */

static bool is_stopping(struct agent *a)
{
	bool stopping;

	(void)pthread_mutex_lock(&a->lock);
	stopping = a->stopping;
	(void)pthread_mutex_unlock(&a->lock);
	return stopping;
}

static void wait_ms(struct agent *a, uint64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_mutex_lock(&a->lock);
	while (!a->stopping && pthread_cond_timedwait(&a->changed, &a->lock, &until) == 0)
		continue;
	(void)pthread_mutex_unlock(&a->lock);
}

/* The same error is said once. */
static void note_error(struct agent *a, const struct ez_error *err)
{
	if (err->rc == EZ_E_CANCELLED ||
	    (a->last_error && strcmp(a->last_error, err->text) == 0))
		return;
	log_msg(EZL_ERROR, "agent: %s", err->text);
	if (err->hint[0] != '\0')
		log_hint("%s", err->hint);
	free(a->last_error);
	a->last_error = xstrdup(err->text);
}

static int one_round(struct agent *a, struct ez_error *err)
{
	struct ez_desired d = { .n_tasks = 0 };
	int rc = hand_over(a, err);

	if (rc < 0)
		note_error(a, err);
	*err = ERROR_INIT;
	rc = a->ops->poll(a->inst, &d, a->ops->wake ? POLL_MS : POLL_BLIND_MS, err);
	deliver(a, &d, rc == EZ_OK);
	return rc;
}

static void serve(struct agent *a)
{
	struct backoff backoff;

	backoff_init(&backoff, RETRY_MIN_MS, RETRY_MAX_MS);
	while (!is_stopping(a)) {
		struct ez_error err = ERROR_INIT;

		if (one_round(a, &err) >= 0) {
			backoff_reset(&backoff);
			continue;
		}
		note_error(a, &err);
		wait_ms(a, err.retry_after_ms > 0 ? err.retry_after_ms :
						    backoff_next_ms(&backoff));
	}
}

static int open_plugin(struct agent *a, struct ez_error *err)
{
	const struct ez_open how = {
		.size = sizeof(how),
		.config = a->settings->agent_config,
		.ctx = &a->ctx,
		.job = VIEW("worker"),
		.id = VIEW("ezcdc_worker"),
		.scratch = view_str(a->settings->state_root),
		.n_workers = a->settings->max_jobs,
	};

	return a->ops->open(&how, &a->inst, err);
}

static void *run(void *arg)
{
	struct agent *a = arg;
	struct ez_error err = ERROR_INIT;
	int rc = open_plugin(a, &err);

	(void)pthread_mutex_lock(&a->lock);
	a->is_open = true;
	a->open_rc = rc;
	a->open_error = err;
	(void)pthread_cond_broadcast(&a->changed);
	(void)pthread_mutex_unlock(&a->lock);
	if (rc < 0)
		return NULL;
	serve(a);
	/* The last words: how the drained jobs ended. */
	if (hand_over(a, &err) < 0)
		note_error(a, &err);
	a->ops->close(a->inst);
	return NULL;
}

/* ---------------------------------------------------------------------- start and stop */

static void release(struct agent *a)
{
	want_set_release(&a->set);
	for (size_t i = 0; i < a->n_tasks; i++)
		agent_task_free(a->tasks[i]);
	free(a->tasks);
	map_release(&a->letters, letter_free);
	free(a->plugins);
	free(a->last_error);
	fs_closep(&a->event_fd);
	(void)pthread_cond_destroy(&a->changed);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
}

static struct agent *make(const struct settings *s)
{
	struct agent *a = xcalloc(1, sizeof(*a));
	pthread_condattr_t attr;

	a->settings = s;
	a->ops = &s->agent->ops.agent;
	a->open_error = ERROR_INIT;
	a->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&a->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return a;
}

int agent_start(const struct settings *s, struct agent **ret, struct ez_error *err)
{
	struct agent *a = make(s);
	int rc;

	if (pthread_create(&a->thread, NULL, run, a) != 0) {
		release(a);
		return host_table.fail(err, EZ_E_FATAL, "", "cannot start a thread");
	}
	(void)pthread_mutex_lock(&a->lock);
	while (!a->is_open)
		(void)pthread_cond_wait(&a->changed, &a->lock);
	rc = a->open_rc;
	(void)pthread_mutex_unlock(&a->lock);
	if (rc < 0) {
		(void)pthread_join(a->thread, NULL);
		*err = a->open_error;
		release(a);
		return rc;
	}
	*ret = a;
	return EZ_OK;
}

void agent_stop(struct agent *a)
{
	if (!a)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->stopping = true;
	(void)pthread_cond_broadcast(&a->changed);
	(void)pthread_mutex_unlock(&a->lock);
	if (a->ops->interrupt)
		a->ops->interrupt(a->inst);
	(void)pthread_join(a->thread, NULL);
	release(a);
}

int agent_fd(const struct agent *a)
{
	return a->event_fd;
}

void agent_clear(struct agent *a)
{
	eventfd_t unused;

	(void)!eventfd_read(a->event_fd, &unused);
}

bool agent_take_set(struct agent *a, struct want_set *ret)
{
	bool has;

	(void)pthread_mutex_lock(&a->lock);
	has = a->has_set;
	if (has) {
		*ret = a->set;
		a->set = (struct want_set){ .n = 0 };
		a->has_set = false;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return has;
}

struct agent_task *agent_take_task(struct agent *a)
{
	struct agent_task *t = NULL;

	(void)pthread_mutex_lock(&a->lock);
	if (a->n_tasks > 0) {
		t = a->tasks[0];
		a->n_tasks--;
		memmove(a->tasks, a->tasks + 1, a->n_tasks * sizeof(struct agent_task *));
	}
	(void)pthread_mutex_unlock(&a->lock);
	return t;
}

/* There is something to say. A wake that comes before the poll begins holds for that one. */
static void wake(struct agent *a)
{
	if (a->ops->wake)
		a->ops->wake(a->inst);
}

/* The newest status takes the place of one that was not handed over yet. */
void agent_put_status(struct agent *a, const struct agent_status *s)
{
	struct letter *l = xcalloc(1, sizeof(*l)), *old;

	l->s = *s;
	l->id = xstrdup(s->id);
	l->json = view_dup(s->json);
	l->error = xstrdup(s->error ? s->error : "");
	(void)pthread_mutex_lock(&a->lock);
	old = map_put(&a->letters, view_str(l->id), l);
	(void)pthread_mutex_unlock(&a->lock);
	if (old)
		letter_free(old);
	wake(a);
}

void agent_put_result(struct agent *a, const char *task, int rc, struct ez_view json)
{
	struct result *r = xcalloc(1, sizeof(*r)), **at;

	*r = (struct result){ .task = xstrdup(task), .rc = rc, .json = view_dup(json),
			      .json_len = json.len };
	(void)pthread_mutex_lock(&a->lock);
	for (at = &a->results; *at; at = &(*at)->next)
		continue;
	*at = r;
	(void)pthread_mutex_unlock(&a->lock);
	wake(a);
}

void agent_put_plugins(struct agent *a, struct ez_view json)
{
	(void)pthread_mutex_lock(&a->lock);
	free(a->plugins);
	a->plugins = view_dup(json);
	(void)pthread_mutex_unlock(&a->lock);
	wake(a);
}

void agent_leave(struct agent *a)
{
	atomic_store(&leaving, true);
	wake(a);
}

bool agent_is_quiet(struct agent *a)
{
	bool quiet;

	(void)pthread_mutex_lock(&a->lock);
	quiet = map_len(&a->letters) == 0 && !a->results && !a->plugins && !a->is_busy;
	(void)pthread_mutex_unlock(&a->lock);
	return quiet;
}
