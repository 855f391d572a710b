/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_H
#define PGOUTPUT_H

#include <ezcdc/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * The instance of the pgoutput source: what its two halves share.
 *
 * The stream half (stream, decode, held, relation, protocol) reads changes over one
 * replication connection. The SQL half (conn, catalog, shape, slot, publication, info,
 * preflight, discover, snapshot, copy, monitor) does everything that is a query. Both see
 * the options, resolved once at open, and the means to be woken; the state of each is a
 * struct of its own that the other half only hands around.
 *
 * One instance, one thread. wake and interrupt alone come from others: they touch `woken`,
 * `interrupted` and `wake_fd`. Everything that waits does so in poll(2) on its socket and
 * wake_fd, drains wake_fd with pg_drain_wake() and then looks at the flags, so a wake is
 * never lost between two waits.
 */

struct pg_sql;     /* the SQL half's state, sql.h */
struct pg_stream;  /* the stream half's state, stream.h */
struct pg_monitor; /* the side connection that probes and measures, monitor.h */

enum pg_snapshot_mode { PG_SNAPSHOT_INITIAL, PG_SNAPSHOT_NEVER, PG_SNAPSHOT_ONLY };

/* The job file's section, resolved: defaults filled in, strings NUL-terminated. */
struct pg_options {
	const char *conninfo; /* without the password */
	const char *slot;
	const char *publication;
	enum pg_snapshot_mode snapshot;
	uint32_t snapshot_workers;
	uint64_t part_bytes;
	int64_t heartbeat_us; /* 0: none */
	bool create;
	bool streaming;
	bool messages;
	bool origin_none;
	bool failover;
};

struct pg {
	const struct ez_host *host;
	struct ez_ctx *ctx;
	const struct ez_config *config; /* for the secret and the list of tables */
	struct pg_options opt;
	char *job, *id, *scratch; /* copies of ez_open's */
	char *slot_name,
		*publication_name; /* what opt.slot and opt.publication point to */
	uint64_t memory, epoch;
	uint32_t role, worker; /* enum ez_role */
	bool alone; /* as of struct ez_open */
	uint32_t event_flags;  /* of rows: a database in SQL_ASCII may hold any bytes */

	int wake_fd;              /* eventfd, non-blocking */
	_Atomic bool woken;       /* wake() was called: poll and idle return */
	_Atomic bool interrupted; /* sticky: everything gives up with EZ_E_CANCELLED */

	struct pg_sql *sql;
	struct pg_stream *stream;
	struct pg_monitor *monitor;
};

/* Is the instance to give up? */
static inline bool pg_is_interrupted(const struct pg *pg)
{
	return atomic_load_explicit(&pg->interrupted, memory_order_acquire);
}

/* Takes the tokens off wake_fd; the flags stay. */
void pg_drain_wake(const struct pg *pg);

/*
 * Do the patterns of `tables` select this one? No pattern selects everything; a pattern is
 * "schema.table" or "table" (schema public) with * and ?, and ! in front excludes. The last
 * pattern that matches decides; a list of exclusions alone begins with everything.
 */
_must_check_ bool pg_selects(const struct pg *pg, struct ez_view schema,
			     struct ez_view name);

/* The SQL half as plugin.c wires it; the arguments are those of struct ez_source. */
_must_check_ int pg_sql_open(struct pg *pg, struct ez_error *err); /* never blocks */
void pg_sql_close(struct pg *pg);
_must_check_ int pg_info(struct pg *pg, struct ez_source_info *ret, struct ez_error *err);
_must_check_ int pg_same(struct pg *pg, struct ez_view identity, struct ez_position from,
			 struct ez_error *err);
_must_check_ int pg_prepare(struct pg *pg, uint32_t flags, struct ez_prepared *ret,
			    struct ez_error *err);
_must_check_ int pg_plan(struct pg *pg, struct ez_plan *plan, struct ez_out *out,
			 struct ez_error *err);
_must_check_ int pg_part_open(struct pg *pg, struct ez_view snapshot,
			      const struct ez_part *part, struct ez_error *err);
/* poll() of an EZ_ROLE_READER instance. */
_must_check_ int pg_part_poll(struct pg *pg, struct ez_out *out, uint32_t wait_ms,
			      struct ez_error *err);
void pg_part_close(struct pg *pg);
void pg_table_done(struct pg *pg, uint64_t table_id);
void pg_snapshot_done(struct pg *pg);
_must_check_ int pg_check(struct pg *pg, struct ez_report *report, struct ez_error *err);
_must_check_ int pg_discover(struct pg *pg, struct ez_report *report,
			     struct ez_error *err);
_must_check_ int pg_drop(struct pg *pg, struct ez_error *err);

#endif
