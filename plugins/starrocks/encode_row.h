/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_ENCODE_ROW_H
#define STARROCKS_ENCODE_ROW_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/map.h"

#include "encode.h"
#include "fold.h"

/*
 * The inside of the encoder: what encode.c, encode_row.c and encode_fetch.c share.
 *
 * The state of a table lasts for one encode_batch(): its loads, and what its rows lack.
 */
enum {
	SET_WORDS = 64, /* of a bit set of fields: StarRocks has at most 10000, we 4096 */
	SET_FIELDS_MAX = SET_WORDS * 64,
};

struct table_state {
	struct target *target;
	struct load *loads; /* one for each set of columns */
	bool use_json;      /* a value of this batch asks for it */
	/* What plan_fetch() found. */
	bool has_rows, is_mixed, has_moved, is_fetched;
	uint64_t set[SET_WORDS];
};

struct encoder {
	struct targets *targets;
	struct sqlc *sql;
	struct ez_ctx *ctx;
	struct fold fold;
	size_t fold_charged;
	struct map states; /* by uid of the target */
	struct table_state *last;

	/* The call at hand. */
	const struct ez_batch *batch;
	const struct encode_rules *rules;
	struct loads *loads;
	size_t first, n;
	uint64_t *skip; /* NULL: no event is left out */
	bool has_new_skips;
	bool settled;

	struct buf scratch;
	const struct ez_commit *tx; /* what commit_ts is of */
	char commit_ts[40], loaded_at[40];
	uint32_t commit_ts_len, loaded_at_len;
};

static inline bool set_has(const uint64_t *set, uint32_t i)
{
	return (set[i / 64] >> i % 64 & 1) != 0;
}

static inline size_t set_words(const struct target *t)
{
	return (t->n_fields + 63U) / 64U;
}

/* The state of the row's table. */
struct table_state *encoder_state(struct encoder *e, struct target *t);

/* A bit for each field that the row has no value for. */
void encoder_missing(const struct fold_row *r, uint64_t *ret_set);

/* Says that the row cannot be loaded because of field `f`, and leaves it out if the rules
 * let it: EZ_SKIP. */
_must_check_ int encoder_reject(struct encoder *e, const struct fold_row *r,
				const struct field *f, const char *why,
				struct ez_error *err);

/* Appends the row to the load. EZ_AGAIN: CSV cannot say it; EZ_SKIP: left out. */
_must_check_ int encode_row(struct encoder *e, struct load *load,
			    const struct fold_row *r, struct ez_error *err);

/* Charges what the load's memory has grown by. */
void load_charge(struct load *load);

/* Fills in values that are not in the batch. */
_must_check_ int encode_fetch(struct encoder *e, struct ez_error *err);

#endif
