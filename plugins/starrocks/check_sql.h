/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_CHECK_SQL_H
#define STARROCKS_CHECK_SQL_H

#include <ezcdc/plugin.h>

#include "base/attr.h"

#include "settings.h"

/*
 * What can be asked of the cluster by SQL before a job begins, without changing anything:
 * which front ends answer and log in, which version they are, whether database and back ends
 * are there, and what the user may do. Each finding has its remedy. Fails when interrupted, and
 * with EZ_E_PERMISSION when the password is refused or a right is missing.
 */
struct sqlc;

/* `sql` is the instance's session: an interrupt of it ends the check. */
_must_check_ int check_sql(const struct settings *s, struct sqlc *sql,
			   struct ez_report *report, struct ez_error *err);

#endif
