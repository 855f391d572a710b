/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_DECODE_H
#define PGOUTPUT_DECODE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "relation.h"

struct pg;
struct protocol_commit;

/*
 * From messages to events: one transaction after the other, in commit order.
 *
 * The caller opens a transaction, hands its messages over one by one and ends it; where they
 * come from (the socket, or the log of a streamed transaction) makes no difference. The
 * engine hears of a transaction with its first event, so one without any costs nothing.
 *
 * Numbers: an event's seq is its ordinal among the emitted events of its transaction,
 * counted over the whole of it. `emitted_lsn` is the end of what the engine has been given.
 *
 * A transaction that the connection cuts off in the middle comes again from its beginning;
 * decode.c says how the part that the engine already has is passed over.
 *
 * One owner, one thread. After an error other than EZ_E_TRANSIENT the decoder is done for.
 */
struct decode {
	struct pg *pg;
	const struct ez_host *host;
	struct ez_out *out; /* of the poll at hand */
	struct relations relations;

	struct ez_commit tx; /* the open transaction */
	bool is_open;
	bool is_begun; /* and the engine knows of it */
	bool is_old;   /* ends at or before emitted_lsn: passed over */
	uint64_t seq;  /* of the next event */
	uint64_t skip; /* events that the engine has had already */

	bool has_cut; /* a transaction was cut off, and this is how far the engine has it */
	uint64_t cut_lsn, cut_events;
	uint32_t cut_xid;

	uint64_t emitted_lsn;
	uint64_t quiet_lsn; /* end of the newest transaction without events */
	uint64_t n_emitted; /* events, ever */
};

/* One message, and who owns its bytes. */
struct decode_message {
	uint64_t lsn;
	struct ez_view bytes; /* begins with the type */
	void *owner;          /* NULL once the batch has adopted it; or nobody's */
	size_t owner_bytes;
	void (*release)(void *);
};

void decode_init(struct decode *d, struct pg *pg);
void decode_release(struct decode *d);

/* Transactions that end at or before `lsn` are not emitted. */
void decode_start(struct decode *d, uint64_t lsn);

/* The connection is gone, and the open transaction with it. */
void decode_lost(struct decode *d);

_must_check_ int decode_begin(struct decode *d, uint64_t final_lsn, uint32_t xid,
			      int64_t time_us, struct ez_error *err);

/*
 * Any message but those that open, end or stream a transaction. `is_streamed`: it came in a
 * stream block, so a transaction id follows the type. EZ_AGAIN: done, and the engine wants
 * control. EZ_E_TRANSIENT: nothing was done, the same message may work later.
 */
_must_check_ int decode_change(struct decode *d, struct decode_message *m,
			       bool is_streamed, struct ez_error *err);

_must_check_ int decode_commit(struct decode *d, const struct protocol_commit *c,
			       struct ez_error *err);

/* Nothing is open or missing: a position of the server may become ours. */
static inline bool decode_is_quiet(const struct decode *d)
{
	return !d->is_open && !d->has_cut;
}

/* For messages that are cut short or impossible. */
int decode_fail_malformed(const struct decode *d, const struct decode_message *m,
			  const void *at, struct ez_error *err);

#endif
