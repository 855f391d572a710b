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
 * forgotten; a few unknown ones in a row are the end.
 */
enum {
	GROUPS = 2,
	VERSIONS = 3, /* a group is encoded anew only when rows were refused */
	PARTS = 2,
	LOADS_GAP = 12, /* more than are in flight at a time by default */
	ATTEMPTS_GAP = 2,
	COUNT_MAX = 1000,
};

/* Asks, and asks again while the cluster cannot be reached. */
static int ask(struct loader *l, const char *label, enum label_state *ret,
	       struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };

	for (;;) {
		int rc = loader_ask(l, label, ret, &why);

		if (rc == EZ_OK)
			break;
		if (rc != EZ_E_TRANSIENT)
			return error_copy(err, &why);
		rc = loader_put_off(l, REACT_ASK, &why, err);
		if (rc < 0)
			return rc;
	}
	if (*ret != LABEL_OPEN)
		return EZ_OK;
	host->log(6, "starrocks: the last run left something open: waiting for label %s",
		  label);
	return txn_resolve(l, label, ret, err);
}

/* Labels "<start><i>" for i from `first` on, until `gap` in a row are unknown. */
static int resolve_row(struct loader *l, const char *start, unsigned first, unsigned gap,
		       struct ez_error *err)
{
	unsigned unknown = 0;

	for (unsigned i = first; i < COUNT_MAX && unknown < gap; i++) {
		char label[LABEL_MAX + 1];
		enum label_state state = LABEL_UNKNOWN;
		int rc;

		if (!str_format(label, sizeof(label), "%s%u", start, i))
			return host->fail(err, EZ_E_CONFIG, "",
					  "the job's name is too long for a "
					  "label");
		rc = ask(l, label, &state, err);
		if (rc < 0)
			return rc;
		unknown = state == LABEL_UNKNOWN ? unknown + 1 : 0;
	}
	return EZ_OK;
}

static int resolve_group(struct loader *l, const struct progress *p, uint64_t seq,
			 unsigned version, struct ez_error *err)
{
	char start[LABEL_MAX + 1];
	int rc = EZ_OK;

	for (unsigned part = 0; rc == EZ_OK && part < PARTS; part++) {
		if (!str_format(start, sizeof(start), "%.*s_r%llu_s%lluv%up%ua",
				VIEW_ARG(p->job), (unsigned long long)p->run,
				(unsigned long long)seq, version, part))
			return EZ_OK;
		rc = resolve_row(l, start, 1, ATTEMPTS_GAP, err);
	}
	if (rc == EZ_OK &&
	    str_format(start, sizeof(start), "%.*s_r%llu_s%lluv%u_", VIEW_ARG(p->job),
		       (unsigned long long)p->run, (unsigned long long)seq, version))
		rc = resolve_row(l, start, 0, LOADS_GAP, err);
	return rc;
}

int resolve_last_run(struct loader *l, const struct progress *p, struct ez_error *err)
{
	for (uint64_t seq = p->seq + 1;
	     p->has_row && p->run > 0 && seq <= p->seq + GROUPS; seq++)
		for (unsigned version = 1; version <= VERSIONS; version++) {
			int rc = resolve_group(l, p, seq, version, err);

			if (rc < 0)
				return rc;
		}
	return EZ_OK;
}
