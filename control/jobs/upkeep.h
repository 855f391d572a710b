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
 * Samples become rows of a minute, those rows of an hour. What is new is looked at every
 * time, what came late bit by bit: with many jobs a day is too much at once.
 */
_must_check_ enum db_result upkeep_minutes(struct db *d);
_must_check_ enum db_result upkeep_hours(struct db *d);
_must_check_ enum db_result upkeep_late_metrics(struct db *d, unsigned round);

/* Some of the rows that have been kept long enough. */
_must_check_ enum db_result upkeep_old_metrics(struct db *d);

/* Old news, history, sessions, results of tasks, deleted jobs. */
_must_check_ enum db_result upkeep_history(struct db *d);

#endif
