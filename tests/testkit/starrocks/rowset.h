/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_ROWSET_H
#define STARROCKS_ROWSET_H

#include "model.h"

/*
 * The converted rows of one load (or of all loads of one transaction into one table): what a
 * commit hands to the table. Built by one thread without the lock; constant once committed.
 *
 * Rows stand one after another in `data`: rowset_next walks over them. The cells are those of
 * the columns in `set`, in the order of the schema, key columns first.
 */
struct rowset {
	const struct schema *schema;
	size_t *set; /* indexes of columns in the schema */
	size_t n_set;
	bool is_partial;
	size_t merge_at; /* index of merge_condition's column in the schema, or SIZE_MAX */
	struct buf data;
	size_t n_rows;
};

struct rowset_row {
	bool is_delete;
	uint32_t key_len, len;
	const char *cells; /* the key's cells are the first `key_len` bytes */
};

struct rowset *rowset_new(const struct schema *s, const size_t *set, size_t n_set);
void rowset_free(struct rowset *r);

/* Begins a row: cells are then appended to `data`. The mark is for rowset_end or _cancel. */
size_t rowset_begin(struct rowset *r);
void rowset_add_null(struct rowset *r);
/* Begins a cell of unknown length; rowset_cell_end fills the length in. */
size_t rowset_cell_begin(struct rowset *r);
void rowset_cell_end(struct rowset *r, size_t mark);
void rowset_end(struct rowset *r, size_t mark, size_t key_len, bool is_delete);
void rowset_cancel(struct rowset *r, size_t mark);

/* False at the end. `*cursor` begins with 0. */
bool rowset_next(const struct rowset *r, size_t *cursor, struct rowset_row *ret_row);

/* Makes the rows visible in the table: the engine of primary keys. The lock is held. */
void rowset_apply(struct cluster *c, struct table *t, const struct rowset *r,
		  struct version *v);

#endif
