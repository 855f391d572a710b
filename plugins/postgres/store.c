/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "postgres/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"

/*
 * The checkpoint store `postgres`: a row in a table of a database that the user names.
 *
 * Rejected: the condition `epoch <= mine` alone. A run that loads, and saves only later,
 * would not stop its predecessor from saving in between: what that one had confirmed to the
 * source is then undone by our first save, which knows the older text. Hence the claim at
 * load. Rejected too: an advisory lock, which a broken connection gives up while its daemon
 * goes on.
 */
static const struct ez_host *host;

struct number {
	char text[24];
};

static struct number number_of(uint64_t n)
{
	struct number s;

	ENSURE(str_format(s.text, sizeof(s.text), "%" PRIu64, n),
	       "a number was cut short");
	return s;
}

static int store_load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

/* ------------------------------------------------------------------ life */

static void store_close(void *inst)
{
	struct store *s = inst;

	PQclear(s->loaded);
	session_release(&s->session);
	store_names_release(&s->names);
	free(s->job);
	free(s);
}

static int init(struct store *s, const struct ez_open *open, struct ez_error *err)
{
	int rc = session_init(&s->session, host, open, err);

	if (rc != EZ_OK)
		return rc;
	if (!store_names_init(&s->names, host->str(open->config, "schema"),
			      host->str(open->config, "table")))
		return host->fail(
			err, EZ_E_CONFIG, "",
			"checkpoint store: schema and table are names of 1 to 63 "
			"bytes");
	if (open->epoch > INT64_MAX)
		return host->fail(err, EZ_E_FATAL, "", "checkpoint store: epoch %" PRIu64,
				  open->epoch);
	return EZ_OK;
}

static int store_open(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int rc;

	s->host = host;
	s->session.wake_fd = -1;
	s->job = view_dup(open->id);
	s->epoch = open->epoch;
	s->is_main = open->role == EZ_ROLE_MAIN;
	rc = init(s, open, err);
	if (rc != EZ_OK) {
		store_close(s);
		return rc;
	}
	*ret_inst = s;
	return EZ_OK;
}

static void store_interrupt(void *inst)
{
	struct store *s = inst;

	session_interrupt(&s->session);
}

/* ------------------------------------------------------------------ statements */

static bool is_missing_table(const struct ez_error *err)
{
	return strcmp(err->code, "42P01") == 0 || strcmp(err->code, "3F000") == 0;
}

int store_run(struct store *s, const struct statement *st, PGresult **ret_res,
	      struct ez_error *err)
{
	_cleanup_(freep) char *sql = NULL;
	struct statement made = *st;
	const char *at = strstr(st->sql, "%s");
	int rc;

	ASSERT(at);
	sql = xasprintf("%.*s%s%s", (int)(at - st->sql), st->sql, s->names.relation,
			at + 2);
	made.sql = sql;
	rc = session_run(&s->session, &made, ret_res, err);
	if (rc < 0 && is_missing_table(err))
		return EZ_EOF;
	if (rc == EZ_E_PERMISSION && strcmp(err->code, "42501") == 0)
		return store_hint_grant(s, err);
	return rc;
}

/*
 * The same, making the table when it is missing. It is looked for first, so that a first
 * start leaves no error in the server's log; dropped later, it is made again.
 */
static int run_making_table(struct store *s, const struct statement *st,
			    PGresult **ret_res, struct ez_error *err)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		int rc = s->has_table ? EZ_OK : store_make_table(s, err);

		if (rc == EZ_OK)
			rc = store_run(s, st, ret_res, err);
		s->has_table = rc == EZ_OK;
		if (rc != EZ_EOF)
			return rc;
	}
	return s->host->fail(
		err, EZ_E_TRANSIENT, "",
		"checkpoint store: table %s was dropped as soon as it was made",
		s->names.relation);
}

static struct ez_view field(const PGresult *res, int column)
{
	return view_of(PQgetvalue(res, 0, column), (size_t)PQgetlength(res, 0, column));
}

