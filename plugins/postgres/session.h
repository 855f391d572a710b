/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTGRES_SESSION_H
#define POSTGRES_SESSION_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * One connection to the server of the store, made when it is first needed and made again
 * when it breaks.
 *
 * libpq is used without blocking: every wait is a poll(2) on its socket, on an eventfd and
 * on a deadline. session_interrupt() writes to the eventfd, which is never read, so from
 * then on every wait and every call ends with EZ_E_CANCELLED; nothing of libpq is touched
 * by the other thread. Only the look-up of the host's name, inside libpq, can block.
 *
 * Settings go with the startup packet, which outranks those of role and database: a save
 * that returned is on the server's disk, and no statement runs on after we gave up.
 *
 * A statement whose connection broke is run once more on a new one, so all statements must
 * bear repetition. Errors are classified in fault.h.
 *
 * Owner: the store's thread; session_interrupt() may be called from any.
 */
struct session {
	const struct ez_host *host;
	const struct ez_config *config; /* conninfo, password */
	char *app_name;
	PGconn *conn; /* NULL: not connected */
	int wake_fd;
	_Atomic bool interrupted;
};

enum {
	SESSION_CONNECT_US =
		10 * 1000000, /* for each host, unless connect_timeout is set */
	SESSION_STATEMENT_US =
		30 * 1000000, /* the server gives up before, see session.c */
};

_must_check_ int session_init(struct session *s, const struct ez_host *host,
			      const struct ez_open *open, struct ez_error *err);
void session_release(struct session *s);
void session_interrupt(struct session *s);

struct statement {
	const char *what; /* for messages: "save the checkpoint" */
	const char *sql;  /* one statement; parameters are text */
	const char *const *values;
	int n_values;
};

/* Runs a statement; the result is the caller's to PQclear. */
_must_check_ int session_run(struct session *s, const struct statement *st,
			     PGresult **ret_res, struct ez_error *err);

/* Connects if there is no connection. */
_must_check_ int session_connect(struct session *s, struct ez_error *err);

/* For _cleanup_. */
static inline void result_clearp(PGresult **res)
{
	PQclear(*res);
}

#endif
