/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_AUTH_AUTHENTICATE_H
#define CONTROL_AUTH_AUTHENTICATE_H

#include "base/attr.h"
#include "control/catalog/db.h"
#include "control/http/request.h"

/*
 * Finds out who sent a request: a person by the session's cookie or an API token, a worker
 * by its secret, a deployment by a registration token. The catalog knows hashes only.
 *
 * Fills r->who; NOBODY when nothing fits. Answers 403 itself for a worker or a token of a
 * deployment that was revoked, as the worker protocol wants to tell that apart.
 */
_must_check_ enum db_result authenticate(struct request *r);

/*
 * The same for the workers among the senders of many requests, in one statement. Whoever
 * is no worker, or was revoked, is left as it is.
 */
_must_check_ enum db_result authenticate_workers(struct request **all, int n);

/* The token that a page must send along with what it changes. */
struct csrf_token {
	char text[65];
};
struct csrf_token csrf_of_session(const char *cookie);

enum access role_parse(const char *text);

enum {
	SESSION_IDLE_HOURS = 12,
	SESSION_LIFE_DAYS = 14,
};

#define PREFIX_API        "ezt_"
#define PREFIX_DEPLOYMENT "ezd_"
#define PREFIX_WORKER     "ezw_"

#endif
