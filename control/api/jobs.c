/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/api/jobs.h"

#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "base/str.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/jobs/config.h"
#include "control/jobs/spec.h"

#define SPEC_FIELDS                                                                      \
 { .name = "tables",                                                                     \
   .type = FIELD_STRINGS,                                                                \
   .help = "patterns; omitted: every table of the publication" },                        \
	 { .name = "source",                                                             \
	   .type = FIELD_OBJECT,                                                         \
	   .help = "options of the source for this job" },                               \
	 { .name = "sink",                                                               \
	   .type = FIELD_OBJECT,                                                         \
	   .help = "options of the sink for this job" },                                 \
	 { .name = "transforms",                                                         \
	   .type = FIELD_OBJECTS,                                                        \
	   .max = 50,                                                                    \
	   .help = "in order, each with `plugin`" },                                     \
	 { .name = "batch", .type = FIELD_OBJECT },                                      \
	 { .name = "memory", .type = FIELD_STRING, .max = 32, .help = "64MiB" },         \
	 { .name = "shutdown_timeout", .type = FIELD_STRING, .max = 32 },                \
	 { .name = "state",                                                              \
	   .type = FIELD_OBJECT,                                                         \
	   .flags = FIELD_NULLABLE,                                                      \
	   .help = "checkpoint store; default: postgres in the source's own database" }, \
	 { .name = "errors", .type = FIELD_OBJECT },                                     \
	 { .name = "retry", .type = FIELD_OBJECT },                                      \
	 { .name = "log", .type = FIELD_OBJECT },                                        \
	 { .name = "metrics", .type = FIELD_OBJECT },                                    \
 {                                                                                       \
  .name = "worker_id", .type = FIELD_UUID, .flags = FIELD_NULLABLE,                      \
  .help = "pins the job to this worker"                                                  \
 }

/* clang-format off */
const struct field job_fields[] = {
	{ .name = "name", .type = FIELD_NAME, .flags = FIELD_REQUIRED },
	{ .name = "deployment_id", .type = FIELD_UUID, .flags = FIELD_REQUIRED },
	{ .name = "source_id", .type = FIELD_UUID, .flags = FIELD_REQUIRED },
	{ .name = "sink_id", .type = FIELD_UUID, .flags = FIELD_REQUIRED },
	SPEC_FIELDS,
	{ .name = "start", .type = FIELD_BOOL, .help = "default true" },
	{ .name = NULL },
};

const struct field job_patch_fields[] = {
	{ .name = "name", .type = FIELD_NAME },
	SPEC_FIELDS,
	{ .name = NULL },
};
/* clang-format on */

const struct field job_create_query[] = {
	{ .name = "dry_run",
	  .type = FIELD_BOOL,
	  .help = "check it and show its job file, make nothing" },
	{ .name = NULL },
};

/* ------------------------------------------------------------------ checks */

static bool refuse(struct request *r, const char *field, const char *text)
{
	struct field_error e = { .field = "" };

	if (!str_copy(e.field, sizeof(e.field), view_str(field)) ||
	    !str_copy(e.text, sizeof(e.text), view_str(text)))
		return false;
	reply_field(r, &e);
	return false;
}

/* Both ends exist, are of the right kind, and belong to the job's deployment. */
static bool load_ends(struct request *r, const struct job_ends *ends,
		      struct pg_result **ret_rows)
{
	enum db_result rc = db_run(
		r->db, ret_rows,
		"select s.plugin, k.plugin, s.config ? 'conninfo', s.kind, k.kind,"
		" s.deployment_id = $3::uuid, k.deployment_id = $3::uuid,"
		" $4::uuid is null or exists (select 1 from workers w where w.id = $4::uuid"
		" and w.deployment_id = $3::uuid) from (select 1) one"
		" left join datasources s on s.id = $1 left join datasources k on k.id = $2",
		ends->source_id, ends->sink_id, ends->deployment_id, ends->worker_id);

	if (rc != DB_OK) {
		reply_db(r, rc);
		return false;
	}
	if (strcmp(db_text(*ret_rows, 0, 3), "source") != 0 || !db_bool(*ret_rows, 0, 5))
		return refuse(r, "source_id", "is no source of this deployment");
	if (strcmp(db_text(*ret_rows, 0, 4), "sink") != 0 || !db_bool(*ret_rows, 0, 6))
		return refuse(r, "sink_id", "is no sink of this deployment");
	return db_bool(*ret_rows, 0, 7) ||
	       refuse(r, "worker_id", "is no worker of this deployment");
}

