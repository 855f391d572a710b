/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/http/stream.h"
#include "control/hub.h"

/* What has happened: time series, history, news, the audit log, and the overview. */
const struct field metrics_query[] = {
	{ .name = "from", .type = FIELD_TIME, .help = "default: an hour ago" },
	{ .name = "to", .type = FIELD_TIME, .help = "default: now" },
	{ .name = "step",
	  .type = FIELD_INT,
	  .min = 10,
	  .max = 86400,
	  .help = "seconds; default: about 200 points" },
	{ .name = NULL },
};

const struct field audit_query[] = {
	{ .name = "actor", .type = FIELD_STRING, .max = 200 },
	{ .name = "action", .type = FIELD_STRING, .max = 100, .help = "a prefix: job." },
	{ .name = "from", .type = FIELD_TIME },
	{ .name = "to", .type = FIELD_TIME },
	{ .name = "format", .type = FIELD_ENUM, .choices = "json|csv" },
	{ .name = "limit", .type = FIELD_INT, .min = 1, .max = 1000 },
	{ .name = "after", .type = FIELD_STRING, .max = 40 },
	{ .name = NULL },
};

const struct field overview_query[] = {
	{ .name = "minutes",
	  .type = FIELD_INT,
	  .min = 5,
	  .max = 1440,
	  .help = "of the series; default 60" },
	{ .name = NULL },
};

enum { POINTS = 200 };

/* ------------------------------------------------------------------ time series */

struct range {
	int64_t from_us, to_us, step;
	const char *source; /* step of the rows to take */
};

static int64_t source_seconds(const char *source)
{
	int64_t n = 0;

	return parse_i64(view_str(source), &n) ? n : 10;
}

/* Rows of ten seconds are kept for hours, of a minute for days, of an hour for months. */
static bool read_range(struct request *r, struct range *range)
{
	int64_t now = now_us(), age, span;

	range->to_us = now;
	if (query_str(r, "to") && !parse_rfc3339(query_str(r, "to"), &range->to_us))
		return false;
	range->from_us = range->to_us - INT64_C(3600) * US_PER_SEC;
	if (query_str(r, "from") && !parse_rfc3339(query_str(r, "from"), &range->from_us))
		return false;
	if (range->from_us >= range->to_us)
		return false;
	age = (now - range->from_us) / US_PER_SEC;
	span = (range->to_us - range->from_us) / US_PER_SEC;
	range->step = doc_int(r->query, "step", MAX(span / POINTS, INT64_C(10)));
	range->source = age <= 3 * 3600 && range->step < 60      ? "10"
			: age <= 8 * 86400 && range->step < 3600 ? "60"
								 : "3600";
	range->step = MAX(range->step, source_seconds(range->source));
	return span / range->step <= 5000;
}

void job_metrics(struct request *r)
{
	struct pg_result *rows = NULL;
	struct range range;
	_cleanup_(freep) char *step = NULL;
	enum db_result rc;

	if (!read_range(r, &range)) {
		reply_error(r, 400, "bad_query", "from",
			    "from: must be before `to`, with at most 5000 points");
		return;
	}
	step = xasprintf("%lld", (long long)range.step);
	rc = db_run(
		r->db, &rows,
		"select json_build_object('job_id', j.id, 'from', $2::text, 'to', $3::text, 'step', $4::int,"
		" 'points', (select coalesce(json_agg(p order by p.at), '[]') from ("
		"select rfc3339(to_timestamp(floor(extract(epoch from m.at) / $4::int) * $4::int)) as at,"
		" max(rows_total) as rows_total, avg(rows_per_second) as rows_per_second,"
		" avg(bytes_per_second) as bytes_per_second, avg(lag_bytes) as lag_bytes,"
		" max(lag_ms) as lag_ms, avg(queue_bytes) as queue_bytes,"
		" max(retained_bytes) as retained_bytes, min(safe_bytes) as safe_bytes,"
		" max(dead_letters) as dead_letters, max(rss_bytes) as rss_bytes,"
		" avg(cpu_percent) as cpu_percent, max(flush_p99_ms) as flush_p99_ms"
		" from job_metrics m where m.job_id = j.id and m.step = $5::int"
		" and m.at >= $2::timestamptz and m.at < $3::timestamptz"
		" group by 1) p)) from jobs j where j.id = $1 and j.status <> 'deleted'",
		r->ids[0], format_rfc3339_us(range.from_us).text,
		format_rfc3339_us(range.to_us).text, step, range.source);
	reply_row(r, 200, rc, rows);
}

