/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "conninfo.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/view.h"
#include "pgoutput.h"

enum { PASSWORD_MAX_BYTES = 4096, CONNECT_TIMEOUT_S = 10 };

/*
 * The settings that every session begins with, on SQL and replication connections alike.
 * Those of the first group decide how values look as text, those of the second how our own
 * statements are read, the rest what could end a session or hide rows. Settings that not
 * every supported server knows are made after the connection stands (conn.c).
 */
static const char PINNED[] = "-c DateStyle=ISO "
			     "-c IntervalStyle=postgres "
			     "-c TimeZone=UTC "
			     "-c extra_float_digits=3 "
			     "-c bytea_output=hex "
			     "-c lc_monetary=C "
			     "-c search_path= "
			     "-c quote_all_identifiers=off "
			     "-c standard_conforming_strings=on "
			     "-c row_security=off "
			     "-c statement_timeout=0 "
			     "-c lock_timeout=0 "
			     "-c idle_in_transaction_session_timeout=0 "
			     "-c default_transaction_read_only=off "
			     "-c default_transaction_deferrable=off "
			     "-c synchronize_seqscans=off "
			     "-c enable_tidscan=on "
			     "-c jit=off "
			     "-c client_min_messages=warning";

/* Used where the conninfo says nothing; found dead in about a minute. */
static const char *const DEFAULTS[][2] = {
	{ "keepalives", "1" },           { "keepalives_idle", "30" },
	{ "keepalives_interval", "10" }, { "keepalives_count", "3" },
	{ "tcp_user_timeout", "60000" },
};

static void add(struct conninfo *c, const char *name, const char *value)
{
	ENSURE(c->n < CONNINFO_MAX - 1, "too many connection parameters");
	c->names[c->n] = name;
	c->values[c->n] = value;
	c->n++;
	c->names[c->n] = NULL;
	c->values[c->n] = NULL;
}

static const char *value_of(const PQconninfoOption *o, const char *name)
{
	for (; o->keyword; o++) {
		if (strcmp(o->keyword, name) == 0)
			return o->val && o->val[0] ? o->val : NULL;
	}
	return NULL;
}

/*
 * libpq's message quotes the piece that it could not read, which in a conninfo with a
 * password may be a piece of that. So it is shown only where no password can be.
 */
static int fail_parse(struct pg *pg, char *text, struct ez_error *err)
{
	const char *conninfo = pg->opt.conninfo;
	bool may_quote = !strcasestr(conninfo, "pass") && !strchr(conninfo, '@');
	size_t n = text ? strcspn(text, "\n") : 0;
	int rc = pg->host->fail(err, EZ_E_CONFIG, "", "conninfo cannot be read%s%.*s",
				may_quote && n ? ": " : "", may_quote ? (int)n : 0,
				text ? text : "");

	PQfreemem(text);
	(void)pg->host->hint(err,
			     "write it as \"host=db1 port=5432 dbname=shop user=cdc\" "
			     "or as a URI, with the password in the option password");
	return rc;
}

static int read_password(struct pg *pg, struct conninfo *c, struct ez_error *err)
{
	size_t len = 0;
	int rc;

	c->password = xcalloc(1, PASSWORD_MAX_BYTES);
	rc = pg->host->secret(pg->config, "password", c->password, PASSWORD_MAX_BYTES,
			      &len, err);
	if (rc < 0)
		return rc;
	if (len > 0)
		add(c, "password", c->password);
	return EZ_OK;
}

static unsigned count_hosts(const PQconninfoOption *o)
{
	const char *s = value_of(o, "hostaddr");
	unsigned n = 1;

	if (!s)
		s = value_of(o, "host");
	for (; s && *s; s++)
		n += *s == ',';
	return n;
}

/* As libpq reads it: whole seconds, at least 2; 0 or less means no limit. */
static int64_t read_timeout_us(const PQconninfoOption *o)
{
	const char *text = value_of(o, "connect_timeout");
	int64_t seconds = CONNECT_TIMEOUT_S;

	if (text && !parse_i64(view_str(text), &seconds))
		seconds = CONNECT_TIMEOUT_S;
	if (seconds <= 0 || seconds > 86400)
		return INT64_MAX;
	return MAX(seconds, (int64_t)2) * US_PER_SEC * count_hosts(o);
}

static void add_own(struct pg *pg, struct conninfo *c, const char *purpose,
		    bool replication)
{
	const char *theirs = value_of(c->parsed, "options");

	for (size_t i = 0; i < ARRAY_LEN(DEFAULTS); i++) {
		if (!value_of(c->parsed, DEFAULTS[i][0]))
			add(c, DEFAULTS[i][0], DEFAULTS[i][1]);
	}
	c->app_name = xasprintf("ezcdc %s %s", pg->job ? pg->job : "", purpose);
	add(c, "fallback_application_name", c->app_name);
	c->options = xasprintf("%s%s%s", theirs ? theirs : "", theirs ? " " : "", PINNED);
	add(c, "options", c->options);
	add(c, "client_encoding", "UTF8");
	if (replication)
		add(c, "replication", "database");
}

static bool is_ours(const char *name)
{
	return strcmp(name, "options") == 0 || strcmp(name, "client_encoding") == 0 ||
	       strcmp(name, "replication") == 0 ||
	       strcmp(name, "fallback_application_name") == 0;
}

int conninfo_make(struct pg *pg, struct conninfo *c, const char *purpose,
		  bool replication, struct ez_error *err)
{
	char *text = NULL;
	int rc;

	c->parsed = PQconninfoParse(pg->opt.conninfo, &text);
	if (!c->parsed)
		return fail_parse(pg, text, err);
	for (const PQconninfoOption *o = c->parsed; o->keyword; o++) {
		if (o->val && o->val[0] && !is_ours(o->keyword))
			add(c, o->keyword, o->val);
	}
	rc = read_password(pg, c, err);
	if (rc < 0)
		return rc;
	c->timeout_us = read_timeout_us(c->parsed);
	add_own(pg, c, purpose, replication);
	return EZ_OK;
}

void conninfo_release(struct conninfo *c)
{
	if (c->password)
		explicit_bzero(c->password, PASSWORD_MAX_BYTES);
	free(c->password);
	free(c->options);
	free(c->app_name);
	PQconninfoFree(c->parsed);
	*c = CONNINFO_INIT;
}
