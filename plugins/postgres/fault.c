/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "postgres/fault.h"

#include <string.h>

#include "base/attr.h"
#include "base/view.h"

struct state_class {
	const char *prefix; /* of the SQLSTATE; the first that fits counts */
	int rc;
	const char *hint; /* NULL: none */
};

static const struct state_class states[] = {
	{ "28P01", EZ_E_PERMISSION, "check user and password of the checkpoint store" },
	{ "28", EZ_E_PERMISSION,
	  "the role must be allowed to log in, and pg_hba.conf must have a line for it" },
	{ "42501", EZ_E_PERMISSION, NULL },
	{ "25006", EZ_E_TRANSIENT,
	  "the server is a standby or read-only; name the primary, or all hosts with "
	  "target_session_attrs=read-write" },
	{ "3D000", EZ_E_CONFIG, "create the database, or correct dbname" },
	{ "08P01", EZ_E_CONFIG,
	  "connect to the server itself: a connection pooler may not pass settings on" },
	{ "08", EZ_E_TRANSIENT, NULL },
	{ "25", EZ_E_TRANSIENT, NULL },
	{ "40", EZ_E_TRANSIENT, NULL },
	{ "53", EZ_E_TRANSIENT, NULL },
	{ "55", EZ_E_TRANSIENT, NULL },
	{ "57", EZ_E_TRANSIENT, NULL },
	{ "58", EZ_E_TRANSIENT, NULL },
	{ "XX", EZ_E_TRANSIENT, NULL },
	{ "42", EZ_E_CONFIG,
	  "the table is not as this store makes it: rename it away, or choose another "
	  "schema or table" },
	{ "", EZ_E_CONFIG, NULL },
};

/* What libpq finds by itself and no waiting cures. */
static const struct {
	const char *words;
	int rc;
	const char *hint;
} phrases[] = {
	{ "Temporary failure in name resolution", EZ_E_TRANSIENT, NULL },
	{ "could not translate host name", EZ_E_CONFIG, "check host in the conninfo" },
	{ "certificate verify failed", EZ_E_CONFIG,
	  "sslrootcert must name the authority that signed the server's certificate" },
	{ "does not match host name", EZ_E_CONFIG,
	  "host must be a name of the server's certificate" },
	{ "root certificate file", EZ_E_CONFIG, "set sslrootcert in the conninfo" },
	{ "server does not support SSL", EZ_E_CONFIG,
	  "turn ssl on at the server, or choose another sslmode" },
	{ "certificate file", EZ_E_CONFIG, NULL },
	{ "private key", EZ_E_CONFIG, NULL },
	{ "no password supplied", EZ_E_PERMISSION,
	  "set the option password of the checkpoint store, or use a passfile" },
	{ "invalid port number", EZ_E_CONFIG, NULL },
	{ "value: \"", EZ_E_CONFIG, NULL }, /* invalid sslmode value: "x" */
	{ "definition of service", EZ_E_CONFIG, NULL },
};

static const struct state_class *class_of(const char *state)
{
	size_t i = 0;

	while (strncmp(state, states[i].prefix, strlen(states[i].prefix)) != 0)
		i++;
	return &states[i];
}

static int fail(const struct ez_host *host, int rc, const char *state, const char *what,
		struct ez_view text, struct ez_error *err)
{
	return host->fail(err, rc, state, "checkpoint store: cannot %s: %.*s", what,
			  VIEW_ARG(text));
}

static int fail_state(const struct ez_host *host, const char *state, const char *what,
		      struct ez_view text, struct ez_error *err)
{
	const struct state_class *c = class_of(state);

	fail(host, c->rc, state, what, text, err);
	return c->hint ? host->hint(err, "%s", c->hint) : c->rc;
}

/* ------------------------------------------------------------------ connection */

/* Finds "FATAL:  28P01: text" in a line; the word may be in the server's language. */
static bool find_state(struct ez_view line, char ret_state[6], struct ez_view *ret_text)
{
	for (size_t at = 0; at + 10 <= line.len; at++) {
		const char *p = line.ptr + at;
		size_t n = 0;

		if (p[0] != ':' || p[1] != ' ' || p[2] != ' ' || p[8] != ':' ||
		    p[9] != ' ')
			continue;
		while (n < 5 && ((p[3 + n] >= '0' && p[3 + n] <= '9') ||
				 (p[3 + n] >= 'A' && p[3 + n] <= 'Z')))
			n++;
		if (n < 5)
			continue;
		memcpy(ret_state, p + 3, 5);
		ret_state[5] = '\0';
		*ret_text = view_trim(view_of(p + 10, line.len - at - 10));
		return true;
	}
	return false;
}

/* The last line with an SQLSTATE (there is one for each host), else the first of all. */
static struct ez_view pick_line(const char *message, char ret_state[6])
{
	struct ez_view rest = view_str(message), line, text, best = VIEW("");

	ret_state[0] = '\0';
	while (view_split(&rest, '\n', &line)) {
		line = view_trim(line);
		if (find_state(line, ret_state, &text))
			best = text;
		else if (best.len == 0)
			best = line;
	}
	return best;
}

int fault_connection(const struct ez_host *host, const PGconn *conn, const char *what,
		     struct ez_error *err)
{
	const char *message = conn ? PQerrorMessage(conn) : "out of memory";
	char state[6];
	struct ez_view text = pick_line(message, state);

	if (state[0])
		return fail_state(host, state, what, text, err);
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (!strstr(message, phrases[i].words))
			continue;
		fail(host, phrases[i].rc, "", what, text, err);
		return phrases[i].hint ? host->hint(err, "%s", phrases[i].hint)
				       : phrases[i].rc;
	}
	if (text.len == 0)
		text = VIEW("the connection broke");
	return fail(host, EZ_E_TRANSIENT, "", what, text, err);
}

/* ------------------------------------------------------------------ results */

static const char *state_of(const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return state ? state : "";
}

bool fault_is(const PGresult *res, const char *sqlstate)
{
	return strcmp(state_of(res), sqlstate) == 0;
}

bool fault_ends_session(const PGresult *res)
{
	const char *state = state_of(res);

	return strncmp(state, "57P0", 4) == 0 || strncmp(state, "08", 2) == 0 ||
	       strcmp(state, "25P03") == 0;
}

int fault_result(const struct ez_host *host, const PGresult *res, const char *what,
		 struct ez_error *err)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	return fail_state(host, state_of(res), what,
			  view_str(text ? text : "no reason given"), err);
}