void job_events(struct request *r)
{
	reply_list(r, &(struct list_of){ .from = "job_events",
					 .doc = "job_event_doc(t)",
					 .where = "t.job_id = $3::uuid",
					 .filter = r->ids[0],
					 .by_serial = true });
}

/* ------------------------------------------------------------------ overview */

static const char overview_sql[] =
	"select jsonb_build_object("
	"'jobs', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n"
	" from jobs where status <> 'deleted' group by status) c),"
	"'workers', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n"
	" from workers where revoked_at is null group by status) c),"
	"'deployments', (select count(*) from deployments),"
	"'sources', (select count(*) from datasources where kind = 'source'),"
	"'sinks', (select count(*) from datasources where kind = 'sink'),"
	"'alerts', (select count(*) from alerts where status = 'firing'),"
	"'worst', (select coalesce(jsonb_agg(d), '[]') from (select jsonb_build_object('job_id', j.id,"
	" 'name', j.name, 'status', j.status, 'phase', j.phase, 'error', j.error, 'since', rfc3339(j.status_at),"
	" 'lag_ms', job_metrics_doc(j) -> 'lag_ms', 'lag_bytes', job_metrics_doc(j) -> 'lag_bytes') as d"
	" from jobs j where j.status <> 'deleted' order by j.status = 'failed' desc,"
	" (job_metrics_doc(j) ->> 'lag_ms')::double precision desc nulls last limit 10) x),"
	"'series', (select coalesce(jsonb_agg(jsonb_build_object('at', rfc3339(at), 'rows_per_second', rows,"
	" 'lag_ms', lag) order by at), '[]') from (select at, sum(rows) as rows, max(lag) as lag from ("
	"select job_id, to_timestamp(floor(extract(epoch from at) / 30) * 30) as at,"
	" avg(rows_per_second) as rows, max(lag_ms) as lag from job_metrics where step = 10"
	" and at > now() - make_interval(mins => $1::int) group by 1, 2) a group by at) b),"
	"'changes', (select coalesce(jsonb_agg(d), '[]') from (select job_event_doc(e)::jsonb ||"
	" jsonb_build_object('job_id', e.job_id, 'job', j.name) as d from job_events e"
	" join jobs j on j.id = e.job_id order by e.id desc limit 15) x))";

void overview_get(struct request *r)
{
	_cleanup_(freep) char *minutes =
		xasprintf("%lld", (long long)doc_int(r->query, "minutes", 60));
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(r->db, &rows, overview_sql, minutes);

	reply_row(r, 200, rc, rows);
}

/* ------------------------------------------------------------------ news */

/* What a browser missed since the event that it saw last. */
static enum db_result replay(struct request *r, struct stream *s)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	const char *last = r->headers[HEADER_LAST_EVENT_ID];
	struct buf text = BUF_INIT(200 * 1024);
	uint64_t n;
	enum db_result rc = DB_OK;

	buf_add_str(&text, "retry: 2000\n\n");
	if (last && parse_u64(view_str(last), &n) && n < INT64_MAX)
		rc = db_run(
			r->db, &rows,
			"select id, type, data from events where id > $1::bigint order by id limit 500",
			last);
	for (int i = 0; rows && i < db_rows(rows); i++)
		buf_addf(&text, "id: %s\nevent: %s\ndata: %s\n\n", db_text(rows, i, 0),
			 db_text(rows, i, 1), db_text(rows, i, 2));
	stream_add(s, buf_view(&text));
	buf_release(&text);
	return rc;
}

