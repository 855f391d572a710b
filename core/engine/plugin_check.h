/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_PLUGIN_CHECK_H
#define ENGINE_PLUGIN_CHECK_H

#include <ezcdc/plugin.h>
#include <stddef.h>

#include "base/attr.h"

struct plugin;

/*
 * Holds the descriptor of a plugin against the rules of the public header, the member
 * `name` of `plugin` being what it must be called, and fills the other members, callbacks
 * included. `n_bytes` is what the symbol has according to its file.
 *
 * NULL: all is well. Else a line for a person, the caller's to free.
 */
_must_check_ char *plugin_check(const struct ez_plugin *desc, size_t n_bytes,
				struct plugin *plugin);

#endif
