/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_DISPATCH_H
#define CONTROL_HTTP_DISPATCH_H

#include <stdbool.h>

struct request;

/*
 * Everything between a request that has been read and its handler: who sent it, whether
 * that may be, whether it comes from our own pages, whether its body is what the route
 * takes. With `is_last` a long poll is answered instead of waiting. The status is 0
 * afterwards when the request is to be parked.
 */
void request_dispatch(struct request *r, bool is_last);

#endif
