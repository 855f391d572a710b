/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "control/api/common.h"
#include "control/http/queue.h"
#include "control/workers/api.h"
#include "control/workers/lot.h"
#include "control/workers/reports.h"

const struct field samples_fields[] = {
	{ .name = "worker_id", .type = FIELD_UUID },
	{ .name = "dropped", .type = FIELD_INT },
	{ .name = "samples", .type = FIELD_OBJECTS, .flags = FIELD_REQUIRED, .max = 500 },
	{ .name = NULL },
};

/*
 * Reports and samples of many workers, each kind in one statement.
 *
 * Nine reports in ten say that all is as it was: those only become the job's newest report.
 * That a job is up, which most of the others say, is done here as job_move would do it.
 * What would move a job otherwise, and whatever is not of the present holder, stays for the
 * handler of a single report, and so does what somebody else has locked: a statement that
 * waited for one job while it holds a hundred would stand in everybody's way.
 */
enum { LOT_MAX_BYTES = 128 * 1024 * 1024 };

static const char reports_sql[] =
	"with v as (select * from jsonb_to_recordset($2::jsonb) as v (n int, job uuid, worker uuid,"
	" name text, epoch bigint, sent_at timestamptz, state text, phase text, report jsonb)),"
	" mine as (select j.id, v.n, j.status as was, v.state = 'running' and (j.status = 'starting'"
	" or (j.status = 'paused' and j.desired = 'running')) as comes_up from jobs j, v"
	" where j.id = any ($1::uuid[]) and v.job = j.id"
	" and j.worker_id = v.worker and j.epoch = v.epoch"
	" and (j.report_sent_at is null or j.report_sent_at <= v.sent_at)"
	" and case v.state when 'starting' then true when 'paused' then j.status = 'paused'"
	" else j.status in ('starting', 'running', 'paused') end"
	" for no key update of j skip locked),"
	" done as (update jobs j set report_sent_at = v.sent_at, reported_at = now(),"
	" updated_at = now(), phase = coalesce(v.phase, j.phase), error = null, exit_code = null,"
	" report = coalesce(v.report, j.report),"
	" status = case when comes_up then 'running' else j.status end,"
	" status_at = case when comes_up then now() else j.status_at end,"
	" retry_at = case when comes_up then null else j.retry_at end,"
	" running_since = case when comes_up then coalesce(j.running_since, now())"
	" else j.running_since end from mine, v where j.id = any ($1::uuid[])"
	" and mine.id = j.id and v.n = mine.n returning v.n, v.worker, v.name as worker_name, j.id,"
	" j.phase, j.epoch, j.name, j.desired, j.deployment_id, mine.was, mine.comes_up),"
	" history as (insert into job_events (job_id, event, from_status, to_status, phase, actor,"
	" epoch, worker_id) select id, 'up', was, 'running', phase, 'worker ' || worker_name, epoch,"
	" worker from done where comes_up),"
	" told as (select tell('job', jsonb_build_object('job_id', id, 'name', name, 'status',"
	" 'running', 'desired', desired, 'phase', phase, 'error', null, 'deployment_id',"
	" deployment_id))::text from done where comes_up"
	" union all select pg_notify('ezcdc_control', jsonb_build_object('type', 'progress', 'data',"
	" jsonb_agg(jsonb_build_object('job_id', id, 'phase', phase)))::text)::text from done)"
	" select n from done where (select count(*) from told) > 0";

/* With an error it would move the job or have to be shown. */
static bool is_usual(const struct request *r)
{
	const char *state = body_str(r, "state");

	return strcmp(state, "failed") != 0 && strcmp(state, "stopped") != 0 &&
	       !doc_is(doc_get(r->body, "exit_code"), DOC_INT) && !body_str(r, "error");
}

/* Two of one job: the second waits for its turn, whichever is newer. */
static bool is_first_of_job(struct request **all, const int *taken, int n_taken,
			    const struct request *r)
{
	for (int i = 0; i < n_taken; i++) {
		if (strcmp(all[taken[i]]->ids[0], r->ids[0]) == 0)
			return false;
	}
	return true;
}

