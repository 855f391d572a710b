/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/auth/authenticate.h"
#include "control/crypto/digest.h"

const struct field deployment_fields[] = {
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 100 },
	{ .name = NULL },
};

const struct field deployment_token_fields[] = {
	{ .name = "expires", .type = FIELD_DURATION, .help = "24h; default: never" },
	{ .name = NULL },
};

const struct field workers_query[] = {
	{ .name = "deployment_id", .type = FIELD_UUID },
	{ .name = "limit", .type = FIELD_INT, .min = 1, .max = 1000 },
	{ .name = "after", .type = FIELD_STRING, .max = 40 },
	{ .name = NULL },
};

const struct field drain_fields[] = {
	{ .name = "drain",
	  .type = FIELD_BOOL,
	  .help = "default true; false takes it back" },
	{ .name = NULL },
};

void deployments_list(struct request *r)
{
	reply_list(r, &(struct list_of){ .from = "deployments",
					 .doc = "deployment_doc(t)",
					 .where = "true" });
}

void deployment_get(struct request *r)
{
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows, "select deployment_doc(d) from deployments d where id = $1",
		r->ids[0]);

	reply_row(r, 200, rc, rows);
}

void deployment_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	const char *name = body_str(r, "name");
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(r->db, &rows,
			    "insert into deployments (name) values ($1)"
			    " returning id, json_build_object('deployment_id', id)",
			    name);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "deployment.create",
					   .type = "deployment",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = name }))
		reply(r, 201, db_text(rows, 0, 1));
}

void deployment_patch(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	const char *name = body_str(r, "name");
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"update deployments d set name = $2 where id = $1 returning deployment_doc(d)",
			r->ids[0], name);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(r, rc,
			  &(struct audit){ .action = "deployment.update",
					   .type = "deployment",
					   .id = r->ids[0],
					   .name = name }))
		deployment_get(r);
}

void deployment_delete(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc =
		db_run(r->db, &rows,
		       "select exists (select 1 from workers where deployment_id = $1"
		       " and status = 'online')",
		       r->ids[0]);

	if (rc == DB_OK && db_bool(rows, 0, 0)) {
		reply_error(r, 409, "in_use", NULL,
			    "workers of this deployment are online");
		return;
	}
	if (rc != DB_OK) {
		reply_db(r, rc);
		return;
	}
	delete_by_id(r, "delete from deployments where id = $1 returning name",
		     "deployment.delete", "deployment");
}

/* ------------------------------------------------------------------ registration tokens */

void deployment_tokens_list(struct request *r)
{
	reply_list(r, &(struct list_of){ .from = "deployment_tokens",
					 .doc = "deployment_token_doc(t)",
					 .where = "t.deployment_id = $3::uuid",
					 .filter = r->ids[0] });
}

void deployment_token_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *expires = interval_of(body_str(r, "expires"));
	struct token token = token_make(PREFIX_DEPLOYMENT);
	struct digest hash = digest_sha256(view_str(token.text));
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"insert into deployment_tokens (deployment_id, hash, created_by, expires_at)"
			" select id, $2, $3, now() + $4::interval from deployments where id = $1"
			" returning id, json_build_object('token_id', id, 'token', $5::text)",
			r->ids[0], hash.hex, actor_of(r), expires, token.text);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(r, rc,
			  &(struct audit){ .action = "deployment.token",
					   .type = "deployment",
					   .id = r->ids[0] }))
		reply(r, 201, db_text(rows, 0, 1));
	explicit_bzero(&token, sizeof(token));
}

void deployment_token_revoke(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"update deployment_tokens set revoked_at = coalesce(revoked_at, now())"
			" where deployment_id = $1 and id = $2 returning id",
			r->ids[0], r->ids[1]);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(r, rc,
			  &(struct audit){ .action = "deployment.revoke",
					   .type = "deployment",
					   .id = r->ids[0] }))
		r->status = 204;
}

/* ------------------------------------------------------------------ workers */

void workers_list(struct request *r)
{
	reply_list(r, &(struct list_of){
			      .from = "workers",
			      .doc = "worker_doc(t)",
			      .where = "$3::uuid is null or t.deployment_id = $3::uuid",
			      .filter = query_str(r, "deployment_id") });
}

void worker_get(struct request *r)
{
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"select worker_doc(w)::jsonb || jsonb_build_object('running',"
		" (select coalesce(json_agg(json_build_object('job_id', j.id, 'name',"
		" j.name, 'status', j.status) order by j.name), '[]')"
		" from jobs j where j.worker_id = w.id)) from workers w where id = $1",
		r->ids[0]);

	reply_row(r, 200, rc, rows);
}

/*
 * Its jobs go to others: each is given back, and the next poll of another worker claims it
 * under a higher epoch. Called twice it changes nothing; {"drain": false} ends it.
 */
void worker_drain(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	const char *drain = doc_bool(r->body, "drain", true) ? "t" : "f";
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"update workers set draining = $2::boolean where id = $1"
			" returning name, tell('worker', jsonb_build_object('worker_id', id)),"
			" wake_deployment(deployment_id)",
			r->ids[0], drain);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(
		    r, rc,
		    &(struct audit){ .action = drain[0] == 't' ? "worker.drain"
							       : "worker.undrain",
				     .type = "worker",
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		worker_get(r);
}

/* Its secret opens nothing any more; the orchestrator gives its jobs to others. */
void worker_delete(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"update workers set revoked_at = coalesce(revoked_at, now()),"
			" seen_at = least(seen_at, now() - interval '1 hour')"
			" where id = $1 returning name, tell('worker', jsonb_build_object('worker_id', id)),"
			" wake_deployment(deployment_id)",
			r->ids[0]);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(
		    r, rc,
		    &(struct audit){ .action = "worker.revoke",
				     .type = "worker",
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		r->status = 204;
}