void events_stream(struct request *r)
{
	struct stream *s = stream_new();
	enum db_result rc;

	/* First among those who are told: nothing falls between replay and news. */
	hub_add_stream(r->app->hub, s);
	rc = replay(r, s);
	if (rc != DB_OK) {
		stream_end(s);
		stream_unref(s);
		reply_db(r, rc);
		return;
	}
	r->stream = s;
	r->status = 200;
	r->content_type = "text/event-stream";
	reply_header(r, "X-Accel-Buffering", "no");
}

/* ------------------------------------------------------------------ audit */

/* A cell that a spreadsheet might take for a formula is quoted as text. */
static const char audit_csv_sql[] =
	"select coalesce(string_agg(line, E'\\r\\n' order by id desc), '') from (select id,"
	" (select string_agg('\"' || case when c ~ '^[=+@-]' then '''' else '' end ||"
	" replace(coalesce(c, ''), '\"', '\"\"') || '\"', ',') from unnest(array[rfc3339(at), actor, address,"
	" action, object_type, object_id, object_name, details::text]) c) as line from audit t where ";

static const char audit_where[] =
	"($1::text is null or t.actor = $1) and ($2::text is null or starts_with(t.action, $2))"
	" and ($3::timestamptz is null or t.at >= $3::timestamptz)"
	" and ($4::timestamptz is null or t.at < $4::timestamptz)";

static void reply_csv(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *sql = xasprintf("%s%s order by id desc limit 100000) x",
					       audit_csv_sql, audit_where);
	enum db_result rc =
		db_run(r->db, &rows, sql, query_str(r, "actor"), query_str(r, "action"),
		       query_str(r, "from"), query_str(r, "to"));

	if (rc != DB_OK) {
		reply_db(r, rc);
		return;
	}
	r->content_type = "text/csv; charset=utf-8";
	reply_header(r, "Content-Disposition",
		     "attachment; filename=\"ezcdc-audit.csv\"");
	buf_add_str(
		&r->out,
		"at,actor,address,action,object_type,object_id,object_name,details\r\n");
	buf_add_view(&r->out, db_view(rows, 0, 0));
	buf_add_str(&r->out, "\r\n");
	r->status = 200;
}

void audit_list(struct request *r)
{
	_cleanup_(freep) char *limit =
		xasprintf("%lld", (long long)doc_int(r->query, "limit", 100));
	_cleanup_(freep) char *sql = NULL;
	const char *after = query_str(r, "after"), *format = query_str(r, "format");
	struct pg_result *rows = NULL;
	enum db_result rc;
	uint64_t n;

	if (format && strcmp(format, "csv") == 0) {
		reply_csv(r);
		return;
	}
	if (after && (!parse_u64(view_str(after), &n) || n > INT64_MAX)) {
		reply_error(r, 400, "bad_query", "after",
			    "after: is not the `next` of a page");
		return;
	}
	sql = xasprintf(
		"with page as (select t.*, row_number() over (order by t.id desc) as n from audit t"
		" where %s and ($5::bigint is null or t.id < $5::bigint)"
		" order by t.id desc limit $6::int + 1)"
		" select json_build_object('items', coalesce((select json_agg(audit_doc(a) order by a.id desc)"
		" from audit a join page on page.id = a.id where page.n <= $6::int), '[]'),"
		" 'next', (select id::text from page where n = $6::int"
		" and exists (select 1 from page where n = $6::int + 1)))",
		audit_where);
	rc = db_run(r->db, &rows, sql, query_str(r, "actor"), query_str(r, "action"),
		    query_str(r, "from"), query_str(r, "to"), after, limit);
	reply_row(r, 200, rc, rows);
}

/* ------------------------------------------------------------------ plugins */

/* Of each plugin the newest worker's table, and the workers that have it. */
void plugins_list(struct request *r)
{
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"select json_build_object('items', coalesce(json_agg(d order by d ->> 'kind', d ->> 'name'), '[]'))"
		" from (select distinct on (p.kind, p.name) p.document - 'path' || jsonb_build_object('workers',"
		" (select count(*) from worker_plugins o join workers v on v.id = o.worker_id"
		" where o.kind = p.kind and o.name = p.name and v.status = 'online')) as d"
		" from worker_plugins p join workers w on w.id = p.worker_id"
		" order by p.kind, p.name, w.seen_at desc) x");

	reply_row(r, 200, rc, rows);
}