static void add_str(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static void add_report(struct jsonw *w, const struct request *r, int n)
{
	struct json_t *status = doc_get(r->body, "status");

	jsonw_begin_object(w);
	jsonw_key(w, "n");
	jsonw_i64(w, n);
	add_str(w, "job", r->ids[0]);
	add_str(w, "worker", r->who.id);
	add_str(w, "name", r->who.name);
	jsonw_key(w, "epoch");
	jsonw_i64(w, doc_int(r->body, "epoch", 0));
	add_str(w, "sent_at", body_str(r, "sent_at"));
	add_str(w, "state", body_str(r, "state"));
	add_str(w, "phase", report_phase(r));
	if (doc_is(status, DOC_OBJECT)) {
		_cleanup_(freep) char *text = doc_dump(status);

		jsonw_key(w, "report");
		jsonw_raw(w, view_str(text));
	}
	jsonw_end_object(w);
}

/* `taken`: of which requests the statement says something. */
static int collect(struct request **all, int n, struct buf *ids, struct buf *text, int *taken)
{
	struct jsonw w = JSONW_INIT(text);
	int n_taken = 0;

	buf_add_char(ids, '{');
	jsonw_begin_array(&w);
	for (int i = 0; i < n; i++) {
		if (!is_usual(all[i]) || !is_first_of_job(all, taken, n_taken, all[i]))
			continue;
		buf_addf(ids, "%s%s", n_taken > 0 ? "," : "", all[i]->ids[0]);
		add_report(&w, all[i], n_taken);
		taken[n_taken++] = i;
	}
	jsonw_end_array(&w);
	buf_add_char(ids, '}');
	return buf_ok(text) && buf_ok(ids) ? n_taken : 0;
}

void worker_statuses(struct request **all, int n)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct buf ids = BUF_INIT(LOT_MAX * 37 + 2), text = BUF_INIT(LOT_MAX_BYTES);
	int taken[LOT_MAX], n_taken = collect(all, n, &ids, &text, taken);
	enum db_result rc = DB_OK;

	if (n_taken > 0)
		rc = db_run(all[0]->db, &rows, reports_sql, buf_cstr(&ids),
			    buf_cstr(&text));
	for (int i = 0; rows && i < db_rows(rows); i++)
		reply(all[taken[db_i64(rows, i, 0)]], 200, "{}");
	for (int i = 0; rc == DB_DOWN && i < n_taken; i++)
		reply_db(all[taken[i]], rc);
	buf_release(&ids);
	buf_release(&text);
}

/* ------------------------------------------------------------------ samples */

/* Parsed once, and then joined: the planner knows nothing of what is in a document. */
static const char samples_sql[] =
	"with s as materialized (select q.deployment, s.*"
	" from jsonb_to_recordset($2::jsonb) as q (deployment uuid, samples jsonb),"
	" jsonb_to_recordset(q.samples)"
	" as s (job_id uuid, at timestamptz, rows_total double precision,"
	" rows_per_second double precision, bytes_per_second double precision,"
	" lag_bytes double precision, lag_ms double precision, queue_bytes double precision,"
	" retained_bytes double precision, safe_bytes double precision, dead_letters double precision,"
	" rss_bytes double precision, cpu_percent double precision, flush_p99_ms double precision)"
	" where s.at between now() - interval '7 days' and now() + interval '5 minutes')"
	" insert into job_metrics (job_id, step, at, rows_total, rows_per_second, bytes_per_second,"
	" lag_bytes, lag_ms, queue_bytes, retained_bytes, safe_bytes, dead_letters, rss_bytes,"
	" cpu_percent, flush_p99_ms) select j.id, 10, s.at, s.rows_total::bigint, s.rows_per_second,"
	" s.bytes_per_second, s.lag_bytes, s.lag_ms, s.queue_bytes, s.retained_bytes, s.safe_bytes,"
	" s.dead_letters, s.rss_bytes, s.cpu_percent, s.flush_p99_ms from s join jobs j"
	" on j.id = s.job_id and j.deployment_id = s.deployment where j.id = any ($1::uuid[])"
	" on conflict do nothing";

/* False when what a sample names cannot be a job. */
static bool add_job_ids(struct buf *ids, const struct json_t *samples)
{
	for (size_t i = 0; i < doc_len(samples); i++) {
		const char *id = doc_str(doc_at(samples, i), "job_id");

		if (!id)
			continue;
		if (!is_uuid(id))
			return false;
		buf_addf(ids, "%s%s", ids->len > 1 ? "," : "", id);
	}
	return true;
}

static bool collect_samples(struct request **all, int n, struct buf *ids, struct buf *text)
{
	struct jsonw w = JSONW_INIT(text);

	buf_add_char(ids, '{');
	jsonw_begin_array(&w);
	for (int i = 0; i < n; i++) {
		struct json_t *samples = doc_get(all[i]->body, "samples");
		_cleanup_(freep) char *json = doc_dump(samples);

		if (!add_job_ids(ids, samples))
			return false;
		jsonw_begin_object(&w);
		add_str(&w, "deployment", all[i]->who.deployment_id);
		jsonw_key(&w, "samples");
		jsonw_raw(&w, view_str(json));
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	buf_add_char(ids, '}');
	return buf_ok(ids) && buf_ok(text);
}

static enum db_result store_samples(struct request **all, int n)
{
	struct buf ids = BUF_INIT(LOT_MAX_BYTES), text = BUF_INIT(LOT_MAX_BYTES);
	enum db_result rc = DB_REFUSED;

	if (collect_samples(all, n, &ids, &text))
		rc = db_run(all[0]->db, NULL, samples_sql, buf_cstr(&ids),
			    buf_cstr(&text));
	buf_release(&ids);
	buf_release(&text);
	return rc;
}

/* What is wrong with one of them is found out when each is taken by itself. */
void worker_metrics_of_many(struct request **all, int n)
{
	enum db_result rc = store_samples(all, n);

	for (int i = 0; i < n; i++) {
		if (rc == DB_OK)
			reply(all[i], 200, "{}");
		else if (rc == DB_DOWN)
			reply_db(all[i], rc);
	}
}

void worker_metrics(struct request *r)
{
	enum db_result rc = store_samples(&r, 1);

	if (rc == DB_OK)
		reply(r, 200, "{}");
	else if (rc == DB_REFUSED)
		reply_error(r, 400, "bad_request", "samples",
			    "samples: a member has the wrong type");
	else
		reply_db(r, rc);
}
