/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_DEAD_LETTER_H
#define ENGINE_DEAD_LETTER_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct dead_letters;

/*
 * The dead letter file: rows that can never be loaded, kept with the reason (R15).
 *
 * One JSON object a line in <state-dir>/dead-letter.jsonl (or errors.path), mode 0600: key
 * (commit_lsn, part, seq), table, operation, the row after transforms, class, code and
 * reason, time. A batch only counts as durable once dead_letters_sync() has returned for
 * the rows it lost. On start, records above the start position are cut off, because those
 * rows will come again; records of an unfinished snapshot as well. What cannot be read there
 * (a record torn by a crash, a line that someone edited) is moved to <path>.unreadable, with
 * a warning.
 *
 * Policy is kept here too: dead_letters_add() answers EZ_E_DATA when the policy is to stop,
 * or when the limit is reached, and then has written nothing.
 *
 * Thread safe.
 */
/* Opens the file, cuts it back to `start` (order 0: keep all), counts what is there. */
_must_check_ int dead_letters_open(const char *path, bool stop, uint64_t limit,
				   uint64_t start_lsn, bool drop_snapshot_rows,
				   struct dead_letters **ret, struct ez_error *err);

/* A copy begins again: its rows come once more, so their records go. */
_must_check_ int dead_letters_forget_snapshot(struct dead_letters *d, struct ez_error *err);
void dead_letters_close(struct dead_letters *d);

/* err holds the reason. EZ_OK: written, leave the row out. part: of a snapshot batch. */
_must_check_ int dead_letters_add(struct dead_letters *d, const struct ez_event *ev,
				  uint32_t part, bool is_snapshot, struct ez_error *err);

/* The event came again and is passed over: the record that it had, if it had one, stays.
 * How many there were, or an error. */
_must_check_ int dead_letters_pass_over(struct dead_letters *d, const struct ez_event *ev,
					struct ez_error *err);

/* Makes all records durable; nothing to do costs nothing. */
_must_check_ int dead_letters_sync(struct dead_letters *d, struct ez_error *err);

uint64_t dead_letters_count(struct dead_letters *d);

#endif
