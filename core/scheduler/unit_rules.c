/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/unit_rules.h"

#include "engine/exit_code.h"
#include "scheduler/process.h"

const char *unit_state_to_str(enum unit_state s)
{
	static const char *const names[_UNIT_STATE_MAX] = {
		[UNIT_NEW] = "waiting for its turn", [UNIT_RUNNING] = "running",
		[UNIT_STOPPING] = "stopping",        [UNIT_WAITING] = "waiting to be tried again",
		[UNIT_FAILED] = "failed",            [UNIT_HELD] = "stopped by command",
		[UNIT_DONE] = "done",                [UNIT_STOPPED] = "stopped",
	};

	return s < _UNIT_STATE_MAX ? names[s] : "unknown";
}

enum verdict verdict_of(const struct ending *e)
{
	switch (e->code) {
	case EXIT_DONE:
		if (e->by_command)
			return VERDICT_HELD;
		if (e->told)
			return VERDICT_STOPPED;
		return e->by_signal ? VERDICT_RETRY : VERDICT_DONE;
	case EXIT_USAGE:
	case EXIT_DATA:
	case EXIT_PERMISSION:
	case EXIT_CONFIG:
		return VERDICT_FAILED;
	default:
		/* Told to stop, it may also die of it: of SIGKILL when it took too long. */
		return e->told ? VERDICT_STOPPED : VERDICT_RETRY;
	}
}

/* Another text under the same lease: of jobs of the control plane. */
static bool is_edit(const struct version *now, const struct version *want)
{
	return now->epoch > 0 && now->epoch == want->epoch && now->revision != want->revision;
}

static enum action decide_running(const struct unit_facts *f)
{
	if (f->state == UNIT_STOPPING)
		return ACTION_NONE;
	if (f->draining)
		return ACTION_STOP;
	if (f->keep)
		return ACTION_NONE;
	if (!f->wanted || f->refused)
		return ACTION_STOP;
	if (version_eq(&f->now, &f->want))
		return ACTION_NONE;
	return f->may_reload && is_edit(&f->now, &f->want) ? ACTION_RELOAD : ACTION_STOP;
}

/* A new version wipes out what happened to the last one. */
static bool may_start(const struct unit_facts *f)
{
	bool fresh = !version_eq(&f->now, &f->want);

	switch (f->state) {
	case UNIT_FAILED:
	case UNIT_HELD:
	case UNIT_DONE:
		return fresh;
	case UNIT_WAITING:
		return fresh || f->is_due;
	default:
		return true;
	}
}

enum action unit_decide(const struct unit_facts *f)
{
	if (f->has_process)
		return decide_running(f);
	if (f->draining || f->keep)
		return ACTION_NONE;
	if (!f->known)
		return ACTION_FORGET;
	if (!f->wanted || f->refused || !f->has_room)
		return ACTION_NONE;
	return may_start(f) ? ACTION_START : ACTION_NONE;
}
