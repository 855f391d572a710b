/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_LOAD_H
#define STARROCKS_LOAD_H

#include "csv.h"
#include "model.h"
#include "options.h"
#include "plan.h"
#include "rowset.h"

/*
 * The conversion of the bodies of one load, or of all loads of one transaction into one
 * table. CSV is converted while it arrives; a JSON body is kept whole until its end.
 *
 * One thread at a time, without the lock: it touches nothing shared.
 */
struct load_counts {
	int64_t total, loaded, filtered, unselected;
	int64_t bytes; /* of bodies, as they came */
	int64_t n_repeated_keys, n_repeated_members, n_lost_ops;
};

struct load {
	struct profile profile;
	struct load_options options; /* its views are not valid any more */
	struct plan plan;
	struct rowset *rows;
	struct csv csv;
	struct codec *codec;
	struct buf body;   /* JSON */
	struct buf errors; /* at most 50 lines */
	int64_t n_errors;
	struct buf scratch;
	struct load_field *fields;
	struct map keys; /* hashes of the keys so far */
	struct load_counts counts;
	int64_t key_max_bytes, document_max_bytes, json_max_bytes;
	char failure[512]; /* of the whole load; "" is none */
	bool keeps_rows;
};

/* Plans a load into `t`. NULL with the message of the answer. The lock is held. */
struct load *load_new(struct cluster *c, const struct table *t,
		      const struct load_options *o, char *text, size_t size);
void load_free(struct load *l);

/* A piece of a body. False when the load has failed: see `failure`. */
_must_check_ bool load_feed(struct load *l, const char *data, size_t n);
/* The end of one body. */
_must_check_ bool load_end_body(struct load *l);
/* The end of all bodies. False when the whole load fails, too many filtered rows included. */
_must_check_ bool load_finish(struct load *l);

/* The rows, once; what conversion needed is freed. */
struct rowset *load_take_rows(struct load *l);

/* For the JSON reader, load_json.c. */
struct load_field {
	struct ez_view v;
	bool is_set, is_null;
	bool is_json; /* v is a raw JSON value */
};

void load_row(struct load *l, const struct load_field *fields, struct ez_view row);
void load_reject(struct load *l, struct ez_view row, const char *reason);
_must_check_ bool load_json_body(struct load *l);

#endif
