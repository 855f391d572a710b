/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/run.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/control.h"
#include "engine/dead_letter.h"
#include "engine/engine.h"
#include "engine/exit_code.h"
#include "engine/job.h"
#include "engine/json.h"
#include "engine/loader.h"
#include "engine/notify.h"
#include "engine/status.h"

/*
 * The main thread: starts the others, then serves signals, the control socket and metrics
 * until the reader has ended, then ends the others in the order in which rows flow: reader,
 * writer, keeper. So nothing that is durable goes unsaved.
 */
enum {
	MAX_FDS = 64,
	TICK_US = US_PER_SEC,
	FIRST_START_US = 60 * US_PER_SEC,
	IMPATIENT_US = 15 * US_PER_SEC,
	TRIM_IDLE_S = 5,
	MIN_MEMORY_BYTES = 8 * 1024 * 1024,
	LARGE_BYTES = 256 * 1024,
	CHANGED_MAX = 4096,
};

struct runner {
	struct engine e;
	struct control *control;
	struct status_rates rates;
	int signal_fd;
	int64_t tick_us, watchdog_us;
	unsigned idle_ticks;
	uint64_t rows_seen;
	bool told_ready;
	bool told_to_stop; /* by the control socket */
	char source[96], sink[96]; /* plugins: name and version */
	int (*reload)(void *arg, struct job *job, struct engine_reload *r, struct ez_error *err);
	void *reload_arg;
	struct job *job;
};

static void name_plugin(char *text, size_t cap, const struct plugin *p)
{
	if (!str_format(text, cap, "%s %s", p->name, p->version))
		text[0] = '\0';
}

/* ----------------------------------------------------------------- what others may ask */

static struct status_facts facts_of(struct runner *run, struct checkpoint *cp)
{
	struct engine *e = &run->e;
	const struct job *job = e->job;

	int state = atomic_load(&e->state);

	/* The reader may say that it streams while the pause comes in. */
	if (state == RUN_STREAMING && atomic_load(&e->paused))
		state = RUN_PAUSED;
	keeper_peek(&e->keeper, cp);
	return (struct status_facts){
		.name = job->name,
		.state = run_state_to_str((enum run_state)state),
		.phase = phase_to_str(cp->phase),
		.source = run->source,
		.sink = run->sink,
		.snapshot = cp->snapshot,
		.queue_bytes = budget_used(&e->budget),
		.queue_batches = (int64_t)(atomic_load(&e->writer.pushed) -
					   atomic_load(&e->writer.landed)),
		.memory_limit = e->budget.limit,
		.memory_used = budget_used(&e->budget),
		.memory_peak = atomic_load(&e->budget.peak),
		.epoch = job->epoch,
		.paused = atomic_load(&e->paused),
	};
}

static void note_positions(struct engine *e, const struct checkpoint *cp)
{
	const struct mark *m = checkpoint_resume(cp);

	if (m)
		stats_set_text(&e->stats, e->stats.position_durable,
			       sizeof(e->stats.position_durable), view_str(m->text));
}

static void answer_ok(struct buf *answer)
{
	buf_add_str(answer, "{\"ok\":true}");
}

static void answer_error(struct buf *answer, const char *text)
{
	buf_add_str(answer, "{\"error\":");
	json_add_string(answer, view_str(text));
	buf_add_char(answer, '}');
}

static void answer_pause(struct engine *e, bool paused, struct buf *answer)
{
	struct ez_error err = ERROR_INIT;

	if (engine_pause(e, paused, &err) < 0)
		answer_error(answer, err.text);
	else
		answer_ok(answer);
}

static void answer_loglevel(struct ez_view request, struct buf *answer)
{
	struct json *json = json_parse(request, NULL);
	int level;

	if (json && log_level_parse(json_str(json, "level"), &level)) {
		log_set_level(level);
		answer_ok(answer);
	} else {
		answer_error(answer, "loglevel needs \"level\": error, warning, notice, info "
				     "or debug");
	}
	json_free(json);
}

