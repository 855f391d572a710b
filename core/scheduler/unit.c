/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/parse.h"
#include "engine/exit_code.h"
#include "engine/json.h"
#include "engine/state_dir.h"
#include "scheduler/record.h"
#include "scheduler/settings.h"
#include "scheduler/unit_ask.h"
#include "scheduler/unit_start.h"
#include "scheduler/watch.h"

enum {
	RETRY_MIN_MS = 1000,
	RETRY_MAX_MS = 60 * 1000,
	STEADY_US = 60 * US_PER_SEC,  /* after so long a run, failures count from the start */
	REMOTE_TRIES = 10,            /* then the control plane decides */
	STATUS_MAX = 8 * 1024 * 1024,
	EXIT_JSON_MAX = 64 * 1024,
};

/* ---------------------------------------------------------------------------- the log */

/* What is no JSON comes from the C library or a sanitizer. */
static void forward(void *arg, struct ez_view text)
{
	struct unit *u = arg;
	_cleanup_(json_freep) struct json *j = json_parse(text, NULL);
	struct ez_view message = json_str(j, "message"), hint = json_str(j, "hint");
	int level = EZL_NOTICE;

	if (!log_level_parse(json_str(j, "level"), &level))
		level = EZL_NOTICE;
	if (!j)
		message = text;
	if (message.len == 0)
		message = hint;
	log_msg(level, "%s: %.*s", u->name, VIEW_ARG(message));
	if (level == EZL_ERROR && message.ptr != hint.ptr) {
		free(u->last_complaint);
		u->last_complaint = view_dup(message);
	}
}

static void on_log(void *arg, const struct watch_event *e)
{
	struct unit *u = arg;

	if (e->mask & IN_IGNORED)
		u->log_watch = -1;
	ring_pump(&u->log, forward, u);
}

/* Without a log a job runs all the same. */
static void open_log(struct unit *u)
{
	int r = u->log.fd >= 0 ? 0 : ring_open(&u->log, u->dir);

	if (r < 0) {
		errno = -r;
		log_msg(EZL_WARNING, "%s: cannot open its log: %m", u->name);
		return;
	}
	if (u->log_watch < 0)
		u->log_watch = watcher_add(u->tools->watcher, u->log.path, IN_MODIFY, on_log, u);
}

static void close_log(struct unit *u)
{
	ring_pump(&u->log, forward, u);
	watcher_remove(u->tools->watcher, u->log_watch);
	u->log_watch = -1;
	ring_close(&u->log);
}

/* --------------------------------------------------------------------------- the note */

void unit_save(struct unit *u)
{
	_cleanup_(freep) char *path = xasprintf("%s/" RECORD_NAME, u->dir);
	struct boot_id boot = process_boot_id();
	const struct record r = {
		.key = u->key,
		.name = u->name,
		.path = u->path,
		.boot_id = boot.text,
		.pid = u->process.pid,
		.start_time = u->process.start_time,
		.epoch = u->now.epoch,
		.revision = u->now.revision,
		.fingerprint = u->now.fingerprint,
		.held = u->state == UNIT_HELD,
	};
	int e = record_save(path, &r);

	if (e < 0) {
		errno = -e;
		log_msg(EZL_WARNING, "%s: cannot note its daemon in %s: %m", u->name, path);
	}
}

void unit_forget(struct unit *u)
{
	_cleanup_(freep) char *path = xasprintf("%s/" RECORD_NAME, u->dir);

	(void)unlink(path);
}

/* ------------------------------------------------------------------------- life of it */

static struct unit *make(const struct tools *tools, const char *key, const char *name, char *dir)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	*u = (struct unit){
		.key = xstrdup(key),
		.name = xstrdup(name),
		.dir = dir,
		.tools = tools,
		.process = PROCESS_NONE,
		.exit_code = -1,
		.log = RING_INIT,
		.log_watch = -1,
		.ask = ASK_INIT,
		.ask_due_us = INT64_MAX,
		.status = BUF_INIT(STATUS_MAX),
		.has_news = true,
	};
	u->is_remote = strncmp(key, "agent:", 6) == 0;
	backoff_init(&u->backoff, RETRY_MIN_MS, RETRY_MAX_MS);
	return u;
}

struct unit *unit_new(const struct tools *tools, const struct want *w)
{
	struct unit *u = make(tools, w->key, w->name,
			      xasprintf("%s/%s", tools->settings->state_root,
					w->is_remote ? w->id : w->name));

	unit_set_want(u, w);
	return u;
}

static void is_up(struct unit *u)
{
	u->state = UNIT_RUNNING;
	u->told = false;
	u->answers = false;
	u->started_us = mono_us();
	u->kill_at_us = 0;
	u->ask_due_us = u->tools->wants_status && u->is_remote ? mono_us() + US_PER_SEC / 5 :
								 INT64_MAX;
	u->has_news = true;
}

