/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "control/api/common.h"
#include "control/auth/authenticate.h"
#include "control/crypto/digest.h"
#include "control/workers/api.h"
#include "control/workers/release.h"

/* register and deregister: who the workers are. That they live: beats.c. */
const struct field register_fields[] = {
	{ .name = "protocol", .type = FIELD_INT, .flags = FIELD_REQUIRED },
	{ .name = "instance", .type = FIELD_UUID, .flags = FIELD_REQUIRED },
	{ .name = "worker_id", .type = FIELD_UUID, .flags = FIELD_NULLABLE },
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 200 },
	{ .name = "host", .type = FIELD_STRING, .max = 300 },
	{ .name = "version", .type = FIELD_STRING, .max = 100 },
	{ .name = "abi", .type = FIELD_STRING, .max = 100 },
	{ .name = "max_jobs", .type = FIELD_INT, .min = 0, .max = 1000 },
	{ .name = "started_at", .type = FIELD_TIME },
	{ .name = "plugins", .type = FIELD_OBJECT, .flags = FIELD_NULLABLE },
	{ .name = NULL },
};

const struct field deregister_fields[] = {
	{ .name = "worker_id", .type = FIELD_UUID },
	{ .name = NULL },
};

enum {
	HEARTBEAT_SECONDS = 10,
	POLL_SECONDS = 30,
	LOST_AFTER_SECONDS = 60,
	PROTOCOL = 1,
};

static void add_member(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static void add_number(struct jsonw *w, const char *key, int64_t value)
{
	jsonw_key(w, key);
	jsonw_i64(w, value);
}

static void reply_registered(struct request *r, const char *worker_id, const char *secret)
{
	struct jsonw w = JSONW_INIT(&r->out);

	r->status = 200;
	jsonw_begin_object(&w);
	add_member(&w, "worker_id", worker_id);
	if (secret)
		add_member(&w, "secret", secret);
	add_member(&w, "deployment_id", r->who.deployment_id);
	add_number(&w, "heartbeat_seconds", HEARTBEAT_SECONDS);
	add_number(&w, "poll_seconds", POLL_SECONDS);
	add_number(&w, "lost_after_seconds", LOST_AFTER_SECONDS);
	add_member(&w, "server_time", format_rfc3339_us(now_us()).text);
	jsonw_end_object(&w);
}

/*
 * The tables that the portal's forms and all checks of options are made from. Those that
 * are as they were are left alone: thousands of workers may start at once.
 */
static const char plugins_sql[] =
	"with p as (select distinct on (p ->> 'kind', p ->> 'name') p ->> 'kind' as kind,"
	" p ->> 'name' as name, p ->> 'version' as version, p as document"
	" from jsonb_array_elements($2::jsonb -> 'plugins') p"
	" where p ->> 'kind' is not null and p ->> 'name' is not null),"
	" gone as (delete from worker_plugins w where worker_id = $1 and not exists"
	" (select 1 from p where p.kind = w.kind and p.name = w.name)),"
	" put as (insert into worker_plugins as w (worker_id, kind, name, version, document)"
	" select $1::uuid, kind, name, version, document from p on conflict (worker_id, kind, name)"
	" do update set version = excluded.version, document = excluded.document"
	" where (w.version, w.document) is distinct from (excluded.version, excluded.document))"
	" update workers set broken = coalesce($2::jsonb -> 'broken', '[]') where id = $1"
	" and broken is distinct from coalesce($2::jsonb -> 'broken', '[]')";

static enum db_result store_plugins(struct request *r, const char *worker_id)
{
	struct json_t *plugins = doc_get(r->body, "plugins");
	_cleanup_(freep) char *text = NULL;

	if (!doc_is(doc_get(plugins, "plugins"), DOC_ARRAY))
		return DB_OK;
	text = doc_dump(plugins);
	return db_run(r->db, NULL, plugins_sql, worker_id, text);
}

/* $1 deployment, $2 instance, $3 name, $4 host, $5 version, $6 abi, $7 jobs, $8 address, $9 start, $10 hash */
static const char first_sql[] =
	"insert into workers (deployment_id, instance, name, host, version, abi, max_jobs, address,"
	" started_at, hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	" on conflict (deployment_id, instance) do update set name = $3, host = $4, version = $5,"
	" abi = $6, max_jobs = $7, address = $8, started_at = $9, hash = $10, status = 'online',"
	" stopping = false, revoked_at = null, seen_at = now(),"
	" set_version = workers.set_version + 1 returning id";

static const char again_sql[] =
	"update workers set name = $3, host = $4, version = $5, abi = $6, max_jobs = $7,"
	" address = $8, started_at = $9, status = 'online', stopping = false, seen_at = now(),"
	" set_version = set_version + 1"
	" where id = $1 and instance = $2 and ($10::text is null or true) returning id";

static enum db_result upsert(struct request *r, const char *hash,
			     struct pg_result **ret_rows)
{
	bool first = r->who.kind == DEPLOYMENT;
	_cleanup_(freep) char *max_jobs =
		xasprintf("%lld", (long long)doc_int(r->body, "max_jobs", 10));

	return db_run(r->db, ret_rows, first ? first_sql : again_sql,
		      first ? r->who.deployment_id : r->who.id, body_str(r, "instance"),
		      body_str(r, "name"), body_str(r, "host"), body_str(r, "version"),
		      body_str(r, "abi"), max_jobs, r->address, body_str(r, "started_at"),
		      hash);
}

static enum db_result tell_worker(struct request *r, const char *worker_id)
{
	return db_run(r->db, NULL,
		      "select tell('worker', jsonb_build_object('worker_id', $1::text))",
		      worker_id);
}

void worker_register(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct token secret = token_make(PREFIX_WORKER);
	struct digest hash = digest_sha256(view_str(secret.text));
	bool first = r->who.kind == DEPLOYMENT;
	enum db_result rc;

	if (doc_int(r->body, "protocol", 0) != PROTOCOL) {
		reply_error(r, 422, "protocol", "protocol",
			    "this server speaks version 1 of the protocol");
		return;
	}
	rc = db_begin(r->db);
	if (rc == DB_OK)
		rc = upsert(r, first ? hash.hex : NULL, &rows);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_error(r, 401, "unauthenticated", "instance",
			    "this secret is another instance's");
		return;
	}
	if (rc == DB_OK)
		rc = store_plugins(r, db_text(rows, 0, 0));
	if (rc == DB_OK)
		rc = tell_worker(r, db_text(rows, 0, 0));
	if (finish_change(r, rc,
			  &(struct audit){ .action = "worker.register",
					   .type = "worker",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = body_str(r, "name") }))
		reply_registered(r, db_text(rows, 0, 0), first ? secret.text : NULL);
	explicit_bzero(&secret, sizeof(secret));
}

/* Jobs are locked before their worker, as reports do. */
void worker_deregister(struct request *r)
{
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = workers_lock_jobs(r->db, r->who.id);
	if (rc == DB_OK)
		rc = db_run(
			r->db, NULL,
			"update workers set status = 'gone', seen_at = now() where id = $1",
			r->who.id);
	if (rc == DB_OK)
		rc = workers_release_jobs(r->db, r->who.id, "the worker has left");
	if (rc == DB_OK)
		rc = tell_worker(r, r->who.id);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "worker.deregister",
					   .type = "worker",
					   .id = r->who.id,
					   .name = r->who.name }))
		reply(r, 200, "{}");
}
