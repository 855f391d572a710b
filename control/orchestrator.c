/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/orchestrator.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/alerts/alerts.h"
#include "control/app.h"
#include "control/catalog/db.h"
#include "control/crypto/keyring.h"
#include "control/jobs/change.h"
#include "control/jobs/upkeep.h"
#include "control/scaling.h"
#include "control/settings.h"
#include "control/workers/release.h"

enum { CHORES_MAX = 16 };

struct orchestrator {
	struct app *app;
	struct db *db;
	struct scaling *scaling;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping; /* guarded by lock */
	bool is_leader;
	uint64_t led_by; /* the connection that holds the lock */
	int64_t next_us[CHORES_MAX];
	unsigned round; /* of what came late */
};

/* ------------------------------------------------------------------ chores */

/*
 * Takes all jobs from a worker that `still` finds to be as it seemed. Its jobs are locked
 * before itself, as reports of workers do: one that was only slow goes on reporting
 * meanwhile, and neither is to wait for the other.
 */
static enum db_result give_jobs_back(struct orchestrator *o, const char *id,
				     const char *still, const char *why)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(o->db);

	if (rc == DB_OK)
		rc = workers_lock_jobs(o->db, id);
	if (rc == DB_OK)
		rc = db_run(o->db, &rows, still, id);
	if (rc == DB_OK && db_rows(rows) > 0) {
		log_msg(EZL_NOTICE, "%s worker=%s", why, id);
		rc = workers_release_jobs(o->db, id, why);
	}
	if (rc == DB_OK)
		rc = db_commit(o->db);
	if (rc != DB_OK)
		db_rollback(o->db);
	return rc;
}

/* One by one: nobody waits until all have been given up. */
static enum db_result give_all_back(struct orchestrator *o, const char *which,
				    const char *still, const char *why)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(o->db, &rows, which);

	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		rc = give_jobs_back(o, db_text(rows, i, 0), still, why);
	return rc;
}

static enum db_result find_lost_workers(struct orchestrator *o)
{
	return give_all_back(o,
			     "select id from workers where status = 'online'"
			     " and seen_at < now() - interval '60 seconds' and not exists"
			     " (select 1 from instances where patient_until > now())"
			     " order by seen_at limit 200",
			     "update workers set status = 'lost' where id = $1"
			     " and status = 'online'"
			     " and seen_at < now() - interval '60 seconds'"
			     " returning tell('worker', jsonb_build_object('worker_id', id,"
			     " 'status', 'lost'))",
			     "the worker was lost");
}

/* A job that was claimed as its worker was found lost, and jobs of those that drain: nobody
 * waits for the end of that, since a successor fences what still runs. */
static enum db_result find_strays(struct orchestrator *o)
{
	enum db_result rc = give_all_back(
		o,
		"select id from workers w where status in ('lost', 'gone')"
		" and exists (select 1 from jobs where worker_id = w.id) limit 200",
		"select 1 from workers where id = $1 and status in ('lost', 'gone')"
		" for no key update",
		"the worker was lost");

	if (rc != DB_OK)
		return rc;
	return give_all_back(
		o,
		"select id from workers w where (draining or stopping) and status = 'online'"
		" and exists (select 1 from jobs where worker_id = w.id"
		" and pinned_worker_id is distinct from w.id) limit 200",
		"select 1 from workers where id = $1 and (draining or stopping) and status = 'online'"
		" for no key update",
		"the worker drains");
}

static enum db_result retry_one(struct orchestrator *o, const char *id)
{
	struct job_row row;
	bool found = false;
	enum db_result rc = job_lock(o->db, id, &row, &found);

	if (rc != DB_OK || !found || row.status != JOB_FAILED)
		return rc;
	return job_move(
		o->db, &row,
		&(struct job_cause){ .event = JOB_EV_RETRY, .actor = "orchestrator" });
}

static enum db_result retry_failed_jobs(struct orchestrator *o)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(o->db);

	if (rc == DB_OK)
		rc = db_run(
			o->db, &rows,
			"select id from jobs where status = 'failed' and retry_at <= now()"
			" and desired <> 'stopped' order by id");
	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		rc = retry_one(o, db_text(rows, i, 0));
	if (rc == DB_OK)
		rc = db_commit(o->db);
	if (rc != DB_OK)
		db_rollback(o->db);
	return rc;
}

static enum db_result keep_tasks(struct orchestrator *o)
{
	return upkeep_tasks(o->db);
}

static enum db_result keep_history(struct orchestrator *o)
{
	return upkeep_history(o->db);
}

static enum db_result make_minutes(struct orchestrator *o)
{
	return upkeep_minutes(o->db);
}

static enum db_result make_hours(struct orchestrator *o)
{
	return upkeep_hours(o->db);
}

static enum db_result take_late_metrics(struct orchestrator *o)
{
	return upkeep_late_metrics(o->db, o->round++);
}

static enum db_result drop_old_metrics(struct orchestrator *o)
{
	return upkeep_old_metrics(o->db);
}

static enum db_result keep_alerts(struct orchestrator *o)
{
	return alerts_evaluate(o->db);
}

