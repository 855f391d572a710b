/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "mask/digest.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/alloc.h"

enum { DIGEST_BYTES = 32 };

struct digest {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;
};

struct digest *digest_new(struct ez_view key)
{
	static char sha256[] = "SHA256";
	struct digest *d = xcalloc(1, sizeof(*d));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_end(),
	};

	d->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	d->ctx = d->mac ? EVP_MAC_CTX_new(d->mac) : NULL;
	if (!d->ctx ||
	    !EVP_MAC_init(d->ctx, (const unsigned char *)key.ptr, key.len, params))
		return digest_free(d);
	return d;
}

struct digest *digest_free(struct digest *d)
{
	if (d) {
		EVP_MAC_CTX_free(d->ctx);
		EVP_MAC_free(d->mac);
		free(d);
	}
	return NULL;
}

bool digest_hex(struct digest *d, struct ez_view value, char *ret_hex)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char out[DIGEST_BYTES];
	size_t n = 0;

	/* A NULL key starts over with the one that is set. */
	if (!EVP_MAC_init(d->ctx, NULL, 0, NULL) ||
	    !EVP_MAC_update(d->ctx, (const unsigned char *)value.ptr, value.len) ||
	    !EVP_MAC_final(d->ctx, out, &n, sizeof(out)) || n != sizeof(out))
		return false;
	for (size_t i = 0; i < sizeof(out); i++) {
		ret_hex[2 * i] = hex[out[i] >> 4];
		ret_hex[2 * i + 1] = hex[out[i] & 15];
	}
	return true;
}
