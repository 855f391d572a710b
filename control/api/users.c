/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "control/api/api.h"
#include "control/api/common.h"
#include "control/app.h"
#include "control/auth/authenticate.h"
#include "control/auth/limiter.h"
#include "control/crypto/digest.h"
#include "control/crypto/password.h"

#define ROLES "viewer|operator|admin"

const struct field user_fields[] = {
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 100 },
	{ .name = "role", .type = FIELD_ENUM, .flags = FIELD_REQUIRED, .choices = ROLES },
	{ .name = "password",
	  .type = FIELD_STRING,
	  .min = 10,
	  .max = 1000,
	  .help = "without one only API tokens open this account" },
	{ .name = NULL },
};

const struct field user_patch_fields[] = {
	{ .name = "role", .type = FIELD_ENUM, .choices = ROLES },
	{ .name = "password", .type = FIELD_STRING, .min = 10, .max = 1000 },
	{ .name = "disabled",
	  .type = FIELD_BOOL,
	  .help = "ends sessions, silences tokens" },
	{ .name = NULL },
};

const struct field password_fields[] = {
	{ .name = "old", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .max = 1000 },
	{ .name = "new",
	  .type = FIELD_STRING,
	  .flags = FIELD_REQUIRED,
	  .min = 10,
	  .max = 1000 },
	{ .name = NULL },
};

const struct field token_fields[] = {
	{ .name = "name",
	  .type = FIELD_LABEL,
	  .flags = FIELD_REQUIRED,
	  .min = 1,
	  .max = 100 },
	{ .name = "user_id", .type = FIELD_UUID, .help = "default: your own" },
	{ .name = "expires", .type = FIELD_DURATION, .help = "90d; default: never" },
	{ .name = NULL },
};

void users_list(struct request *r)
{
	reply_list(r, &(struct list_of){
			      .from = "users", .doc = "user_doc(t)", .where = "true" });
}

void user_get(struct request *r)
{
	struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows, "select user_doc(u) from users u where id = $1", r->ids[0]);

	reply_row(r, 200, rc, rows);
}

void user_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	const char *name = body_str(r, "name"), *password = body_str(r, "password");
	_cleanup_(freep) char *hash = password ? password_hash(view_str(password)) : NULL;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(r->db, &rows,
			    "insert into users (name, role, password) values ($1, $2, $3)"
			    " returning id, json_build_object('user_id', id)",
			    name, body_str(r, "role"), hash);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "user.create",
					   .type = "user",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = name }))
		reply(r, 201, db_text(rows, 0, 1));
}

/* Nobody may take the last admin away, not even that one. */
static enum db_result keeps_admin(struct request *r, bool *ret_ok)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		r->db, &rows,
		"select exists (select 1 from users where role = 'admin' and not disabled)");

	if (rc == DB_OK)
		*ret_ok = db_bool(rows, 0, 0);
	return rc;
}

static enum db_result patch_user(struct request *r, struct pg_result **ret_rows)
{
	const char *password = body_str(r, "password");
	_cleanup_(freep) char *hash = password ? password_hash(view_str(password)) : NULL;
	const char *disabled = NULL;
	enum db_result rc =
		db_run(r->db, NULL, "lock table users in share row exclusive mode");

	if (body_has(r, "disabled"))
		disabled = doc_bool(r->body, "disabled", false) ? "t" : "f";
	if (rc == DB_OK)
		rc = db_run(
			r->db, ret_rows,
			"update users set role = coalesce($2, role), password = coalesce($3, password),"
			" disabled = coalesce($4::boolean, disabled) where id = $1 returning name",
			r->ids[0], body_str(r, "role"), hash, disabled);
	if (rc == DB_OK && (hash || disabled))
		rc = db_run(r->db, NULL, "delete from sessions where user_id = $1",
			    r->ids[0]);
	return rc;
}