/* R26: over a job of the control plane only that one decides, through its worker. */
static bool is_refused(const struct runner *run, struct ez_view request, struct buf *answer)
{
	_cleanup_(json_freep) struct json *json = json_parse(request, NULL);
	_cleanup_(freep) char *text = NULL;

	if (!run->e.opt.managed || json_bool(json, "worker"))
		return false;
	text = xasprintf("this job is managed by %s: pause, resume and stop it there",
			 run->e.opt.managed);
	answer_error(answer, text);
	return true;
}

static void on_command(void *arg, struct ez_view cmd, struct ez_view request,
		       struct buf *answer)
{
	struct runner *run = arg;
	struct checkpoint cp;

	if (view_eq_str(cmd, "status")) {
		struct status_facts facts = facts_of(run, &cp);

		note_positions(&run->e, &cp);
		status_json(&facts, &run->rates, &run->e.stats, answer);
	} else if (view_eq_str(cmd, "pause") || view_eq_str(cmd, "resume")) {
		if (!is_refused(run, request, answer))
			answer_pause(&run->e, view_eq_str(cmd, "pause"), answer);
	} else if (view_eq_str(cmd, "stop")) {
		if (is_refused(run, request, answer))
			return;
		run->told_to_stop = true;
		engine_stop(&run->e);
		answer_ok(answer);
	} else if (view_eq_str(cmd, "loglevel")) {
		answer_loglevel(request, answer);
	} else if (view_eq_str(cmd, "snapshot")) {
		answer_error(answer, "copying a table again while streaming is not offered by "
				     "this version");
	} else {
		answer_error(answer, "unknown command; known are status, pause, resume, stop, "
				     "loglevel");
	}
}

static void on_metrics(void *arg, struct buf *text)
{
	struct runner *run = arg;
	struct checkpoint cp;
	struct status_facts facts = facts_of(run, &cp);

	metrics_text(&facts, &run->rates, &run->e.stats, text);
}

static int reload(struct runner *run, int fd, struct buf *changed, enum config_change *ret,
		  struct ez_error *err)
{
	struct engine_reload r = { .fd = fd, .change = CONFIG_SAME, .changed = changed };
	int rc = run->reload ? run->reload(run->reload_arg, run->job, &r, err) : EZ_OK;

	*ret = r.change;
	return rc;
}

/* New secrets come so to a job of the control plane, whose text was read once (R22). */
static void on_reload(void *arg, struct ez_view request, int fd, struct buf *answer)
{
	struct buf changed = BUF_INIT(CHANGED_MAX);
	struct ez_error err = ERROR_INIT;
	enum config_change change;

	if (is_refused(arg, request, answer))
		return;
	if (reload(arg, fd, &changed, &change, &err) < 0) {
		answer_error(answer, err.text);
	} else {
		buf_addf(answer, "{\"ok\":%s,\"changed\":",
			 change == CONFIG_RESTART ? "false" : "true");
		json_add_string(answer, buf_view(&changed));
		buf_add_str(answer, change == CONFIG_RESTART ? ",\"restart\":true}" : "}");
	}
	buf_release(&changed);
}

static const struct control_ops control_ops = { on_command, on_metrics, on_reload };

/* ------------------------------------------------------------------------ the main loop */

static void on_signal(struct runner *run, uint32_t signal)
{
	struct engine *e = &run->e;

	if (signal == SIGHUP) {
		struct buf changed = BUF_INIT(CHANGED_MAX);
		struct ez_error err = ERROR_INIT;
		enum config_change change;

		notify_reloading();
		if (reload(run, -1, &changed, &change, &err) < 0)
			log_msg(EZL_WARNING, "job file not reloaded: it has errors");
		notify_ready();
		buf_release(&changed);
		return;
	}
	if (engine_is_stopping(e)) {
		log_msg(EZL_NOTICE, "stopping at once");
		engine_abort(e);
		return;
	}
	log_msg(EZL_INFO, "stopping: finishing what is in flight");
	notify_stopping();
	engine_set_state(e, RUN_STOPPING);
	engine_stop(e);
}

static void take_signals(struct runner *run)
{
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		on_signal(run, info.ssi_signo);
}

