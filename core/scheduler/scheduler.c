/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/scheduler.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "engine/control.h"
#include "engine/host.h"
#include "engine/notify.h"
#include "scheduler/internal.h"
#include "scheduler/process.h"
#include "scheduler/refuse.h"
#include "scheduler/settings.h"
#include "scheduler/unit_ask.h"

enum {
	CONTROL_FDS_MAX = 64,
	PLUGINS_MS = 30 * 1000,
	CHECK_MS = 60 * 1000,
	FAREWELL_US = 3 * US_PER_SEC,
};

/* ---------------------------------------------------------------------------- the sets */

static struct unit *find_unit(struct scheduler *s, const char *key)
{
	return map_get(&s->units, view_str(key));
}

static bool is_known(const struct scheduler *s, bool is_remote)
{
	return is_remote ? s->remote_known : s->local_known;
}

/* Points every unit to what is wanted of it now, and makes those that are new. */
static void spread_set(struct scheduler *s, const struct want_set *set, bool is_remote)
{
	map_for_each (e, &s->units) {
		struct unit *u = e->value;

		if (u->is_remote == is_remote)
			unit_set_want(u, want_set_find(set, u->key));
	}
	for (size_t i = 0; i < set->n; i++) {
		struct unit *u;

		if (find_unit(s, set->items[i]->key))
			continue;
		u = unit_new(&s->tools, set->items[i]);
		(void)map_put(&s->units, view_str(u->key), u);
	}
}

static void on_jobs_changed(void *arg)
{
	struct scheduler *s = arg;
	struct want_set fresh = { .n = 0 };

	jobs_dir_wants(s->jobs, &fresh);
	spread_set(s, &fresh, false);
	want_set_release(&s->local);
	s->local = fresh;
	if (jobs_dir_is_complete(s->jobs))
		s->local_known = true;
}

/* Said once: the same set may come again. */
static void say_refused(const struct scheduler *s, const struct want *w)
{
	const struct want *old = want_set_find(&s->remote, w->key);

	if (!old || !old->refused || old->revision != w->revision || old->epoch != w->epoch)
		log_msg(EZL_ERROR, "job %s of the control plane is refused: %s", w->name,
			w->refused);
}

static void take_remote_set(struct scheduler *s)
{
	const struct refuse_rules rules = { s->settings->top, s->settings->state_root };
	struct want_set fresh = { .n = 0 };

	if (!agent_take_set(s->agent, &fresh))
		return;
	for (size_t i = 0; i < fresh.n; i++) {
		struct want *w = fresh.items[i];

		w->refused = refuse_config(&rules, view_of(w->config, w->config_len));
		if (w->refused)
			say_refused(s, w);
	}
	spread_set(s, &fresh, true);
	want_set_release(&s->remote);
	s->remote = fresh;
	s->remote_known = true;
}

/* --------------------------------------------------------------------------- the units */

static size_t count_running(const struct scheduler *s)
{
	size_t n = 0;

	map_for_each (e, &s->units)
		n += process_is_set(&((const struct unit *)e->value)->process);
	return n;
}

/* An adopted daemon whose job file has a fault goes on, as any other would. */
static bool keeps(const struct scheduler *s, const struct unit *u)
{
	if (!is_known(s, u->is_remote))
		return true;
	return !u->is_remote && !u->want && u->path && s->jobs &&
	       jobs_dir_is_faulty(s->jobs, u->path);
}

static struct unit_facts facts_of(const struct scheduler *s, const struct unit *u)
{
	return (struct unit_facts){
		.state = u->state,
		.has_process = process_is_set(&u->process),
		.wanted = u->want && u->want->state != WANT_STOPPED,
		.known = u->want != NULL,
		.keep = keeps(s, u),
		.draining = s->draining,
		.refused = u->want && u->want->refused,
		.has_room = count_running(s) < s->settings->max_jobs,
		.is_due = mono_us() >= u->due_us,
		.may_reload = u->is_remote && u->answers && u->want &&
			      u->want->revision != u->reload_failed,
		.now = u->now,
		.want = unit_wanted_version(u),
	};
}

static void note_room(struct scheduler *s, struct unit *u, const struct unit_facts *f)
{
	if (f->has_process || !f->wanted || f->has_room || s->told_full || f->draining)
		return;
	s->told_full = true;
	log_msg(EZL_WARNING, "job %s waits: %u daemons run, which is max_jobs", u->name,
		s->settings->max_jobs);
}

