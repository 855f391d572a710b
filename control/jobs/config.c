/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "control/catalog/vault.h"
#include "control/jobs/options.h"
#include "control/jobs/render.h"
#include "control/json/doc.h"

struct end {
	char *plugin;
	struct json_t *config;
};

static void end_release(struct end *e)
{
	free(e->plugin);
	doc_free(e->config);
}

/* What is still marked after the secrets were put in, or shall not be shown. */
static void star(struct json_t *j)
{
	void *it = NULL;
	const char *key, *marked[64];
	struct json_t *v;
	size_t n = 0;

	for (size_t i = 0; doc_is(j, DOC_ARRAY) && i < doc_len(j); i++)
		star(doc_at(j, i));
	while (doc_is(j, DOC_OBJECT) && doc_next(j, &it, &key, &v)) {
		if (doc_is(v, DOC_OBJECT) && doc_bool(v, "set", false) &&
		    n < ARRAY_LEN(marked))
			marked[n++] = key;
		else
			star(v);
	}
	for (size_t i = 0; i < n; i++)
		doc_set(j, marked[i], doc_new_str("********"));
}

static enum db_result put_secrets(struct db *d, struct keyring *k, const char *owner,
				  struct json_t *tree)
{
	if (k && owner)
		return vault_each(d, k, owner, options_put_secret, tree);
	star(tree);
	return DB_OK;
}

static enum db_result load_end(struct db *d, struct keyring *k, const char *id,
			       struct end *e, struct buf *why)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc;

	if (!id)
		return DB_OK;
	rc = db_run(d, &rows, "select plugin, config from datasources where id = $1", id);
	if (rc != DB_OK)
		return rc;
	if (db_rows(rows) == 0) {
		buf_addf(why, "the datasource %s does not exist", id);
		return DB_REFUSED;
	}
	e->plugin = xstrdup(db_text(rows, 0, 0));
	e->config = doc_parse(db_view(rows, 0, 1), why);
	return e->config ? put_secrets(d, k, id, e->config) : DB_REFUSED;
}

static bool make_end(struct keyring *k, const struct pg_result *secrets,
		     const struct config_end *from, struct end *e, struct buf *why)
{
	e->plugin = xstrdup(from->plugin);
	e->config = doc_parse(from->config, why);
	return e->config &&
	       vault_open(k, secrets, from->id, options_put_secret, e->config);
}

bool config_of_parts(struct keyring *k, const struct pg_result *secrets,
		     const struct config_parts *p, struct buf *ret_text, struct buf *why)
{
	_cleanup_(end_release) struct end source = { NULL, NULL }, sink = { NULL, NULL };
	_cleanup_(doc_freep) struct json_t *spec = doc_parse(p->spec, why);
	struct render_job job;

	if (!spec || !make_end(k, secrets, &p->source, &source, why) ||
	    !make_end(k, secrets, &p->sink, &sink, why) ||
	    !vault_open(k, secrets, p->job_id, options_put_secret, spec))
		return false;
	job = (struct render_job){ .name = p->name,
				   .source = { source.plugin, source.config },
				   .sink = { sink.plugin, sink.config },
				   .spec = spec };
	return render_job(&job, ret_text, why);
}

enum db_result config_make(struct db *d, struct keyring *k,
			   const struct config_request *q, struct buf *ret_text,
			   struct buf *why)
{
	_cleanup_(end_release) struct end source = { NULL, NULL }, sink = { NULL, NULL };
	_cleanup_(doc_freep) struct json_t *spec = q->spec ? doc_copy(q->spec) : NULL;
	struct render_job job;
	enum db_result rc = load_end(d, k, q->source_id, &source, why);

	if (rc == DB_OK)
		rc = load_end(d, k, q->sink_id, &sink, why);
	if (rc == DB_OK && spec)
		rc = put_secrets(d, k, q->owner, spec);
	if (rc != DB_OK)
		return rc;
	job = (struct render_job){ .name = q->name,
				   .source = { source.plugin, source.config },
				   .sink = { sink.plugin, sink.config },
				   .spec = spec };
	return render_job(&job, ret_text, why) ? DB_OK : DB_REFUSED;
}

enum db_result config_of_job(struct db *d, struct keyring *k, const char *job_id,
			     struct buf *ret_text, struct buf *why)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(doc_freep) struct json_t *spec = NULL;
	enum db_result rc = db_run(
		d, &rows, "select name, source_id, sink_id, spec from jobs where id = $1",
		job_id);

	if (rc != DB_OK)
		return rc;
	if (db_rows(rows) == 0) {
		buf_add_str(why, "the job does not exist");
		return DB_REFUSED;
	}
	spec = doc_parse(db_view(rows, 0, 3), why);
	if (!spec)
		return DB_REFUSED;
	return config_make(d, k,
			   &(struct config_request){ .name = db_text(rows, 0, 0),
						     .source_id = db_text(rows, 0, 1),
						     .sink_id = db_text(rows, 0, 2),
						     .owner = job_id,
						     .spec = spec },
			   ret_text, why);
}
