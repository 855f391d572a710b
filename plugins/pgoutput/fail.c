/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "conn.h"
#include "pgoutput.h"

/*
 * What went wrong, from libpq's words and the server's SQLSTATEs.
 *
 * A failed query has a result with an SQLSTATE. A failed connection has a text only; while
 * it is being made, libpq is asked for verbose messages (conn.c), which puts the SQLSTATE
 * into that text: "FATAL:  28P01: password ...". What comes from libpq itself has no code
 * and is told apart by words, in English because nothing here sets a locale.
 */
enum { TEXT_MAX_BYTES = 400 };

struct state_class {
	const char *prefix; /* of the SQLSTATE; the first that fits counts */
	int rc;
};

static const struct state_class STATE_CLASSES[] = {
	{ "08P01", EZ_E_CONFIG },    { "08", EZ_E_TRANSIENT },
	{ "28", EZ_E_PERMISSION },   { "3D000", EZ_E_CONFIG },
	{ "40", EZ_E_TRANSIENT },    { "42501", EZ_E_PERMISSION },
	{ "53", EZ_E_TRANSIENT },    { "55006", EZ_E_TRANSIENT },
	{ "55P03", EZ_E_TRANSIENT }, { "57", EZ_E_TRANSIENT },
	{ "58", EZ_E_TRANSIENT },    { "XX", EZ_E_TRANSIENT },
	{ "25P02", EZ_E_TRANSIENT }, { "25P03", EZ_E_TRANSIENT },
	{ "25P04", EZ_E_TRANSIENT }, { "", EZ_E_CONFIG },
};

int pg_sqlstate_class(const char *sqlstate)
{
	for (size_t i = 0; i < ARRAY_LEN(STATE_CLASSES); i++) {
		const char *prefix = STATE_CLASSES[i].prefix;

		if (strncmp(sqlstate, prefix, strlen(prefix)) == 0)
			return STATE_CLASSES[i].rc;
	}
	return EZ_E_CONFIG;
}

/* Words of libpq that no waiting will cure, and what helps. */
static const struct {
	const char *words;
	int rc;
	const char *hint;
} LIBPQ_WORDS[] = {
	{ "Temporary failure in name resolution", EZ_E_TRANSIENT, NULL },
	{ "Connection refused", EZ_E_TRANSIENT, NULL },
	{ "timeout expired", EZ_E_TRANSIENT, NULL },
	{ "Connection timed out", EZ_E_TRANSIENT, NULL },
	{ "could not translate host name", EZ_E_CONFIG,
	  "correct host in the conninfo of the source" },
	{ "certificate verify failed", EZ_E_CONFIG,
	  "sslrootcert must name the authority that signed the server's certificate" },
	{ "does not match host name", EZ_E_CONFIG,
	  "host must be a name of the server's certificate (sslmode=verify-full)" },
	{ "root certificate file", EZ_E_CONFIG, "set sslrootcert in the conninfo" },
	{ "server does not support SSL", EZ_E_CONFIG,
	  "turn ssl on at the server, or choose another sslmode" },
	{ "could not load private key", EZ_E_CONFIG, NULL },
	{ "could not read certificate file", EZ_E_CONFIG, NULL },
	{ "private key file", EZ_E_CONFIG, NULL },
	{ "certificate file", EZ_E_CONFIG, NULL },
	{ "no password supplied", EZ_E_PERMISSION,
	  "set the option password of the source, or use a passfile" },
	{ "authentication method requirement", EZ_E_CONFIG, NULL },
	{ "invalid port number", EZ_E_CONFIG, NULL },
	{ "for connection option", EZ_E_CONFIG, NULL },
	{ "value: \"", EZ_E_CONFIG, NULL }, /* invalid sslmode value: "x" */
	{ "definition of service", EZ_E_CONFIG, NULL },
};

/* What helps after an SQLSTATE, where that does not depend on the statement. */
static const struct {
	const char *state, *hint;
} STATE_HINTS[] = {
	{ "28P01", "correct user or password of the source" },
	{ "28000", "let the role log in: ALTER ROLE ... LOGIN REPLICATION, and a line in "
		   "pg_hba.conf for this database, role and address" },
	{ "3D000", "correct dbname in the conninfo of the source" },
	{ "53300", "raise max_connections or max_wal_senders, or end unused sessions" },
	{ "08P01", "connect to the server itself: a connection pooler does not pass on "
		   "replication and settings" },
	{ "58P01", "a file is missing at the server: see its log" },
};

