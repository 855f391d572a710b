/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "resolve.h"

#include "base/str.h"

#include "host.h"
#include "loader.h"
#include "progress.h"
#include "txn.h"

/*
 * Groups are loaded one after the other, and the row of the job says which one was done last
 * (one back, below 4.0). So outstanding are at most the two that follow. Within a group the
 * numbers of loads and attempts are small and without gaps but for what the cluster has
 * forgotten; a few unknown ones in a row are the end. The same goes for the run's notes: one
 * that is committed late would put an older row in place of ours.
 */
enum {
	GROUPS = 2,
	VERSIONS = 3, /* a group is encoded anew only when rows were refused */
	PARTS = 2,
	LOADS_GAP = 12, /* more than are in flight at a time by default */
	ATTEMPTS_GAP = 2,
	NOTES_GAP = 2,
	COUNT_MAX = 1000,
};

/* Asks, and asks again while the cluster cannot be reached. */
static int ask(struct loader *l, const struct label *label, enum label_state *ret,
	       struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };

	for (;;) {
		int rc = loader_ask(l, label->text, ret, &why);

		if (rc == EZ_OK)
			break;
		if (rc != EZ_E_TRANSIENT)
			return error_copy(err, &why);
		rc = loader_put_off(l, REACT_ASK, &why, err);
		if (rc < 0)
			return rc;
	}
	if (*ret == LABEL_COMMITTED)
		return loader_await_visible(l, label->text, err);
	if (*ret != LABEL_OPEN)
		return EZ_OK;
	host->log(6, "starrocks: the last run left something open: waiting for label %s",
		  label->text);
	return txn_resolve(l, label, ret, err);
}

/* Labels "<base><what><i>" for i from `first` on, until `gap` in a row are unknown. */
static int resolve_row(struct loader *l, const struct label *base, const char *what,
		       unsigned first, unsigned gap, struct ez_error *err)
{
	unsigned unknown = 0;

	for (unsigned i = first; i < COUNT_MAX && unknown < gap; i++) {
		struct label label;
		enum label_state state = LABEL_UNKNOWN;
		int rc = label_add(&label, base, what, i, err);

		if (rc == EZ_OK)
			rc = ask(l, &label, &state, err);
		if (rc < 0)
			return rc;
		unknown = state == LABEL_UNKNOWN ? unknown + 1 : 0;
	}
	return EZ_OK;
}

static int resolve_group(struct loader *l, const struct label *group,
			 struct ez_error *err)
{
	struct label part;
	int rc = EZ_OK;

	for (unsigned i = 0; rc == EZ_OK && i < PARTS; i++) {
		rc = label_add(&part, group, LABEL_PART, i, err);
		if (rc == EZ_OK)
			rc = resolve_row(l, &part, LABEL_ATTEMPT, 1, ATTEMPTS_GAP, err);
		if (rc == EZ_OK && i == 0)
			rc = resolve_row(l, &part, LABEL_LOAD, 0, 1, err);
	}
	return rc < 0 ? rc : resolve_row(l, group, LABEL_LOAD, 0, LOADS_GAP, err);
}

int resolve_last_run(struct loader *l, const struct progress *p, struct ez_error *err)
{
	struct label run, group;
	int rc = label_run(&run, p->job, p->run, err);

	if (!p->has_row || p->run == 0)
		return rc;
	if (rc == EZ_OK)
		rc = resolve_row(l, &run, LABEL_NOTE, 0, NOTES_GAP, err);
	for (unsigned i = 0; rc == EZ_OK && i < GROUPS * VERSIONS; i++) {
		rc = label_group(&group, &run, p->seq + 1 + i / VERSIONS,
				 1 + i % VERSIONS, err);
		if (rc == EZ_OK)
			rc = resolve_group(l, &group, err);
	}
	return rc;
}
