/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_VERIFY_PLACE_H
#define ENGINE_VERIFY_PLACE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "engine/verify.h"

struct engine;

/*
 * How far a job has come, looked at from another process: its daemon is asked over the
 * control socket; without one the checkpoint tells.
 */
struct verify_watch {
	struct engine *e;
	const struct ez_source *source; /* reads positions */
	void *inst;
	/* Called while waiting, with one line for people; EZ_OK: go on. */
	int (*idle)(void *arg, const char *text, struct ez_error *err);
	void *arg;
};

/* Waits until everything up to `position` is in the target, as long as the job moves; then
 * says where it stands. */
_must_check_ int verify_wait(const struct verify_watch *w, struct ez_position position,
			     struct verify_place *ret, struct ez_error *err);

#endif
