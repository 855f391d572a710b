/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "postgres/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/view.h"
#include "postgres/fault.h"

enum {
	PASSWORD_MAX_BYTES = 4096,
	PARAMS_MAX = 64,
	VERSION_MIN = 130000,
};

/*
 * synchronous_commit: a save that was answered survives a crash of the server. The timeouts
 * end a statement at the server before we give it up here, so that none comes into effect
 * long after. idle_session_timeout is unknown to version 13 and set later.
 */
static const char pinned[] = "-c synchronous_commit=on "
			     "-c statement_timeout=20s "
			     "-c lock_timeout=10s "
			     "-c idle_in_transaction_session_timeout=0 "
			     "-c default_transaction_read_only=off "
			     "-c default_transaction_isolation=read\\ committed "
			     "-c search_path= "
			     "-c standard_conforming_strings=on "
			     "-c DateStyle=ISO "
			     "-c TimeZone=UTC "
			     "-c row_security=off "
			     "-c client_min_messages=warning";

/* Used where the conninfo says nothing: a dead peer is found within a minute. */
static const char *const defaults[][2] = {
	{ "keepalives_idle", "20" },
	{ "keepalives_interval", "10" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "30000" },
};

/* ------------------------------------------------------------------ parameters */

struct params {
	const char *names[PARAMS_MAX + 1], *values[PARAMS_MAX + 1];
	unsigned n;
	PQconninfoOption *parsed;
	char *options;
	char password[PASSWORD_MAX_BYTES];
	int64_t timeout_us;
};

static void params_release(struct params *p)
{
	PQconninfoFree(p->parsed);
	free(p->options);
	explicit_bzero(p->password, sizeof(p->password));
}

static void add(struct params *p, const char *name, const char *value)
{
	ENSURE(p->n < PARAMS_MAX, "libpq has more parameters than this was built for");
	p->names[p->n] = name;
	p->values[p->n++] = value;
}

static const char *given(const struct params *p, const char *name)
{
	for (const PQconninfoOption *o = p->parsed; o->keyword; o++) {
		if (strcmp(o->keyword, name) == 0)
			return o->val && o->val[0] ? o->val : NULL;
	}
	return NULL;
}

static bool is_ours(const char *name)
{
	static const char *const ours[] = { "options", "client_encoding",
					    "application_name", "replication" };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcmp(name, ours[i]) == 0)
			return true;
	}
	return false;
}

/* libpq takes it for each host, and never less than two seconds; 0: no limit. */
static int64_t read_timeout_us(const struct params *p)
{
	const char *text = given(p, "connect_timeout"), *hosts = given(p, "host");
	int64_t us = SESSION_CONNECT_US, seconds, n = 1;

	if (text && parse_i64(view_str(text), &seconds))
		us = seconds <= 0 || seconds > 86400
			     ? INT64_C(86400) * US_PER_SEC
			     : MAX(seconds, INT64_C(2)) * US_PER_SEC;
	for (const char *c = hosts ? hosts : given(p, "hostaddr"); c && *c; c++)
		n += *c == ',';
	return us * n;
}

/* libpq's own message would quote what it could not read: that may be a password. */
static int fail_conninfo(const struct session *s, struct ez_error *err)
{
	s->host->fail(err, EZ_E_CONFIG, "", "checkpoint store: conninfo cannot be read");
	return s->host->hint(err, "write \"host=db1 dbname=ezcdc user=ezcdc\" or a "
				  "postgresql:// URI, with the password in the option "
				  "password");
}

static int read_params(struct session *s, struct params *p, struct ez_error *err)
{
	size_t len = 0;
	const char *theirs;
	int rc;

	p->parsed = PQconninfoParse(s->host->str(s->config, "conninfo").ptr, NULL);
	if (!p->parsed)
		return fail_conninfo(s, err);
	for (const PQconninfoOption *o = p->parsed; o->keyword; o++) {
		if (o->val && o->val[0] && !is_ours(o->keyword))
			add(p, o->keyword, o->val);
	}
	rc = s->host->secret(s->config, "password", p->password, sizeof(p->password),
			     &len, err);
	if (rc < 0)
		return rc;
	if (len > 0)
		add(p, "password", p->password);
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		if (!given(p, defaults[i][0]))
			add(p, defaults[i][0], defaults[i][1]);
	}
	theirs = given(p, "options");
	p->options = xasprintf("%s %s", theirs ? theirs : "", pinned);
	add(p, "options", p->options);
	add(p, "client_encoding", "UTF8");
	add(p, "application_name", s->app_name);
	p->timeout_us = read_timeout_us(p);
	return EZ_OK;
}

/* ------------------------------------------------------------------ life */

