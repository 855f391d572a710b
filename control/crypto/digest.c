/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/crypto/digest.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/attr.h"

static const char digits[] = "0123456789abcdef";

void crypto_random(void *to, size_t n)
{
	ENSURE(n < 65536 && RAND_bytes(to, (int)n) == 1,
	       "without random numbers every secret would be known");
}

static void to_hex(const unsigned char *from, size_t n, char *to)
{
	for (size_t i = 0; i < n; i++) {
		to[2 * i] = digits[from[i] >> 4];
		to[2 * i + 1] = digits[from[i] & 15];
	}
	to[2 * n] = '\0';
}

struct token token_make(const char *prefix)
{
	unsigned char raw[TOKEN_BYTES];
	struct token t;
	size_t n = strlen(prefix);

	ASSERT(n <= 8);
	memcpy(t.text, prefix, n);
	crypto_random(raw, sizeof(raw));
	to_hex(raw, sizeof(raw), t.text + n);
	OPENSSL_cleanse(raw, sizeof(raw));
	return t;
}

struct digest digest_sha256(struct ez_view v)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct digest d;

	ENSURE(EVP_Digest(v.ptr ? v.ptr : "", v.len, raw, &n, EVP_sha256(), NULL) == 1 &&
		       n == 32,
	       "a token would be stored under a wrong hash");
	to_hex(raw, 32, d.hex);
	return d;
}

struct digest digest_hmac(struct ez_view key, struct ez_view v)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct digest d;

	ENSURE(key.len < 65536 &&
		       HMAC(EVP_sha256(), key.ptr ? key.ptr : "", (int)key.len,
			    (const unsigned char *)(v.ptr ? v.ptr : ""), v.len, raw,
			    &n) &&
		       n == 32,
	       "a message would go out unsigned");
	to_hex(raw, 32, d.hex);
	return d;
}

bool crypto_equal(struct ez_view a, struct ez_view b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void hex_add(struct buf *b, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++) {
		buf_add_char(b, digits[p[i] >> 4]);
		buf_add_char(b, digits[p[i] & 15]);
	}
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_parse(struct ez_view hex, void *to, size_t n)
{
	unsigned char *p = to;

	if (hex.len != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = digit_of(hex.ptr[2 * i]), low = digit_of(hex.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		p[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}
