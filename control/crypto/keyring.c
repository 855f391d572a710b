/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/crypto/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "control/crypto/digest.h"

enum {
	KEY_BYTES = 32,
	NONCE_BYTES = 12,
	TAG_BYTES = 16,
	KEYS_MAX = 64,
	FILE_MAX_BYTES = 16 * 1024,
};

struct key {
	struct key_id id;
	unsigned char bytes[KEY_BYTES];
};

struct keyset {
	struct key keys[KEYS_MAX];
	size_t n;
};

struct keyring {
	char *path;
	pthread_mutex_t reading; /* one reads the file at a time: no old set after a new one */
	pthread_mutex_t lock;
	struct keyset set;     /* guarded by lock */
	struct timespec mtime; /* guarded by lock */
	ino_t inode;           /* guarded by lock */
};

/* ------------------------------------------------------------------ the file */

static bool is_id(struct ez_view v)
{
	if (v.len < 1 || v.len > KEY_ID_MAX)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static const struct key *find(const struct keyset *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->keys[i].id.text, id) == 0)
			return &s->keys[i];
	}
	return NULL;
}

static bool parse_line(struct keyset *s, struct ez_view line)
{
	struct ez_view rest = line, id;
	struct key *k = &s->keys[s->n];

	if (s->n == KEYS_MAX || !view_split(&rest, ' ', &id) || !is_id(id) ||
	    !hex_parse(view_trim(rest), k->bytes, KEY_BYTES) ||
	    !str_copy(k->id.text, sizeof(k->id.text), id) || find(s, k->id.text))
		return false;
	s->n++;
	return true;
}

static bool parse(struct keyset *s, struct ez_view text, const char *path,
		  struct buf *why)
{
	struct ez_view line;
	int n = 0;

	while (view_split(&text, '\n', &line)) {
		n++;
		line = view_trim(line);
		if (line.len > 0 && line.ptr[0] != '#' && !parse_line(s, line)) {
			buf_addf(why, "%s:%d is not \"<key id> <64 hex digits>\"", path,
				 n);
			return false;
		}
	}
	if (s->n == 0)
		buf_addf(why, "%s holds no key", path);
	return s->n > 0;
}

static bool write_file(struct keyring *k, const struct keyset *s, struct buf *why)
{
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	int rc;

	for (size_t i = 0; i < s->n; i++) {
		buf_addf(&text, "%s ", s->keys[i].id.text);
		hex_add(&text, s->keys[i].bytes, KEY_BYTES);
		buf_add_char(&text, '\n');
	}
	rc = buf_ok(&text) ? fs_write_atomic(k->path, text.ptr, text.len, 0600) : -EFBIG;
	if (text.ptr)
		OPENSSL_cleanse(text.ptr, text.len);
	buf_release(&text);
	if (rc == 0)
		return true;
	errno = -rc;
	buf_addf(why, "cannot write the key ring %s: %m", k->path);
	return false;
}

static bool is_private(const char *path, struct stat *st, struct buf *why)
{
	if (stat(path, st) != 0) {
		buf_addf(why, "cannot read the key ring %s: %m", path);
		return false;
	}
	if (st->st_mode & 077) {
		buf_addf(why, "others can read the key ring %s: chmod 600 it", path);
		return false;
	}
	return true;
}

static bool load(struct keyring *k, struct buf *why)
{
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	struct keyset *fresh;
	struct stat st;
	bool ok = is_private(k->path, &st, why);
	int rc;

	if (!ok)
		return false;
	rc = fs_read_file(k->path, FILE_MAX_BYTES, &text);
	if (rc < 0) {
		errno = -rc;
		buf_addf(why, "cannot read the key ring %s: %m", k->path);
		buf_release(&text);
		return false;
	}
	fresh = xcalloc(1, sizeof(*fresh));
	ok = parse(fresh, buf_view(&text), k->path, why);
	if (text.ptr)
		OPENSSL_cleanse(text.ptr, text.len);
	buf_release(&text);
	if (ok) {
		pthread_mutex_lock(&k->lock);
		k->set = *fresh;
		k->mtime = st.st_mtim;
		k->inode = st.st_ino;
		pthread_mutex_unlock(&k->lock);
	}
	OPENSSL_cleanse(fresh, sizeof(*fresh));
	free(fresh);
	return ok;
}

