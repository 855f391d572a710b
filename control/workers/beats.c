/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "control/api/common.h"
#include "control/http/queue.h"
#include "control/workers/api.h"
#include "control/workers/lot.h"

const struct field heartbeat_fields[] = {
	{ .name = "worker_id", .type = FIELD_UUID },
	{ .name = "jobs", .type = FIELD_INT, .max = 100000 },
	{ .name = "max_jobs", .type = FIELD_INT, .max = 100000 },
	{ .name = "stopping", .type = FIELD_BOOL },
	{ .name = NULL },
};

/*
 * Heartbeats of many workers in one statement; each is answered when that is committed.
 * Rows are locked in the order of ids, as claim_jobs does. A worker that was lost is back:
 * what it held was given away when it was found lost.
 */
static const char beats_sql[] =
	"with v as (select distinct on (id) * from jsonb_to_recordset($2::jsonb) as v (id uuid,"
	" jobs int, max_jobs int, stopping boolean, address text)),"
	" old as (select id, status, stopping from workers where id = any ($1::uuid[])"
	" order by id for no key update),"
	" up as (update workers w set seen_at = now(), status = 'online', jobs = v.jobs,"
	" max_jobs = v.max_jobs, stopping = v.stopping, address = v.address from old, v"
	" where w.id = any ($1::uuid[]) and old.id = w.id and v.id = w.id"
	" returning w.id, old.status <> 'online' or old.stopping <> w.stopping as changed)"
	" select tell('worker', jsonb_build_object('worker_id', id)) from up where changed";

enum { BEAT_MAX_BYTES = 512 };

static void add_beat(struct jsonw *w, const struct request *r)
{
	jsonw_begin_object(w);
	jsonw_key(w, "id");
	jsonw_str(w, r->who.id);
	jsonw_key(w, "jobs");
	jsonw_i64(w, doc_int(r->body, "jobs", 0));
	jsonw_key(w, "max_jobs");
	jsonw_i64(w, doc_int(r->body, "max_jobs", 10));
	jsonw_key(w, "stopping");
	jsonw_bool(w, doc_bool(r->body, "stopping", false));
	jsonw_key(w, "address");
	jsonw_str(w, r->address);
	jsonw_end_object(w);
}

static enum db_result write_beats(struct request **all, int n)
{
	_cleanup_(freep) char *ids = lot_ids(all, n);
	struct buf text = BUF_INIT(LOT_MAX * BEAT_MAX_BYTES);
	struct jsonw w = JSONW_INIT(&text);
	enum db_result rc;

	jsonw_begin_array(&w);
	for (int i = 0; i < n; i++)
		add_beat(&w, all[i]);
	jsonw_end_array(&w);
	rc = buf_ok(&text) ? db_run(all[0]->db, NULL, beats_sql, ids, buf_cstr(&text))
			   : DB_REFUSED;
	buf_release(&text);
	return rc;
}

void worker_heartbeats(struct request **all, int n)
{
	enum db_result rc = write_beats(all, n);
	struct buf text = BUF_INIT(100);

	buf_addf(&text, "{\"server_time\":\"%s\"}", format_rfc3339_us(now_us()).text);
	for (int i = 0; i < n; i++) {
		if (rc == DB_OK)
			reply(all[i], 200, buf_cstr(&text));
		else
			reply_db(all[i], rc);
	}
	buf_release(&text);
}

void worker_heartbeat(struct request *r)
{
	worker_heartbeats(&r, 1);
}
