/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_SCALING_H
#define CONTROL_SCALING_H

#include "base/attr.h"
#include "control/catalog/db.h"

struct settings;

/*
 * Keeps the size of Auto Scaling groups at what their deployments need.
 *
 * deployment_scale() in the catalog says how many workers are wanted. More are asked for at
 * once, fewer when fewer were wanted for the whole cooldown; never fewer than the jobs need
 * that are held now, whatever `max` says. Workers that a person drains are counted on top:
 * they hold a place in the group and take no jobs. Which instance ends is the group's
 * choice: its jobs drain and go to others.
 *
 * What was asked for last is not stored: a new leader starts from the workers that it sees.
 * It is said again every minute, so a change by hand does not last. Belongs to the thread
 * of the orchestrator, which it may hold up for some seconds.
 */
struct scaling;

_returns_nonnull_ struct scaling *scaling_new(const struct settings *settings);
void scaling_free(struct scaling *s);

/* Something else may have changed the groups: for a new leader. */
void scaling_forget(struct scaling *s);

/* What AWS refuses is logged, once, and tried again; only the catalog's failures return. */
_must_check_ enum db_result scaling_run(struct scaling *s, struct db *d);

#endif
