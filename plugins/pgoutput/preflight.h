/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_PREFLIGHT_H
#define PGOUTPUT_PREFLIGHT_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>

#include "base/attr.h"

struct pg;
struct pg_candidate;
struct pg_publication;

/*
 * What has to be true before a job can run, and the statement that makes it true.
 *
 * check() reports everything that it can find out in one go, good or bad; only a server
 * that cannot be asked makes it fail. preflight.c looks at server, role, slot and
 * publication, preflight_tables.c at each table.
 */
struct preflight {
	struct pg *pg;
	PGconn *conn;
	struct ez_report *report;
};

_must_check_ int preflight_tables(const struct preflight *p,
				  const struct pg_publication *pub, struct ez_error *err);

#endif