struct unit *unit_adopt(const struct tools *tools, const struct record *r, const char *dir)
{
	struct unit *u = make(tools, r->key, r->name, xstrdup(dir));
	struct boot_id boot = process_boot_id();

	u->path = r->path[0] != '\0' ? xstrdup(r->path) : NULL;
	u->now = (struct version){ r->epoch, r->revision, r->fingerprint };
	if (r->held)
		u->state = UNIT_HELD;
	if (r->pid > 0 && strcmp(boot.text, r->boot_id) == 0 &&
	    process_adopt(r->pid, r->start_time, &u->process) == 0) {
		log_msg(EZL_NOTICE, "job %s: its daemon goes on under this worker, pid %ld", u->name,
			(long)r->pid);
		is_up(u);
		u->has_news = false; /* until it has answered */
		open_log(u);
	} else if (r->pid > 0) {
		log_msg(EZL_NOTICE, "job %s: its daemon ended while no worker was there", u->name);
	}
	return u;
}

void unit_free(struct unit *u)
{
	if (!u)
		return;
	close_log(u);
	process_release(&u->process);
	ask_release(&u->ask);
	buf_release(&u->status);
	free(u->last_complaint);
	free(u->error);
	free(u->path);
	free(u->dir);
	free(u->name);
	free(u->key);
	free(u);
}

struct version unit_wanted_version(const struct unit *u)
{
	const struct want *w = u->want;

	return w ? (struct version){ w->epoch, w->revision, w->fingerprint } :
		   (struct version){ 0 };
}

static void set_error(struct unit *u, char *text)
{
	free(u->error);
	u->error = text;
	u->has_news = true;
}

void unit_set_want(struct unit *u, const struct want *w)
{
	const struct version before = u->now;
	struct version wanted;

	u->want = w;
	if (!w)
		return;
	if (w->path && (!u->path || strcmp(u->path, w->path) != 0)) {
		free(u->path);
		u->path = xstrdup(w->path);
	}
	wanted = unit_wanted_version(u);
	if (!version_eq(&before, &wanted)) {
		u->failures = 0;
		backoff_reset(&u->backoff);
	}
	/* Pause and resume go by way of the daemon's status. */
	if (w->is_remote && process_is_set(&u->process) && u->ask.fd < 0)
		u->ask_due_us = 0;
	if (w->refused) {
		set_error(u, xstrdup(w->refused));
		u->exit_code = EXIT_CONFIG;
	}
}

/* -------------------------------------------------------------------- start and stop */

static void will_retry(struct unit *u)
{
	uint64_t ms = backoff_next_ms(&u->backoff);

	u->failures++;
	if (u->is_remote && u->failures >= REMOTE_TRIES) {
		u->state = UNIT_FAILED;
		log_msg(EZL_ERROR, "job %s failed %u times in a row: left to the control plane",
			u->name, u->failures);
		return;
	}
	u->state = UNIT_WAITING;
	u->due_us = mono_us() + (int64_t)ms * US_PER_MS;
	log_msg(EZL_WARNING, "job %s is started again in %s: %s", u->name,
		format_duration_ms((int64_t)ms).text, u->error ? u->error : "it ended");
}

void unit_start(struct unit *u)
{
	int r = fs_mkdirs(u->dir, 0700);

	u->now = unit_wanted_version(u);
	free(u->last_complaint);
	u->last_complaint = NULL;
	buf_reset(&u->status);
	if (r == 0) {
		open_log(u);
		r = unit_spawn(u);
	}
	if (r < 0) {
		errno = -r;
		set_error(u, xasprintf("its daemon cannot be started: %m"));
		will_retry(u);
		return;
	}
	log_msg(EZL_INFO, "job %s started, pid %ld", u->name, (long)u->process.pid);
	set_error(u, NULL);
	is_up(u);
	unit_save(u);
}

void unit_stop(struct unit *u)
{
	log_msg(EZL_INFO, "job %s is being stopped", u->name);
	u->state = UNIT_STOPPING;
	u->told = true;
	u->kill_at_us = mono_us() + u->tools->settings->stop_timeout_us;
	u->has_news = true;
	process_signal(&u->process, SIGTERM);
}

void unit_hold(struct unit *u)
{
	u->state = UNIT_HELD;
	u->now = unit_wanted_version(u);
	u->has_news = true;
	if (fs_mkdirs(u->dir, 0700) == 0)
		unit_save(u);
}

void unit_release_hold(struct unit *u)
{
	if (process_is_set(&u->process))
		return;
	u->state = UNIT_NEW;
	u->failures = 0;
	backoff_reset(&u->backoff);
}

/* ------------------------------------------------------------------------- its end */

