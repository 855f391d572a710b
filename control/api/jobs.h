/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_API_JOBS_H
#define CONTROL_API_JOBS_H

#include <stdbool.h>

#include "base/attr.h"

struct json_t;
struct request;
struct taken;

/* What a job is tied to, for checks of its spec. */
struct job_ends {
	const char *deployment_id, *source_id, *sink_id;
	const char *worker_id; /* NULL: not pinned */
	bool may_keep;
};

/* Checks and takes the secrets out; answers what is wrong. */
_must_check_ bool job_check_spec(struct request *r, const struct job_ends *ends,
				 struct json_t *spec, struct taken *t);

#endif