/* True: the unit is gone. */
static bool settle_unit(struct scheduler *s, struct unit *u)
{
	struct unit_facts f;

	unit_step(u);
	f = facts_of(s, u);
	note_room(s, u, &f);
	switch (unit_decide(&f)) {
	case ACTION_START:
		unit_start(u);
		return false;
	case ACTION_STOP:
		unit_stop(u);
		return false;
	case ACTION_RELOAD:
		unit_reload(u);
		return false;
	case ACTION_FORGET:
		log_msg(EZL_INFO, "job %s is no longer wanted", u->name);
		unit_forget(u);
		return true;
	case ACTION_NONE:
		break;
	}
	return false;
}

static void settle(struct scheduler *s)
{
	if (count_running(s) < s->settings->max_jobs)
		s->told_full = false;
	map_for_each (e, &s->units) {
		struct unit *u = e->value;

		if (!settle_unit(s, u))
			continue;
		(void)map_remove(&s->units, e->key);
		unit_free(u);
	}
}

/* ------------------------------------------------------------------ news for the agent */

static void tell_agent(struct scheduler *s)
{
	if (!s->agent)
		return;
	map_for_each (e, &s->units) {
		struct unit *u = e->value;
		struct agent_status status;

		if (!u->is_remote || !u->has_news)
			continue;
		u->has_news = false;
		status = (struct agent_status){
			.id = u->key + strlen("agent:"),
			.json = u->answers ? buf_view(&u->status) : view_of(NULL, 0),
			.error = u->error,
			.revision = u->want ? u->want->revision : u->now.revision,
			.epoch = u->want ? u->want->epoch : u->now.epoch,
			.exit_code = u->exit_code,
			.state = unit_public_state(u),
		};
		agent_put_status(s->agent, &status);
	}
}

static void take_tasks(struct scheduler *s)
{
	const struct tasks how = { s->settings, s->ezcdc, &s->children, s->agent };
	struct agent_task *task;

	while (!s->draining && (task = agent_take_task(s->agent)) != NULL)
		tasks_begin(&how, task);
}

static void on_plugins(void *arg, const struct child_result *r)
{
	struct scheduler *s = arg;

	if (r->code != 0)
		log_msg(EZL_WARNING, "the plugins cannot be listed for the control plane");
	agent_put_plugins(s->agent, r->code == 0 ? r->out : view_of(NULL, 0));
}

static void list_plugins(struct scheduler *s)
{
	struct args args = { .n = 0 };
	struct child_job job = { .timeout_ms = PLUGINS_MS, .done = on_plugins, .arg = s };

	args_add(&args, xstrdup(s->ezcdc));
	args_add(&args, xstrdup("plugins"));
	args_add(&args, xstrdup("--json"));
	args_add_plugin_dirs(&args, s->settings);
	job.argv = args.items;
	if (children_start(&s->children, &job) < 0) {
		log_msg(EZL_WARNING, "cannot start %s", s->ezcdc);
		agent_put_plugins(s->agent, view_of(NULL, 0));
	}
	args_release(&args);
}

/* ------------------------------------------------------------------ checks of job files */

struct check {
	struct scheduler *s;
	char *token;
};

/* What ezcdc wrote, without time and level; all but the last line are said as they are. */
static char *fault_of(const struct child_result *r)
{
	struct ez_view rest = r->err, line;
	char *last = NULL;

	if (r->timed_out)
		return xstrdup("checking it took too long");
	while (view_split(&rest, '\n', &line)) {
		const char *at = line.len ? memmem(line.ptr, line.len, " error ", 7) : NULL;

		if (!at)
			continue;
		if (last)
			log_msg(EZL_ERROR, "%s", last);
		free(last);
		last = view_dup(view_of(at + 7, line.len - (size_t)(at + 7 - line.ptr)));
	}
	return last ? last : xasprintf("its check ended with %d", r->code);
}

static void on_checked(void *arg, const struct child_result *r)
{
	struct check *c = arg;
	_cleanup_(freep) char *fault = r->code == 0 ? NULL : fault_of(r);

	jobs_dir_checked(c->s->jobs, c->token, fault);
	free(c->token);
	free(c);
}

