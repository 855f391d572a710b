/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_API_OPENAPI_H
#define CONTROL_API_OPENAPI_H

#include "control/http/route.h"

struct buf;

/* The OpenAPI 3.1 document of a table of routes: whatever the server takes, it says. */
void openapi_write(const struct route *table, struct buf *out);

#endif
