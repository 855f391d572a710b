/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_UNIT_RULES_H
#define SCHEDULER_UNIT_RULES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What is to be done about a job, as functions of what is known: nothing here acts, so every
 * combination can be tested.
 */

/* How a daemon ended and what follows from it (R14). */
enum verdict {
	VERDICT_STOPPED, /* as it was told by the worker */
	VERDICT_DONE,    /* by itself, with 0: nothing is left to do */
	VERDICT_HELD,    /* a person stopped it: stays so until further notice */
	VERDICT_RETRY,   /* may work later */
	VERDICT_FAILED,  /* waits for a person or a new revision */
};

struct ending {
	int code;            /* as process_poll() says */
	bool told;           /* the worker asked for it */
	bool by_command;     /* of exit.json: a person asked for it */
	bool by_signal;      /* of exit.json: somebody else's SIGTERM */
};

enum verdict verdict_of(const struct ending *e);

/* What runs, or ran last. */
struct version {
	uint64_t epoch, revision, fingerprint;
};

static inline bool version_eq(const struct version *a, const struct version *b)
{
	return a->epoch == b->epoch && a->revision == b->revision &&
	       a->fingerprint == b->fingerprint;
}

enum unit_state {
	UNIT_NEW,      /* never tried */
	UNIT_RUNNING,
	UNIT_STOPPING, /* told to drain */
	UNIT_WAITING,  /* for its next try */
	UNIT_FAILED,
	UNIT_HELD,
	UNIT_DONE,
	UNIT_STOPPED,
	_UNIT_STATE_MAX,
};
const char *unit_state_to_str(enum unit_state s);

enum action {
	ACTION_NONE,
	ACTION_START,
	ACTION_STOP,   /* drain */
	ACTION_RELOAD, /* hand the new configuration to the daemon that runs */
	ACTION_FORGET, /* nothing runs and nobody wants it */
};

struct unit_facts {
	enum unit_state state;
	bool has_process;
	bool wanted;      /* in the desired set, to run or to be paused */
	bool known;       /* in the desired set at all */
	bool keep;        /* the desired set of its origin is not known yet: change nothing */
	bool draining;    /* the worker ends */
	bool refused;     /* must not run */
	bool has_room;    /* max_jobs is not reached */
	bool is_due;      /* the wait for the next try is over */
	bool may_reload;  /* the daemon answers, and has not refused the wanted revision */
	struct version now, want; /* what runs or ran last; what is wanted */
};

enum action unit_decide(const struct unit_facts *f);

#endif