/* Ids show when a key was made, and never meet twice. */
static void make_key(struct key *key)
{
	struct rfc3339 now = format_rfc3339_us(now_us());
	unsigned char tail[3];
	struct buf id = BUF_INIT(KEY_ID_MAX);

	buf_addf(&id, "k%.4s%.2s%.2s-", now.text, now.text + 5, now.text + 8);
	crypto_random(tail, sizeof(tail));
	hex_add(&id, tail, sizeof(tail));
	ENSURE(str_copy(key->id.text, sizeof(key->id.text), buf_view(&id)),
	       "a key would be stored under half a name");
	buf_release(&id);
	crypto_random(key->bytes, KEY_BYTES);
}

/* Whole under another name first: an instance that starts beside this one reads no half. */
static bool make_file(struct keyring *k, struct buf *why)
{
	struct keyset *s = xcalloc(1, sizeof(*s));
	char *path = k->path;
	bool ok;

	k->path = xasprintf("%s.new-%d", path, (int)getpid());
	make_key(&s->keys[0]);
	s->n = 1;
	ok = write_file(k, s, why);
	if (ok && link(k->path, path) != 0 && errno != EEXIST) {
		buf_addf(why, "cannot make the key ring %s: %m", path);
		ok = false;
	}
	unlink(k->path);
	free(k->path);
	k->path = path;
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
	return ok;
}

/* ------------------------------------------------------------------ life */

struct keyring *keyring_open(const char *path, struct buf *why)
{
	struct keyring *k = xcalloc(1, sizeof(*k));
	struct stat st;

	k->path = xstrdup(path);
	pthread_mutex_init(&k->reading, NULL);
	pthread_mutex_init(&k->lock, NULL);
	if ((stat(path, &st) != 0 && errno == ENOENT && !make_file(k, why)) ||
	    !load(k, why)) {
		keyring_close(k);
		return NULL;
	}
	return k;
}

void keyring_close(struct keyring *k)
{
	if (!k)
		return;
	OPENSSL_cleanse(&k->set, sizeof(k->set));
	pthread_mutex_destroy(&k->lock);
	pthread_mutex_destroy(&k->reading);
	free(k->path);
	free(k);
}

static bool has_changed(struct keyring *k)
{
	struct stat st;
	bool changed;

	if (stat(k->path, &st) != 0)
		return false;
	pthread_mutex_lock(&k->lock);
	changed = st.st_ino != k->inode || st.st_mtim.tv_sec != k->mtime.tv_sec ||
		  st.st_mtim.tv_nsec != k->mtime.tv_nsec;
	pthread_mutex_unlock(&k->lock);
	return changed;
}

bool keyring_refresh(struct keyring *k)
{
	struct buf why = BUF_INIT(512);
	bool ok;

	pthread_mutex_lock(&k->reading);
	ok = !has_changed(k) || load(k, &why);
	pthread_mutex_unlock(&k->reading);
	buf_release(&why);
	return ok;
}

static struct key_id id_at(struct keyring *k, bool last)
{
	struct key_id id;

	pthread_mutex_lock(&k->lock);
	id = k->set.keys[last ? k->set.n - 1 : 0].id;
	pthread_mutex_unlock(&k->lock);
	return id;
}

struct key_id keyring_first(struct keyring *k)
{
	return id_at(k, false);
}

struct key_id keyring_last(struct keyring *k)
{
	return id_at(k, true);
}

void keyring_ids(struct keyring *k, struct buf *ret_ids)
{
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < k->set.n; i++)
		buf_addf(ret_ids, "%s%s", i ? "," : "", k->set.keys[i].id.text);
	pthread_mutex_unlock(&k->lock);
}

/* Writes the changed set and takes it over from the file, as any other process will. */
static bool store(struct keyring *k, struct keyset *s, struct buf *why)
{
	bool ok = write_file(k, s, why) && load(k, why);

	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
	return ok;
}

static struct keyset *copy_set(struct keyring *k)
{
	struct keyset *s = xcalloc(1, sizeof(*s));

	pthread_mutex_lock(&k->lock);
	*s = k->set;
	pthread_mutex_unlock(&k->lock);
	return s;
}

