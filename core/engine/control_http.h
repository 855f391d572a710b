/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONTROL_HTTP_H
#define ENGINE_CONTROL_HTTP_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

struct buf;
struct control_ops;

/*
 * The HTTP of the metrics port: GET and HEAD of /metrics and /healthz, one request a
 * connection. Given what has arrived so far; true when `out` holds the answer, after which
 * the connection closes; false to wait for more. `fits` false: the request is too long.
 */
bool control_http_answer(struct ez_view request, bool fits, const struct control_ops *ops,
			 void *arg, struct buf *out);

#endif
