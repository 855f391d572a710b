/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include <ezcdc/plugin.h>

#include "base/attr.h"

struct settings;

/*
 * Keeps one daemon per wanted job running.
 *
 * Jobs come from the folder of job files and from the agent; each origin states a whole set,
 * and the scheduler makes what is into what is wanted, whatever was before: its own start
 * finds the daemons that an earlier worker left and goes on with them.
 *
 * One thread waits for everything: signals, ends of processes, files that change, answers of
 * daemons, the agent's mailbox, people on worker.sock. It wakes up for nothing else. It never
 * waits for any one of them, so nothing that hangs holds up the rest.
 *
 * SIGTERM and SIGINT drain all daemons and end; a second one hurries them. SIGUSR2 ends
 * without touching them. SIGHUP looks at the job files again and has the daemons read their
 * secrets and live options again.
 */
struct scheduler_args {
	const struct settings *settings;
	const char *dbmazz, *ezcdc; /* paths, or names to look for */
};

enum scheduler_end {
	SCHEDULER_DRAINED,
	SCHEDULER_REPLACE, /* SIGUSR2: the program is to be executed anew */
};

/* Returns when it is over; an error only of the start. Blocks the signals it takes. */
_must_check_ int scheduler_run(const struct scheduler_args *args, enum scheduler_end *ret,
			       struct ez_error *err);

#endif