bool job_check_spec(struct request *r, const struct job_ends *ends, struct json_t *spec,
		    struct taken *t)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct field_error e = { .field = "" };
	struct spec_context c;
	enum db_result rc;

	if (!load_ends(r, ends, &rows))
		return false;
	c = (struct spec_context){ .db = r->db,
				   .source_plugin = db_text(rows, 0, 0),
				   .sink_plugin = db_text(rows, 0, 1),
				   .source_has_state = db_bool(rows, 0, 2),
				   .pinned = ends->worker_id != NULL,
				   .may_keep = ends->may_keep };
	rc = spec_check(&c, spec, t, &e);
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (e.text[0])
		reply_field(r, &e);
	return rc == DB_OK && e.text[0] == '\0';
}

/* ------------------------------------------------------------------ making */

static void show(struct request *r, struct json_t *spec)
{
	struct buf text = BUF_INIT(2 * 1024 * 1024), why = BUF_INIT(1024);
	struct jsonw w = JSONW_INIT(&r->out);
	enum db_result rc = config_make(
		r->db, NULL,
		&(struct config_request){ .name = body_str(r, "name"),
					  .source_id = body_str(r, "source_id"),
					  .sink_id = body_str(r, "sink_id"),
					  .spec = spec },
		&text, &why);

	if (rc == DB_REFUSED && why.len > 0) {
		reply_error(r, 400, "bad_request", NULL, "%s", buf_cstr(&why));
	} else if (rc != DB_OK) {
		reply_db(r, rc);
	} else {
		r->status = 200;
		jsonw_begin_object(&w);
		jsonw_key(&w, "valid");
		jsonw_bool(&w, true);
		jsonw_key(&w, "config");
		jsonw_view(&w, buf_view(&text));
		jsonw_end_object(&w);
	}
	buf_release(&text);
	buf_release(&why);
}

static enum db_result insert(struct request *r, struct json_t *spec,
			     const struct taken *t, struct pg_result **ret_rows)
{
	_cleanup_(freep) char *text = doc_dump(spec);
	bool start = doc_bool(r->body, "start", true);
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, ret_rows,
			"insert into jobs (name, deployment_id, source_id, sink_id, pinned_worker_id,"
			" spec, status, desired, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
			" returning id, json_build_object('job_id', id, 'status', status)",
			body_str(r, "name"), body_str(r, "deployment_id"),
			body_str(r, "source_id"), body_str(r, "sink_id"),
			body_str(r, "worker_id"), text, start ? "pending" : "created",
			start ? "running" : "stopped", actor_of(r));
	if (rc == DB_OK)
		rc = taken_store(r->db, r->app->keyring, db_text(*ret_rows, 0, 0), "", t);
	if (rc == DB_OK)
		rc = db_run(
			r->db, NULL,
			"with e as (insert into job_events (job_id, event, to_status, actor)"
			" select id, 'create', status, created_by from jobs where id = $1::uuid)"
			" select tell('job', jsonb_build_object('job_id', id, 'name', name, 'status',"
			" status, 'deployment_id', deployment_id)), wake_deployment(deployment_id)"
			" from jobs where id = $1::uuid",
			db_text(*ret_rows, 0, 0));
	return rc;
}

void job_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(doc_freep) struct json_t *spec = spec_from(r->body, NULL);
	_cleanup_(taken_release) struct taken t = { .n = 0 };
	struct job_ends ends = { .deployment_id = body_str(r, "deployment_id"),
				 .source_id = body_str(r, "source_id"),
				 .sink_id = body_str(r, "sink_id"),
				 .worker_id = body_str(r, "worker_id") };
	enum db_result rc;

	if (!job_check_spec(r, &ends, spec, &t))
		return;
	if (doc_bool(r->query, "dry_run", false)) {
		show(r, spec);
		return;
	}
	rc = insert(r, spec, &t, &rows);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "job.create",
					   .type = "job",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = body_str(r, "name") }))
		reply(r, 201, db_text(rows, 0, 1));
}

/* ------------------------------------------------------------------ changing */

