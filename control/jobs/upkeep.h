/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_UPKEEP_H
#define CONTROL_JOBS_UPKEEP_H

#include <stdbool.h>

#include "base/attr.h"
#include "control/catalog/db.h"

/*
 * What the orchestrator does to tables that grow: each is one or a few statements, and may
 * be cut off at any of them.
 */

/* Tasks that nobody takes or answers fail. */
_must_check_ enum db_result upkeep_tasks(struct db *d);

/*
 * Samples become rows of a minute, those rows of an hour. The small round looks at what is
 * new; the `whole` one also at what came late, and lets go of what is old.
 */
_must_check_ enum db_result upkeep_metrics(struct db *d, bool whole);

/* Old news, history, sessions, results of tasks, deleted jobs. */
_must_check_ enum db_result upkeep_history(struct db *d);

#endif
