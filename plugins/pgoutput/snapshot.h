/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_SNAPSHOT_H
#define PGOUTPUT_SNAPSHOT_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct pg;
struct pg_slot_made;

/*
 * The sessions that keep a snapshot alive while readers copy from it (snapshot.c tells the
 * whole story). Belongs to the MAIN instance; readers only know the token.
 */
struct pg_snapshot;

/*
 * Takes the snapshot that the making of the slot has exported over into a session of its
 * own, which exports it again. `slot_conn` is closed, or kept when the slot is temporary and
 * would go with it; it is the snapshot's on success. The new name is in `ret_name`.
 */
_must_check_ int pg_snapshot_open(struct pg *pg, PGconn **slot_conn, bool keeps_slot_conn,
				  const struct pg_slot_made *slot, char ret_name[64],
				  struct ez_error *err);

/*
 * A snapshot for reading alone, without a slot. `ret_lsn`: what it shows was written before
 * that. The server keeps nothing of it when the session ends.
 */
_must_check_ int pg_snapshot_view(struct pg *pg, uint64_t *ret_lsn, char ret_name[64],
				  struct ez_error *err);
void pg_snapshot_free(struct pg_snapshot *s);

/* The server's process of the lock session; 0 without a snapshot. */
int64_t pg_snapshot_pid(const struct pg_snapshot *s);

/* Keeps the sessions alive, without blocking (trap B7). */
void pg_snapshot_idle(struct pg_snapshot *s);
int64_t pg_snapshot_due_us(const struct pg_snapshot *s);

#endif
