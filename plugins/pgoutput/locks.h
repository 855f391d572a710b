/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_LOCKS_H
#define PGOUTPUT_LOCKS_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct pg;

/*
 * Locks of several sessions that must not wait for each other.
 *
 * While a snapshot is copied, one session holds ACCESS SHARE on all tables (snapshot.c) and
 * readers read them in sessions of their own. As soon as somebody asks for an exclusive lock
 * in between, the server queues whoever comes later behind that request: a reader would wait
 * for the ALTER, the ALTER for our lock session, and that one for the reader. The server
 * cannot see this deadlock, because its last link is this process.
 *
 * Therefore a reader takes the same locks as the lock session when it begins, once, and keeps
 * them in one transaction until it ends: later nobody waits for anything. And whatever asks
 * for a lock while the lock session holds its own waits a few seconds only; when it gets none
 * the snapshot is given up, the ALTER goes through, and the snapshot is taken again.
 */

/* Limits how long this session waits for a lock; within its transaction if it is in one. */
_must_check_ int pg_lock_patience(struct pg *pg, PGconn *conn, struct ez_error *err);
_must_check_ int pg_lock_no_patience(struct pg *pg, PGconn *conn, struct ez_error *err);

/*
 * In the transaction of `conn`, which has imported the snapshot: the same locks on tables as
 * the session `pid` has. EZ_E_GONE: one of the tables is not any more what the snapshot
 * shows, or somebody waits to alter it.
 */
_must_check_ int pg_lock_like(struct pg *pg, PGconn *conn, int64_t pid,
			      struct ez_error *err);

/* Was it that limit which ended a statement? */
bool pg_lock_is_timeout(const struct ez_error *err);

#endif