static void check_file(void *arg, const char *path, const char *token)
{
	struct scheduler *s = arg;
	struct check *c = xcalloc(1, sizeof(*c));
	struct args args = { .n = 0 };
	struct child_job job = { .timeout_ms = CHECK_MS, .done = on_checked, .arg = c };

	*c = (struct check){ s, xstrdup(token) };
	args_add(&args, xstrdup(s->ezcdc));
	args_add(&args, xstrdup("check"));
	args_add(&args, xstrdup("--only=config"));
	args_add_plugin_dirs(&args, s->settings);
	args_add(&args, xstrdup("--"));
	args_add(&args, xstrdup(path));
	job.argv = args.items;
	if (children_start(&s->children, &job) < 0) {
		free(c->token);
		free(c);
		log_msg(EZL_ERROR, "cannot start %s: %s is not looked at", s->ezcdc, path);
	}
	args_release(&args);
}

static const struct jobs_dir_ops jobs_ops = { check_file, on_jobs_changed };

/* ----------------------------------------------------------------------------- signals */

static void begin_drain(struct scheduler *s)
{
	if (s->draining) {
		log_msg(EZL_NOTICE, "stopping at once");
		map_for_each (e, &s->units)
			process_signal(&((struct unit *)e->value)->process, SIGTERM);
		return;
	}
	s->draining = true;
	log_msg(EZL_NOTICE, "stopping: %zu daemons are drained", count_running(s));
	notify_stopping();
	if (s->agent)
		agent_leave(s->agent);
}

static void reload(struct scheduler *s)
{
	notify_reloading();
	if (s->jobs)
		jobs_dir_rescan(s->jobs);
	map_for_each (e, &s->units)
		process_signal(&((struct unit *)e->value)->process, SIGHUP);
	notify_ready();
}

static void take_signals(struct scheduler *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(s);
		else if (info.ssi_signo == SIGUSR2)
			s->replacing = true;
		else
			begin_drain(s);
	}
}

/* ---------------------------------------------------------------------------- the loop */

struct poll_set {
	struct pollfd *fds;
	size_t n;
};

static void add_fd(struct poll_set *p, int fd, short events)
{
	if (fd >= 0)
		p->fds[p->n++] = (struct pollfd){ .fd = fd, .events = events };
}

static void add_units(struct scheduler *s, struct poll_set *p)
{
	map_for_each (e, &s->units) {
		const struct unit *u = e->value;

		add_fd(p, u->process.pidfd, POLLIN);
		add_fd(p, u->ask.fd, u->ask.events);
	}
}

static int64_t next_due_us(const struct scheduler *s)
{
	int64_t due_us = MIN(children_due_us(&s->children), control_due_us(s->control));

	if (s->jobs)
		due_us = MIN(due_us, jobs_dir_due_us(s->jobs));
	map_for_each (e, &s->units)
		due_us = MIN(due_us, unit_due_us(e->value));
	if (notify_watchdog_us() > 0)
		due_us = MIN(due_us, s->watchdog_us);
	return due_us;
}

static int timeout_ms(int64_t due_us)
{
	int64_t left_us = due_us == INT64_MAX ? INT64_MAX : due_us - mono_us();

	if (due_us == INT64_MAX)
		return -1;
	if (left_us <= 0)
		return 0;
	return (int)MIN((left_us + 999) / US_PER_MS, (int64_t)INT32_MAX);
}

static void feed_watchdog(struct scheduler *s)
{
	if (notify_watchdog_us() == 0 || mono_us() < s->watchdog_us)
		return;
	notify_watchdog();
	s->watchdog_us = mono_us() + notify_watchdog_us();
}

static void note_count(struct scheduler *s)
{
	size_t n = count_running(s);

	if (n == s->count_told && !s->draining)
		return;
	s->count_told = n;
	notify_status("%s%zu jobs run", s->draining ? "stopping, " : "", n);
}

