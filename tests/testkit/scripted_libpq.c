/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "testkit/scripted_libpq.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/attr.h"

enum step_kind { STEP_DIAL, STEP_QUERY, STEP_DATA, STEP_CUT, STEP_END };
enum { STEPS_MAX = 100000, VALUES_MAX = 8, STATUSES_MAX = 10000 };

struct step {
	enum step_kind kind;
	char *query;    /* STEP_QUERY */
	char *sqlstate; /* error; NULL: none */
	char *text;
	ExecStatusType status;
	char *values[VALUES_MAX];
	size_t n_values;
	char *bytes;
	size_t n_bytes;
};

struct pg_conn {
	int fds[2];
	bool has_byte;
	bool is_broken, is_dialled, is_streaming, is_finished, has_ended;
	bool is_filled; /* input was taken in since reading found nothing */
	PGresult *answer;
	char error[512];
};

struct pg_result {
	ExecStatusType status;
	char *sqlstate, *text;
	char *values[VALUES_MAX];
	size_t n_values;
};

static struct {
	struct step *steps;
	size_t n, at;
	int version;
	char query[8192], password[256];
	unsigned dials;
	struct scripted_status statuses[STATUSES_MAX];
	size_t n_statuses, n_read;
	bool is_finished;
	PGconn *conn;
} script;

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void free_step(struct step *s)
{
	free(s->query);
	free(s->sqlstate);
	free(s->text);
	free(s->bytes);
	for (size_t i = 0; i < s->n_values; i++)
		free(s->values[i]);
}

void scripted_reset(void)
{
	for (size_t i = 0; i < script.n; i++)
		free_step(&script.steps[i]);
	free(script.steps);
	memset(&script, 0, sizeof(script));
	script.steps = xcalloc(STEPS_MAX, sizeof(*script.steps));
	script.version = 150004;
}

static struct step *peek(void)
{
	return script.at < script.n ? &script.steps[script.at] : NULL;
}

/* Keeps the socket readable while there is something to read. */
static void settle_socket(void)
{
	PGconn *c = script.conn;
	const struct step *s = peek();
	bool is_ready;
	char byte = 'x';

	if (!c || c->fds[0] < 0)
		return;
	is_ready = c->answer || !c->is_dialled ||
		   (c->is_streaming && s &&
		    (s->kind == STEP_DATA || s->kind == STEP_CUT || s->kind == STEP_END));
	if (is_ready && !c->has_byte)
		ENSURE(write(c->fds[1], &byte, 1) == 1, "socket pair");
	else if (!is_ready && c->has_byte)
		ENSURE(read(c->fds[0], &byte, 1) == 1, "socket pair");
	c->has_byte = is_ready;
}

static struct step *add_step(enum step_kind kind)
{
	struct step *s;

	ENSURE(script.n < STEPS_MAX, "script is too long");
	s = &script.steps[script.n++];
	s->kind = kind;
	return s;
}

static void take_step(void)
{
	script.at++;
	settle_socket();
}

void scripted_version(int version)
{
	script.version = version;
}

void scripted_dial(void)
{
	add_step(STEP_DIAL);
}

void scripted_dial_fails(const char *text)
{
	add_step(STEP_DIAL)->text = xstrdup(text);
}

void scripted_row(const char *query, const char *const *values, size_t n)
{
	struct step *s = add_step(STEP_QUERY);

	ENSURE(n <= VALUES_MAX, "row is too wide");
	s->query = xstrdup(query);
	s->status = PGRES_TUPLES_OK;
	s->n_values = n;
	for (size_t i = 0; i < n; i++)
		s->values[i] = dup_or_null(values[i]);
}

void scripted_error(const char *query, const char *sqlstate, const char *text)
{
	struct step *s = add_step(STEP_QUERY);

	s->query = xstrdup(query);
	s->status = PGRES_FATAL_ERROR;
	s->sqlstate = xstrdup(sqlstate);
	s->text = xstrdup(text);
}

void scripted_streams(const char *query)
{
	struct step *s = add_step(STEP_QUERY);

	s->query = xstrdup(query);
	s->status = PGRES_COPY_BOTH;
}

void scripted_data(const void *bytes, size_t n)
{
	struct step *s = add_step(STEP_DATA);

	s->bytes = xmemdup(bytes, n);
	s->n_bytes = n;
	settle_socket();
}

void scripted_cut(const char *text)
{
	add_step(STEP_CUT)->text = xstrdup(text);
	settle_socket();
}

void scripted_ends(const char *sqlstate, const char *text)
{
	struct step *s = add_step(STEP_END);

	s->sqlstate = dup_or_null(sqlstate);
	s->text = dup_or_null(text);
	settle_socket();
}

bool scripted_is_done(void)
{
	return script.at == script.n;
}