/* Why a statement changed nothing: the row belongs to somebody else. */
static int fail_taken_over(struct store *s, struct ez_error *err)
{
	const char *const values[] = { s->job };
	const struct statement st = {
		.what = "read the checkpoint",
		.sql = "SELECT epoch, updated_at FROM %s WHERE job = $1",
		.values = values,
		.n_values = 1,
	};
	_cleanup_(result_clearp) PGresult *res = NULL;
	uint64_t epoch = 0;
	int rc = store_run(s, &st, &res, err);

	if (rc < 0)
		return rc;
	if (rc == EZ_EOF || PQntuples(res) == 0 || !parse_u64(field(res, 0), &epoch))
		return s->host->fail(err, EZ_E_TRANSIENT, "",
				     "checkpoint store: the row of \"%s\" comes and goes",
				     s->job);
	if (epoch > s->epoch)
		return s->host->fail(err, EZ_E_BUSY, "",
				     "a newer run (epoch %" PRIu64
				     ") has taken over, at %s",
				     epoch, PQgetvalue(res, 0, 1));
	return s->host->fail(err, EZ_E_BUSY, "",
			     "another run of this job (epoch %" PRIu64
			     ") has taken over, at %s",
			     epoch, PQgetvalue(res, 0, 1));
}

/* ------------------------------------------------------------------ load, save */

/* Makes the row ours and returns what is in it, in one statement. */
static int claim(struct store *s, PGresult **ret_res, struct ez_error *err)
{
	struct number epoch = number_of(s->epoch);
	const char *const values[] = { s->job, epoch.text };
	const struct statement st = {
		.what = "claim the checkpoint",
		.sql = "INSERT INTO %s AS c (job, epoch, run, revision, text, updated_at) "
		       "VALUES ($1, $2, 1, 0, '', pg_catalog.now()) "
		       "ON CONFLICT (job) DO UPDATE SET epoch = excluded.epoch, "
		       "run = c.run + 1, revision = 0, updated_at = excluded.updated_at "
		       "WHERE c.epoch <= excluded.epoch RETURNING text, run",
		.values = values,
		.n_values = 2,
	};
	_cleanup_(result_clearp) PGresult *res = NULL;
	int rc = run_making_table(s, &st, &res, err);

	if (rc != EZ_OK)
		return rc;
	if (PQntuples(res) == 0)
		return fail_taken_over(s, err);
	if (!parse_i64(field(res, 1), &s->run))
		return s->host->fail(err, EZ_E_FATAL, "",
				     "checkpoint store: no run number");
	s->revision = 0;
	*ret_res = TAKE_PTR(res);
	return EZ_OK;
}

/* For an instance that changes nothing. */
static int read_text(struct store *s, PGresult **ret_res, struct ez_error *err)
{
	const char *const values[] = { s->job };
	const struct statement st = {
		.what = "read the checkpoint",
		.sql = "SELECT text FROM %s WHERE job = $1",
		.values = values,
		.n_values = 1,
	};

	return store_run(s, &st, ret_res, err);
}

static int load_text(void *inst, struct ez_view *ret_text, struct ez_error *err)
{
	struct store *s = inst;
	int rc;

	PQclear(s->loaded);
	s->loaded = NULL;
	rc = s->is_main ? claim(s, &s->loaded, err) : read_text(s, &s->loaded, err);
	if (rc != EZ_OK)
		return rc;
	/* A row that was claimed and never saved is empty. */
	if (PQntuples(s->loaded) == 0 || PQgetlength(s->loaded, 0, 0) == 0)
		return EZ_EOF;
	*ret_text = field(s->loaded, 0);
	return EZ_OK;
}

static int save_row(struct store *s, const char *text, struct ez_error *err)
{
	struct number epoch = number_of(s->epoch), run = number_of((uint64_t)s->run);
	struct number revision = number_of(++s->revision);
	const char *const values[] = { s->job, epoch.text, run.text, revision.text,
				       text };
	const struct statement st = {
		.what = "save the checkpoint",
		.sql = "INSERT INTO %s AS c (job, epoch, run, revision, text, updated_at) "
		       "VALUES ($1, $2, $3, $4, $5, pg_catalog.now()) "
		       "ON CONFLICT (job) DO UPDATE SET epoch = excluded.epoch, "
		       "revision = excluded.revision, text = excluded.text, "
		       "updated_at = excluded.updated_at "
		       "WHERE c.epoch <= excluded.epoch AND c.run = excluded.run "
		       "AND c.revision <= excluded.revision RETURNING 1",
		.values = values,
		.n_values = ARRAY_LEN(values),
	};
	_cleanup_(result_clearp) PGresult *res = NULL;
	int rc = run_making_table(s, &st, &res, err);

	if (rc == EZ_OK && PQntuples(res) == 0)
		return fail_taken_over(s, err);
	return rc;
}

