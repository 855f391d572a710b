/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_ALERTS_ALERTS_H
#define CONTROL_ALERTS_ALERTS_H

#include <stdbool.h>

#include "base/attr.h"
#include "control/catalog/db.h"

struct keyring;

/*
 * Alerts: what the rules find wrong, for how long, and who is told.
 *
 * What breaks a rule is pending until it has lasted as long as the rule says, then firing,
 * then resolved when the rule finds nothing any more. Firing and resolving are delivered to
 * the rule's webhook, signed, and tried again with growing pauses. Run by the orchestrator.
 */
_must_check_ enum db_result alerts_evaluate(struct db *d);

/* A few deliveries that are due; each may take ten seconds. */
_must_check_ enum db_result alerts_deliver(struct db *d, struct keyring *k,
					   bool to_private);

#endif