static enum db_result send_alerts(struct orchestrator *o)
{
	return alerts_deliver(o->db, o->app->keyring,
			      o->app->settings->webhooks_to_private);
}

static enum db_result keep_groups(struct orchestrator *o)
{
	return scaling_run(o->scaling, o->db);
}

static const struct chore {
	const char *name;
	enum db_result (*run)(struct orchestrator *o);
	int64_t every_us;
} chores[] = {
	{ "lost workers", find_lost_workers, US_PER_SEC },
	{ "strays", find_strays, US_PER_SEC },
	{ "retries", retry_failed_jobs, US_PER_SEC / 2 },
	{ "tasks", keep_tasks, 2 * US_PER_SEC },
	{ "alerts", keep_alerts, 3 * US_PER_SEC },
	{ "webhooks", send_alerts, US_PER_SEC },
	{ "scaling", keep_groups, US_PER_SEC },
	{ "minutes", make_minutes, 20 * US_PER_SEC },
	{ "hours", make_hours, 300 * US_PER_SEC },
	{ "late samples", take_late_metrics, 30 * US_PER_SEC },
	{ "old samples", drop_old_metrics, 10 * US_PER_SEC },
	{ "history", keep_history, 300 * US_PER_SEC },
};

/* ------------------------------------------------------------------ who works */

/*
 * Every instance says that it lives, and which keys it has: rotation asks for that. When no
 * instance could say so for a while, no worker could either: then none is taken for lost
 * before all had the time to be heard again.
 */
static enum db_result say_alive(struct orchestrator *o)
{
	struct buf ids = BUF_INIT(4096);
	enum db_result rc;

	if (!keyring_refresh(o->app->keyring))
		log_msg(EZL_ERROR,
			"the key ring has changed and cannot be read: the old keys stay");
	keyring_ids(o->app->keyring, &ids);
	rc = db_run(o->db, NULL,
		    "insert into instances (id, address, version, key_ids, patient_until)"
		    " select $1, $2, $3, string_to_array($4, ','),"
		    " case when coalesce(max(seen_at) < now() - interval '20 seconds', true)"
		    " and exists (select 1 from workers where status = 'online')"
		    " then now() + interval '60 seconds' end from instances"
		    " on conflict (id) do update set seen_at = now(), key_ids = excluded.key_ids,"
		    " patient_until = coalesce(excluded.patient_until, instances.patient_until)",
		    o->app->instance, o->app->settings->address, PACKAGE_VERSION,
		    buf_cstr(&ids));
	buf_release(&ids);
	return rc;
}

/* The lock lives as long as the connection, so a dead instance gives it back. */
static bool lead(struct orchestrator *o)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;

	if (o->is_leader && db_is_up(o->db) && o->led_by == db_connects(o->db))
		return true;
	o->is_leader = false;
	if (db_run(o->db, &rows, "select pg_try_advisory_lock(3401740922)") != DB_OK)
		return false;
	o->is_leader = db_bool(rows, 0, 0);
	o->led_by = db_connects(o->db);
	if (o->is_leader)
		scaling_forget(o->scaling);
	return o->is_leader;
}

static void run_chores(struct orchestrator *o)
{
	int64_t now = mono_us();

	for (size_t i = 0; i < ARRAY_LEN(chores); i++) {
		if (now < o->next_us[i])
			continue;
		o->next_us[i] = now + chores[i].every_us;
		if (chores[i].run(o) != DB_OK) {
			log_msg(EZL_WARNING,
				"upkeep is put off chore=\"%s\" reason=\"%s\"",
				chores[i].name, db_last_error(o->db));
			return;
		}
	}
}

static bool pause_for(struct orchestrator *o, int64_t ms)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&o->lock);
	while (!o->stopping) {
		if (pthread_cond_timedwait(&o->changed, &o->lock, &until) == ETIMEDOUT)
			break;
	}
	stopping = o->stopping;
	pthread_mutex_unlock(&o->lock);
	return !stopping;
}

static void *run(void *arg)
{
	struct orchestrator *o = arg;
	int64_t alive_us = 0;

	do {
		if (mono_us() >= alive_us && say_alive(o) == DB_OK)
			alive_us = mono_us() + 5 * US_PER_SEC;
		if (lead(o))
			run_chores(o);
	} while (pause_for(o, 500));
	return NULL;
}

/* ------------------------------------------------------------------ life */

struct orchestrator *orchestrator_start(struct app *app, const char *conninfo)
{
	struct orchestrator *o = xcalloc(1, sizeof(*o));
	pthread_condattr_t attr;

	o->app = app;
	o->db = db_new(conninfo, "ezcdc-control orchestrator");
	o->scaling = scaling_new(app->settings);
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&o->thread, NULL, run, o) == 0)
		return o;
	scaling_free(o->scaling);
	db_free(o->db);
	free(o);
	return NULL;
}

void orchestrator_stop(struct orchestrator *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	pthread_cond_signal(&o->changed);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	if (db_run(o->db, NULL, "delete from instances where id = $1",
		   o->app->instance) != DB_OK)
		log_msg(EZL_DEBUG,
			"this instance is forgotten when it has been silent for long");
	scaling_free(o->scaling);
	db_free(o->db);
	pthread_cond_destroy(&o->changed);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
