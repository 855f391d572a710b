/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_CRYPTO_PASSWORD_H
#define CONTROL_CRYPTO_PASSWORD_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * Passwords of people: scrypt with its cost written beside each hash, so that it may rise.
 *
 * "scrypt$15$8$3$<salt>$<hash>": log2 of N, r, p, then hex. One derivation runs at a time:
 * it needs 32 MiB, and a flood of logins must not multiply that. Any thread; takes a
 * quarter of a second.
 */

/* To be freed. */
_malloc_ _returns_nonnull_ char *password_hash(struct ez_view password);

/* With a NULL hash it takes as long and is false: a name that is unknown shows in nothing. */
bool password_is(const char *hash, struct ez_view password);

#endif