const char *scripted_last_query(void)
{
	return script.query;
}

unsigned scripted_dials(void)
{
	return script.dials;
}

size_t scripted_n_statuses(void)
{
	return script.n_statuses;
}

struct scripted_status scripted_status_at(size_t i)
{
	ENSURE(i < script.n_statuses, "no such status");
	return script.statuses[i];
}

bool scripted_is_finished(void)
{
	return script.is_finished;
}

bool scripted_is_open(void)
{
	return script.conn != NULL;
}

const char *scripted_password(void)
{
	return script.password;
}

size_t scripted_n_read(void)
{
	return script.n_read;
}

/* ---------------------------------------------------------------- dialling */

PQconninfoOption *PQconninfoParse(const char *conninfo, char **errmsg)
{
	PQconninfoOption *o = xcalloc(2, sizeof(*o));

	(void)conninfo;
	(void)errmsg;
	o[0].keyword = xstrdup("host");
	o[0].val = xstrdup("db.example.com");
	return o;
}

void PQconninfoFree(PQconninfoOption *o)
{
	if (!o)
		return;
	free(o[0].keyword);
	free(o[0].val);
	free(o);
}

PGconn *PQconnectStartParams(const char *const *keywords, const char *const *values,
			     int expand_dbname)
{
	PGconn *c = xcalloc(1, sizeof(*c));

	(void)expand_dbname;
	ENSURE(!script.conn, "a second connection while the first is open");
	ENSURE(peek() && peek()->kind == STEP_DIAL, "the script has no dial here");
	for (size_t i = 0; keywords[i]; i++)
		if (strcmp(keywords[i], "password") == 0)
			snprintf(script.password, sizeof(script.password), "%s",
				 values[i]);
	ENSURE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->fds) == 0,
	       "sockets");
	script.conn = c;
	script.dials++;
	script.is_finished = false;
	settle_socket();
	return c;
}

PostgresPollingStatusType PQconnectPoll(PGconn *c)
{
	const struct step *s = peek();

	ENSURE(s, "PQconnectStartParams has seen the dial");
	c->is_dialled = true;
	if (s->text) {
		c->is_broken = true;
		snprintf(c->error, sizeof(c->error), "%s", s->text);
		take_step();
		return PGRES_POLLING_FAILED;
	}
	take_step();
	return PGRES_POLLING_OK;
}

ConnStatusType PQstatus(const PGconn *c)
{
	return c->is_broken ? CONNECTION_BAD : CONNECTION_OK;
}

PGTransactionStatusType PQtransactionStatus(const PGconn *c)
{
	return c->is_broken ? PQTRANS_UNKNOWN : PQTRANS_IDLE;
}

int PQsocket(const PGconn *c)
{
	return c ? c->fds[0] : -1;
}

PGVerbosity PQsetErrorVerbosity(PGconn *c, PGVerbosity verbosity)
{
	(void)c;
	return verbosity;
}

PQnoticeReceiver PQsetNoticeReceiver(PGconn *c, PQnoticeReceiver proc, void *arg)
{
	(void)c;
	(void)arg;
	return proc;
}

int PQsetnonblocking(PGconn *c, int arg)
{
	(void)c;
	(void)arg;
	return 0;
}

int PQserverVersion(const PGconn *c)
{
	(void)c;
	return script.version;
}

const char *PQparameterStatus(const PGconn *c, const char *name)
{
	(void)c;
	return strcmp(name, "server_encoding") == 0 ? "UTF8" : NULL;
}

char *PQerrorMessage(const PGconn *c)
{
	static char text[600];

	snprintf(text, sizeof(text), "%s\n", c ? c->error : "");
	return text;
}

char *PQpass(const PGconn *c)
{
	(void)c;
	return script.password;
}

int PQsslInUse(PGconn *c)
{
	(void)c;
	return 0;
}

void PQfinish(PGconn *c)
{
	if (!c)
		return;
	close(c->fds[0]);
	close(c->fds[1]);
	PQclear(c->answer);
	ENSURE(script.conn == c, "PQfinish of another connection");
	script.conn = NULL;
	free(c);
}

/* ---------------------------------------------------------------- queries */

static PGresult *result_of(const struct step *s)
{
	PGresult *r = xcalloc(1, sizeof(*r));

	r->status = s->status;
	r->sqlstate = dup_or_null(s->sqlstate);
	r->text = dup_or_null(s->text);
	r->n_values = s->n_values;
	for (size_t i = 0; i < s->n_values; i++)
		r->values[i] = dup_or_null(s->values[i]);
	return r;
}

