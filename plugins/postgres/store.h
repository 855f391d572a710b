/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTGRES_STORE_H
#define POSTGRES_STORE_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "postgres/names.h"
#include "postgres/session.h"

/*
 * One instance of the store: the row of one job.
 *
 * The row belongs to the run that claimed it last, which a main instance does when it loads:
 * it writes its epoch, takes the next run number and reads the text, in one statement. From
 * then on the saves of earlier runs find another run number and change nothing (R23); a run
 * with an older epoch cannot claim. Each save has a number that rises even over failed
 * attempts, so that a statement of ours that was given up and comes into effect late cannot
 * undo a later one.
 */
struct store {
	const struct ez_host *host;
	struct session session;
	struct store_names names;
	char *job; /* the row's key: the base of slot and labels, unique for a job */
	uint64_t epoch;
	int64_t run;             /* 0: not claimed yet */
	uint64_t revision;       /* number of the newest save */
	PGresult *loaded;        /* what load() returned points into it */
	bool is_main, has_table; /* has_table: it was there at the newest look */
};

/*
 * Runs a statement on the store's table; "%s" in `sql` stands for its name. A missing right
 * is answered with the GRANT. EZ_EOF: there is no such table.
 */
_must_check_ int store_run(struct store *s, const struct statement *st,
			   PGresult **ret_res, struct ez_error *err);

/* table.c: makes schema and table if they are missing. */
_must_check_ int store_make_table(struct store *s, struct ez_error *err);

/* table.c: adds the statement that grants what a statement on the table needs. */
int store_hint_grant(struct store *s, struct ez_error *err);

/* check.c */
_must_check_ int store_check(struct store *s, struct ez_report *r, struct ez_error *err);

#endif
