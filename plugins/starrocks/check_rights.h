/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_CHECK_RIGHTS_H
#define STARROCKS_CHECK_RIGHTS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"

struct settings;
struct sqlc;

/*
 * Whether the sink's user may do what the job's options will ask for, from what SHOW GRANTS
 * says of it and of its active roles. Each right that is missing is told with the GRANT that
 * gives it: the first as the error, EZ_E_PERMISSION, the others as findings. Changes nothing.
 *
 * Versions before 3.0 have rights of another kind: there it says that nothing was looked at.
 */
_must_check_ int check_rights(const struct settings *s, struct sqlc *sql,
			      struct ez_report *report, struct ez_error *err);

#endif
