/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_VERIFY_H
#define ENGINE_VERIFY_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct job;

/*
 * Comparing a job's source with its target (`ezcdc verify`), while the job runs or not.
 *
 * Rows are read from a snapshot of the source, go through the job's transforms, and are
 * handed to the sink, which compares them with what it has (struct ez_sink in plugin.h says
 * how rounds work). Nothing is changed anywhere: no slot and no publication at the source,
 * nothing at the target, no checkpoint; the lock of the state folder is not taken.
 *
 * The job must have brought to the target what a snapshot shows before the target is looked
 * at: a running job is waited for. One that does not run or does not move is compared as it
 * stands, and `place` says so.
 *
 * All on the calling thread. The report owns its text; verify_release() frees.
 */
enum verify_verdict {
	VERIFY_EQUAL,
	VERIFY_DIFFERENT,
	VERIFY_UNSETTLED, /* rows that differ were changed again and again: nothing is certain */
	_VERIFY_VERDICT_MAX,
};
const char *verify_verdict_to_str(enum verify_verdict v);

struct verify_difference {
	char *key;
	uint32_t kind; /* enum ez_difference_kind */
};

struct verify_table {
	uint64_t id;
	char *source, *target,
		*unchecked; /* unchecked: "" when all columns were compared */
	uint64_t source_rows, target_rows;
	uint64_t missing, extra, changed, unsettled, refused;
	struct verify_difference *differences;
	size_t n_differences;
	enum verify_verdict verdict;
	bool partial;
	bool is_open;
};

/* Where the job stands, as far as the comparison needs it. */
struct verify_place {
	bool is_running;
	bool lags;      /* the target may lack what the snapshot shows */
	char state[32]; /* "streaming", "paused", "stopped", "not started yet" */
	char text[EZ_POSITION_MAX + 1];
	char snapshot[EZ_POSITION_MAX + 1];
	uint64_t behind; /* bytes of the source's log; 0 with `lags`: unknown */
};

struct verify_report {
	struct verify_table *tables;
	size_t n_tables;
	struct verify_place place;
	unsigned rounds;
};

struct verify_request {
	const char *state_dir; /* NULL: the default */
	char *const *names;    /* tables of the source: "orders", "public.orders" */
	size_t n_names;        /* 0: all */
	/* Now and then, with one line about what is going on; may be NULL. */
	void (*progress)(void *arg, const char *text);
	void *arg;
};

/* EZ_OK: the report says what was found. Call it with a sink that has EZ_CAP_COMPARE. */
_must_check_ int engine_verify(const struct job *job,
			       const struct verify_request *request,
			       struct verify_report *ret, struct ez_error *err);
void verify_release(struct verify_report *r);

/* The worst of all tables. */
enum verify_verdict verify_verdict(const struct verify_report *r);

#endif
