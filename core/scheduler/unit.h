/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_UNIT_H
#define SCHEDULER_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "scheduler/ask.h"
#include "scheduler/process.h"
#include "scheduler/ring.h"
#include "scheduler/unit_rules.h"
#include "scheduler/want.h"

struct record;
struct tools;

/*
 * A job and its daemon, if one runs.
 *
 * A unit exists while its job is wanted or its daemon runs. What is to happen is decided by
 * unit_decide() from the unit's facts; the functions here make it so and note what came of
 * it. Nothing blocks: a daemon that drains or hangs holds up nobody.
 *
 * Units belong to the scheduler and to the main thread. `want` points into the scheduler's
 * set and is replaced with it.
 */
struct unit {
	char *key, *name;
	char *path;          /* local: the job file, as it was last wanted */
	char *dir;           /* its state folder */
	bool is_remote;
	const struct want *want; /* NULL: not in the set */
	const struct tools *tools;

	enum unit_state state;
	struct process process;
	struct version now;
	bool told;              /* to stop */
	int64_t started_us, kill_at_us, due_us; /* mono_us; 0: not set */
	struct backoff backoff;
	unsigned failures;      /* in a row */
	int exit_code;          /* of the last run; -1: none */
	char *error;            /* why it does not run, or NULL */
	char *last_complaint;   /* the daemon's last message of an error */

	struct ring log;
	int log_watch;
	struct ask ask;
	enum unit_question {
		ASK_STATUS,
		ASK_PAUSE, /* or to resume */
		ASK_RELOAD,
	} asked;
	struct version reloading; /* what it was asked to take over */
	uint64_t reload_failed;   /* a revision that needs a restart; 0: none */
	int64_t ask_due_us;     /* mono_us; INT64_MAX: never */
	struct buf status;      /* the daemon's last status document; empty: it did not answer */
	bool answers, is_paused;
	bool has_news;          /* for the agent */
};

/* What units need from their surroundings. */
struct tools {
	const struct settings *settings;
	const char *dbmazz; /* path, or name to look for */
	const char *managed_by;
	struct cgroups *cgroups;
	struct watcher *watcher;
	bool wants_status;  /* somebody is interested in status documents */
};

struct unit *unit_new(const struct tools *tools, const struct want *w);

/* As an earlier worker noted it; its daemon is adopted if it still runs. */
struct unit *unit_adopt(const struct tools *tools, const struct record *r, const char *dir);
void unit_free(struct unit *u);

/* The configuration that is wanted now; NULL: none. */
void unit_set_want(struct unit *u, const struct want *w);

void unit_start(struct unit *u);
void unit_stop(struct unit *u); /* drain; killed when that takes too long */

/* A person's wishes. */
void unit_hold(struct unit *u);
void unit_release_hold(struct unit *u);

/* After its process or its answer may have something to say, or its time has come. */
void unit_step(struct unit *u);
int64_t unit_due_us(const struct unit *u);

struct version unit_wanted_version(const struct unit *u);

/* Of struct ez_job_status. */
uint32_t unit_public_state(const struct unit *u);

/* Writes the note in the state folder. */
void unit_save(struct unit *u);

/* Removes the note in the state folder: the job is forgotten. */
void unit_forget(struct unit *u);

#endif