/* Memory that bursts left behind goes back once the job has been quiet for a while. */
static void trim_when_idle(struct runner *run)
{
	uint64_t rows = atomic_load(&run->e.stats.rows);

	run->idle_ticks = rows == run->rows_seen ? run->idle_ticks + 1 : 0;
	run->rows_seen = rows;
	if (run->idle_ticks != TRIM_IDLE_S)
		return;
	arena_pool_trim(&run->e.pool.arenas, 0);
	malloc_trim(0);
}

static void tick(struct runner *run)
{
	struct engine *e = &run->e;
	int state = atomic_load(&e->state);

	run->tick_us = mono_us() + TICK_US;
	status_tick(&run->rates, &e->stats);
	trim_when_idle(run);
	if (!run->told_ready && state != RUN_STARTING && state != RUN_FAILED) {
		notify_ready();
		run->told_ready = true;
	}
	notify_status("%s: %llu rows, %.0f rows/s", run_state_to_str((enum run_state)state),
		      (unsigned long long)atomic_load(&e->stats.rows), run->rates.rows_per_s);
	if (engine_is_stopping(e) && !engine_is_aborting(e) &&
	    mono_us() > atomic_load(&e->deadline_us)) {
		struct ez_error err = ERROR_INIT;

		host_table.fail(&err, EZ_E_TRANSIENT, "",
				"stopped before everything in flight was durable: nothing is "
				"lost, it will come again");
		engine_fail(e, &err);
	}
}

static int next_timeout_ms(const struct runner *run)
{
	int64_t at = MIN(run->tick_us, control_due_us(run->control)), left;

	if (run->watchdog_us > 0)
		at = MIN(at, run->watchdog_us);
	left = (at - mono_us() + 999) / US_PER_MS;
	return left < 0 ? 0 : (int)left;
}

static void serve(struct runner *run)
{
	struct pollfd fds[MAX_FDS] = {
		{ .fd = run->signal_fd, .events = POLLIN },
		{ .fd = run->e.wake_fd, .events = POLLIN },
	};
	size_t n = 2 + control_fds(run->control, fds + 2, MAX_FDS - 2);
	eventfd_t unused;

	if (poll(fds, n, next_timeout_ms(run)) > 0) {
		if (fds[0].revents)
			take_signals(run);
		if (fds[1].revents)
			(void)!eventfd_read(run->e.wake_fd, &unused);
		control_step(run->control, fds + 2, n - 2);
	}
	if (mono_us() >= run->tick_us)
		tick(run);
	if (notify_watchdog_us() > 0 && mono_us() >= run->watchdog_us) {
		notify_watchdog();
		run->watchdog_us = mono_us() + notify_watchdog_us();
	}
}

/* ------------------------------------------------------------------- start and the end */

