/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_FOLD_H
#define STARROCKS_FOLD_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"

#include "table.h"

/*
 * What is left of a batch when each key of each table is to be written once.
 *
 * The last operation on a key wins. A change of the key is a delete of the old one and an
 * upsert of the new one. An update of which large values were not sent takes them from the
 * row's earlier state in the batch, so a row here is whole, or it lacks columns that no event
 * of the batch has.
 *
 * Such a row says whose present value it keeps: its `origin`, the key under which the row
 * stood before the batch. That is its own key, unless the key changed on the way: then a
 * partial update would not do, for under the new key there is nothing to keep.
 *
 * Keys are compared by their bytes, table by table, length by length: no separator can
 * appear in them that would not be noticed, and the hash has a random seed.
 *
 * Rows and cells point into the batch; cells of merged rows and the index live in the fold's
 * arena. Memory is bounded by the batch's number of events. One owner, one thread.
 */
/* Cells that a later step has read back from the target, see encode.c. */
enum { CELL_TARGET = 0x100 /* ez_cell.kind: text as the target has it */ };

struct fold_row {
	struct target *target; /* borrowed from the targets */
	const struct ez_cell
		*cells; /* n_source of them; a delete: the key alone counts */
	const struct ez_cell *origin; /* the key before the batch; NULL: was not there */
	uint32_t event;               /* the last one: what audit columns tell of */
	uint32_t base; /* the one that brought the values the last did not send */
	uint32_t hash;
	bool is_delete;
	bool is_missing; /* cells of kind EZ_CELL_UNCHANGED are left */
	bool moved;      /* the origin's key is another */
};

struct fold {
	struct arena_pool pool;
	struct arena arena;
	struct fold_row *rows;
	size_t n_rows, rows_size;
	uint64_t *slots; /* hash and row number + 1, or 0; a power of two of them */
	size_t n_slots;
	uint64_t seed;
};

void fold_init(struct fold *f);
void fold_release(struct fold *f);

/* Bytes that a fold of the batch held most. */
size_t fold_bytes(const struct fold *f);

/*
 * Folds events[first .. first + n) into f->rows; what was there is forgotten. `skip`, which
 * may be NULL, has a bit for each of these events that counts as not being there. With
 * `unique` the keys are known to differ. EZ_E_DATA names an event that has no key.
 */
_must_check_ int fold_events(struct fold *f, struct targets *targets,
			     const struct ez_batch *batch, size_t first, size_t n,
			     const uint64_t *skip, bool unique, struct ez_error *err);

#endif
