/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_OPTIONS_H
#define PGOUTPUT_OPTIONS_H

#include <ezcdc/plugin.h>

#include "base/attr.h"

struct pg;

/* The option table of the source, as struct ez_plugin wants it; ends with NULL. */
extern const struct ez_option *const pg_option_table[];

/* Fills pg->opt, slot_name and publication_name from pg->config and pg->id. */
_must_check_ int pg_options_read(struct pg *pg, struct ez_error *err);

#endif
