/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_JOB_OPTIONS_H
#define ENGINE_JOB_OPTIONS_H

#include <ezcdc/plugin.h>

#include "engine/job.h"

/*
 * The option tables of the sections that belong to the engine. Like those of plugins they
 * are the only home of names, defaults and ranges.
 */

#define JOB_STORE_FILE "file"

/* Ends with NULL. */
const struct ez_option *const *job_section_options(enum job_section which);

/* "batch"; "" for the top level. */
const char *job_section_title(enum job_section which);

/* The names of all sections, those of plugins included; ends with NULL. */
extern const char *const job_section_names[];

#endif
