/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_PLUGIN_LIST_H
#define ENGINE_PLUGIN_LIST_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"

struct buf;
struct loader;

/*
 * `ezcdc plugins [NAME] [--json]`: what is installed, for people and for the portal.
 *
 * The JSON of one plugin is an object, that of all an object with "plugins" and "broken".
 * An option table in it includes what the engine adds (job_plugin_options), because a form
 * drawn from it must show that too. Broken plugins are part of the list, with the reason.
 */

/* Every plugin of the search path. */
void plugin_list_all(struct loader *l, bool json, struct buf *out);

/* One plugin with its options. EZ_E_CONFIG: it is not there, or broken, err says why. */
_must_check_ int plugin_list_one(struct loader *l, struct ez_view name, bool json,
				 struct buf *out, struct ez_error *err);

#endif
