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
#include "control/crypto/digest.h"
#include "control/crypto/password.h"
#include "control/settings.h"

int command_failed(int code, const char *text)
{
	fprintf(stderr, "ezcdc-control: %s\n", text);
	return code;
}

int command_db_failed(struct db *d, enum db_result rc)
{
	fprintf(stderr, "ezcdc-control: %s\n", db_last_error(d));
	return rc == DB_DOWN ? EX_UNAVAILABLE : EX_SOFTWARE;
}

struct db *command_open_catalog(const struct settings *s, int *ret_applied, int *ret_code)
{
	struct db *d = db_new(s->catalog, "ezcdc-control command");
	struct buf why = BUF_INIT(1024);
	enum db_result rc = migrate(d, ret_applied, &why);

	if (rc == DB_OK) {
		buf_release(&why);
		return d;
	}
	*ret_code = command_failed(rc == DB_DOWN ? EX_UNAVAILABLE : EX_CONFIG, buf_cstr(&why));
	buf_release(&why);
	db_free(d);
	return NULL;
}

int command_migrate(const struct settings *s, const struct command_options *o,
		    const char *arg)
{
	int applied = 0, code = 0;
	_cleanup_(db_freep) struct db *d = command_open_catalog(s, &applied, &code);

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
		return command_failed(EX_USAGE,
			      "create-user needs --role=admin, operator or viewer");
	if (isatty(STDIN_FILENO))
		fputs("password (then Ctrl-D): ", stderr);
	if (secret_read_fd(&password, STDIN_FILENO) < 0 ||
	    secret_view(&password).len < 10)
		return command_failed(
			EX_DATAERR,
			"the password on standard input needs at least 10 characters");
	d = command_open_catalog(s, &applied, &code);
	if (!d)
		return code;
	hash = password_hash(secret_view(&password));
	rc = insert_user(d, arg, o->role, hash);
	if (rc == DB_EXISTS)
		return command_failed(EX_CANTCREAT, "a user of that name exists");
	if (rc != DB_OK)
		return command_db_failed(d, rc);
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
		return command_failed(EX_USAGE, "create-token needs --user=NAME");
	if (o->expires && !expires)
		return command_failed(EX_USAGE, "--expires is a duration such as 90d");
	d = command_open_catalog(s, &applied, &code);
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
		return command_failed(EX_NOUSER, "there is no user of that name");
	if (rc == DB_OK)
		rc = audit_command(d, &(struct audit){ .action = "token.create",
						       .type = "token",
						       .id = db_text(rows, 0, 0),
						       .name = o->name });
	if (rc == DB_OK)
		rc = db_commit(d);
	if (rc != DB_OK)
		return command_db_failed(d, rc);
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
	_cleanup_(db_freep) struct db *d = command_open_catalog(s, &applied, &code);
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
		return command_failed(EX_CANTCREAT, "a deployment of that name exists");
	if (rc != DB_OK)
		return command_db_failed(d, rc);
	printf("deployment %s\ntoken %s\n", db_text(rows, 0, 0), token.text);
	return 0;
}
