/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/workers/sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "control/app.h"
#include "control/catalog/vault.h"
#include "control/http/request.h"
#include "control/jobs/config.h"
#include "control/workers/lot.h"

/*
 * Three statements for however many workers: their versions, their jobs with both ends of
 * each, and the secrets of all of these.
 */
enum {
	CONFIG_MAX_BYTES = 2 * 1024 * 1024,
	OWNERS_MAX_BYTES = 16 * 1024 * 1024,
};

enum {
	COL_WORKER,
	COL_JOB,
	COL_NAME,
	COL_DESIRED,
	COL_REVISION,
	COL_EPOCH,
	COL_SPEC,
	COL_SOURCE,
	COL_SOURCE_PLUGIN,
	COL_SOURCE_CONFIG,
	COL_SINK,
	COL_SINK_PLUGIN,
	COL_SINK_CONFIG,
};

static const char jobs_sql[] =
	"select j.worker_id, j.id, j.name, j.desired, j.revision, j.epoch, j.spec, s.id, s.plugin,"
	" s.config, k.id, k.plugin, k.config from jobs j join datasources s on s.id = j.source_id"
	" join datasources k on k.id = j.sink_id where j.worker_id = any ($1::uuid[])"
	" and j.status in ('starting', 'running', 'paused') order by j.worker_id, j.id";

static void add_member(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static enum db_result read_secrets(struct db *d, const struct pg_result *jobs,
				   struct pg_result **ret_rows)
{
	static const int owners[] = { COL_JOB, COL_SOURCE, COL_SINK };
	struct buf ids = BUF_INIT(OWNERS_MAX_BYTES);
	enum db_result rc;

	buf_add_char(&ids, '{');
	for (int i = 0; i < db_rows(jobs); i++) {
		for (size_t c = 0; c < ARRAY_LEN(owners); c++)
			buf_addf(&ids, "%s%s", ids.len > 1 ? "," : "",
				 db_text(jobs, i, owners[c]));
	}
	buf_add_char(&ids, '}');
	rc = buf_ok(&ids) ? vault_read(d, buf_cstr(&ids), ret_rows) : DB_REFUSED;
	buf_release(&ids);
	return rc;
}

static bool add_job(struct request *r, struct jsonw *w, const struct pg_result *jobs, int i,
		    const struct pg_result *secrets)
{
	struct buf text = BUF_INIT(CONFIG_MAX_BYTES), why = BUF_INIT(1024);
	struct config_parts p = {
		.job_id = db_text(jobs, i, COL_JOB),
		.name = db_text(jobs, i, COL_NAME),
		.spec = db_view(jobs, i, COL_SPEC),
		.source = { db_text(jobs, i, COL_SOURCE),
			    db_text(jobs, i, COL_SOURCE_PLUGIN),
			    db_view(jobs, i, COL_SOURCE_CONFIG) },
		.sink = { db_text(jobs, i, COL_SINK), db_text(jobs, i, COL_SINK_PLUGIN),
			  db_view(jobs, i, COL_SINK_CONFIG) },
	};
	bool ok = config_of_parts(r->app->keyring, secrets, &p, &text, &why);

	if (ok) {
		jsonw_begin_object(w);
		add_member(w, "job_id", p.job_id);
		add_member(w, "name", p.name);
		add_member(w, "state", db_text(jobs, i, COL_DESIRED));
		jsonw_key(w, "revision");
		jsonw_i64(w, db_i64(jobs, i, COL_REVISION));
		jsonw_key(w, "epoch");
		jsonw_i64(w, db_i64(jobs, i, COL_EPOCH));
		jsonw_key(w, "config");
		jsonw_view(w, buf_view(&text));
		jsonw_end_object(w);
	}
	if (text.ptr)
		explicit_bzero(text.ptr, text.len);
	buf_release(&text);
	buf_release(&why);
	return ok;
}

/* The rows of one worker stand together. */
static bool add_set(struct request *r, struct jsonw *w, const struct pg_result *jobs,
		    const struct pg_result *secrets)
{
	bool ok = true;

	jsonw_key(w, "jobs");
	jsonw_begin_array(w);
	for (int i = 0; ok && i < db_rows(jobs); i++) {
		if (strcmp(db_text(jobs, i, COL_WORKER), r->who.id) == 0)
			ok = add_job(r, w, jobs, i, secrets);
	}
	jsonw_end_array(w);
	return ok && buf_ok(&r->out);
}

static bool begin_set(struct request *r, struct jsonw *w, const struct pg_result *versions)
{
	for (int i = 0; i < db_rows(versions); i++) {
		if (strcmp(db_text(versions, i, 0), r->who.id) != 0)
			continue;
		*w = (struct jsonw)JSONW_INIT(&r->out);
		jsonw_begin_object(w);
		add_member(w, "version", db_text(versions, i, 1));
		return true;
	}
	return false;
}

static void forget(struct buf *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->len);
	buf_reset(b);
}

enum db_result sets_write(struct request **all, int n, struct jsonw *w, bool *ret_ok)
{
	_cleanup_(db_rows_freep) struct pg_result *versions = NULL, *jobs = NULL,
						  *secrets = NULL;
	_cleanup_(freep) char *ids = lot_ids(all, n);
	struct db *d = all[0]->db;
	enum db_result rc = db_run(
		d, &versions,
		"select id, set_version from workers where id = any ($1::uuid[])", ids);

	if (rc == DB_OK)
		rc = db_run(d, &jobs, jobs_sql, ids);
	if (rc == DB_OK)
		rc = read_secrets(d, jobs, &secrets);
	for (int i = 0; rc == DB_OK && i < n; i++) {
		buf_reset(&all[i]->out);
		ret_ok[i] = begin_set(all[i], &w[i], versions) &&
			    add_set(all[i], &w[i], jobs, secrets);
		if (!ret_ok[i])
			forget(&all[i]->out);
	}
	return rc;
}
