/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_HOP_H
#define STARROCKS_HOP_H

#include <ezcdc/plugin.h>
#include <stddef.h>

#include "base/attr.h"

struct settings;

/*
 * Where a redirect may lead.
 *
 * A front end answers a load with the address of a back end, and every hop is given the
 * credentials anew. So a hop is taken only if it is one: 307 with a Location of the same
 * path, at most HOP_MAX in a row, never from https to http. Which host it leads to is the
 * front end's word: that has the password already, and nobody else can tell which back ends
 * there are. User and password that stand in a Location
 * (Doris puts them there) are removed. What the back end calls itself may not be what it
 * is called here: address_map says what to call instead, and a back end that names the
 * loopback address is looked for where the front end is.
 *
 * No state; any thread.
 */
enum {
	HOP_MAX = 3,
	HOP_URL_MAX = 4096,
};

/* EZ_E_CONFIG: the hop must not be taken. EZ_E_TRANSIENT: nor this one, which StarRocks did
 * not send; somebody stands in front of it. `location` may be relative, or NULL. */
_must_check_ int hop_resolve(const struct settings *s, const char *from, int status,
			     const char *location, char ret_url[HOP_URL_MAX],
			     struct ez_error *err);

#endif
