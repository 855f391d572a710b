/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_CRYPTO_KEYRING_H
#define CONTROL_CRYPTO_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/view.h"

/*
 * The keys that protect secrets in the catalog, and the sealing itself.
 *
 * The key ring is a file of lines "<key id> <64 hex digits>": the first key encrypts, all
 * decrypt. A sealed value is AES-256-GCM: 12 random bytes of nonce, the text, 16 bytes of
 * tag; the key's id is stored beside it. The associated data names the row and column, so
 * that a value copied to another place of the catalog does not open there.
 *
 * Rotation is online: a value under a key that this process does not know makes it read
 * the file again, once. The owner opens and closes; in between any thread may use it.
 */
struct keyring;

enum { KEY_ID_MAX = 32 };

struct key_id {
	char text[KEY_ID_MAX + 1];
};

/* Makes the file (mode 0600) when it is absent. NULL with a sentence in `why`. */
_must_check_ struct keyring *keyring_open(const char *path, struct buf *why);
void keyring_close(struct keyring *k);

/* Reads the file again if it has changed. False: it could not be read, the old keys stay. */
bool keyring_refresh(struct keyring *k);

struct key_id keyring_first(struct keyring *k);

/* The ids, separated by commas, in the order of the file. */
void keyring_ids(struct keyring *k, struct buf *ret_ids);

/* Writes a new key to the file: at the top, or at the end when it shall only decrypt. */
_must_check_ bool keyring_add(struct keyring *k, bool at_top, struct key_id *ret_id,
			      struct buf *why);

/* Moves the last key of the file to the top. */
_must_check_ bool keyring_activate(struct keyring *k, struct key_id *ret_id,
				   struct buf *why);

/* The last key of the file: the one that `activate` would take. */
struct key_id keyring_last(struct keyring *k);

/* Appends the sealed bytes; the id is that of the key used. */
struct key_id keyring_seal(struct keyring *k, struct ez_view aad, struct ez_view text,
			   struct buf *ret_sealed);

/* False when the key is unknown or anything was altered; nothing is in `ret_text` then. */
_must_check_ bool keyring_unseal(struct keyring *k, const char *key_id,
				 struct ez_view aad, struct ez_view sealed,
				 struct secret *ret_text);

#endif
