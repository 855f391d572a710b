/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_AHEAD_H
#define STARROCKS_AHEAD_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "loader.h"

/*
 * How far tables are ahead of the position from which a run resumes.
 *
 * Rows that come again are written again, and end up the same: but not those whose large
 * values were not sent and are read back from the target. Two rows that change keys with each
 * other would change them back. So the row of the job (progress.h) says behind which event
 *
 *   - all tables are (4.0 and later): a group ends there that does not end a transaction, or
 *   - one table is (below): a group in which rows of it were read back.
 *
 * What comes again up to there is passed over. Below 4.0 this is written before the load it
 * speaks of, so it holds if that load's label was committed, which is asked for at the next
 * start (ahead_decide).
 *
 * A place is an event's by what the source cannot change, whatever tables and transforms the
 * job has by then: its transaction, its own lsn, and which one of that lsn it is (one record of
 * the log may insert many rows).
 *
 * Events that were rejected lie under no mark: they are to be rejected again. One owner at a
 * time.
 */
struct ahead_place {
	uint64_t lsn; /* of the transaction; 0: no place */
	uint64_t change;
	uint32_t xid, nth;
};

struct ahead_mark {
	uint64_t table; /* ez_table.id; 0: all tables, in this transaction */
	struct ahead_place place;
	uint64_t group; /* of the load that it depends on; 0: it holds */
	uint32_t version, load;
};

struct ahead {
	struct ahead_mark *items;
	size_t n;
};

/* The place of an event that follows the one at `before`. */
struct ahead_place ahead_next(const struct ahead_place *before, const struct ez_event *ev);
/* The place of events[i]; `before` is that of the last event of the batch before. */
struct ahead_place ahead_place_of(const struct ez_batch *b, size_t i,
				  const struct ahead_place *before);

void ahead_release(struct ahead *a);
void ahead_copy(struct ahead *to, const struct ahead *from);

/* All tables are behind that event, in place of all there was. */
void ahead_all(struct ahead *a, const struct ahead_place *place);

/* One table will be, once the load of that group is committed. */
void ahead_expect(struct ahead *a, const struct ahead_mark *mark);

/* The group's loads are committed. */
void ahead_settle(struct ahead *a, uint64_t group);
/* One of them is, or will never be. */
void ahead_learn(struct ahead *a, uint64_t group, uint32_t load, bool is_done);

/* Asks for the labels of an ended run's loads; `seq` is the last group known to be done. */
_must_check_ int ahead_decide(struct ahead *a, struct loader *l, const struct label *run,
			      uint64_t seq, struct ez_error *err);

/* Whether the event at that place was loaded before. */
bool ahead_covers(const struct ahead *a, const struct ez_event *ev,
		  const struct ahead_place *place);
/* No mark speaks of this event's transaction or a later one. */
bool ahead_is_over(const struct ahead *a, const struct ez_event *ev);

/* As text of letters, digits and ">=:", appended; and back: other text is passed over. */
void ahead_format(const struct ahead *a, struct buf *b);
void ahead_parse(struct ahead *a, struct ez_view text);

#endif
