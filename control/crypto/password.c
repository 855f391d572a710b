/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/crypto/password.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/buf.h"
#include "base/parse.h"
#include "control/crypto/digest.h"

enum {
	SALT_BYTES = 16,
	HASH_BYTES = 32,
	LOG_N = 15,
	BLOCK_R = 8,
	LANES_P = 3,
	MEMORY_MAX_BYTES = 256 * 1024 * 1024,
};

struct stored {
	uint64_t log_n, r, p;
	unsigned char salt[SALT_BYTES], hash[HASH_BYTES];
};

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void derive(const struct stored *s, struct ez_view password, unsigned char *to)
{
	int ok;

	pthread_mutex_lock(&one_at_a_time);
	ok = EVP_PBE_scrypt(password.ptr ? password.ptr : "", password.len, s->salt,
			    SALT_BYTES, UINT64_C(1) << s->log_n, s->r, s->p,
			    MEMORY_MAX_BYTES, to, HASH_BYTES);
	pthread_mutex_unlock(&one_at_a_time);
	ENSURE(ok == 1, "a password would be compared with nothing");
}

char *password_hash(struct ez_view password)
{
	struct stored s = { .log_n = LOG_N, .r = BLOCK_R, .p = LANES_P };
	struct buf text = BUF_INIT(256);

	crypto_random(s.salt, sizeof(s.salt));
	derive(&s, password, s.hash);
	buf_addf(&text, "scrypt$%d$%d$%d$", LOG_N, BLOCK_R, LANES_P);
	hex_add(&text, s.salt, sizeof(s.salt));
	buf_add_char(&text, '$');
	hex_add(&text, s.hash, sizeof(s.hash));
	OPENSSL_cleanse(&s, sizeof(s));
	return buf_take(&text);
}

static bool next_number(struct ez_view *rest, uint64_t max, uint64_t *ret)
{
	struct ez_view part;

	return view_split(rest, '$', &part) && parse_u64(part, ret) && *ret >= 1 &&
	       *ret <= max;
}

static bool parse(const char *text, struct stored *s)
{
	struct ez_view rest = view_str(text), part;

	return view_split(&rest, '$', &part) && view_eq_str(part, "scrypt") &&
	       next_number(&rest, 17, &s->log_n) && next_number(&rest, 16, &s->r) &&
	       next_number(&rest, 16, &s->p) && view_split(&rest, '$', &part) &&
	       hex_parse(part, s->salt, SALT_BYTES) &&
	       hex_parse(rest, s->hash, HASH_BYTES);
}

bool password_is(const char *hash, struct ez_view password)
{
	struct stored s = { .log_n = LOG_N, .r = BLOCK_R, .p = LANES_P };
	unsigned char mine[HASH_BYTES];
	bool known = hash && parse(hash, &s), same;

	if (!known)
		s = (struct stored){ .log_n = LOG_N, .r = BLOCK_R, .p = LANES_P };
	derive(&s, password, mine);
	same = CRYPTO_memcmp(mine, s.hash, HASH_BYTES) == 0;
	OPENSSL_cleanse(mine, sizeof(mine));
	OPENSSL_cleanse(&s, sizeof(s));
	return known && same;
}
