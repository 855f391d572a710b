/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_WANT_H
#define SCHEDULER_WANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * A job that is to be: from a file in the jobs folder, or from the agent.
 *
 * The scheduler's whole input is a set of these per origin. A set is always complete: what is
 * not in it is not wanted. What a daemon runs is told apart by (epoch, revision,
 * fingerprint): another triple means a restart.
 */
enum want_state {
	WANT_STOPPED = 0, /* as in struct ez_want */
	WANT_RUNNING = 1,
	WANT_PAUSED = 2,
};

struct want {
	char *key;  /* "file:NAME" or "agent:ID"; identifies the unit */
	char *name; /* of the job, for people */
	bool is_remote;
	enum want_state state;
	uint64_t epoch, revision; /* remote; else 0 */
	uint64_t fingerprint;     /* of the configuration */
	char *path;               /* local: the job file */
	char *id;                 /* remote: base of slot and labels, and the state folder's name */
	char *config;             /* remote: text of the job file, wiped when freed */
	size_t config_len;
	char *refused;            /* remote: why it must not run, or NULL */
};

struct want_set {
	struct want **items; /* each on the heap */
	size_t n;
};

void want_free(struct want *w);
void want_set_add(struct want_set *s, struct want *w); /* takes it over */
void want_set_release(struct want_set *s);

/* The one with that key, or NULL. */
struct want *want_set_find(const struct want_set *s, const char *key);

/* Stable over builds and machines: it is stored. */
uint64_t fingerprint_of(struct ez_view text);

/* R16: "ezcdc_" and the first 12 hex digits of a job's id; NULL: it has fewer. Heap string. */
char *want_base_of(struct ez_view job_id);

#endif