bool keyring_add(struct keyring *k, bool at_top, struct key_id *ret_id, struct buf *why)
{
	struct keyset *s = copy_set(k);
	struct key_id id;

	if (s->n == KEYS_MAX) {
		buf_addf(why, "%s is full: remove keys that nothing is sealed with",
			 k->path);
		OPENSSL_cleanse(s, sizeof(*s));
		free(s);
		return false;
	}
	if (at_top)
		memmove(&s->keys[1], &s->keys[0], s->n * sizeof(s->keys[0]));
	make_key(&s->keys[at_top ? 0 : s->n]);
	id = s->keys[at_top ? 0 : s->n].id;
	s->n++;
	if (!store(k, s, why))
		return false;
	*ret_id = id;
	return true;
}

bool keyring_activate(struct keyring *k, struct key_id *ret_id, struct buf *why)
{
	struct keyset *s = copy_set(k);
	struct key last = s->keys[s->n - 1];

	memmove(&s->keys[1], &s->keys[0], (s->n - 1) * sizeof(s->keys[0]));
	s->keys[0] = last;
	*ret_id = last.id;
	OPENSSL_cleanse(&last, sizeof(last));
	return store(k, s, why);
}

/* ------------------------------------------------------------------ sealing */

static bool encrypt(const struct key *key, struct ez_view aad, struct ez_view text,
		    char *to)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *out = (unsigned char *)to;
	int n = 0;
	bool ok;

	crypto_random(out, NONCE_BYTES);
	ok = ctx &&
	     EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, out) == 1 &&
	     EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)aad.ptr,
			       (int)aad.len) == 1 &&
	     EVP_EncryptUpdate(ctx, out + NONCE_BYTES, &n,
			       (const unsigned char *)text.ptr, (int)text.len) == 1 &&
	     EVP_EncryptFinal_ex(ctx, out + NONCE_BYTES + text.len, &n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
				 out + NONCE_BYTES + text.len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

struct key_id keyring_seal(struct keyring *k, struct ez_view aad, struct ez_view text,
			   struct buf *ret_sealed)
{
	size_t n = NONCE_BYTES + text.len + TAG_BYTES;
	char *to = buf_reserve(ret_sealed, n);
	struct key key;
	struct key_id id;

	ENSURE(to && text.len <= SECRET_MAX_BYTES && aad.len <= SECRET_MAX_BYTES,
	       "a secret would be cut short");
	pthread_mutex_lock(&k->lock);
	key = k->set.keys[0];
	pthread_mutex_unlock(&k->lock);
	if (!text.ptr)
		text.ptr = "";
	ENSURE(encrypt(&key, aad, text, to), "a secret would be stored in clear");
	buf_advance(ret_sealed, n);
	id = key.id;
	OPENSSL_cleanse(&key, sizeof(key));
	return id;
}

static bool decrypt(const struct key *key, struct ez_view aad, struct ez_view sealed,
		    unsigned char *to)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const unsigned char *in = (const unsigned char *)sealed.ptr;
	int len = (int)(sealed.len - NONCE_BYTES - TAG_BYTES), n = 0;
	unsigned char tag[TAG_BYTES];
	bool ok;

	memcpy(tag, in + NONCE_BYTES + len, TAG_BYTES);
	ok = ctx &&
	     EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, in) == 1 &&
	     EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)aad.ptr,
			       (int)aad.len) == 1 &&
	     EVP_DecryptUpdate(ctx, to, &n, in + NONCE_BYTES, len) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
	     EVP_DecryptFinal_ex(ctx, to + len, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static bool key_of(struct keyring *k, const char *id, struct key *ret_key)
{
	const struct key *found;

	pthread_mutex_lock(&k->lock);
	found = find(&k->set, id);
	if (found)
		*ret_key = *found;
	pthread_mutex_unlock(&k->lock);
	return found != NULL;
}

bool keyring_unseal(struct keyring *k, const char *key_id, struct ez_view aad,
		    struct ez_view sealed, struct secret *ret_text)
{
	unsigned char *clear;
	struct key key;
	size_t n;
	bool ok;

	if (sealed.len < NONCE_BYTES + TAG_BYTES ||
	    sealed.len > SECRET_MAX_BYTES + NONCE_BYTES + TAG_BYTES)
		return false;
	if (!key_of(k, key_id, &key) && (!keyring_refresh(k) || !key_of(k, key_id, &key)))
		return false;
	n = sealed.len - NONCE_BYTES - TAG_BYTES;
	clear = xmalloc(n + 1);
	ok = decrypt(&key, aad, sealed, clear) &&
	     secret_set(ret_text, view_of(clear, n)) == 0;
	OPENSSL_cleanse(clear, n);
	OPENSSL_cleanse(&key, sizeof(key));
	free(clear);
	return ok;
}
