/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/catalog/vault.h"

#define KINDS \
 "job_failed|lag_ms|lag_bytes|retained_percent|dead_letters|worker_lost|no_progress"

const struct field alerts_query[] = {
	{ .name = "status", .type = FIELD_ENUM, .choices = "pending|firing|resolved" },
	{ .name = "limit", .type = FIELD_INT, .min = 1, .max = 1000 },
	{ .name = "after", .type = FIELD_STRING, .max = 40 },
	{ .name = NULL },
};

const struct field rule_fields[] = {
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 100 },
	{ .name = "kind", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .choices = KINDS },
	{ .name = "threshold", .type = FIELD_NUMBER, .help = "in the kind's unit" },
	{ .name = "for_seconds",
	  .type = FIELD_INT,
	  .max = 86400,
	  .help = "how long it must last" },
	{ .name = "job_id",
	  .type = FIELD_UUID,
	  .flags = FIELD_NULLABLE,
	  .help = "default: every job" },
	{ .name = "channel_id", .type = FIELD_UUID, .flags = FIELD_NULLABLE },
	{ .name = "enabled", .type = FIELD_BOOL },
	{ .name = NULL },
};

const struct field rule_patch_fields[] = {
	{ .name = "name", .type = FIELD_LABEL, .min = 1, .max = 100 },
	{ .name = "threshold", .type = FIELD_NUMBER },
	{ .name = "for_seconds", .type = FIELD_INT, .max = 86400 },
	{ .name = "channel_id", .type = FIELD_UUID, .flags = FIELD_NULLABLE },
	{ .name = "enabled", .type = FIELD_BOOL },
	{ .name = NULL },
};

const struct field channel_fields[] = {
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 100 },
	{ .name = "url",
	  .type = FIELD_STRING,
	  .flags = FIELD_REQUIRED,
	  .min = 10,
	  .max = 2000,
	  .help = "https://…; never shown again" },
	{ .name = "key",
	  .type = FIELD_STRING,
	  .max = 1000,
	  .help = "signs each message; never shown again" },
	{ .name = NULL },
};

void alerts_list(struct request *r)
{
	reply_list(r,
		   &(struct list_of){ .from = "alerts",
				      .doc = "alert_doc(t)",
				      .where = "$3::text is null or t.status = $3::text",
				      .filter = query_str(r, "status") });
}

void rules_list(struct request *r)
{
	reply_list(r, &(struct list_of){ .from = "alert_rules",
					 .doc = "alert_rule_doc(t)",
					 .where = "true" });
}

void channels_list(struct request *r)
{
	reply_list(r, &(struct list_of){ .from = "alert_channels",
					 .doc = "alert_channel_doc(t)",
					 .where = "true" });
}

/* A member as text for a parameter: NULL when absent or null. */
static char *text_of(struct request *r, const char *name)
{
	struct json_t *v = doc_get(r->body, name);

	return !v || doc_is(v, DOC_NULL) ? NULL : doc_dump(v);
}

void rule_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *threshold = text_of(r, "threshold"),
			      *seconds = text_of(r, "for_seconds");
	_cleanup_(freep) char *enabled = text_of(r, "enabled");
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"insert into alert_rules (name, kind, threshold, for_seconds, job_id, channel_id,"
			" enabled) values ($1, $2, coalesce($3::double precision, 0), coalesce($4::int, 0),"
			" $5, $6, coalesce($7::boolean, true)) returning id, json_build_object('rule_id', id)",
			body_str(r, "name"), body_str(r, "kind"), threshold, seconds,
			body_str(r, "job_id"), body_str(r, "channel_id"), enabled);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "alert_rule.create",
					   .type = "alert_rule",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = body_str(r, "name") }))
		reply(r, 201, db_text(rows, 0, 1));
}

void rule_patch(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *threshold = text_of(r, "threshold"),
			      *seconds = text_of(r, "for_seconds");
	_cleanup_(freep) char *enabled = text_of(r, "enabled"), *answer = NULL;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"update alert_rules r set name = coalesce($2, name),"
			" threshold = coalesce($3::double precision, threshold),"
			" for_seconds = coalesce($4::int, for_seconds),"
			" channel_id = case when $5::boolean then $6::uuid else channel_id end,"
			" enabled = coalesce($7::boolean, enabled) where id = $1"
			" returning name, alert_rule_doc(r)",
			r->ids[0], body_str(r, "name"), threshold, seconds,
			body_has(r, "channel_id") ? "t" : "f", body_str(r, "channel_id"),
			enabled);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (!finish_change(
		    r, rc,
		    &(struct audit){ .action = "alert_rule.update",
				     .type = "alert_rule",
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		return;
	answer = xstrdup(db_text(rows, 0, 1));
	reply(r, 200, answer);
}

void rule_delete(struct request *r)
{
	delete_by_id(r, "delete from alert_rules where id = $1 returning name",
		     "alert_rule.delete", "alert_rule");
}

/* ------------------------------------------------------------------ channels */

/* What may be shown of an address: its host. Its path is often the secret. */
static char *host_of(const char *url)
{
	const char *at = strstr(url, "://"), *end;

	if (!at || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0))
		return NULL;
	at += 3;
	end = at + strcspn(at, "/?#");
	return memchr(at, '@', (size_t)(end - at)) || end == at
		       ? NULL
		       : xstrndup(at, (size_t)(end - at));
}

static enum db_result store_channel(struct request *r, const char *host,
				    struct pg_result **ret_rows)
{
	const char *key = body_str(r, "key");
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, ret_rows,
			"insert into alert_channels (name, kind, host) values ($1, 'webhook', $2)"
			" returning id, json_build_object('channel_id', id)",
			body_str(r, "name"), host);
	if (rc == DB_OK)
		rc = vault_put(r->db, r->app->keyring, db_text(*ret_rows, 0, 0), "url",
			       view_str(body_str(r, "url")));
	if (rc == DB_OK && key)
		rc = vault_put(r->db, r->app->keyring, db_text(*ret_rows, 0, 0), "key",
			       view_str(key));
	return rc;
}

void channel_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *host = host_of(body_str(r, "url"));
	enum db_result rc;

	if (!host) {
		reply_error(r, 400, "bad_request", "url",
			    "url: must be an https address without a password");
		return;
	}
	rc = store_channel(r, host, &rows);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "alert_channel.create",
					   .type = "alert_channel",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = body_str(r, "name") }))
		reply(r, 201, db_text(rows, 0, 1));
}

void channel_delete(struct request *r)
{
	delete_by_id(r,
		     "with s as (delete from secrets where owner = $1::uuid)"
		     " delete from alert_channels where id = $1::uuid returning name",
		     "alert_channel.delete", "alert_channel");
}

/* An alert that is nobody's, resolved as soon as it is made. */
void channel_test(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"with a as (insert into alerts (subject, subject_name, message, status, fired_at,"
			" resolved_at) select id, name, 'a test of this channel', 'resolved', now(), now()"
			" from alert_channels where id = $1::uuid returning *)"
			" insert into deliveries (alert_id, channel_id, body) select id, $1::uuid,"
			" json_build_object('event', 'test', 'alert', alert_doc(a))::text from a returning id",
			r->ids[0]);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(r, rc,
			  &(struct audit){ .action = "alert_channel.test",
					   .type = "alert_channel",
					   .id = r->ids[0] }))
		reply(r, 202, "{\"status\":\"queued\"}");
}
