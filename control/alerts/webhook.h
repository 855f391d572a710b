/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_ALERTS_WEBHOOK_H
#define CONTROL_ALERTS_WEBHOOK_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * One POST to an address that a person has given. It must not become a way into the
 * network of the server: only https, no redirects, and no private or local address unless
 * the settings allow that (http too, then). Blocks for at most ten seconds.
 */
struct webhook {
	const char *url, *body;
	const char *signature; /* HMAC-SHA-256 of the body as hex digits, or NULL */
	bool to_private;
};

/* True for an answer of 2xx; else a sentence without the address in `why`. */
_must_check_ bool webhook_send(const struct webhook *w, struct buf *why);

/* Once, before the second thread starts. */
void webhook_init(void);

#endif
