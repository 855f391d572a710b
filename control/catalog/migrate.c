/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/catalog/migrate.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

enum { SCRIPT_MAX_BYTES = 1024 * 1024 };

static enum db_result run_file(struct db *d, const struct migration *m)
{
	struct buf text = BUF_INIT(SCRIPT_MAX_BYTES);
	enum db_result rc;

	for (const char *const *line = m->lines; *line; line++)
		buf_add_str(&text, *line);
	ENSURE(buf_ok(&text), "half a migration would run");
	rc = db_script(d, buf_cstr(&text));
	buf_release(&text);
	return rc;
}

static enum db_result read_version(struct db *d, int *ret_version)
{
	_cleanup_(db_rows_freep) struct pg_result *r = NULL;
	enum db_result rc = db_script(
		d,
		"create schema if not exists control;"
		"create table if not exists control.migrations (version int primary key,"
		" name text not null, applied_at timestamptz not null default now())");

	if (rc == DB_OK)
		rc = db_run(d, &r,
			    "select coalesce(max(version), 0) from control.migrations");
	if (rc == DB_OK)
		*ret_version = (int)db_i64(r, 0, 0);
	return rc;
}

static enum db_result apply_one(struct db *d, const struct migration *m)
{
	_cleanup_(freep) char *version = xasprintf("%d", m->version);
	enum db_result rc = run_file(d, m);

	if (rc != DB_OK || m->version == 0)
		return rc;
	return db_run(d, NULL, "insert into migrations (version, name) values ($1, $2)",
		      version, m->name);
}

static enum db_result apply(struct db *d, int *ret_applied, struct buf *why)
{
	int have = 0, newest = 0;
	enum db_result rc = read_version(d, &have);

	for (int i = 0; i < n_migrations; i++)
		newest = MAX(newest, migrations[i].version);
	if (rc == DB_OK && have > newest) {
		buf_addf(
			why,
			"the catalog has schema version %d, this program knows %d: it is older "
			"than the one that made the catalog",
			have, newest);
		return DB_REFUSED;
	}
	for (int i = 0; i < n_migrations && rc == DB_OK; i++) {
		if (migrations[i].version != 0 && migrations[i].version <= have)
			continue;
		rc = apply_one(d, &migrations[i]);
		*ret_applied += migrations[i].version != 0;
	}
	return rc;
}

enum db_result migrate(struct db *d, int *ret_applied, struct buf *why)
{
	enum db_result rc = db_connect(d, why);

	*ret_applied = 0;
	if (rc != DB_OK)
		return rc;
	rc = db_begin(d);
	/* The number is ours alone in a catalog that is ours alone. */
	if (rc == DB_OK)
		rc = db_run(d, NULL, "select pg_advisory_xact_lock(3401740921)");
	if (rc == DB_OK)
		rc = apply(d, ret_applied, why);
	if (rc == DB_OK)
		rc = db_commit(d);
	if (rc != DB_OK) {
		if (why->len == 0)
			buf_addf(why, "cannot bring the catalog up to date: %s",
				 db_last_error(d));
		db_rollback(d);
	}
	return rc;
}
