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

/*
 * The same for requests of one lane at once. Those that are left with status 0 are to be
 * parked, or with `alone` set, to be dispatched by themselves.
 */
void request_dispatch_lot(struct request **all, int n, bool is_last);

#endif
