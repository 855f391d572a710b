/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/str.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/auth/authenticate.h"
#include "control/auth/limiter.h"
#include "control/crypto/digest.h"
#include "control/crypto/password.h"
#include "control/settings.h"

const struct field session_fields[] = {
	{ .name = "name",
	  .type = FIELD_STRING,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 200 },
	{ .name = "password",
	  .type = FIELD_STRING,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 1000 },
	{ .name = NULL },
};

const struct field setup_fields[] = {
	{ .name = "token",
	  .type = FIELD_STRING,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 200,
	  .help = "from the set-up link" },
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 100 },
	{ .name = "password",
	  .type = FIELD_STRING,
	  .flags = FIELD_REQUIRED,
	  .min = 10,
	  .max = 1000 },
	{ .name = NULL },
};

static void add_member(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static void add_me(struct buf *out, const struct principal *p, const char *csrf)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	add_member(&w, "user_id", p->id);
	add_member(&w, "name", p->name);
	add_member(&w, "role", access_to_str(p->role));
	add_member(&w, "csrf_token", csrf);
	jsonw_end_object(&w);
}

static void set_cookie(struct request *r, const char *value, int64_t seconds)
{
	_cleanup_(freep) char *text = xasprintf(
		SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
		value, (long long)seconds,
		settings_is_https(r->app->settings) ? "; Secure" : "");

	reply_header(r, "Set-Cookie", text);
	explicit_bzero(text, strlen(text));
}

/* Begins a session for r->who and answers with it. */
static void begin_session(struct request *r, int status)
{
	struct token cookie = token_make("");
	struct digest hash = digest_sha256(view_str(cookie.text));
	enum db_result rc =
		db_run(r->db, NULL,
		       "insert into sessions (hash, user_id, address, expires_at)"
		       " values ($1, $2, $3, now() + make_interval(days => 14))",
		       hash.hex, r->who.id, r->address);

	if (!finish_change(r, rc,
			   &(struct audit){ .action = "session.create",
					    .type = "user",
					    .id = r->who.id,
					    .name = r->who.name }))
		return;
	set_cookie(r, cookie.text, (int64_t)SESSION_LIFE_DAYS * 86400);
	r->status = status;
	add_me(&r->out, &r->who, csrf_of_session(cookie.text).text);
	explicit_bzero(&cookie, sizeof(cookie));
}

/* A failed login, for those who read the audit log. */
static void note_failure(struct request *r, const char *name)
{
	if (audit(r, &(struct audit){ .action = "session.refused",
				      .type = "user",
				      .name = name }) != DB_OK)
		reply_db(r, DB_DOWN);
}

static bool may_try(struct request *r, const char *name)
{
	int64_t wait_ms = 0;
	_cleanup_(freep) char *key = xasprintf("name %s", name);

	if (limiter_take(r->app->logins, r->network, &wait_ms) &&
	    limiter_take(r->app->logins, key, &wait_ms))
		return true;
	reply_header(r, "Retry-After", "30");
	reply_error(r, 429, "too_many_requests", NULL, "too many logins: wait a moment");
	return false;
}

void session_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	const char *name = body_str(r, "name"), *hash = NULL;
	_cleanup_(freep) char *key = xasprintf("name %s", name);
	enum db_result rc;

	if (!may_try(r, name))
		return;
	rc = db_run(
		r->db, &rows,
		"select id, name, role, password from users where name = $1 and not disabled",
		name);
	if (rc != DB_OK) {
		reply_db(r, rc);
		return;
	}
	if (db_rows(rows) > 0)
		hash = db_text_or_null(rows, 0, 3);
	if (!password_is(hash, view_str(body_str(r, "password")))) {
		reply_error(r, 401, "bad_credentials", NULL, "name or password is wrong");
		note_failure(r, name);
		return;
	}
	limiter_forgive(r->app->logins, key);
	limiter_forgive(r->app->logins, r->network);
	if (!str_copy(r->who.id, sizeof(r->who.id), db_view(rows, 0, 0)) ||
	    !str_copy(r->who.name, sizeof(r->who.name), db_view(rows, 0, 1)))
		return;
	r->who.role = role_parse(db_text(rows, 0, 2));
	rc = db_begin(r->db);
	if (rc == DB_OK)
		begin_session(r, 201);
	else
		reply_db(r, rc);
}

void session_delete(struct request *r)
{
	enum db_result rc = DB_OK;

	if (r->who.by_cookie)
		rc = db_run(r->db, NULL, "delete from sessions where hash = $1",
			    r->who.session);
	if (rc != DB_OK) {
		reply_db(r, rc);
		return;
	}
	set_cookie(r, "", 0);
	r->status = 204;
}

void me_get(struct request *r)
{
	r->status = 200;
	add_me(&r->out, &r->who, r->who.by_cookie ? r->who.csrf : NULL);
}

/* The first admin: works once, and only while there is nobody. */
static enum db_result make_admin(struct request *r, struct pg_result **ret_rows)
{
	struct digest hash = digest_sha256(view_str(body_str(r, "token")));
	_cleanup_(freep) char *password =
		password_hash(view_str(body_str(r, "password")));
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(r->db, NULL, "lock table users in share row exclusive mode");
	if (rc == DB_OK)
		rc = db_run(
			r->db, ret_rows,
			"with t as (delete from setup_tokens where hash = $1"
			" and expires_at > now() returning 1)"
			" insert into users (name, role, password)"
			" select $2, 'admin', $3 from t where not exists (select 1 from users)"
			" returning id, name",
			hash.hex, body_str(r, "name"), password);
	return rc;
}

void setup(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc;

	if (!may_try(r, "set-up"))
		return;
	rc = make_admin(r, &rows);
	if (rc != DB_OK) {
		reply_db(r, rc);
		return;
	}
	if (db_rows(rows) == 0) {
		reply_error(
			r, 403, "bad_token", "token",
			"the link is not valid any more: it works once and for a day");
		return;
	}
	if (!str_copy(r->who.id, sizeof(r->who.id), db_view(rows, 0, 0)) ||
	    !str_copy(r->who.name, sizeof(r->who.name), db_view(rows, 0, 1)))
		return;
	r->who.role = ACCESS_ADMIN;
	begin_session(r, 201);
}
