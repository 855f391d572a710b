/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_CONFIG_H
#define CONTROL_JOBS_CONFIG_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "control/catalog/db.h"

struct json_t;
struct keyring;

/*
 * Job files of jobs and of tests, put together from the catalog.
 *
 * With a key ring the secrets are in it, and the text is for the worker alone; without one
 * stars stand in their place, and people may read it.
 */
struct config_request {
	const char *name;
	const char *source_id, *sink_id; /* NULL: leave that section out */
	const char *owner;               /* whose secrets `spec` has; NULL: none */
	struct json_t *spec;             /* may be NULL; not changed */
};

/* DB_REFUSED with a sentence in `why` when the text cannot be made. */
_must_check_ enum db_result config_make(struct db *d, struct keyring *k,
					const struct config_request *q,
					struct buf *ret_text, struct buf *why);

/* Of a job that has been read with its ends; `secrets` are of vault_read. */
struct config_end {
	const char *id, *plugin;
	struct ez_view config;
};
struct config_parts {
	const char *job_id, *name;
	struct ez_view spec;
	struct config_end source, sink;
};
_must_check_ bool config_of_parts(struct keyring *k, const struct pg_result *secrets,
				  const struct config_parts *p, struct buf *ret_text,
				  struct buf *why);

/* Of a job in the catalog. */
_must_check_ enum db_result config_of_job(struct db *d, struct keyring *k,
					  const char *job_id, struct buf *ret_text,
					  struct buf *why);

#endif
