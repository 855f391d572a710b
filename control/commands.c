/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/secret.h"
#include "control/api/common.h"
#include "control/auth/authenticate.h"
#include "control/catalog/db.h"
#include "control/catalog/migrate.h"
#include "control/catalog/vault.h"
#include "control/crypto/digest.h"
#include "control/crypto/keyring.h"
#include "control/crypto/password.h"
#include "control/settings.h"

enum { ROTATE_BATCH = 100 };

static int failed(int code, const char *text)
{
	fprintf(stderr, "ezcdc-control: %s\n", text);
	return code;
}

static int db_failed(struct db *d, enum db_result rc)
{
	fprintf(stderr, "ezcdc-control: %s\n", db_last_error(d));
	return rc == DB_DOWN ? EX_UNAVAILABLE : EX_SOFTWARE;
}

/* The catalog, with its schema up to date. NULL after a message. */
static struct db *open_catalog(const struct settings *s, int *ret_applied, int *ret_code)
{
	struct db *d = db_new(s->catalog, "ezcdc-control command");
	struct buf why = BUF_INIT(1024);
	enum db_result rc = migrate(d, ret_applied, &why);

	if (rc == DB_OK) {
		buf_release(&why);
		return d;
	}
	*ret_code = failed(rc == DB_DOWN ? EX_UNAVAILABLE : EX_CONFIG, buf_cstr(&why));
	buf_release(&why);
	db_free(d);
	return NULL;
}

int command_migrate(const struct settings *s, const struct command_options *o,
		    const char *arg)
{
	int applied = 0, code = 0;
	_cleanup_(db_freep) struct db *d = open_catalog(s, &applied, &code);

	(void)o;
	(void)arg;
	if (d)
		printf("applied %d migration%s\n", applied, applied == 1 ? "" : "s");
	return code;
}

/* ------------------------------------------------------------------ people */

static enum db_result insert_user(struct db *d, const char *name, const char *role,
				  const char *hash)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(d);

	if (rc == DB_OK)
		rc = db_run(
			d, &rows,
			"insert into users (name, role, password) values ($1, $2, $3) returning id",
			name, role, hash);
	if (rc == DB_OK)
		rc = audit_command(d, &(struct audit){ .action = "user.create",
						       .type = "user",
						       .id = db_text(rows, 0, 0),
						       .name = name });
	return rc == DB_OK ? db_commit(d) : rc;
}

int command_create_user(const struct settings *s, const struct command_options *o,
			const char *arg)
{
	_cleanup_(secret_release) struct secret password = SECRET_INIT;
	_cleanup_(freep) char *hash = NULL;
	int applied, code = 0;
	_cleanup_(db_freep) struct db *d = NULL;
	enum db_result rc;

	if (!o->role || role_parse(o->role) == ACCESS_PUBLIC)
		return failed(EX_USAGE,
			      "create-user needs --role=admin, operator or viewer");
	if (isatty(STDIN_FILENO))
		fputs("password (then Ctrl-D): ", stderr);
	if (secret_read_fd(&password, STDIN_FILENO) < 0 ||
	    secret_view(&password).len < 10)
		return failed(
			EX_DATAERR,
			"the password on standard input needs at least 10 characters");
	d = open_catalog(s, &applied, &code);
	if (!d)
		return code;
	hash = password_hash(secret_view(&password));
	rc = insert_user(d, arg, o->role, hash);
	if (rc == DB_EXISTS)
		return failed(EX_CANTCREAT, "a user of that name exists");
	if (rc != DB_OK)
		return db_failed(d, rc);
	printf("created %s %s\n", o->role, arg);
	return 0;
}

int command_create_token(const struct settings *s, const struct command_options *o,
			 const char *arg)
{
	struct token token = token_make(PREFIX_API);
	struct digest hash = digest_sha256(view_str(token.text));
	_cleanup_(freep) char *expires = interval_of(o->expires);
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	int applied, code = 0;
	_cleanup_(db_freep) struct db *d = NULL;
	enum db_result rc;

	(void)arg;
	if (!o->user)
		return failed(EX_USAGE, "create-token needs --user=NAME");
	if (o->expires && !expires)
		return failed(EX_USAGE, "--expires is a duration such as 90d");
	d = open_catalog(s, &applied, &code);
	if (!d)
		return code;
	rc = db_begin(d);
	if (rc == DB_OK)
		rc = db_run(
			d, &rows,
			"insert into api_tokens (user_id, name, hash, expires_at)"
			" select id, coalesce($2, ''), $3, now() + $4::interval from users where name = $1"
			" returning id",
			o->user, o->name, hash.hex, expires);
	if (rc == DB_OK && db_rows(rows) == 0)
		return failed(EX_NOUSER, "there is no user of that name");
	if (rc == DB_OK)
		rc = audit_command(d, &(struct audit){ .action = "token.create",
						       .type = "token",
						       .id = db_text(rows, 0, 0),
						       .name = o->name });
	if (rc == DB_OK)
		rc = db_commit(d);
	if (rc != DB_OK)
		return db_failed(d, rc);
	printf("%s\n", token.text);
	return 0;
}

