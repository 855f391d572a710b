/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/catalog/vault.h"
#include "control/jobs/options.h"

/*
 * Connection configurations. What is secret in them never leaves: an answer says
 * {"set": true} in its place, and a change that says the same keeps what is stored.
 */
const struct field datasource_fields[] = {
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 100 },
	{ .name = "deployment_id", .type = FIELD_UUID, .flags = FIELD_REQUIRED },
	{ .name = "kind",
	  .type = FIELD_ENUM,
	  .flags = FIELD_REQUIRED,
	  .choices = "source|sink" },
	{ .name = "plugin",
	  .type = FIELD_STRING,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 64 },
	{ .name = "config",
	  .type = FIELD_OBJECT,
	  .flags = FIELD_REQUIRED,
	  .help = "options of the plugin; secrets as text or {\"file\": \"name\"}" },
	{ .name = NULL },
};

const struct field datasource_patch_fields[] = {
	{ .name = "name", .type = FIELD_LABEL, .min = 1, .max = 100 },
	{ .name = "config",
	  .type = FIELD_OBJECT,
	  .help = "replaces all options; {\"set\": true} keeps a stored secret" },
	{ .name = NULL },
};

const struct field datasources_query[] = {
	{ .name = "deployment_id", .type = FIELD_UUID },
	{ .name = "kind", .type = FIELD_ENUM, .choices = "source|sink" },
	{ .name = "limit", .type = FIELD_INT, .min = 1, .max = 1000 },
	{ .name = "after", .type = FIELD_STRING, .max = 40 },
	{ .name = NULL },
};

static bool is_plugin_name(const char *s)
{
	return strspn(s,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
	       strlen(s);
}

/* Checks config against the plugin's table and takes its secrets out. `old`: what is stored,
 * NULL for a new one. */
static bool take_config(struct request *r, const char *kind, const char *plugin,
			const struct json_t *old, struct taken *t)
{
	_cleanup_(doc_freep) struct json_t *options = NULL;
	struct json_t *config = doc_get(r->body, "config");
	struct field_error e = { .field = "" };
	enum db_result rc = options_load(r->db, kind, plugin, &options);

	if (rc != DB_OK) {
		reply_db(r, rc);
		return false;
	}
	if (!options_check(options, config, "config.", false, &e) ||
	    (old && !options_keep_place(options, config, old, &e)) ||
	    !options_take_secrets(options, config, "", old != NULL, t, &e)) {
		reply_field(r, &e);
		return false;
	}
	return true;
}

void datasources_list(struct request *r)
{
	reply_list(r, &(struct list_of){
			      .from = "datasources",
			      .doc = "datasource_doc(t)",
			      .where = "($3::uuid is null or t.deployment_id = $3::uuid)"
				       " and ($4::text is null or t.kind = $4::text)",
			      .filter = query_str(r, "deployment_id"),
			      .filter2 = query_str(r, "kind") });
}

void datasource_get(struct request *r)
{
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows, "select datasource_doc(s) from datasources s where id = $1",
		r->ids[0]);

	reply_row(r, 200, rc, rows);
}

static enum db_result insert(struct request *r, const struct taken *t,
			     struct pg_result **ret_rows)
{
	_cleanup_(freep) char *config = doc_dump(doc_get(r->body, "config"));
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, ret_rows,
			"insert into datasources (deployment_id, name, kind, plugin, config)"
			" values ($1, $2, $3, $4, $5) returning id,"
			" json_build_object('datasource_id', id)",
			body_str(r, "deployment_id"), body_str(r, "name"),
			body_str(r, "kind"), body_str(r, "plugin"), config);
	if (rc == DB_OK)
		rc = taken_store(r->db, r->app->keyring, db_text(*ret_rows, 0, 0), "", t);
	return rc;
}

void datasource_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(taken_release) struct taken t = { .n = 0 };
	enum db_result rc;

	if (!is_plugin_name(body_str(r, "plugin"))) {
		reply_error(r, 400, "bad_request", "plugin",
			    "plugin: is not the name of a plugin");
		return;
	}
	if (!take_config(r, body_str(r, "kind"), body_str(r, "plugin"), NULL, &t))
		return;
	rc = insert(r, &t, &rows);
	if (rc == DB_IN_USE) {
		reply_error(r, 400, "bad_request", "deployment_id",
			    "deployment_id: does not exist");
		return;
	}
	if (finish_change(r, rc,
			  &(struct audit){ .action = "datasource.create",
					   .type = "datasource",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = body_str(r, "name") }))
		reply(r, 201, db_text(rows, 0, 1));
}

/* Jobs that use it get a new revision, so that their daemons start with the new options. */
static enum db_result revise_jobs(struct request *r)
{
	return db_run(
		r->db, NULL,
		"with j as (update jobs set revision = revision + 1, updated_at = now()"
		" where (source_id = $1 or sink_id = $1) and status <> 'deleted'"
		" returning worker_id, deployment_id)"
		" select touch_worker(worker_id) from (select distinct worker_id from j"
		" where worker_id is not null order by worker_id) w",
		r->ids[0]);
}

static enum db_result update(struct request *r, const struct taken *t,
			     struct pg_result **ret_rows)
{
	struct json_t *config = doc_get(r->body, "config");
	_cleanup_(freep) char *text = config ? doc_dump(config) : NULL;
	enum db_result rc =
		db_run(r->db, ret_rows,
		       "update datasources set name = coalesce($2, name),"
		       " config = coalesce($3::jsonb, config), revision = revision + 1,"
		       " updated_at = now() where id = $1 returning name",
		       r->ids[0], body_str(r, "name"), text);

	if (rc == DB_OK && config && db_rows(*ret_rows) > 0)
		rc = taken_store(r->db, r->app->keyring, r->ids[0], "", t);
	if (rc == DB_OK && config)
		rc = revise_jobs(r);
	return rc;
}

void datasource_patch(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL, *have = NULL;
	_cleanup_(taken_release) struct taken t = { .n = 0 };
	_cleanup_(doc_freep) struct json_t *old = NULL;
	struct buf why = BUF_INIT(256);
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &have,
			"select kind, plugin, config from datasources where id = $1 for update",
			r->ids[0]);
	if (rc != DB_OK || db_rows(have) == 0) {
		if (rc == DB_OK)
			reply_not_found(r);
		else
			reply_db(r, rc);
		return;
	}
	old = doc_parse(db_view(have, 0, 2), &why);
	buf_release(&why);
	if (body_has(r, "config") &&
	    !take_config(r, db_text(have, 0, 0), db_text(have, 0, 1), old, &t))
		return;
	rc = update(r, &t, &rows);
	if (finish_change(
		    r, rc,
		    &(struct audit){ .action = "datasource.update",
				     .type = "datasource",
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		datasource_get(r);
}

void datasource_delete(struct request *r)
{
	delete_by_id(
		r,
		"with s as (delete from secrets where owner = $1::uuid),"
		" j as (delete from jobs where status = 'deleted' and (source_id = $1::uuid"
		" or sink_id = $1::uuid) and not exists (select 1 from tasks t where t.job_id = jobs.id"
		" and t.status in ('pending', 'running')))"
		" delete from datasources where id = $1::uuid returning name",
		"datasource.delete", "datasource");
}