static void add_state_hint(struct pg *pg, const char *state, struct ez_error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(STATE_HINTS); i++) {
		if (strcmp(STATE_HINTS[i].state, state) == 0)
			(void)pg->host->hint(err, "%s", STATE_HINTS[i].hint);
	}
}

/* The line of a message that says most: one with an SQLSTATE, else the last. */
static struct ez_view pick_line(const char *text, char ret_state[6])
{
	struct ez_view rest = view_str(text), line, best = view_of(text, 0);
	bool has_state = false;

	ret_state[0] = '\0';
	while (view_split(&rest, '\n', &line)) {
		const char *at = memmem(line.ptr, line.len, "FATAL:  ", 8);

		if (!at)
			at = memmem(line.ptr, line.len, "ERROR:  ", 8);
		line = view_trim(line);
		if (at && at + 15 <= line.ptr + line.len && at[13] == ':') {
			memcpy(ret_state, at + 8, 5);
			ret_state[5] = '\0';
			best = view_trim(view_of(
				at + 14, (size_t)(line.ptr + line.len - at) - 14));
			has_state = true;
		} else if (!has_state && line.len > 0 &&
			   !view_starts(line, VIEW("LOCATION:")) &&
			   !view_starts(line, VIEW("\tIs the server")) &&
			   !view_starts(line, VIEW("Is the server"))) {
			best = line;
		}
	}
	return best;
}

/* Copies a line for an error, with the password (should it be there) masked. */
static void add_masked(struct buf *b, struct ez_view line, const char *password)
{
	size_t n = password ? strlen(password) : 0;

	for (size_t i = 0; i < line.len && b->len < TEXT_MAX_BYTES;) {
		if (n >= 4 && line.len - i >= n &&
		    memcmp(line.ptr + i, password, n) == 0) {
			buf_add_str(b, "***");
			i += n;
			continue;
		}
		buf_add_char(b, line.ptr[i] == '\t' ? ' ' : line.ptr[i]);
		i++;
	}
}

int pg_fail_conn(struct pg *pg, const PGconn *conn, const char *what,
		 struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(2 * TEXT_MAX_BYTES);
	const char *text = conn ? PQerrorMessage(conn) : "out of memory\n", *hint = NULL;
	char state[6];
	struct ez_view line = pick_line(text, state);
	int rc = EZ_E_TRANSIENT;

	add_masked(&b, line, conn ? PQpass(conn) : NULL);
	if (state[0])
		rc = pg_sqlstate_class(state);
	for (size_t i = 0; !state[0] && i < ARRAY_LEN(LIBPQ_WORDS); i++) {
		if (strstr(text, LIBPQ_WORDS[i].words)) {
			rc = LIBPQ_WORDS[i].rc;
			hint = LIBPQ_WORDS[i].hint;
			break;
		}
	}
	if (b.len == 0)
		buf_add_str(&b, "the server closed the connection");
	(void)pg->host->fail(err, rc, state, "cannot %s: %s", what, buf_cstr(&b));
	if (hint)
		(void)pg->host->hint(err, "%s", hint);
	else
		add_state_hint(pg, state, err);
	return rc;
}

/* Class 22 is about values, and its messages quote them. */
static bool may_quote_values(const char *state)
{
	return strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0;
}

int pg_fail_result(struct pg *pg, const PGconn *conn, const PGresult *res,
		   const char *what, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(2 * TEXT_MAX_BYTES);
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	const char *text = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	int rc;

	if (!state)
		return pg_fail_conn(pg, conn, what, err);
	if (may_quote_values(state))
		text = "the server could not compute or convert a value";
	add_masked(&b, view_str(text), conn ? PQpass(conn) : NULL);
	rc = pg->host->fail(err, pg_sqlstate_class(state), state, "cannot %s: %s", what,
			    buf_cstr(&b));
	add_state_hint(pg, state, err);
	return rc;
}
