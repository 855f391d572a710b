/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_SPEC_H
#define CONTROL_JOBS_SPEC_H

#include <stdbool.h>

#include "base/attr.h"
#include "control/catalog/db.h"
#include "control/jobs/options.h"
#include "control/json/fields.h"

struct json_t;

/*
 * What a person says of a job beyond its two datasources: tables, options of both ends,
 * transforms, batch and so on. The members of the request that are kept as the job's spec.
 */
extern const char *const spec_members[]; /* NULL ends them */

struct spec_context {
	struct db *db;
	const char *source_plugin, *sink_plugin;
	bool pinned;           /* the job runs on one worker only */
	bool source_has_state; /* its database can hold the checkpoint */
	bool may_keep;         /* secrets marked as set stay */
};

/* The members of `body` that belong to a spec, over those of `old` (may be NULL). */
struct json_t *spec_from(const struct json_t *body, const struct json_t *old);

/*
 * Checks every section and takes the secrets out. DB_OK with e->text[0] == '\0' when all
 * is well.
 */
_must_check_ enum db_result spec_check(const struct spec_context *c, struct json_t *spec,
				       struct taken *t, struct field_error *e);

#endif
