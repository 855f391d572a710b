/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "engine/options.h"

struct buf;
struct engine_options;
struct ez_report;
struct job;

/*
 * What the programs do with a job that is loaded: run it, or look at it.
 */

/*
 * The job file read again, on SIGHUP or by the command "reload" of the control socket, which
 * may bring another text of it. What may change while the job runs takes effect; if
 * anything else has changed, nothing does.
 */
struct engine_reload {
	int fd;                    /* of the new text; -1: from where it came at the start */
	enum config_change change; /* what was found */
	struct buf *changed;       /* names of what differs */
};

/*
 * Runs the job in the foreground until it is done, stopped by a signal, or failed. Logs,
 * the last line being the reason; returns the exit code of contracts.md section 2. Takes
 * SIGTERM, SIGINT, SIGHUP; call it before any other thread exists.
 */
_must_check_ int engine_run(struct job *job, const struct engine_options *opt,
			    int (*reload)(void *arg, struct job *job, struct engine_reload *r,
					  struct ez_error *err),
			    void *reload_arg);

/* From here on SIGTERM, SIGINT and SIGHUP wait until engine_run() takes them, so that a stop
 * during start-up is a clean one. */
void engine_block_signals(void);

enum { ENGINE_CHECK_SOURCE = 1, ENGINE_CHECK_SINK = 2, ENGINE_CHECK_ALL = 7 };

/*
 * The preflight: asks source, transforms, sink, store and state folder whether the job
 * could start. Findings go to the report; the result is EZ_OK when none failed, else the
 * class of the first failure, with err filled.
 */
_must_check_ int engine_check(const struct job *job, const struct engine_options *opt,
			      unsigned what, struct ez_report *report, struct ez_error *err);

_must_check_ int engine_discover(const struct job *job, struct ez_report *report,
				 struct ez_error *err);

/*
 * Removes what the job left: slot and publication, the sink's notes, checkpoint and state
 * folder. Refuses while a daemon runs. Goes on after a failure and returns the first.
 */
_must_check_ int engine_drop(const struct job *job, const struct engine_options *opt,
			     struct ez_error *err);

#endif