/* The locked row: 0 source_id, 1 sink_id, 2 deployment_id, 3 pinned_worker_id, 4 spec, 5 name. */
static bool lock_job(struct request *r, struct pg_result **ret_rows)
{
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, ret_rows,
			"select source_id, sink_id, deployment_id, pinned_worker_id, spec, name"
			" from jobs where id = $1 and status <> 'deleted' for update",
			r->ids[0]);
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (db_rows(*ret_rows) == 0)
		reply_not_found(r);
	return rc == DB_OK && db_rows(*ret_rows) > 0;
}

static enum db_result update(struct request *r, struct json_t *spec,
			     const struct taken *t, const char *worker_id)
{
	_cleanup_(freep) char *text = doc_dump(spec);
	enum db_result rc = db_run(
		r->db, NULL,
		"update jobs set name = coalesce($2, name), spec = $3,"
		" pinned_worker_id = $4, revision = revision + 1, updated_at = now()"
		" where id = $1",
		r->ids[0], body_str(r, "name"), text, worker_id);

	if (rc == DB_OK)
		rc = taken_store(r->db, r->app->keyring, r->ids[0], "", t);
	if (rc == DB_OK)
		rc = db_run(
			r->db, NULL,
			"with e as (insert into job_events (job_id, event, to_status, actor)"
			" select id, 'edit', status, $2 from jobs where id = $1::uuid)"
			" select touch_worker(worker_id), wake_deployment(deployment_id),"
			" tell('job', jsonb_build_object('job_id', id, 'name', name, 'status', status))"
			" from jobs where id = $1::uuid",
			r->ids[0], actor_of(r));
	return rc;
}

void job_patch(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(doc_freep) struct json_t *old = NULL, *spec = NULL;
	_cleanup_(taken_release) struct taken t = { .n = 0 };
	struct buf why = BUF_INIT(256);
	struct job_ends ends;
	enum db_result rc;

	if (!lock_job(r, &rows))
		return;
	old = doc_parse(db_view(rows, 0, 4), &why);
	buf_release(&why);
	spec = spec_from(r->body, old);
	ends = (struct job_ends){ .deployment_id = db_text(rows, 0, 2),
				  .source_id = db_text(rows, 0, 0),
				  .sink_id = db_text(rows, 0, 1),
				  .worker_id = body_has(r, "worker_id")
						       ? body_str(r, "worker_id")
						       : db_text_or_null(rows, 0, 3),
				  .may_keep = true };
	if (!job_check_spec(r, &ends, spec, &t))
		return;
	rc = update(r, spec, &t, ends.worker_id);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "job.update",
					   .type = "job",
					   .id = r->ids[0],
					   .name = db_text(rows, 0, 5) }))
		job_get(r);
}

/* ------------------------------------------------------------------ showing */

const struct field jobs_query[] = {
	{ .name = "deployment_id", .type = FIELD_UUID },
	{ .name = "status",
	  .type = FIELD_ENUM,
	  .choices = "created|pending|starting|running|paused|failed|stopped" },
	{ .name = "limit", .type = FIELD_INT, .min = 1, .max = 1000 },
	{ .name = "after", .type = FIELD_STRING, .max = 40 },
	{ .name = NULL },
};

void jobs_list(struct request *r)
{
	reply_list(r,
		   &(struct list_of){
			   .from = "jobs",
			   .doc = "job_line(t)",
			   .where =
				   "t.status <> 'deleted'"
				   " and ($3::uuid is null or t.deployment_id = $3::uuid)"
				   " and ($4::text is null or t.status = $4::text)",
			   .filter = query_str(r, "deployment_id"),
			   .filter2 = query_str(r, "status") });
}

void job_get(struct request *r)
{
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"select job_doc(j) from jobs j where id = $1 and status <> 'deleted'",
		r->ids[0]);

	reply_row(r, 200, rc, rows);
}

void job_config(struct request *r)
{
	struct buf text = BUF_INIT(2 * 1024 * 1024), why = BUF_INIT(1024);
	enum db_result rc = config_of_job(r->db, NULL, r->ids[0], &text, &why);
	struct jsonw w = JSONW_INIT(&r->out);

	if (rc == DB_REFUSED && why.len > 0) {
		reply_not_found(r);
	} else if (rc != DB_OK) {
		reply_db(r, rc);
	} else {
		r->status = 200;
		jsonw_begin_object(&w);
		jsonw_key(&w, "config");
		jsonw_view(&w, buf_view(&text));
		jsonw_end_object(&w);
	}
	buf_release(&text);
	buf_release(&why);
}