static void wait_and_serve(struct scheduler *s)
{
	size_t most = 8 + CONTROL_FDS_MAX + children_count(&s->children) + 2 * map_len(&s->units);
	struct poll_set p = { .fds = xcalloc(most, sizeof(*p.fds)) };
	size_t n_control;

	n_control = control_fds(s->control, p.fds, CONTROL_FDS_MAX);
	p.n = n_control;
	add_fd(&p, s->signal_fd, POLLIN);
	add_fd(&p, s->watcher.fd, POLLIN);
	if (s->agent)
		add_fd(&p, agent_fd(s->agent), POLLIN);
	p.n += children_fds(&s->children, p.fds + p.n, most - p.n);
	add_units(s, &p);
	if (poll(p.fds, p.n, timeout_ms(next_due_us(s))) > 0)
		control_step(s->control, p.fds, n_control);
	free(p.fds);
	take_signals(s);
	watcher_step(&s->watcher);
	if (s->agent) {
		agent_clear(s->agent);
		take_remote_set(s);
		take_tasks(s);
	}
	children_step(&s->children);
	if (s->jobs && !s->draining)
		jobs_dir_step(s->jobs);
	settle(s);
	tell_agent(s);
	note_count(s);
	feed_watchdog(s);
}

/* What became of the last jobs is said before the end, but not waited for long. */
static void say_farewell(struct scheduler *s)
{
	int64_t until_us = mono_us() + FAREWELL_US;

	while (s->agent && !agent_is_quiet(s->agent) && mono_us() < until_us)
		sleep_us(20 * US_PER_MS);
}

static enum scheduler_end serve(struct scheduler *s)
{
	notify_ready();
	while (!s->replacing && !(s->draining && count_running(s) == 0))
		wait_and_serve(s);
	if (!s->replacing)
		say_farewell(s);
	return s->replacing ? SCHEDULER_REPLACE : SCHEDULER_DRAINED;
}

/* --------------------------------------------------------------------------- the start */

static int block_signals(struct scheduler *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, ends of children could not be asked for */
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? -errno : 0;
}

static int start_inputs(struct scheduler *s, struct ez_error *err)
{
	const struct settings *set = s->settings;
	int rc = EZ_OK;

	s->local_known = set->jobs_dir == NULL;
	s->remote_known = false;
	if (set->jobs_dir)
		rc = jobs_dir_new(set->jobs_dir, &s->watcher, &jobs_ops, s, &s->jobs, err);
	/* With a control plane, files are only one way to get jobs. Daemons of files that were
	 * there once go on. */
	if (rc < 0 && set->agent) {
		log_msg(EZL_NOTICE, "%s", err->text);
		rc = EZ_OK;
	}
	if (rc >= 0 && set->agent)
		rc = agent_start(set, &s->agent, err);
	if (rc >= 0 && s->agent)
		list_plugins(s);
	return rc;
}

static int start(struct scheduler *s, struct ez_error *err)
{
	_cleanup_(freep) char *socket = xasprintf("%s/worker.sock", s->settings->state_root);
	int rc;

	if (block_signals(s) < 0 || watcher_open(&s->watcher) < 0)
		return host_table.fail(err, EZ_E_FATAL, "", "cannot begin: %m");
	rc = control_new(socket, NULL, &worker_commands, s, &s->control, err);
	if (rc < 0)
		return rc;
	s->tools.cgroups = cgroups_new(&s->settings->limits);
	adopt_all(s);
	return start_inputs(s, err);
}

static void release(struct scheduler *s)
{
	children_release(&s->children);
	agent_stop(s->agent);
	jobs_dir_free(s->jobs);
	map_for_each (e, &s->units)
		unit_free(e->value);
	map_release(&s->units, NULL);
	want_set_release(&s->local);
	want_set_release(&s->remote);
	control_free(s->control);
	watcher_close(&s->watcher);
	cgroups_free(s->tools.cgroups);
	fs_closep(&s->signal_fd);
	free(s);
}

static const char *address_of(const struct settings *set)
{
	if (set->agent && config_has(set->agent_config, "control_url"))
		return config_str(set->agent_config, "control_url").ptr;
	return "the control plane";
}

int scheduler_run(const struct scheduler_args *args, enum scheduler_end *ret,
		  struct ez_error *err)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));
	int rc;

	s->settings = args->settings;
	s->ezcdc = args->ezcdc;
	s->signal_fd = -1;
	s->watcher.fd = -1;
	s->tools = (struct tools){
		.settings = args->settings,
		.dbmazz = args->dbmazz,
		.managed_by = address_of(args->settings),
		.watcher = &s->watcher,
		.wants_status = args->settings->agent != NULL,
	};
	children_init(&s->children);
	rc = start(s, err);
	if (rc >= 0)
		*ret = serve(s);
	release(s);
	return rc < 0 ? rc : EZ_OK;
}
