/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_HELD_H
#define PGOUTPUT_HELD_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Transactions in progress that the server streams to us: kept until their fate is known.
 *
 * The server sends a large transaction in blocks while it still runs. What it sends is kept
 * as raw messages, in order, in one log per top-level transaction; the log is replayed when
 * the transaction commits and thrown away when it aborts. Nothing of it is visible before.
 *
 * A log begins in memory and moves to a file when all logs together pass the limit, or when
 * the engine says that its budget is spent. The file has no name, mode 0600, one per
 * transaction; it is written and read in bounded pieces. Which log moves: the one with the
 * most in memory.
 *
 * One owner, one thread. A log's bytes stay until it is freed; what held_next() returns is
 * valid until the next call on that log. Failing to write or read the file is EZ_E_IO and
 * leaves the log unusable: free it.
 */
struct held;
struct held_tx;

struct held_config {
	const struct ez_host *host;
	struct ez_ctx *ctx;
	const char *folder; /* for the files; borrowed */
	size_t limit_bytes; /* of all logs together, in memory */
};

struct held *held_new(const struct held_config *config);
void held_free(struct held *h);

/* The log of a transaction; held_open makes an empty one if there is none. */
struct held_tx *held_find(const struct held *h, uint32_t xid);
struct held_tx *held_open(struct held *h, uint32_t xid);

/*
 * Adds a message of (sub)transaction `subxid`. `lsn` comes back with it.
 */
_must_check_ int held_append(struct held *h, struct held_tx *tx, uint32_t subxid,
			     uint64_t lsn, struct ez_view message, struct ez_error *err);

/* The subtransaction rolled back: forgets its messages and all after them. */
void held_abort_sub(struct held *h, struct held_tx *tx, uint32_t subxid);

/* The log leaves the set of transactions in progress and is the caller's to replay. */
struct held_tx *held_take(struct held *h, uint32_t xid);

/* Frees a log, taken or not; NULL is fine. All that are in progress. */
void held_drop(struct held *h, struct held_tx *tx);
void held_drop_all(struct held *h);

struct held_message {
	uint64_t lsn;
	struct ez_view bytes;
};

/* The next message of a log that was taken. EZ_OK, or EZ_EOF after the last. */
_must_check_ int held_next(struct held *h, struct held_tx *tx, struct held_message *ret,
			   struct ez_error *err);

/* In progress and not taken. */
size_t held_count(const struct held *h);

/* Of all logs, taken ones included: memory and files. */
uint64_t held_bytes(const struct held *h);

/* Of which in files. */
uint64_t held_spilled_bytes(const struct held *h);

#endif
