/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_CRYPTO_DIGEST_H
#define CONTROL_CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * Random bytes, SHA-256 and hexadecimal digits.
 *
 * Tokens are 32 random bytes as hex digits behind a prefix that says what they open; the
 * catalog keeps their SHA-256 only. That needs no salt and no slow hash, because nobody
 * can guess 256 bits. Any thread.
 */

/* 64 hex digits and a NUL, held by value. */
struct digest {
	char hex[65];
};

enum { TOKEN_BYTES = 32 };

/* From OpenSSL's generator. Ends the process when the system has no randomness. */
void crypto_random(void *to, size_t n);

/* "ezt_" and 64 hex digits; the prefix is at most 8 bytes. */
struct token {
	char text[80];
};

struct token token_make(const char *prefix);

struct digest digest_sha256(struct ez_view v);

/* In time that depends on the lengths only. */
bool crypto_equal(struct ez_view a, struct ez_view b);

void hex_add(struct buf *b, const void *data, size_t n);

/* Exactly `n` bytes from 2n hex digits. */
_must_check_ bool hex_parse(struct ez_view hex, void *to, size_t n);

/* HMAC-SHA-256 as hex digits: signs what is sent to webhooks. */
struct digest digest_hmac(struct ez_view key, struct ez_view v);

#endif