int PQsendQuery(PGconn *c, const char *query)
{
	static const char settings[] = "SELECT pg_catalog.current_setting(";
	static char yes[] = "t";
	const struct step pinned = { .status = PGRES_TUPLES_OK,
				     .values = { yes },
				     .n_values = 1 };
	const struct step *s = peek();

	if (strncmp(query, settings, sizeof(settings) - 1) == 0) {
		c->answer = result_of(&pinned);
		settle_socket();
		return 1;
	}
	snprintf(script.query, sizeof(script.query), "%s", query);
	if (!s || s->kind != STEP_QUERY ||
	    strncmp(query, s->query, strlen(s->query)) != 0) {
		fprintf(stderr, "the script does not expect: %s\n", query);
		abort();
	}
	c->answer = result_of(s);
	take_step();
	return 1;
}

int PQsendQueryParams(PGconn *c, const char *query, int n, const Oid *types,
		      const char *const *values, const int *lengths, const int *formats,
		      int result_format)
{
	(void)n;
	(void)types;
	(void)values;
	(void)lengths;
	(void)formats;
	(void)result_format;
	return PQsendQuery(c, query);
}

int PQisBusy(PGconn *c)
{
	(void)c;
	return 0;
}

PGresult *PQgetResult(PGconn *c)
{
	PGresult *r = c->answer;

	c->answer = NULL;
	if (r && r->status == PGRES_COPY_BOTH)
		c->is_streaming = true;
	settle_socket();
	return r;
}

ExecStatusType PQresultStatus(const PGresult *r)
{
	return r ? r->status : PGRES_FATAL_ERROR;
}

char *PQresultErrorField(const PGresult *r, int field)
{
	if (!r)
		return NULL;
	return field == PG_DIAG_SQLSTATE          ? r->sqlstate
	       : field == PG_DIAG_MESSAGE_PRIMARY ? r->text
						  : NULL;
}

int PQntuples(const PGresult *r)
{
	return r && r->status == PGRES_TUPLES_OK;
}

int PQgetisnull(const PGresult *r, int row, int column)
{
	(void)row;
	return (size_t)column >= r->n_values || !r->values[column];
}

char *PQgetvalue(const PGresult *r, int row, int column)
{
	(void)row;
	return r->values[column];
}

int PQgetlength(const PGresult *r, int row, int column)
{
	(void)row;
	return (int)strlen(r->values[column]);
}

void PQclear(PGresult *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_values; i++)
		free(r->values[i]);
	free(r->sqlstate);
	free(r->text);
	free(r);
}

/* ---------------------------------------------------------------- streaming */

int PQconsumeInput(PGconn *c)
{
	struct step *s = peek();

	if (!c->is_streaming || !s)
		return 1;
	c->is_filled = true;
	if (s->kind == STEP_CUT) {
		c->is_broken = true;
		snprintf(c->error, sizeof(c->error), "%s", s->text);
		take_step();
		return 0;
	}
	return 1;
}

static int end_stream(PGconn *c, const struct step *s)
{
	struct step error = { .status = PGRES_FATAL_ERROR,
			      .sqlstate = s->sqlstate,
			      .text = s->text };

	if (!s->sqlstate)
		error.status = PGRES_COMMAND_OK;
	c->answer = result_of(&error);
	c->has_ended = true;
	take_step();
	return -1;
}

int PQgetCopyData(PGconn *c, char **buffer, int async)
{
	struct step *s = peek();

	ENSURE(async, "a blocking read");
	if (c->has_ended)
		return -1;
	if (c->is_finished && (!s || s->kind != STEP_DATA))
		return -1;
	if (!c->is_filled || !s || (s->kind != STEP_DATA && s->kind != STEP_END)) {
		c->is_filled = false;
		return 0;
	}
	if (s->kind == STEP_END)
		return end_stream(c, s);
	*buffer = xmemdup(s->bytes, s->n_bytes);
	script.n_read++;
	take_step();
	return (int)s->n_bytes;
}

void PQfreemem(void *p)
{
	free(p);
}

static uint64_t read_u64(const char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

int PQputCopyData(PGconn *c, const char *bytes, int n)
{
	struct scripted_status *s = &script.statuses[script.n_statuses];

	ENSURE(c->is_streaming && !c->is_finished, "a status outside of the stream");
	ENSURE(n == 34 && bytes[0] == 'r', "something else than a status");
	ENSURE(script.n_statuses < STATUSES_MAX, "too many statuses");
	s->received = read_u64(bytes + 1);
	s->flushed = read_u64(bytes + 9);
	s->applied = read_u64(bytes + 17);
	s->wants_reply = bytes[33];
	script.n_statuses++;
	return 1;
}

int PQputCopyEnd(PGconn *c, const char *error)
{
	ENSURE(!error, "CopyFail");
	c->is_finished = true;
	script.is_finished = true;
	return 1;
}

int PQflush(PGconn *c)
{
	return c->is_broken ? -1 : 0;
}