/* ------------------------------------------------------------------ deployments */

int command_create_deployment(const struct settings *s, const struct command_options *o,
			      const char *arg)
{
	struct token token = token_make(PREFIX_DEPLOYMENT);
	struct digest hash = digest_sha256(view_str(token.text));
	_cleanup_(freep) char *expires = interval_of(o->expires);
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	int applied, code = 0;
	_cleanup_(db_freep) struct db *d = open_catalog(s, &applied, &code);
	enum db_result rc;

	if (!d)
		return code;
	rc = db_begin(d);
	if (rc == DB_OK)
		rc = db_run(d, &rows,
			    "insert into deployments (name) values ($1) returning id",
			    arg);
	if (rc == DB_OK)
		rc = db_run(
			d, NULL,
			"insert into deployment_tokens (deployment_id, hash, created_by, expires_at)"
			" values ($1, $2, 'ezcdc-control', now() + $3::interval)",
			db_text(rows, 0, 0), hash.hex, expires);
	if (rc == DB_OK)
		rc = audit_command(d, &(struct audit){ .action = "deployment.create",
						       .type = "deployment",
						       .id = db_text(rows, 0, 0),
						       .name = arg });
	if (rc == DB_OK)
		rc = db_commit(d);
	if (rc == DB_EXISTS)
		return failed(EX_CANTCREAT, "a deployment of that name exists");
	if (rc != DB_OK)
		return db_failed(d, rc);
	printf("deployment %s\ntoken %s\n", db_text(rows, 0, 0), token.text);
	return 0;
}

/* ------------------------------------------------------------------ keys */

/* Instances that live and do not have the key yet. */
static int64_t without_key(struct db *d, const char *id)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;

	if (db_run(d, &rows,
		   "select count(*) from instances where seen_at > now() - interval '30 seconds'"
		   " and not $1 = any(key_ids)",
		   id) != DB_OK)
		return -1;
	return db_i64(rows, 0, 0);
}

static int64_t live_instances(struct db *d)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;

	if (db_run(d, &rows,
		   "select count(*) from instances where seen_at > now() - interval '30 seconds'") !=
	    DB_OK)
		return -1;
	return db_i64(rows, 0, 0);
}

static int reseal(struct db *d, struct keyring *k, const char *id)
{
	int64_t left = 1, done = 0;

	while (left > 0) {
		enum db_result rc = vault_rotate(d, k, ROTATE_BATCH, &left);

		if (rc == DB_REFUSED)
			return failed(EX_DATAERR,
				      "a secret cannot be opened: is a key missing?");
		if (rc != DB_OK)
			return db_failed(d, rc);
		done++;
	}
	if (audit_command(d, &(struct audit){ .action = "key.rotate",
					      .type = "key",
					      .id = id }) != DB_OK)
		return db_failed(d, DB_DOWN);
	printf("all secrets are under key %s\n", id);
	return done > 0 ? 0 : EX_SOFTWARE;
}

static int rotate(const struct command_options *o, struct db *d, struct keyring *k,
		  struct buf *why)
{
	struct key_id id;
	int64_t n;

	if (o->add) {
		if (!keyring_add(k, false, &id, why))
			return failed(EX_IOERR, buf_cstr(why));
		printf("key %s can decrypt; copy the key ring to every instance, then rotate-key --activate\n",
		       id.text);
		return 0;
	}
	n = o->activate ? without_key(d, keyring_last(k).text) : live_instances(d);
	if (n < 0)
		return db_failed(d, DB_DOWN);
	if (o->activate && n > 0)
		return failed(EX_TEMPFAIL,
			      "a live instance does not have the new key yet");
	if (!o->activate && n > 1)
		return failed(
			EX_USAGE,
			"several instances run: use rotate-key --add, then --activate");
	if (!(o->activate ? keyring_activate(k, &id, why)
			  : keyring_add(k, true, &id, why)))
		return failed(EX_IOERR, buf_cstr(why));
	return reseal(d, k, id.text);
}

int command_rotate_key(const struct settings *s, const struct command_options *o,
		       const char *arg)
{
	struct buf why = BUF_INIT(1024);
	struct keyring *k = keyring_open(s->keyring, &why);
	int applied, code = 0;
	_cleanup_(db_freep) struct db *d = NULL;

	(void)arg;
	if (k && o->add && o->activate)
		code = failed(EX_USAGE, "--add and --activate are two steps");
	else if (k)
		d = open_catalog(s, &applied, &code);
	else
		code = failed(EX_CONFIG, buf_cstr(&why));
	if (d)
		code = rotate(o, d, k, &why);
	keyring_close(k);
	buf_release(&why);
	return code;
}
