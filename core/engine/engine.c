/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/view.h"
#include "engine/dead_letter.h"
#include "engine/host.h"
#include "engine/job.h"

const char *run_state_to_str(enum run_state s)
{
	static const char *const names[_RUN_STATE_MAX] = {
		[RUN_STARTING] = "starting", [RUN_SNAPSHOT] = "snapshot",
		[RUN_STREAMING] = "streaming", [RUN_PAUSED] = "paused",
		[RUN_STOPPING] = "stopping", [RUN_FAILED] = "failed",
	};

	return s < _RUN_STATE_MAX ? names[s] : "unknown";
}

void engine_ring_main(struct engine *e)
{
	if (e->wake_fd >= 0)
		(void)!eventfd_write(e->wake_fd, 1);
}

void engine_set_state(struct engine *e, enum run_state s)
{
	int now = atomic_load(&e->state);

	/* Failed stays failed; stopping only becomes failed. */
	if (now == RUN_FAILED || (now == RUN_STOPPING && s != RUN_FAILED))
		return;
	atomic_store(&e->state, (int)s);
	engine_ring_main(e);
}

static void look_around(struct engine *e)
{
	reader_wake(&e->reader);
	bell_ring(&e->writer.lane.bell);
	engine_ring_main(e);
}

void engine_fail(struct engine *e, const struct ez_error *err)
{
	bool first;

	pthread_mutex_lock(&e->lock);
	first = e->failure.rc == 0;
	if (first)
		e->failure = *err;
	pthread_mutex_unlock(&e->lock);
	if (first) {
		stats_error(&e->stats, err);
		engine_set_state(e, RUN_FAILED);
	}
	engine_abort(e);
}

void engine_stop(struct engine *e)
{
	bool before = atomic_exchange(&e->stopping, true);

	if (!before)
		atomic_store(&e->deadline_us, mono_us() + e->job->shutdown_timeout_us);
	look_around(e);
}

void engine_add_lane(struct engine *e, struct list *link)
{
	pthread_mutex_lock(&e->lanes_lock);
	list_insert_before(&e->lanes, link);
	pthread_mutex_unlock(&e->lanes_lock);
}

void engine_remove_lane(struct engine *e, struct list *link)
{
	pthread_mutex_lock(&e->lanes_lock);
	list_remove(link);
	pthread_mutex_unlock(&e->lanes_lock);
}

static void interrupt_lanes(struct engine *e)
{
	pthread_mutex_lock(&e->lanes_lock);
	list_for_each(l, &e->lanes)
		lane_interrupt(LIST_OF(l, struct lane, link));
	pthread_mutex_unlock(&e->lanes_lock);
}

void engine_abort(struct engine *e)
{
	atomic_store(&e->stopping, true);
	atomic_store(&e->aborting, true);
	reader_interrupt(&e->reader);
	if (e->keeper.started)
		keeper_interrupt(&e->keeper);
	interrupt_lanes(e);
	look_around(e);
}

static void set_paused(struct checkpoint *cp, void *arg)
{
	cp->paused = *(const bool *)arg;
}

int engine_pause(struct engine *e, bool paused, struct ez_error *err)
{
	int rc;

	atomic_store(&e->paused, paused);
	rc = keeper_change_soon(&e->keeper, set_paused, &paused, err);
	if (atomic_load(&e->state) == RUN_STREAMING || atomic_load(&e->state) == RUN_PAUSED)
		engine_set_state(e, paused ? RUN_PAUSED : RUN_STREAMING);
	reader_wake(&e->reader);
	return rc;
}

struct ez_open engine_open_args(struct engine *e, const struct ez_config *config,
				struct ez_ctx *ctx, uint32_t role, uint32_t worker,
				uint32_t n_workers)
{
	return (struct ez_open){
		.size = sizeof(struct ez_open),
		.config = config,
		.ctx = ctx,
		.job = view_str(e->job->name),
		.id = view_str(e->id),
		.scratch = view_str(e->dir.path),
		.epoch = e->job->epoch,
		.memory = e->job->memory_bytes,
		.batch_bytes = e->batch_bytes,
		.role = role,
		.worker = worker,
		.n_workers = n_workers,
		.alone = !e->job->source.plugin || !e->job->sink.plugin,
	};
}

int engine_reject(struct engine *e, const struct ez_event *ev, uint32_t part, bool is_snapshot,
		  struct ez_error *err)
{
	int rc = dead_letters_add(e->dead, ev, part, is_snapshot, err);

	if (rc >= 0)
		atomic_fetch_add_explicit(&e->stats.dead_letters, 1, memory_order_relaxed);
	return rc;
}

int engine_pass_over(struct engine *e, const struct ez_event *ev, struct ez_error *err)
{
	int n = dead_letters_pass_over(e->dead, ev, err);

	if (n < 0)
		return n;
	atomic_fetch_add_explicit(&e->stats.dead_letters, (uint64_t)n, memory_order_relaxed);
	return EZ_OK;
}

int engine_cancelled(struct ez_error *err)
{
	return host_table.fail(err, EZ_E_CANCELLED, "", "the job was stopped");
}

/* ------------------------------------------------------------------------- outages */

void engine_note_retry(struct engine *e, const struct ez_error *err, const char *what,
		       int64_t *since_us)
{
	size_t class = (size_t)-err->rc;

	if (class < ARRAY_LEN(e->stats.retries))
		atomic_fetch_add_explicit(&e->stats.retries[class], 1, memory_order_relaxed);
	stats_error(&e->stats, err);
	if (*since_us == 0) {
		*since_us = mono_us();
		log_msg(EZL_WARNING, "%s: %s; trying again", what, err->text);
		if (err->hint[0] != '\0')
			log_hint("%s", err->hint);
	} else {
		log_msg(EZL_DEBUG, "%s: %s; trying again", what, err->text);
	}
}

void engine_note_recovered(struct engine *e, const char *what, int64_t *since_us)
{
	struct ez_error none = ERROR_INIT;

	if (*since_us == 0)
		return;
	log_msg(EZL_NOTICE, "%s works again after %s", what,
		format_duration_ms((mono_us() - *since_us) / US_PER_MS).text);
	stats_error(&e->stats, &none);
	*since_us = 0;
}

#ifdef EZ_TEST_HOOKS
/* EZCDC_TEST_KILL=label:n */
void engine_kill_point(const char *label)
{
	static _Atomic long count;
	const char *spec = secure_getenv("EZCDC_TEST_KILL");
	size_t len = strlen(label);
	uint64_t n = 0;

	if (!spec || strncmp(spec, label, len) != 0 || spec[len] != ':' ||
	    !parse_u64(view_str(spec + len + 1), &n))
		return;
	if ((uint64_t)atomic_fetch_add(&count, 1) + 1 >= n)
		kill(getpid(), SIGKILL);
}
#endif
