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
 * Events are told apart by (tx->lsn, seq). One owner at a time.
 */
struct ahead_mark {
	uint64_t table; /* ez_table.id; 0: all tables */
	uint64_t lsn, seq;
	uint64_t group; /* of the load that it depends on; 0: it holds */
	uint32_t version, load;
};

struct ahead {
	struct ahead_mark *items;
	size_t n;
};

void ahead_release(struct ahead *a);
void ahead_copy(struct ahead *to, const struct ahead *from);

/* All tables are behind that event, in place of all there was. */
void ahead_all(struct ahead *a, uint64_t lsn, uint64_t seq);

/* One table will be, once the load of that group is committed. */
void ahead_expect(struct ahead *a, const struct ahead_mark *mark);

/* The group's loads are committed. */
void ahead_settle(struct ahead *a, uint64_t group);

/* Asks for the labels of an ended run's loads; `seq` is the last group known to be done. */
_must_check_ int ahead_decide(struct ahead *a, struct loader *l, const struct label *run,
			      uint64_t seq, struct ez_error *err);

/* Whether the event was loaded before. */
bool ahead_covers(const struct ahead *a, const struct ez_event *ev);
/* No mark speaks of this event's transaction or a later one. */
bool ahead_is_over(const struct ahead *a, const struct ez_event *ev);

/* As text of letters, digits and ">=:", appended; and back: other text is passed over. */
void ahead_format(const struct ahead *a, struct buf *b);
void ahead_parse(struct ahead *a, struct ez_view text);

#endif