int session_init(struct session *s, const struct ez_host *host,
		 const struct ez_open *open, struct ez_error *err)
{
	PQconninfoOption *parsed;

	s->host = host;
	s->config = open->config;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0)
		return host->fail(err, EZ_E_TRANSIENT, "",
				  "checkpoint store: eventfd: %m");
	s->app_name = xasprintf("ezcdc checkpoint %.*s", VIEW_ARG(open->job));
	parsed = PQconninfoParse(host->str(s->config, "conninfo").ptr, NULL);
	if (!parsed)
		return fail_conninfo(s, err);
	PQconninfoFree(parsed);
	return EZ_OK;
}

static void disconnect(struct session *s)
{
	PQfinish(s->conn);
	s->conn = NULL;
}

void session_release(struct session *s)
{
	disconnect(s);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s->app_name);
}

void session_interrupt(struct session *s)
{
	uint64_t one = 1;

	atomic_store(&s->interrupted, true);
	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is readable all the same */
}

/* ------------------------------------------------------------------ waiting */

static int fail_cancelled(const struct session *s, struct ez_error *err)
{
	return s->host->fail(err, EZ_E_CANCELLED, "", "checkpoint store: interrupted");
}

/* EZ_OK: the socket is ready; EZ_AGAIN: the time is over. */
static int wait_for(struct session *s, short events, int64_t deadline_us,
		    struct ez_error *err)
{
	for (;;) {
		struct pollfd p[2] = {
			{ .fd = PQsocket(s->conn), .events = events },
			{ .fd = s->wake_fd, .events = POLLIN },
		};
		int64_t left_us = deadline_us - mono_us();
		int n;

		if (atomic_load(&s->interrupted))
			return fail_cancelled(s, err);
		if (left_us <= 0)
			return EZ_AGAIN;
		n = poll(p, ARRAY_LEN(p),
			 (int)MIN(left_us / US_PER_MS + 1, (int64_t)60000));
		if (n < 0 && errno != EINTR)
			return s->host->fail(err, EZ_E_FATAL, "",
					     "checkpoint store: poll: %m");
		if (n > 0 && p[0].revents && !p[1].revents)
			return EZ_OK;
	}
}

/* ------------------------------------------------------------------ connecting */

static void ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static int poll_connection(struct session *s, int64_t deadline_us, struct ez_error *err)
{
	short events = POLLOUT;

	for (;;) {
		int rc = wait_for(s, events, deadline_us, err);

		if (rc == EZ_AGAIN)
			return s->host->fail(
				err, EZ_E_TRANSIENT, "",
				"checkpoint store: cannot connect: no answer in "
				"time");
		if (rc < 0)
			return rc;
		switch (PQconnectPoll(s->conn)) {
		case PGRES_POLLING_READING:
			events = POLLIN;
			break;
		case PGRES_POLLING_WRITING:
			events = POLLOUT;
			break;
		case PGRES_POLLING_OK:
			return EZ_OK;
		default:
			return fault_connection(s->host, s->conn, "connect", err);
		}
	}
}

static int check_version(struct session *s, struct ez_error *err)
{
	int version = PQserverVersion(s->conn);

	if (version >= VERSION_MIN)
		return EZ_OK;
	return s->host->fail(err, EZ_E_CONFIG, "",
			     "checkpoint store: the server is PostgreSQL %d, the oldest "
			     "supported is 13",
			     version / 10000);
}

static int dial(struct session *s, struct ez_error *err)
{
	struct params p = { .n = 0 };
	int rc = read_params(s, &p, err);

	if (rc == EZ_OK) {
		s->conn = PQconnectStartParams(p.names, p.values, 0);
		if (!s->conn || PQstatus(s->conn) == CONNECTION_BAD)
			rc = fault_connection(s->host, s->conn, "connect", err);
	}
	if (rc == EZ_OK) {
		/* Only a verbose message has the SQLSTATE while there is no session. */
		PQsetErrorVerbosity(s->conn, PQERRORS_VERBOSE);
		PQsetNoticeReceiver(s->conn, ignore_notice, NULL);
		rc = poll_connection(s, mono_us() + p.timeout_us, err);
	}
	params_release(&p);
	if (rc == EZ_OK)
		rc = check_version(s, err);
	if (rc == EZ_OK && PQsetnonblocking(s->conn, 1) != 0)
		rc = fault_connection(s->host, s->conn, "connect", err);
	if (rc != EZ_OK)
		disconnect(s);
	return rc;
}

/* ------------------------------------------------------------------ statements */

/* What came back, and whether the connection can be used again. */
enum outcome { OUTCOME_DONE, OUTCOME_BROKEN, OUTCOME_FAILED };

static int flush(struct session *s, const char *what, int64_t deadline_us,
		 struct ez_error *err)
{
	int left, rc;

