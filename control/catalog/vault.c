/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/catalog/vault.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "control/crypto/digest.h"
#include "control/crypto/keyring.h"

enum { SEALED_MAX_BYTES = SECRET_MAX_BYTES + 64 };

static char *aad_of(const char *owner, const char *name)
{
	return xasprintf("ezcdc secrets %s %s", owner, name);
}

/* As the server wants bytes: "\x" and hex digits. */
static char *seal(struct keyring *k, const char *aad, struct ez_view value,
		  struct key_id *ret_id)
{
	struct buf sealed = BUF_INIT(SEALED_MAX_BYTES),
		   hex = BUF_INIT(2 * SEALED_MAX_BYTES + 2);

	*ret_id = keyring_seal(k, view_str(aad), value, &sealed);
	buf_add_str(&hex, "\\x");
	hex_add(&hex, sealed.ptr, sealed.len);
	buf_release(&sealed);
	return buf_take(&hex);
}

static bool unseal(struct keyring *k, const char *aad, const char *key_id,
		   struct ez_view hex, struct secret *ret_value)
{
	_cleanup_(freep) unsigned char *bytes = NULL;
	size_t n;

	if (!view_starts(hex, VIEW("\\x")))
		return false;
	n = (hex.len - 2) / 2;
	bytes = xmalloc(n + 1);
	return hex_parse(view_of(hex.ptr + 2, hex.len - 2), bytes, n) &&
	       keyring_unseal(k, key_id, view_str(aad), view_of(bytes, n), ret_value);
}

static enum db_result put_once(struct db *d, struct keyring *k, const char *owner,
			       const char *name, struct ez_view value, struct key_id *ret_id)
{
	_cleanup_(freep) char *aad = aad_of(owner, name), *sealed = NULL;

	sealed = seal(k, aad, value, ret_id);
	return db_run(
		d, NULL,
		"insert into secrets (owner, name, key_id, sealed) values ($1, $2, $3, $4)"
		" on conflict (owner, name) do update set key_id = $3, sealed = $4",
		owner, name, ret_id->text, sealed);
}

/*
 * Sealed anew if the first key was another one meanwhile: so a row that is written after
 * this instance has told of its new key is never under an older one, and vault_barrier()
 * waits for those that were written before.
 */
enum db_result vault_put(struct db *d, struct keyring *k, const char *owner,
			 const char *name, struct ez_view value)
{
	struct key_id id, first;
	enum db_result rc;

	do {
		rc = put_once(d, k, owner, name, value, &id);
		first = keyring_first(k);
	} while (rc == DB_OK && strcmp(id.text, first.text) != 0);
	return rc;
}

enum db_result vault_read(struct db *d, const char *owners, struct pg_result **ret_rows)
{
	return db_run(d, ret_rows,
		      "select owner, name, key_id, sealed from secrets"
		      " where owner = any ($1::uuid[]) order by owner, name",
		      owners);
}

/* Ids sort alike as bytes and as text. */
static int first_of(const struct pg_result *rows, const char *owner)
{
	int low = 0, high = db_rows(rows);

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (strcmp(db_text(rows, middle, 0), owner) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool vault_open(struct keyring *k, const struct pg_result *rows, const char *owner,
		void (*each)(void *arg, const char *name, const struct secret *value),
		void *arg)
{
	for (int i = first_of(rows, owner);
	     i < db_rows(rows) && strcmp(db_text(rows, i, 0), owner) == 0; i++) {
		_cleanup_(freep) char *aad = aad_of(owner, db_text(rows, i, 1));
		_cleanup_(secret_release) struct secret value = SECRET_INIT;

		if (unseal(k, aad, db_text(rows, i, 2), db_view(rows, i, 3), &value)) {
			each(arg, db_text(rows, i, 1), &value);
			continue;
		}
		log_msg(EZL_ERROR, "a secret cannot be opened owner=%s name=%s key=%s",
			owner, db_text(rows, i, 1), db_text(rows, i, 2));
		log_hint("is the key missing from the key ring of this instance?");
		return false;
	}
	return true;
}

enum db_result vault_each(struct db *d, struct keyring *k, const char *owner,
			  void (*each)(void *arg, const char *name,
				       const struct secret *value),
			  void *arg)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *owners = xasprintf("{%s}", owner);
	enum db_result rc = vault_read(d, owners, &rows);

	if (rc != DB_OK)
		return rc;
	return vault_open(k, rows, owner, each, arg) ? DB_OK : DB_REFUSED;
}

enum db_result vault_drop(struct db *d, const char *owner, const char *prefix)
{
	return db_run(d, NULL,
		      "delete from secrets where owner = $1 and starts_with(name, $2)",
		      owner, prefix);
}

static enum db_result rotate_row(struct db *d, struct keyring *k,
				 const struct pg_result *rows, int i)
{
	const char *owner = db_text(rows, i, 0), *name = db_text(rows, i, 1);
	_cleanup_(freep) char *aad = aad_of(owner, name), *sealed = NULL;
	_cleanup_(secret_release) struct secret value = SECRET_INIT;
	struct key_id id;

	if (!unseal(k, aad, db_text(rows, i, 2), db_view(rows, i, 3), &value)) {
		log_msg(EZL_ERROR, "a secret cannot be opened owner=%s name=%s key=%s",
			owner, name, db_text(rows, i, 2));
		return DB_REFUSED;
	}
	sealed = seal(k, aad, secret_view(&value), &id);
	return db_run(
		d, NULL,
		"update secrets set key_id = $3, sealed = $4 where owner = $1 and name = $2",
		owner, name, id.text, sealed);
}

/* Rows that somebody else is changing are left for the next time: waiting for them with
 * others in hand, one of the two would end with a deadlock. */
static enum db_result rotate_some(struct db *d, struct keyring *k, const char *first, int limit)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *count = xasprintf("%d", limit);
	enum db_result rc =
		db_run(d, &rows,
		       "select owner, name, key_id, sealed from secrets where key_id <> $1"
		       " order by owner, name limit $2::int for update skip locked",
		       first, count);

	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++)
		rc = rotate_row(d, k, rows, i);
	return rc;
}

enum db_result vault_rotate(struct db *d, struct keyring *k, int limit, int64_t *ret_left)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct key_id first = keyring_first(k);
	enum db_result rc = db_begin(d);

	if (rc == DB_OK)
		rc = rotate_some(d, k, first.text, limit);
	if (rc == DB_OK)
		rc = db_run(d, &rows, "select count(*) from secrets where key_id <> $1",
			    first.text);
	if (rc == DB_OK)
		rc = db_commit(d);
	if (rc == DB_OK)
		*ret_left = db_i64(rows, 0, 0);
	else
		db_rollback(d);
	return rc;
}

enum db_result vault_barrier(struct db *d)
{
	enum db_result rc = db_begin(d);

	if (rc == DB_OK)
		rc = db_run(d, NULL, "lock table secrets in share row exclusive mode");
	if (rc == DB_OK)
		return db_commit(d);
	db_rollback(d);
	return rc;
}