/* What the daemon left behind about its end; of a child the code is known already. */
static void read_exit(const struct unit *u, struct ending *e)
{
	_cleanup_(freep) char *path = xasprintf("%s/exit.json", u->dir);
	_cleanup_(buf_release) struct buf text = BUF_INIT(EXIT_JSON_MAX);
	_cleanup_(json_freep) struct json *j = NULL;
	struct ez_view sentence;

	if (fs_read_file(path, EXIT_JSON_MAX, &text) < 0)
		return;
	j = json_parse(buf_view(&text), NULL);
	if (!j || !json_has(j, "code"))
		return;
	if (e->code == PROCESS_UNKNOWN)
		e->code = (int)json_i64(j, "code");
	sentence = json_str(j, "sentence");
	e->by_command = view_eq_str(sentence, EXIT_TOLD_TO_STOP);
	e->by_signal = view_eq_str(sentence, EXIT_BY_SIGNAL);
}

static char *describe(const struct unit *u, int code)
{
	if (code == PROCESS_UNKNOWN)
		return xstrdup("its daemon ended without a word");
	if (code > 128)
		return xasprintf("its daemon was ended by signal %d", code - 128);
	if (u->last_complaint)
		return xstrdup(u->last_complaint);
	return xasprintf("its daemon ended with %d", code);
}

static void conclude(struct unit *u, const struct ending *e)
{
	switch (verdict_of(e)) {
	case VERDICT_STOPPED:
		u->state = UNIT_STOPPED;
		log_msg(EZL_INFO, "job %s stopped", u->name);
		break;
	case VERDICT_DONE:
		u->state = UNIT_DONE;
		log_msg(EZL_NOTICE, "job %s is done", u->name);
		break;
	case VERDICT_HELD:
		u->state = UNIT_HELD;
		log_msg(EZL_NOTICE, "job %s was stopped by command and stays so until its "
			"configuration changes or: ezcdc start %s", u->name, u->name);
		break;
	case VERDICT_FAILED:
		set_error(u, describe(u, e->code));
		u->state = UNIT_FAILED;
		log_msg(EZL_ERROR, "job %s failed with %d and waits for a change: %s", u->name,
			e->code, u->error);
		break;
	case VERDICT_RETRY:
		set_error(u, describe(u, e->code));
		will_retry(u);
		break;
	}
}

static void ended(struct unit *u, int code)
{
	struct ending e = { .code = code, .told = u->told };

	ring_pump(&u->log, forward, u);
	read_exit(u, &e);
	process_release(&u->process);
	close_log(u);
	ask_release(&u->ask);
	u->ask_due_us = INT64_MAX;
	u->answers = false;
	buf_reset(&u->status);
	u->exit_code = e.code == PROCESS_UNKNOWN ? -1 : e.code;
	set_error(u, NULL);
	if (mono_us() - u->started_us > STEADY_US) {
		u->failures = 0;
		backoff_reset(&u->backoff);
	}
	conclude(u, &e);
	u->told = false;
	cgroups_remove(u->tools->cgroups, strrchr(u->dir, '/') + 1);
	unit_save(u);
}

/* ---------------------------------------------------------------------- how it looks */

uint32_t unit_public_state(const struct unit *u)
{
	enum { STOPPED, RUNNING, PAUSED, FAILED, STARTING };

	if (u->want && u->want->refused)
		return FAILED;
	switch (u->state) {
	case UNIT_RUNNING:
		if (!u->answers)
			return STARTING;
		return u->is_paused ? PAUSED : RUNNING;
	case UNIT_STOPPING:
		return RUNNING;
	case UNIT_FAILED:
		return FAILED;
	case UNIT_NEW:
	case UNIT_WAITING:
		return u->want && u->want->state == WANT_STOPPED ? STOPPED : STARTING;
	case UNIT_STOPPED:
		/* By the worker's own wish, for a new version or because it leaves itself. */
		return u->want && u->want->state != WANT_STOPPED ? STARTING : STOPPED;
	default:
		return STOPPED;
	}
}

/* ------------------------------------------------------------------------------ step */

void unit_step(struct unit *u)
{
	int code;

	if (!process_is_set(&u->process))
		return;
	code = process_poll(&u->process);
	if (code != PROCESS_RUNS) {
		ended(u, code);
		return;
	}
	if (u->kill_at_us > 0 && mono_us() >= u->kill_at_us) {
		log_msg(EZL_WARNING, "job %s takes too long to stop: it is killed", u->name);
		u->kill_at_us = 0;
		process_signal(&u->process, SIGKILL);
	}
	unit_step_ask(u);
}

int64_t unit_due_us(const struct unit *u)
{
	int64_t due_us = INT64_MAX;

	if (u->state == UNIT_WAITING)
		return u->due_us;
	if (!process_is_set(&u->process))
		return INT64_MAX;
	if (u->kill_at_us > 0)
		due_us = u->kill_at_us;
	if (u->ask.in.len > 0 && u->ask.fd < 0)
		return 0; /* answered at once */
	return MIN(due_us, u->ask.fd >= 0 ? u->ask.until_us : u->ask_due_us);
}
