/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "control/api/common.h"
#include "control/catalog/vault.h"
#include "control/commands.h"
#include "control/crypto/keyring.h"
#include "control/settings.h"

/*
 * New keys while everything runs.
 *
 * Whoever still takes an older key to be the first may seal with it after all else has been
 * sealed anew. So rotation is over only when every live instance has told that it encrypts
 * with the new key, what these had begun before is in the catalog, and one more look finds
 * nothing under another key. Only then no secret needs an older key.
 */
enum {
	ROTATE_BATCH = 100,
	SETTLE_US = 20 * US_PER_SEC, /* instances read the key ring again within seconds */
	PAUSE_US = 100 * US_PER_MS,
};

#define LIVE "instances where seen_at > now() - interval '30 seconds'"

/* What `sql` counts for this key; -1: the catalog does not answer. */
static int64_t count(struct db *d, const char *sql, const char *id)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;

	return db_run(d, &rows, sql, id) == DB_OK ? db_i64(rows, 0, 0) : -1;
}

static int reseal(struct db *d, struct keyring *k)
{
	int64_t left = 1;

	while (left > 0) {
		int64_t before = left;
		enum db_result rc = vault_rotate(d, k, ROTATE_BATCH, &left);

		if (rc == DB_REFUSED)
			return command_failed(EX_DATAERR,
					      "a secret cannot be opened: is a key missing?");
		if (rc != DB_OK)
			return command_db_failed(d, rc);
		if (left >= before)
			sleep_us(PAUSE_US); /* others have them in hand */
	}
	return EX_OK;
}

/* Until every live instance encrypts with this key. */
static int await_instances(struct db *d, const char *id)
{
	static const char sql[] = "select count(*) from " LIVE " and key_ids[1] <> $1";
	int64_t until_us = mono_us() + SETTLE_US, n;

	while ((n = count(d, sql, id)) > 0 && mono_us() < until_us)
		sleep_us(PAUSE_US);
	if (n < 0)
		return command_db_failed(d, DB_DOWN);
	if (n == 0)
		return EX_OK;
	fprintf(stderr,
		"ezcdc-control: %" PRId64 " of the live instances encrypt with another key: copy the"
		" key ring to all of them, then rotate-key --finish\n",
		n);
	return EX_TEMPFAIL;
}

/* From any state, as often as one likes: to all secrets being under the first key for good. */
static int finish(struct db *d, struct keyring *k)
{
	struct key_id id = keyring_first(k);
	int code = reseal(d, k);
	enum db_result rc;

	if (code == EX_OK)
		code = await_instances(d, id.text);
	if (code != EX_OK)
		return code;
	rc = vault_barrier(d);
	if (rc != DB_OK)
		return command_db_failed(d, rc);
	code = reseal(d, k);
	if (code != EX_OK)
		return code;
	rc = audit_command(
		d, &(struct audit){ .action = "key.rotate", .type = "key", .id = id.text });
	if (rc != DB_OK)
		return command_db_failed(d, rc);
	printf("all secrets are under key %s; older keys are needed for backups alone\n", id.text);
	return EX_OK;
}

static int add(struct db *d, struct keyring *k, struct buf *why)
{
	struct key_id id;

	if (!keyring_add(k, false, &id, why))
		return command_failed(EX_IOERR, buf_cstr(why));
	if (audit_command(d, &(struct audit){
				     .action = "key.add", .type = "key", .id = id.text }) != DB_OK)
		return command_db_failed(d, DB_DOWN);
	printf("key %s can decrypt; copy the key ring to every instance, then rotate-key --activate\n",
	       id.text);
	return EX_OK;
}

/* Was it the first before, or is the first one what a rotation has ended with? */
static int64_t is_used(struct db *d, const char *last, const char *first)
{
	int64_t used =
		count(d,
		      "select (exists (select from secrets where key_id = $1) or exists"
		      " (select from audit where action = 'key.rotate' and object_id = $1))::int",
		      last);

	if (used != 0)
		return used;
	return count(d,
		     "select count(*) from (select action, object_id from audit where action in"
		     " ('key.add', 'key.rotate') order by id desc limit 1) newest"
		     " where action = 'key.rotate' and object_id = $1",
		     first);
}

/* The last key becomes the first, but once: done again, the old one would take its place. */
static int activate(struct db *d, struct keyring *k, struct buf *why)
{
	struct key_id id = keyring_last(k), first = keyring_first(k);
	int64_t used = is_used(d, id.text, first.text);
	int64_t without =
		count(d, "select count(*) from " LIVE " and not $1 = any(key_ids)", id.text);

	if (used < 0 || without < 0)
		return command_db_failed(d, DB_DOWN);
	if (used > 0)
		return command_failed(EX_USAGE,
				      "the last key of the key ring is no new one: rotate-key --add "
				      "makes one, rotate-key --finish goes on with what was begun");
	if (without > 0)
		return command_failed(EX_TEMPFAIL,
				      "a live instance does not have the new key yet");
	if (!keyring_activate(k, &id, why))
		return command_failed(EX_IOERR, buf_cstr(why));
	return finish(d, k);
}

static int rotate(const struct command_options *o, struct db *d, struct keyring *k,
		  struct buf *why)
{
	struct key_id id;
	int64_t n;

	if (o->add)
		return add(d, k, why);
	if (o->activate)
		return activate(d, k, why);
	if (o->finish)
		return finish(d, k);
	n = count(d, "select count(*) from " LIVE " and $1 <> ''", "live");
	if (n < 0)
		return command_db_failed(d, DB_DOWN);
	if (n > 1)
		return command_failed(
			EX_USAGE,
			"several instances run: use rotate-key --add, then --activate");
	if (!keyring_add(k, true, &id, why))
		return command_failed(EX_IOERR, buf_cstr(why));
	return finish(d, k);
}

int command_rotate_key(const struct settings *s, const struct command_options *o,
		       const char *arg)
{
	struct buf why = BUF_INIT(1024);
	struct keyring *k = keyring_open(s->keyring, &why);
	int applied, code = EX_OK;
	_cleanup_(db_freep) struct db *d = NULL;

	(void)arg;
	if (k && o->add + o->activate + o->finish > 1)
		code = command_failed(EX_USAGE, "--add, --activate and --finish are steps of their own");
	else if (k)
		d = command_open_catalog(s, &applied, &code);
	else
		code = command_failed(EX_CONFIG, buf_cstr(&why));
	if (d)
		code = rotate(o, d, k, &why);
	keyring_close(k);
	buf_release(&why);
	return code;
}