static int save_text(void *inst, struct ez_view text, struct ez_error *err)
{
	struct store *s = inst;
	_cleanup_(freep) char *copy = NULL;
	_cleanup_(result_clearp) PGresult *res = NULL;
	int rc = s->run == 0 ? claim(s, &res, err) : EZ_OK;

	if (rc != EZ_OK)
		return rc;
	if (text.len == 0 || memchr(text.ptr, '\0', text.len))
		return s->host->fail(
			err, EZ_E_FATAL, "",
			"checkpoint store: a checkpoint is text, and not empty");
	copy = view_dup(text);
	return save_row(s, copy, err);
}

static int remove_row(void *inst, struct ez_error *err)
{
	struct store *s = inst;
	struct number epoch = number_of(s->epoch);
	const char *const values[] = { s->job, epoch.text };
	/* Epoch 0 is a person at the keyboard: what is to go, goes. */
	const struct statement st = {
		.what = "remove the checkpoint",
		.sql = "WITH gone AS (DELETE FROM %s WHERE job = $1 "
		       "AND ($2::bigint = 0 OR epoch <= $2::bigint) RETURNING 1) "
		       "SELECT 1 FROM gone",
		.values = values,
		.n_values = 2,
	};
	_cleanup_(result_clearp) PGresult *res = NULL, *left = NULL;
	int rc = store_run(s, &st, &res, err);

	if (rc != EZ_OK)
		return rc == EZ_EOF ? EZ_OK : rc;
	s->run = 0;
	if (PQntuples(res) > 0)
		return EZ_OK;
	rc = read_text(s, &left, err);
	if (rc != EZ_OK || PQntuples(left) == 0)
		return rc == EZ_EOF ? EZ_OK : rc;
	return fail_taken_over(s, err);
}

static int check(void *inst, struct ez_report *r, struct ez_error *err)
{
	return store_check(inst, r, err);
}

/* ------------------------------------------------------------------ the plugin */

static const struct ez_option opt_conninfo = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.flags = EZ_OPTF_REQUIRED | EZ_OPTF_CONNECTION,
	.name = "conninfo",
	.label = "Connection",
	.group = "Connection",
	.help = "Where the database is, as a libpq connection string or URI: \"host=db1 "
		"dbname=ezcdc user=ezcdc\".",
};
static const struct ez_option opt_password = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_SECRET,
	.flags = EZ_OPTF_CONNECTION | EZ_OPTF_LIVE,
	.name = "password",
	.label = "Password",
	.group = "Connection",
	.help = "Read again for each connection.",
};
static const struct ez_option opt_schema = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "schema",
	.label = "Schema",
	.fallback = "ezcdc",
	.help = "Schema of the table; made if it is missing.",
};
static const struct ez_option opt_table = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "table",
	.label = "Table",
	.fallback = "checkpoint",
	.help = "Table with one row for each job; made if it is missing.",
};
static const struct ez_option *const options[] = {
	&opt_conninfo, &opt_password, &opt_schema, &opt_table, NULL,
};

static const struct ez_store ops = {
	.size = sizeof(ops),
	.open = store_open,
	.close = store_close,
	.load = load_text,
	.save = save_text,
	.remove = remove_row,
	.check = check,
	.interrupt = store_interrupt,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.kind = EZ_STORE,
	.name = "postgres",
	.version = PACKAGE_VERSION,
	.summary = "Keeps the checkpoint in a table of a PostgreSQL database.",
	.options = options,
	.load = store_load,
	.ops = { .store = &ops },
};
