/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/view.h"

struct kit_part kit_parts[KIT_PARTS];
unsigned kit_n_parts;
char kit_snapshot[128];
struct ez_position kit_position;
char kit_position_text[64];
char kit_report[65536];

struct ez_plan {
	int dummy;
};

static const char *need_env(const char *name)
{
	const char *value = secure_getenv(name);

	return value ? value : "";
}

static EZ_PRINTF(3, 4) void put(char *dst, size_t size, const char *fmt, ...)
{
	struct buf b = BUF_INIT(65536);
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	ck_assert_msg(str_copy(dst, size, buf_view(&b)), "too long: %s", buf_cstr(&b));
	buf_release(&b);
}

void kit_need_server(void)
{
	if (*need_env("EZ_SQL_PORT"))
		return;
	puts("skip: no server is named (EZ_SQL_PORT); sql.sh starts one");
	fflush(stdout);
	_Exit(77);
}

static int add_part(struct ez_plan *plan, const struct ez_part *part,
		    struct ez_error *err)
{
	struct kit_part *p = &kit_parts[kit_n_parts];

	(void)plan;
	(void)err;
	ck_assert_uint_lt(kit_n_parts, KIT_PARTS);
	p->part = *part;
	p->spec = view_dup(part->spec);
	p->part.spec = view_of(p->spec, part->spec.len);
	p->part.number = ++kit_n_parts;
	return EZ_OK;
}

static void add_report(const char *text)
{
	size_t len = strlen(kit_report), n = strlen(text);

	ck_assert_uint_lt(len + n, sizeof(kit_report));
	memcpy(kit_report + len, text, n + 1);
}

static EZ_PRINTF(5, 6) void finding(struct ez_report *report, int status,
				    const char *what, const char *remedy, const char *fmt,
				    ...)
{
	static const char *const words[] = { "ok", "WARNING", "FAILED" };
	struct buf b = BUF_INIT(8192);
	va_list ap;

	(void)report;
	buf_addf(&b, "%s %s: ", words[status], what);
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	if (remedy && *remedy)
		buf_addf(&b, " [%s]", remedy);
	buf_add_char(&b, '\n');
	add_report(buf_cstr(&b));
	buf_release(&b);
}

static void found(struct ez_report *report, const struct ez_found *f)
{
	struct buf b = BUF_INIT(8192);

	(void)report;
	buf_addf(&b, "%s %.*s.%.*s key (%.*s) rows %s bytes %s%s%.*s\n",
		 f->ready ? "ready" : "NOT", VIEW_ARG(f->schema), VIEW_ARG(f->name),
		 VIEW_ARG(f->key), f->rows_estimate < 0 ? "?" : "n",
		 f->bytes > 0 ? "n" : "0", f->reason.len ? ": " : "",
		 VIEW_ARG(f->reason));
	add_report(buf_cstr(&b));
	buf_release(&b);
}

static void run(PGconn *conn, const char *sql)
{
	PGresult *res = PQexec(conn, sql);

	ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK ||
			      PQresultStatus(res) == PGRES_TUPLES_OK,
		      "%s: %s", sql, PQerrorMessage(conn));
	PQclear(res);
}

static PGconn *connect_to(const char *database)
{
	const char *const names[] = { "host", "port", "user", "dbname", NULL };
	const char *const values[] = { need_env("EZ_SQL_HOST"), need_env("EZ_SQL_PORT"),
				       "postgres", database, NULL };
	PGconn *conn = PQconnectdbParams(names, values, 0);

	ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
	run(conn, "SET client_min_messages = warning");
	return conn;
}

struct kit *kit_new_with(const char *name, const char *create_options)
{
	struct kit *k = xcalloc(1, sizeof(*k));
	PGconn *conn = connect_to("postgres");
	char sql[256];

