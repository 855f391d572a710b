/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_PUBLICATION_H
#define PGOUTPUT_PUBLICATION_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>

#include "base/attr.h"

struct pg;

/*
 * The publication of a job: made if it is absent and the job may, else used as it is.
 *
 * Without the option `tables` ours is FOR ALL TABLES, which takes a superuser; with it, a
 * list of what the patterns match now. A publication that we made carries a comment that
 * begins with PG_PUBLICATION_MARK: only such a one is ever dropped by us. Tables that match
 * later are added by hand (ALTER PUBLICATION): a publication that exists is never altered.
 */
#define PG_PUBLICATION_MARK "made by ezcdc for job "

_must_check_ int pg_publication_ensure(struct pg *pg, PGconn *conn, struct ez_error *err);

/* The same where nothing may be made. */
_must_check_ int pg_publication_require(struct pg *pg, PGconn *conn, struct ez_error *err);

/* Removes ours. EZ_OK: removed, or there was none; EZ_SKIP: it is somebody else's. */
_must_check_ int pg_publication_drop(struct pg *pg, PGconn *conn, struct ez_error *err);

#endif
