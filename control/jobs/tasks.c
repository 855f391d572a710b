/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "control/jobs/config.h"
#include "control/json/doc.h"

enum { CONFIG_MAX_BYTES = 2 * 1024 * 1024 };

enum db_result tasks_claim(struct db *d, const char *worker_id)
{
	return db_run(
		d, NULL,
		"update tasks set status = 'running', worker_id = $1, claimed_at = now() where id in"
		" (select t.id from tasks t join workers w on w.id = $1 and w.status = 'online'"
		" where t.status = 'pending' and t.deployment_id = w.deployment_id"
		" and (t.wanted_worker_id is null or t.wanted_worker_id = w.id)"
		" and (select count(*) from tasks o where o.worker_id = $1 and o.status = 'running') < 50"
		" order by t.created_at limit 20 for update of t skip locked)",
		worker_id);
}

static void copy(char *to, size_t size, const char *from)
{
	ENSURE(str_copy(to, size, view_str(from)),
	       "a task would be mistaken for another");
}

enum db_result tasks_open_for(struct db *d, const char *worker_id,
			      const struct json_t *known, struct open_tasks *ret_tasks)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *ids = doc_dump(known);
	enum db_result rc = db_run(
		d, &rows,
		"select t.id, t.kind, t.job_id, coalesce(j.epoch, 0), t.timeout_seconds, t.spec,"
		" t.datasource_id from tasks t left join jobs j on j.id = t.job_id"
		" where t.worker_id = $1 and t.status = 'running'"
		" and not coalesce($2::jsonb, 'null') ? t.id::text order by t.created_at limit 100",
		worker_id, ids);

	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++) {
		struct open_task *t = &ret_tasks->items[ret_tasks->n++];

		copy(t->id, sizeof(t->id), db_text(rows, i, 0));
		copy(t->kind, sizeof(t->kind), db_text(rows, i, 1));
		copy(t->job_id, sizeof(t->job_id), db_text(rows, i, 2));
		t->epoch = db_i64(rows, i, 3);
		t->timeout_seconds = db_i64(rows, i, 4);
		t->spec = xstrdup(db_text(rows, i, 5));
		copy(t->datasource_id, sizeof(t->datasource_id), db_text(rows, i, 6));
		t->config = NULL;
	}
	return rc;
}

void open_tasks_release(struct open_tasks *t)
{
	for (int i = 0; i < t->n; i++) {
		if (t->items[i].config)
			explicit_bzero(t->items[i].config, strlen(t->items[i].config));
		free(t->items[i].config);
		free(t->items[i].spec);
	}
	t->n = 0;
}

/* A test of one end has that section alone. */
static enum db_result make_config(struct db *d, struct keyring *k,
				  const struct open_task *t, struct buf *text,
				  struct buf *why)
{
	struct config_request q = { .name = "test" };

	if (t->datasource_id[0] == '\0')
		return config_of_job(d, k, t->job_id, text, why);
	if (strcmp(t->kind, "check-sink") == 0)
		q.sink_id = t->datasource_id;
	else
		q.source_id = t->datasource_id;
	return config_make(d, k, &q, text, why);
}

static enum db_result fail_task(struct db *d, const struct open_task *t, const char *why)
{
	return db_run(
		d, NULL,
		"update tasks set status = 'failed', error = $2, finished_at = now() where id = $1",
		t->id, why);
}

enum db_result task_prepare(struct db *d, struct keyring *k, struct open_task *t)
{
	struct buf text = BUF_INIT(CONFIG_MAX_BYTES), why = BUF_INIT(1024);
	enum db_result rc;

	/* Whoever asks for a log or a snapshot names the job in the spec. */
	if (strcmp(t->kind, "log") == 0 || strcmp(t->kind, "dead-letters") == 0 ||
	    strcmp(t->kind, "snapshot") == 0) {
		t->config = xstrdup(t->spec);
		return DB_OK;
	}
	rc = make_config(d, k, t, &text, &why);
	if (rc == DB_OK)
		t->config = buf_take(&text);
	else if (rc == DB_REFUSED && why.len > 0)
		rc = fail_task(d, t, buf_cstr(&why));
	buf_release(&text);
	buf_release(&why);
	return rc;
}
