/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTGRES_FAULT_H
#define POSTGRES_FAULT_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>

/*
 * What libpq and the server say went wrong, as classes of ours.
 *
 * The class follows the SQLSTATE. While a connection is being made there is no result that
 * would carry one: then it is read from the verbose message ("FATAL:  28P01: ..."), and
 * what libpq itself found is told by its words, which are English because nothing sets a
 * locale. Only a message's first part is shown: the rest may quote data.
 */

/* The connection could not be made, or broke. */
int fault_connection(const struct ez_host *host, const PGconn *conn, const char *what,
		     struct ez_error *err);

/* The server refused a statement. */
int fault_result(const struct ez_host *host, const PGresult *res, const char *what,
		 struct ez_error *err);

/* Whether the result says that the session is over: the server goes down or ended it. */
bool fault_ends_session(const PGresult *res);

/* Whether the result has that SQLSTATE. */
bool fault_is(const PGresult *res, const char *sqlstate);

#endif
