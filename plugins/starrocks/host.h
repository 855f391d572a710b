/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_HOST_H
#define STARROCKS_HOST_H

#include <ezcdc/plugin.h>

/*
 * The engine's functions, for the whole plugin.
 *
 * Set once, when the plugin is loaded, before any instance exists.
 */
extern const struct ez_host *host;

#endif