	while ((left = PQflush(s->conn)) > 0) {
		rc = wait_for(s, POLLIN | POLLOUT, deadline_us, err);
		if (rc != EZ_OK)
			return rc;
		if (PQconsumeInput(s->conn) != 1)
			return fault_connection(s->host, s->conn, what, err);
	}
	return left < 0 ? fault_connection(s->host, s->conn, what, err) : EZ_OK;
}

/* The result of the statement that was sent; further ones there are none. */
static int receive(struct session *s, const char *what, int64_t deadline_us,
		   PGresult **ret_res, struct ez_error *err)
{
	PGresult *kept = NULL, *res;

	for (;;) {
		int rc = EZ_OK;

		while (rc == EZ_OK && PQisBusy(s->conn)) {
			rc = wait_for(s, POLLIN, deadline_us, err);
			if (rc == EZ_OK && PQconsumeInput(s->conn) != 1)
				rc = fault_connection(s->host, s->conn, what, err);
		}
		if (rc != EZ_OK) {
			PQclear(kept);
			return rc;
		}
		res = PQgetResult(s->conn);
		if (!res)
			break;
		PQclear(kept);
		kept = res;
	}
	if (!kept)
		return fault_connection(s->host, s->conn, what, err);
	*ret_res = kept;
	return EZ_OK;
}

static int send_and_receive(struct session *s, const struct statement *st,
			    PGresult **ret_res, struct ez_error *err)
{
	int64_t deadline_us = mono_us() + SESSION_STATEMENT_US;
	int rc;

	if (PQsendQueryParams(s->conn, st->sql, st->n_values, NULL, st->values, NULL,
			      NULL, 0) != 1)
		return fault_connection(s->host, s->conn, st->what, err);
	rc = flush(s, st->what, deadline_us, err);
	if (rc == EZ_OK)
		rc = receive(s, st->what, deadline_us, ret_res, err);
	if (rc == EZ_AGAIN)
		rc = s->host->fail(err, EZ_E_TRANSIENT, "",
				   "checkpoint store: cannot %s: no answer in time",
				   st->what);
	return rc;
}

static bool is_success(const PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static enum outcome run_once(struct session *s, const struct statement *st,
			     PGresult **ret_res, int *ret_rc, struct ez_error *err)
{
	PGresult *res = NULL;
	bool is_over;

	*ret_rc = send_and_receive(s, st, &res, err);
	if (*ret_rc != EZ_OK) {
		/* Whatever the statement is doing there, this session is done with. */
		disconnect(s);
		return *ret_rc == EZ_E_CANCELLED ? OUTCOME_FAILED : OUTCOME_BROKEN;
	}
	if (is_success(res)) {
		*ret_res = res;
		return OUTCOME_DONE;
	}
	is_over = fault_ends_session(res) || PQstatus(s->conn) == CONNECTION_BAD;
	if (PQresultErrorField(res, PG_DIAG_SQLSTATE))
		*ret_rc = fault_result(s->host, res, st->what, err);
	else
		*ret_rc = fault_connection(s->host, s->conn, st->what, err);
	PQclear(res);
	if (is_over)
		disconnect(s);
	return is_over ? OUTCOME_BROKEN : OUTCOME_FAILED;
}

/* Version 13 does not know this setting, and the startup packet would be refused. */
static int finish_settings(struct session *s, struct ez_error *err)
{
	const struct statement st = {
		.what = "set the session up",
		.sql = "SELECT pg_catalog.set_config(name, '0', false) FROM "
		       "pg_catalog.pg_settings WHERE name IN ('idle_session_timeout', "
		       "'transaction_timeout')",
	};
	PGresult *res = NULL;
	int rc;

	if (run_once(s, &st, &res, &rc, err) != OUTCOME_DONE) {
		disconnect(s);
		return rc;
	}
	PQclear(res);
	PQsetErrorVerbosity(s->conn, PQERRORS_DEFAULT);
	return EZ_OK;
}

int session_connect(struct session *s, struct ez_error *err)
{
	int rc;

	if (atomic_load(&s->interrupted))
		return fail_cancelled(s, err);
	if (s->conn)
		return EZ_OK;
	rc = dial(s, err);
	/* The password may have been changed just now: read it once more. */
	if (rc == EZ_E_PERMISSION)
		rc = dial(s, err);
	return rc == EZ_OK ? finish_settings(s, err) : rc;
}

int session_run(struct session *s, const struct statement *st, PGresult **ret_res,
		struct ez_error *err)
{
	for (int attempt = 0;; attempt++) {
		int rc = session_connect(s, err);
		enum outcome outcome;

		if (rc != EZ_OK)
			return rc;
		outcome = run_once(s, st, ret_res, &rc, err);
		if (outcome != OUTCOME_BROKEN || attempt > 0)
			return rc;
	}
}
