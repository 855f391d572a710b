/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/upkeep.h"

#include <stddef.h>

#include "base/alloc.h"
#include "base/attr.h"

/* How many rounds go through all that may come late. */
enum { LATE_MINUTES = 144, LATE_HOURS = 192 };

static enum db_result run_all(struct db *d, const char *const *statements, size_t n)
{
	enum db_result rc = DB_OK;

	for (size_t i = 0; rc == DB_OK && i < n; i++)
		rc = db_run(d, NULL, statements[i]);
	return rc;
}

enum db_result upkeep_tasks(struct db *d)
{
	static const char *const all[] = {
		"with t as (update tasks set status = 'failed', finished_at = now(),"
		" error = 'no worker of the deployment took the task: is one online?'"
		" where status = 'pending' and created_at < now() - interval '2 minutes' and kind <> 'drop'"
		" returning *) select tell('task', jsonb_build_object('task_id', id, 'status', status,"
		" 'datasource_id', datasource_id, 'job_id', job_id)) from t",
		"with t as (update tasks set status = 'failed', finished_at = now(),"
		" error = 'the worker did not answer in time' where status = 'running'"
		" and claimed_at < now() - make_interval(secs => timeout_seconds + 60)"
		" returning *) select tell('task', jsonb_build_object('task_id', id, 'status', status,"
		" 'datasource_id', datasource_id, 'job_id', job_id)) from t",
	};

	return run_all(d, all, ARRAY_LEN(all));
}

/*
 * From rows of one step to rows of a larger one, of what is between `from` and `until` old.
 * Both ends are full steps: else a row would be made anew of half of its samples. Rows that
 * are as they shall be are left alone.
 */
struct thinning {
	const char *step, *to_step;
	const char *from, *until; /* ages, as intervals */
};

static enum db_result thin(struct db *d, const struct thinning *t)
{
	return db_run(
		d, NULL,
		"insert into job_metrics (job_id, step, at, rows_total, rows_per_second, bytes_per_second,"
		" lag_bytes, lag_ms, queue_bytes, retained_bytes, safe_bytes, dead_letters, rss_bytes,"
		" cpu_percent, flush_p99_ms) select job_id, $2::int,"
		" to_timestamp(floor(extract(epoch from at) / $2::int) * $2::int), max(rows_total),"
		" avg(rows_per_second), avg(bytes_per_second), avg(lag_bytes), max(lag_ms), avg(queue_bytes),"
		" max(retained_bytes), min(safe_bytes), max(dead_letters), max(rss_bytes), avg(cpu_percent),"
		" max(flush_p99_ms) from job_metrics where step = $1::int"
		" and at >= to_timestamp(floor(extract(epoch from now() - $3::interval) / $2::int) * $2::int)"
		" and at < to_timestamp(floor(extract(epoch from now() - $4::interval) / $2::int) * $2::int)"
		" group by 1, 3 on conflict (job_id, step, at) do update set rows_total = excluded.rows_total,"
		" rows_per_second = excluded.rows_per_second, bytes_per_second = excluded.bytes_per_second,"
		" lag_bytes = excluded.lag_bytes, lag_ms = excluded.lag_ms, queue_bytes = excluded.queue_bytes,"
		" retained_bytes = excluded.retained_bytes, safe_bytes = excluded.safe_bytes,"
		" dead_letters = excluded.dead_letters, rss_bytes = excluded.rss_bytes,"
		" cpu_percent = excluded.cpu_percent, flush_p99_ms = excluded.flush_p99_ms"
		" where (job_metrics.*) is distinct from (excluded.*)",
		t->step, t->to_step, t->from, t->until);
}

enum db_result upkeep_minutes(struct db *d)
{
	return thin(d, &(struct thinning){ "10", "60", "4 minutes", "-5 minutes" });
}

enum db_result upkeep_hours(struct db *d)
{
	return thin(d, &(struct thinning){ "60", "3600", "1 hour", "-2 hours" });
}

/* Ten minutes of the last day, an hour of the last eight days. */
enum db_result upkeep_late_metrics(struct db *d, unsigned round)
{
	unsigned m = round % LATE_MINUTES, h = round % LATE_HOURS;
	_cleanup_(freep) char *from_m = xasprintf("%u minutes", 10 * m + 10);
	_cleanup_(freep) char *until_m = xasprintf("%u minutes", 10 * m);
	_cleanup_(freep) char *from_h = xasprintf("%u hours", h + 1);
	_cleanup_(freep) char *until_h = xasprintf("%u hours", h);
	enum db_result rc =
		thin(d, &(struct thinning){ "10", "60", from_m, until_m });

	if (rc == DB_OK)
		rc = thin(d, &(struct thinning){ "60", "3600", from_h, until_h });
	return rc;
}

enum db_result upkeep_old_metrics(struct db *d)
{
	static const char *const old[] = {
		"delete from job_metrics where ctid = any (array (select ctid from job_metrics"
		" where step = 10 and at < now() - interval '26 hours' limit 20000))",
		"delete from job_metrics where ctid = any (array (select ctid from job_metrics"
		" where step = 60 and at < now() - interval '9 days' limit 20000))",
		"delete from job_metrics where ctid = any (array (select ctid from job_metrics"
		" where step = 3600 and at < now() - interval '400 days' limit 20000))",
	};

	return run_all(d, old, ARRAY_LEN(old));
}

enum db_result upkeep_history(struct db *d)
{
	static const char *const all[] = {
		"delete from events where at < now() - interval '1 day'",
		"delete from job_events where at < now() - interval '400 days'",
		"delete from sessions where expires_at < now() or seen_at < now() - interval '12 hours'",
		"delete from setup_tokens where expires_at < now()",
		"delete from instances where seen_at < now() - interval '1 day'",
		"delete from tasks where status in ('succeeded', 'failed') and created_at < now() - interval '7 days'"
		" and not exists (select 1 from datasources s where s.id = tasks.datasource_id"
		" and created_at > now() - interval '90 days')",
		"delete from alerts where status = 'resolved' and resolved_at < now() - interval '400 days'",
		"delete from deliveries where done_at < now() - interval '30 days'",
		"delete from jobs where status = 'deleted' and status_at < now() - interval '1 hour'"
		" and not exists (select 1 from tasks t where t.job_id = jobs.id"
		" and t.status in ('pending', 'running'))",
		"delete from secrets s where not exists (select 1 from datasources where id = s.owner)"
		" and not exists (select 1 from jobs where id = s.owner)"
		" and not exists (select 1 from alert_channels where id = s.owner)",
		"delete from workers where status in ('gone', 'lost') and seen_at < now() - interval '30 days'",
	};

	return run_all(d, all, ARRAY_LEN(all));
}