void user_patch(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(r->db);
	bool ok = false;

	if (rc == DB_OK)
		rc = patch_user(r, &rows);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (rc == DB_OK)
		rc = keeps_admin(r, &ok);
	if (rc == DB_OK && !ok) {
		reply_error(r, 409, "last_admin", NULL,
			    "there would be no admin any more");
		return;
	}
	if (finish_change(
		    r, rc,
		    &(struct audit){ .action = "user.update",
				     .type = "user",
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		user_get(r);
}

void user_delete(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(r->db);
	bool ok = false;

	if (rc == DB_OK)
		rc = db_run(r->db, NULL, "lock table users in share row exclusive mode");
	if (rc == DB_OK)
		rc = db_run(r->db, &rows,
			    "delete from users where id = $1 returning name", r->ids[0]);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (rc == DB_OK)
		rc = keeps_admin(r, &ok);
	if (rc == DB_OK && !ok) {
		reply_error(r, 409, "last_admin", NULL,
			    "there would be no admin any more");
		return;
	}
	if (finish_change(
		    r, rc,
		    &(struct audit){ .action = "user.delete",
				     .type = "user",
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		r->status = 204;
}

void password_change(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *hash = NULL;
	int64_t wait_ms;
	enum db_result rc;

	/* Whoever has a session or a token alone is to guess no faster than at a login. */
	if (!limiter_take(r->app->logins, r->who.id, &wait_ms)) {
		reply_header(r, "Retry-After", "30");
		reply_error(r, 429, "too_many_requests", NULL, "too many tries: wait a moment");
		return;
	}
	rc = db_run(r->db, &rows, "select password from users where id = $1", r->who.id);

	if (rc != DB_OK || db_rows(rows) == 0) {
		reply_db(r, rc);
		return;
	}
	if (!password_is(db_text_or_null(rows, 0, 0), view_str(body_str(r, "old")))) {
		reply_error(r, 403, "bad_credentials", "old",
			    "old: is not your password");
		return;
	}
	hash = password_hash(view_str(body_str(r, "new")));
	rc = db_begin(r->db);
	if (rc == DB_OK)
		rc = db_run(r->db, NULL, "update users set password = $2 where id = $1",
			    r->who.id, hash);
	if (rc == DB_OK)
		rc = db_run(r->db, NULL,
			    "delete from sessions where user_id = $1 and hash <> $2",
			    r->who.id, r->who.session);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "user.password",
					   .type = "user",
					   .id = r->who.id,
					   .name = r->who.name }))
		r->status = 204;
}

/* ------------------------------------------------------------------ API tokens */

void tokens_list(struct request *r)
{
	bool all = r->who.role == ACCESS_ADMIN;

	reply_list(r,
		   &(struct list_of){ .from = "api_tokens",
				      .doc = "api_token_doc(t)",
				      .where = "$3::uuid is null or t.user_id = $3::uuid",
				      .filter = all ? NULL : r->who.id });
}

void token_create(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *expires = interval_of(body_str(r, "expires"));
	struct token token = token_make(PREFIX_API);
	struct digest hash = digest_sha256(view_str(token.text));
	const char *user = body_str(r, "user_id");
	enum db_result rc;

	if (user && strcmp(user, r->who.id) != 0 && r->who.role != ACCESS_ADMIN) {
		reply_error(r, 403, "forbidden", "user_id",
			    "user_id: only admins make tokens for others");
		return;
	}
	rc = db_begin(r->db);
	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"insert into api_tokens (user_id, name, hash, expires_at)"
			" values ($1, $2, $3, now() + $4::interval)"
			" returning id, json_build_object('token_id', id, 'token', $5::text)",
			user ? user : r->who.id, body_str(r, "name"), hash.hex, expires,
			token.text);
	if (finish_change(r, rc,
			  &(struct audit){ .action = "token.create",
					   .type = "token",
					   .id = rc == DB_OK ? db_text(rows, 0, 0) : NULL,
					   .name = body_str(r, "name") }))
		reply(r, 201, db_text(rows, 0, 1));
	explicit_bzero(&token, sizeof(token));
}

void token_delete(struct request *r)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	bool all = r->who.role == ACCESS_ADMIN;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(
			r->db, &rows,
			"update api_tokens set revoked_at = coalesce(revoked_at, now())"
			" where id = $1 and ($2::uuid is null or user_id = $2::uuid) returning name",
			r->ids[0], all ? NULL : r->who.id);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(
		    r, rc,
		    &(struct audit){ .action = "token.revoke",
				     .type = "token",
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		r->status = 204;
}