static void init_engine(struct runner *run, const struct engine_options *opt)
{
	struct engine *e = &run->e;
	const struct job *job = run->job;
	uint64_t memory = MAX(job->memory_bytes, (uint64_t)MIN_MEMORY_BYTES);

	*e = (struct engine){
		.job = job,
		.opt = *opt,
		.dir = { .lock_fd = -1 },
		.batch_bytes = (size_t)MIN(job->batch.max_bytes, memory / 4),
		.started_us = mono_us(),
		.failure = ERROR_INIT,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	e->start_by_us = mono_us() + (opt->impatient ? IMPATIENT_US : FIRST_START_US);
	e->budget.limit = (int64_t)memory;
	/* A sink that loads batches encodes each beside it. */
	if (!plugin_can(job->sink.plugin, EZ_CAP_STREAMING))
		e->budget.reserve = (int64_t)e->batch_bytes;
	job_id_copy(job, e->id);
	pthread_mutex_init(&e->lock, NULL);
	pthread_mutex_init(&e->lanes_lock, NULL);
	list_init(&e->lanes);
	batch_pool_init(&e->pool);
	registry_init(&e->registry);
	stats_init(&e->stats);
	bell_init(&e->done);
	reader_init(&e->reader, e);
}

static void release_engine(struct engine *e)
{
	dead_letters_close(e->dead);
	registry_release(&e->registry);
	batch_pool_release(&e->pool);
	stats_release(&e->stats);
	bell_release(&e->done);
	pthread_mutex_destroy(&e->lanes_lock);
	pthread_mutex_destroy(&e->lock);
	pthread_mutex_destroy(&e->reader.wake_lock);
	fs_closep(&e->wake_fd);
	state_dir_close(&e->dir);
}

static int start_control(struct runner *run, struct ez_error *err)
{
	struct engine *e = &run->e;
	char *path = state_dir_file(&e->dir, "control.sock");
	const char *metrics = e->opt.metrics ? e->opt.metrics : e->job->metrics_listen;
	int rc = control_new(path, metrics, &control_ops, run, &run->control, err);

	free(path);
	return rc;
}

static int start_all(struct runner *run, struct ez_error *err)
{
	struct engine *e = &run->e;
	char *path = state_dir_path(e->opt.state_dir, e->job->name);
	struct checkpoint cp;
	int rc = state_dir_open(path, &e->dir, err);

	free(path);
	if (rc >= 0)
		rc = keeper_start(&e->keeper, e, err);
	if (rc < 0)
		return rc;
	keeper_peek(&e->keeper, &cp);
	atomic_store(&e->paused, cp.paused);
	rc = start_control(run, err);
	if (rc >= 0)
		rc = writer_start(&e->writer, e, err);
	if (rc >= 0)
		rc = reader_start(&e->reader, e, err);
	return rc;
}

static void stop_all(struct runner *run)
{
	struct engine *e = &run->e;

	reader_join(&e->reader);
	writer_stop(&e->writer);
	keeper_stop(&e->keeper);
	control_free(run->control);
}

/* The last line: what happened and what to do. */
static int conclude(struct runner *run)
{
	struct engine *e = &run->e;
	const struct ez_error *err = &e->failure;
	int code = EXIT_DONE;

	if (err->rc < 0 && err->rc != EZ_E_CANCELLED)
		code = exit_code_of(err);
	if (code == EXIT_DONE)
		log_msg(EZL_INFO, "%s rows=%llu", engine_is_stopping(e) ? "stopped" : "done",
			(unsigned long long)atomic_load(&e->stats.rows));
	else
		log_msg(EZL_ERROR, "%s%s%s", err->text, err->hint[0] ? "; " : "", err->hint);
	if (e->dir.path)
		state_dir_leave_exit(&e->dir, code,
				     code                   ? err->text :
				     run->told_to_stop      ? EXIT_TOLD_TO_STOP :
				     engine_is_stopping(e)  ? EXIT_BY_SIGNAL :
							      "done");
	return code;
}

static sigset_t our_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return set;
}

void engine_block_signals(void)
{
	sigset_t set = our_signals();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int open_signals(void)
{
	sigset_t set = our_signals();

	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Secrets must not end up in core files. A limit of one byte also keeps cores from being
 * piped to a collector, which a limit of zero does not. */
static void forbid_cores(void)
{
	const struct rlimit one = { 1, 1 };

	(void)setrlimit(RLIMIT_CORE, &one);
}

/*
 * Buffers of batches and loads are mapped and unmapped whole. Left to itself malloc raises
 * its threshold as soon as one is freed, keeps all later ones in its heap, and holds twice
 * of what is in use.
 */
static void return_large_buffers(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

int engine_run(struct job *job, const struct engine_options *opt,
	       int (*again)(void *arg, struct job *job, struct engine_reload *r,
			    struct ez_error *err),
	       void *again_arg)
{
	struct runner *run = xcalloc(1, sizeof(*run));
	struct ez_error err = ERROR_INIT;
	int code;

	run->job = job;
	name_plugin(run->source, sizeof(run->source), job->source.plugin);
	name_plugin(run->sink, sizeof(run->sink), job->sink.plugin);
	run->reload = again;
	run->reload_arg = again_arg;
	forbid_cores();
	return_large_buffers();
	engine_block_signals();
	run->signal_fd = open_signals();
	init_engine(run, opt);
	if (start_all(run, &err) < 0)
		engine_fail(&run->e, &err);
	else
		while (!atomic_load(&run->e.finished))
			serve(run);
	stop_all(run);
	code = conclude(run);
	release_engine(&run->e);
	close(run->signal_fd);
	free(run);
	return code;
}
