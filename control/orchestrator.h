/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_ORCHESTRATOR_H
#define CONTROL_ORCHESTRATOR_H

#include "base/attr.h"

struct app;

/*
 * The upkeep of the catalog: a thread that looks every second what time alone has changed.
 *
 * Workers that were not heard of for a minute are lost and their jobs given back; failed
 * jobs whose time has come are tried again; tasks that nobody takes fail; time series are
 * thinned out; alerts are evaluated and sent. Every instance runs one; an advisory lock
 * lets one of them work at a time, and another goes on when that one dies.
 */
struct orchestrator;

_must_check_ struct orchestrator *orchestrator_start(struct app *app,
						     const char *conninfo);
void orchestrator_stop(struct orchestrator *o);

#endif
