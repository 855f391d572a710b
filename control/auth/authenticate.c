/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/auth/authenticate.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/view.h"
#include "control/crypto/digest.h"
#include "control/http/queue.h"

enum access role_parse(const char *text)
{
	for (int a = ACCESS_VIEWER; a <= ACCESS_ADMIN; a++) {
		if (strcmp(text, access_to_str((enum access)a)) == 0)
			return (enum access)a;
	}
	return ACCESS_PUBLIC;
}

struct csrf_token csrf_of_session(const char *cookie)
{
	struct csrf_token t;
	struct digest d = digest_hmac(view_str(cookie), VIEW("ezcdc csrf"));

	memcpy(t.text, d.hex, sizeof(t.text));
	return t;
}

static void copy(char *to, size_t size, const char *from)
{
	if (!str_copy(to, size, view_str(from)))
		to[0] = '\0';
}

/* Columns: id, name, role. */
static void be_person(struct principal *p, const struct pg_result *rows)
{
	p->kind = PERSON;
	copy(p->id, sizeof(p->id), db_text(rows, 0, 0));
	copy(p->name, sizeof(p->name), db_text(rows, 0, 1));
	p->role = role_parse(db_text(rows, 0, 2));
}

/* seen_at is for people: a write a minute is enough. */
static enum db_result by_cookie(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct digest hash = digest_sha256(view_str(r->cookie));
	enum db_result rc = db_run(
		r->db, &rows,
		"with s as (select * from sessions where hash = $1 and expires_at > now()"
		" and seen_at > now() - make_interval(hours => 12)),"
		" t as (update sessions set seen_at = now() where hash = $1"
		" and seen_at < now() - interval '1 minute'),"
		" v as (update users set seen_at = now() where id = (select user_id from s)"
		" and (seen_at is null or seen_at < now() - interval '1 minute'))"
		" select u.id, u.name, u.role from users u join s on s.user_id = u.id"
		" where not u.disabled",
		hash.hex);

	if (rc != DB_OK || db_rows(rows) == 0)
		return rc;
	be_person(&r->who, rows);
	r->who.by_cookie = true;
	copy(r->who.session, sizeof(r->who.session), hash.hex);
	copy(r->who.csrf, sizeof(r->who.csrf), csrf_of_session(r->cookie).text);
	return DB_OK;
}

static enum db_result by_api_token(struct request *r, const char *hash)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"with t as (select * from api_tokens where hash = $1 and revoked_at is null"
		" and (expires_at is null or expires_at > now())),"
		" s as (update api_tokens set seen_at = now() where hash = $1"
		" and (seen_at is null or seen_at < now() - interval '1 minute')),"
		" v as (update users set seen_at = now() where id = (select user_id from t)"
		" and (seen_at is null or seen_at < now() - interval '1 minute'))"
		" select u.id, u.name, u.role from users u join t on t.user_id = u.id"
		" where not u.disabled",
		hash);

	if (rc == DB_OK && db_rows(rows) > 0)
		be_person(&r->who, rows);
	return rc;
}

/* Columns: id, deployment_id, name. */
static void be_worker(struct principal *p, const struct pg_result *rows, int row)
{
	p->kind = WORKER;
	copy(p->id, sizeof(p->id), db_text(rows, row, 0));
	copy(p->deployment_id, sizeof(p->deployment_id), db_text(rows, row, 1));
	copy(p->name, sizeof(p->name), db_text(rows, row, 2));
}

static enum db_result by_worker_secret(struct request *r, const char *hash)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"select id, deployment_id, name, revoked_at is not null from workers where hash = $1",
		hash);

	if (rc != DB_OK || db_rows(rows) == 0)
		return rc;
	if (db_bool(rows, 0, 3)) {
		reply_error(r, 403, "revoked", NULL, "this worker was revoked");
		return DB_OK;
	}
	be_worker(&r->who, rows, 0);
	return DB_OK;
}

static enum db_result by_deployment_token(struct request *r, const char *hash)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"with s as (update deployment_tokens set seen_at = now() where hash = $1"
		" and (seen_at is null or seen_at < now() - interval '1 minute'))"
		" select t.id, d.id, d.name, t.revoked_at is not null, t.expires_at <= now()"
		" from deployment_tokens t join deployments d on d.id = t.deployment_id"
		" where t.hash = $1",
		hash);

	if (rc != DB_OK || db_rows(rows) == 0)
		return rc;
	if (db_bool(rows, 0, 3) || db_bool(rows, 0, 4)) {
		bool revoked = db_bool(rows, 0, 3);

		reply_error(r, 403, revoked ? "revoked" : "token_expired", NULL,
			    "this token %s", revoked ? "was revoked" : "has expired");
		return DB_OK;
	}
	r->who.kind = DEPLOYMENT;
	copy(r->who.id, sizeof(r->who.id), db_text(rows, 0, 0));
	copy(r->who.deployment_id, sizeof(r->who.deployment_id), db_text(rows, 0, 1));
	copy(r->who.name, sizeof(r->who.name), db_text(rows, 0, 2));
	return DB_OK;
}

/* Empty when there is none that could be right. */
static struct ez_view token_of(const struct request *r)
{
	const char *header = r->headers[HEADER_AUTHORIZATION];
	struct ez_view token = VIEW("");

	if (header && strncasecmp(header, "Bearer ", 7) == 0)
		token = view_trim(view_str(header + 7));
	return token.len <= 512 ? token : VIEW("");
}

static void match_worker(struct request **all, int n, const struct digest *hashes,
			 const struct pg_result *rows, int row)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(hashes[i].hex, db_text(rows, row, 3)) == 0)
			be_worker(&all[i]->who, rows, row);
	}
}

enum db_result authenticate_workers(struct request **all, int n)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct digest hashes[LOT_MAX];
	struct buf wanted = BUF_INIT(LOT_MAX * (sizeof(hashes[0].hex) + 1) + 2);
	enum db_result rc = DB_OK;

	buf_add_char(&wanted, '{');
	for (int i = 0; i < n; i++) {
		struct ez_view token = token_of(all[i]);

		hashes[i].hex[0] = '\0';
		if (all[i]->who.kind != NOBODY || !view_starts(token, VIEW(PREFIX_WORKER)))
			continue;
		hashes[i] = digest_sha256(token);
		buf_addf(&wanted, "%s%s", wanted.len > 1 ? "," : "", hashes[i].hex);
	}
	buf_add_char(&wanted, '}');
	if (wanted.len > 2)
		rc = db_run(all[0]->db, &rows,
			    "select id, deployment_id, name, hash from workers"
			    " where hash = any ($1::text[]) and revoked_at is null",
			    buf_cstr(&wanted));
	for (int i = 0; wanted.len > 2 && rc == DB_OK && i < db_rows(rows); i++)
		match_worker(all, n, hashes, rows, i);
	buf_release(&wanted);
	return rc;
}

enum db_result authenticate(struct request *r)
{
	struct ez_view token = token_of(r);
	struct digest hash;

	if (!r->headers[HEADER_AUTHORIZATION])
		return r->cookie && strlen(r->cookie) < 200 ? by_cookie(r) : DB_OK;
	hash = digest_sha256(token);
	if (view_starts(token, VIEW(PREFIX_API)))
		return by_api_token(r, hash.hex);
	if (view_starts(token, VIEW(PREFIX_WORKER)))
		return by_worker_secret(r, hash.hex);
	if (view_starts(token, VIEW(PREFIX_DEPLOYMENT)))
		return by_deployment_token(r, hash.hex);
	return DB_OK;
}
