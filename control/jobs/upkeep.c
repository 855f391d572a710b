/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/upkeep.h"

#include <stddef.h>

#include "base/attr.h"

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
 * From rows of one step to rows of a larger one. The window begins at a full step: else its
 * first row would be made anew of half of its samples.
 */
static enum db_result thin(struct db *d, const char *from, const char *to,
			   const char *window)
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
		" group by 1, 3 on conflict (job_id, step, at) do update set rows_total = excluded.rows_total,"
		" rows_per_second = excluded.rows_per_second, bytes_per_second = excluded.bytes_per_second,"
		" lag_bytes = excluded.lag_bytes, lag_ms = excluded.lag_ms, queue_bytes = excluded.queue_bytes,"
		" retained_bytes = excluded.retained_bytes, safe_bytes = excluded.safe_bytes,"
		" dead_letters = excluded.dead_letters, rss_bytes = excluded.rss_bytes,"
		" cpu_percent = excluded.cpu_percent, flush_p99_ms = excluded.flush_p99_ms",
		from, to, window);
}

enum db_result upkeep_metrics(struct db *d, bool whole)
{
	static const char *const old[] = {
		"delete from job_metrics where step = 10 and at < now() - interval '26 hours'",
		"delete from job_metrics where step = 60 and at < now() - interval '9 days'",
		"delete from job_metrics where step = 3600 and at < now() - interval '400 days'",
	};
	enum db_result rc = thin(d, "10", "60", whole ? "1 day" : "15 minutes");

	if (rc == DB_OK)
		rc = thin(d, "60", "3600", whole ? "8 days" : "1 hour");
	return rc == DB_OK && whole ? run_all(d, old, ARRAY_LEN(old)) : rc;
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
