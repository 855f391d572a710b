/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/hub.h"
#include "control/settings.h"

/* What is for machines: is it alive, is it ready, how does it do. */
void health_get(struct request *r)
{
	reply(r, 200, "{\"status\":\"ok\"}");
}

void ready_get(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(r->db, &rows, "select max(version) from migrations");

	if (rc == DB_OK)
		reply(r, 200, "{\"status\":\"ready\"}");
	else
		reply_db(r, DB_DOWN);
}

static long long resident_bytes(void)
{
	struct buf text = BUF_INIT(256);
	long long pages = 0;
	struct ez_view rest, part;
	int64_t n;

	if (fs_read_file("/proc/self/statm", 256, &text) == 0) {
		rest = buf_view(&text);
		if (view_split(&rest, ' ', &part) && view_split(&rest, ' ', &part) &&
		    parse_i64(part, &n))
			pages = n;
	}
	buf_release(&text);
	return pages * sysconf(_SC_PAGESIZE);
}

static const char counts_sql[] =
	"select 'ezcdc_control_jobs{status=\"' || status || '\"} ' || count(*) from jobs"
	" where status <> 'deleted' group by status union all"
	" select 'ezcdc_control_workers{status=\"' || status || '\"} ' || count(*) from workers"
	" where revoked_at is null group by status union all"
	" select 'ezcdc_control_tasks{status=\"' || status || '\"} ' || count(*) from tasks"
	" where status in ('pending', 'running') group by status union all"
	" select 'ezcdc_control_workers_' || n.what || '{deployment=\"' || replace(replace(replace(s.name,"
	" E'\\\\', E'\\\\\\\\'), '\"', E'\\\\\"'), E'\\n', E'\\\\n') || '\"} ' || n.value from deployment_scale($1::int) s"
	" cross join lateral (values ('wanted', wanted), ('current', serving)) n (what, value) union all"
	" select 'ezcdc_control_alerts_firing ' || count(*) from alerts where status = 'firing' order by 1";

/* Without names of jobs: whoever scrapes need not see what is replicated. */
void prometheus_get(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *headroom = xasprintf("%d", r->app->settings->headroom);
	enum db_result rc = db_run(r->db, &rows, counts_sql, headroom);

	r->content_type = "text/plain; version=0.0.4; charset=utf-8";
	r->status = 200;
	buf_addf(&r->out, "ezcdc_control_up 1\nezcdc_control_catalog_up %d\n",
		 rc == DB_OK);
	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		buf_addf(&r->out, "%s\n", db_text(rows, i, 0));
	buf_addf(&r->out, "ezcdc_control_event_streams %d\n", hub_streams(r->app->hub));
	buf_addf(&r->out, "process_resident_memory_bytes %lld\n", resident_bytes());
	buf_addf(&r->out, "process_start_time_seconds %lld\n",
		 (long long)(r->app->started_us / US_PER_SEC));
}
