/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_HOST_OPTIONS_H
#define ENGINE_HOST_OPTIONS_H

struct ez_host;

/*
 * The option accessors of the host table: str, num, is_set, count, item, item_key and
 * secret. They are those of options.h in the types of the public header.
 */
void host_options_fill(struct ez_host *host);

#endif
