/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_RENDER_H
#define CONTROL_JOBS_RENDER_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

struct json_t;

/*
 * The text of a job file, ezcdc-job(5), from what the catalog holds.
 *
 * Options of the datasource come first, those of the job replace them. Text is escaped so
 * that libconfig reads back the very same bytes, numbers that need it carry an L. The
 * checkpoint goes to the store postgres in the source's own database unless the job says
 * otherwise. Epoch, slot, publication and labels are not written: the worker sets them.
 */
struct render_end {
	const char *plugin;    /* NULL: leave the section out */
	struct json_t *config; /* of the datasource */
};

struct render_job {
	const char *name;
	struct render_end source, sink;
	struct json_t *spec; /* of the job; NULL: none */
};

enum { RENDER_MAX_BYTES = 1024 * 1024 };

/* False with a sentence in `why`. */
_must_check_ bool render_job(const struct render_job *j, struct buf *ret_text,
			     struct buf *why);

#endif
