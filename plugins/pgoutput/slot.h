/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_SLOT_H
#define PGOUTPUT_SLOT_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct pg;

/*
 * The replication slot of a job.
 *
 * A slot holds back the server's log, so none is left behind by accident: creation that is
 * interrupted cancels the command at the server, which removes what it had begun. A slot
 * that another session uses is taken away only from an earlier run of the same job, whose
 * checkpoints are refused already (R23).
 */
struct pg_slot {
	bool exists;
	bool is_logical, is_pgoutput, is_this_database;
	bool is_active, is_temporary,
		is_synced; /* synced: kept up to date by a failover */
	bool is_lost;
	int32_t active_pid;
	uint64_t confirmed, restart;
	char database[64], plugin[64];
	char reason[96]; /* is_lost: why */
};

/* Over any connection, also one for replication. */
_must_check_ int pg_slot_read(struct pg *pg, PGconn *conn, struct pg_slot *ret,
			      struct ez_error *err);

/* Fails when the slot exists but cannot be this job's: another plugin or database. */
_must_check_ int pg_slot_check(struct pg *pg, const struct pg_slot *slot,
			       struct ez_error *err);

enum { PG_FAILOVER_SINCE = 170000 };

/* Fails when the job wants a failover slot and the server has none. */
_must_check_ int pg_slot_check_failover(struct pg *pg, int version, struct ez_error *err);

struct pg_slot_made {
	uint64_t lsn;      /* the consistent point */
	char snapshot[64]; /* its exported name; "" without */
};

/*
 * Makes the slot over the replication connection `conn`, whose next command ends the
 * exported snapshot. Waits for transactions that are running, logging whom it waits for.
 */
_must_check_ int pg_slot_create(struct pg *pg, PGconn *conn, bool is_temporary,
				bool exports, struct pg_slot_made *ret,
				struct ez_error *err);

/* Ends the session of an earlier run that has the slot, and waits until that is free. */
_must_check_ int pg_slot_take(struct pg *pg, struct ez_error *err);

/* EZ_OK also when there is none. A slot in use is waited for a while, then EZ_E_BUSY. */
_must_check_ int pg_slot_drop(struct pg *pg, struct ez_error *err);

#endif
