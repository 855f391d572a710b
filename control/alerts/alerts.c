/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/alerts/alerts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "control/alerts/webhook.h"
#include "control/catalog/vault.h"
#include "control/crypto/digest.h"

enum { TRIES_MAX = 8 };

/* ------------------------------------------------------------------ evaluation */

static const char begin_sql[] =
	"insert into alerts (rule_id, subject, subject_name, message, value, status)"
	" select rule_id, subject, subject_name, message, value, 'pending' from breaches()"
	" on conflict (rule_id, subject) where status <> 'resolved' do update"
	" set message = excluded.message, value = excluded.value";

static const char fire_sql[] =
	"with f as (update alerts a set status = 'firing', fired_at = now() from alert_rules r"
	" where r.id = a.rule_id and a.status = 'pending'"
	" and a.since <= now() - make_interval(secs => r.for_seconds) returning a.*),"
	" d as (insert into deliveries (alert_id, channel_id, body) select f.id, r.channel_id,"
	" json_build_object('event', 'firing', 'alert', alert_doc(f))::text from f"
	" join alert_rules r on r.id = f.rule_id where r.channel_id is not null)"
	" select tell('alert', jsonb_build_object('alert_id', id, 'status', status, 'message', message)) from f";

/* Of those that never fired nobody has heard: they leave no trace. */
static const char resolve_sql[] =
	"with o as (select a.id from alerts a where a.status <> 'resolved' and not exists"
	" (select 1 from breaches() b where b.rule_id = a.rule_id and b.subject = a.subject)),"
	" gone as (delete from alerts where status = 'pending' and id in (select id from o)),"
	" r as (update alerts set status = 'resolved', resolved_at = now() where status = 'firing'"
	" and id in (select id from o) returning *),"
	" d as (insert into deliveries (alert_id, channel_id, body) select r.id, u.channel_id,"
	" json_build_object('event', 'resolved', 'alert', alert_doc(r))::text from r"
	" join alert_rules u on u.id = r.rule_id where u.channel_id is not null)"
	" select tell('alert', jsonb_build_object('alert_id', id, 'status', status, 'message', message)) from r";

enum db_result alerts_evaluate(struct db *d)
{
	enum db_result rc = db_run(d, NULL, begin_sql);

	if (rc == DB_OK)
		rc = db_run(d, NULL, fire_sql);
	return rc == DB_OK ? db_run(d, NULL, resolve_sql) : rc;
}

/* ------------------------------------------------------------------ delivery */

struct target {
	char *url, *key;
};

static void target_release(struct target *t)
{
	if (t->key)
		explicit_bzero(t->key, strlen(t->key));
	free(t->url);
	free(t->key);
}

static void take_secret(void *arg, const char *name, const struct secret *value)
{
	struct target *t = arg;

	if (strcmp(name, "url") == 0)
		t->url = xstrdup(secret_cstr(value));
	else if (strcmp(name, "key") == 0)
		t->key = xstrdup(secret_cstr(value));
}

static enum db_result note_outcome(struct db *d, const char *id, bool ok, int tries,
				   const char *error)
{
	_cleanup_(freep) char *count = xasprintf("%d", tries);
	bool over = ok || tries >= TRIES_MAX;

	return db_run(
		d, NULL,
		"update deliveries set tries = $2::int, error = nullif($3, ''),"
		" done_at = case when $4::boolean then now() end,"
		" next_at = now() + make_interval(secs => least(power(4, $2::int), 3600)) where id = $1",
		id, count, ok ? "" : error, over ? "t" : "f");
}

/* Columns: id, channel_id, body, tries. */
static enum db_result deliver_one(struct db *d, struct keyring *k,
				  const struct pg_result *rows, int i, bool to_private)
{
	_cleanup_(target_release) struct target t = { NULL, NULL };
	struct buf why = BUF_INIT(512);
	enum db_result rc = vault_each(d, k, db_text(rows, i, 1), take_secret, &t);
	struct digest signature;
	bool ok;

	if (rc == DB_DOWN)
		return rc;
	if (t.url) {
		signature =
			digest_hmac(view_str(t.key ? t.key : ""), db_view(rows, i, 2));
		ok = webhook_send(
			&(struct webhook){ .url = t.url,
					   .body = db_text(rows, i, 2),
					   .signature = t.key ? signature.hex : NULL,
					   .to_private = to_private },
			&why);
	} else {
		buf_add_str(&why, "the address cannot be read");
		ok = false;
	}
	if (!ok)
		log_msg(EZL_WARNING,
			"a webhook was not delivered channel=%s reason=\"%s\"",
			db_text(rows, i, 1), buf_cstr(&why));
	rc = note_outcome(d, db_text(rows, i, 0), ok, (int)db_i64(rows, i, 3) + 1,
			  buf_cstr(&why));
	buf_release(&why);
	return rc;
}

enum db_result alerts_deliver(struct db *d, struct keyring *k, bool to_private)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		d, &rows,
		"select id, channel_id, body, tries from deliveries"
		" where done_at is null and next_at <= now() order by next_at limit 3");

	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		rc = deliver_one(d, k, rows, i, to_private);
	return rc;
}