	k->ops = ez_plugin.ops.source;
	k->err.size = sizeof(k->err);
	put(k->database, sizeof(k->database), "%s", name);
	/* What a test that failed has left behind; the server is ours alone. */
	run(conn, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
		  " WHERE NOT active");
	put(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
	run(conn, sql);
	put(sql, sizeof(sql), "CREATE DATABASE %s %s", name, create_options);
	run(conn, sql);
	PQfinish(conn);
	k->admin = connect_to(name);
	k->version = PQserverVersion(k->admin);
	put(k->conninfo, sizeof(k->conninfo), "host=%s port=%s user=postgres dbname=%s",
	    need_env("EZ_SQL_HOST"), need_env("EZ_SQL_PORT"), name);
	kit_set(k, "conninfo", k->conninfo);
	return k;
}

struct kit *kit_new(const char *name)
{
	return kit_new_with(name, "");
}

static void forget_parts(void)
{
	for (unsigned i = 0; i < kit_n_parts; i++)
		free(kit_parts[i].spec);
	kit_n_parts = 0;
}

void kit_free(struct kit *k)
{
	char sql[256];
	PGconn *conn;

	kit_close(k);
	forget_parts();
	PQfinish(k->admin);
	conn = connect_to("postgres");
	put(sql, sizeof(sql),
	    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
	    " WHERE database = '%s' AND NOT active",
	    k->database);
	run(conn, sql);
	put(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", k->database);
	run(conn, sql);
	PQfinish(conn);
	free(k);
}

void kit_set(struct kit *k, const char *name, const char *value)
{
	unsigned i = 0;

	while (k->settings[i].name &&
	       (strcmp(k->settings[i].name, name) != 0 || strcmp(name, "tables") == 0))
		i++;
	ck_assert_uint_lt(i, ARRAY_LEN(k->settings) - 1);
	k->settings[i] = (struct fake_setting){ .name = name, .value = value };
}

void kit_open(struct kit *k, uint32_t role)
{
	kit_close(k);
	k->rec = recording_new(ez_plugin.options, k->settings);
	k->rec->host.part = add_part;
	k->rec->host.finding = finding;
	k->rec->host.found = found;
	ck_assert_int_eq(ez_plugin.load(&k->rec->host), EZ_OK);
	k->rec->fake->open.role = role;
	ck_assert_msg(k->ops->open(&k->rec->fake->open, &k->inst, &k->err) == EZ_OK, "%s",
		      k->err.text);
}

void kit_close(struct kit *k)
{
	if (k->inst)
		k->ops->close(k->inst);
	k->inst = NULL;
	recording_free(k->rec);
	k->rec = NULL;
}

void kit_sql(struct kit *k, const char *sql)
{
	run(k->admin, sql);
}

const char *kit_ask(struct kit *k, const char *sql)
{
	static char answer[4096];
	PGresult *res = PQexec(k->admin, sql);

	ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK, "%s: %s", sql,
		      PQerrorMessage(k->admin));
	put(answer, sizeof(answer), "%s",
	    PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	return answer;
}

int kit_prepare(struct kit *k, uint32_t flags)
{
	struct ez_prepared p;
	int rc = k->ops->prepare(k->inst, flags, &p, &k->err);

	if (rc != EZ_OK)
		return rc;
	put(kit_snapshot, sizeof(kit_snapshot), "%.*s", (int)p.snapshot.len,
	    p.snapshot.ptr ? p.snapshot.ptr : "");
	put(kit_position_text, sizeof(kit_position_text), "%.*s",
	    (int)p.position.bytes.len, p.position.bytes.ptr);
	kit_position = (struct ez_position){ .bytes = view_str(kit_position_text),
					     .order = p.position.order };
	return EZ_OK;
}

int kit_plan(struct kit *k)
{
	struct ez_plan plan = { 0 };

	forget_parts();
	return k->ops->plan(k->inst, &plan, &k->rec->out, &k->err);
}

static void copy_part(struct kit *k, void *reader, const struct ez_part *part)
{
	int rc = k->ops->part_open(reader, view_str(kit_snapshot), part, &k->err);

	ck_assert_msg(rc == EZ_OK, "part_open: %s", k->err.text);
	k->rec->last_order = 0;
	k->rec->next_seq = 0;
	while ((rc = k->ops->poll(reader, &k->rec->out, 100, &k->err)) >= 0 &&
	       rc != EZ_EOF)
		;
	ck_assert_msg(rc == EZ_EOF, "poll: %s", k->err.text);
	k->ops->part_close(reader);
}

const char *kit_copy(struct kit *k)
{
	void *reader;

	(void)recording_take(k->rec);
	k->rec->fake->open.role = EZ_ROLE_READER;
	ck_assert_int_eq(k->ops->open(&k->rec->fake->open, &reader, &k->err), EZ_OK);
	for (unsigned i = 0; i < kit_n_parts; i++)
		copy_part(k, reader, &kit_parts[i].part);
	k->ops->close(reader);
	return recording_take(k->rec);
}

int kit_check(struct kit *k)
{
	kit_report[0] = '\0';
	return k->ops->check(k->inst, NULL, &k->err);
}

int kit_discover(struct kit *k)
{
	kit_report[0] = '\0';
	return k->ops->discover(k->inst, NULL, &k->err);
}
