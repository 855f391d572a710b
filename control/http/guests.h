/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_GUESTS_H
#define CONTROL_HTTP_GUESTS_H

#include <stdint.h>

#include "base/attr.h"

/*
 * Connections, and since when each owes the server a request.
 *
 * The library ends a connection on which nothing comes. Who sends a byte of a request's head
 * now and then would hold one for ever, and all of them with a few thousand; so what has not
 * become a request in time is shut down. A guest belongs to the thread that speaks to the
 * network; the sweep may be any other's.
 */
struct guest;

_returns_nonnull_ struct guest *guest_new(int fd); /* owes the first request */
void guest_free(struct guest *g);                  /* before its descriptor is closed */

void guest_asks(struct guest *g);  /* the head of a request is here */
void guest_waits(struct guest *g); /* it was answered: the next one is owed */

/* Shuts down those that are late; how many. `now_us` is mono_us. */
int guests_sweep(int64_t now_us);

#endif
