/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASK_DIGEST_H
#define MASK_DIGEST_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"

/*
 * HMAC-SHA256 of values, as 64 lower-case hex digits.
 *
 * Keyed, because a plain hash of an address, a phone number or a card number is undone by
 * hashing every candidate. One context is set up with the key and used again for each
 * value. One owner, who calls digest_free; the key lives on inside OpenSSL until then.
 */
struct digest;

enum { DIGEST_HEX_BYTES = 64 };

/* NULL when the library refuses (FIPS rules on short keys, no memory). */
_must_check_ struct digest *digest_new(struct ez_view key);
struct digest *digest_free(struct digest *d);

/* Writes DIGEST_HEX_BYTES characters without a terminator. */
_must_check_ bool digest_hex(struct digest *d, struct ez_view value, char *ret_hex);

#endif
