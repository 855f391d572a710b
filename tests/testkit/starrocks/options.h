/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_OPTIONS_H
#define STARROCKS_OPTIONS_H

#include "codec.h"
#include "csv.h"
#include "model.h"

/*
 * The headers of a load, checked as a back end checks them: some before the transaction begins
 * (options_parse_early), the others with the plan. What this server does not pretend is
 * refused with "not emulated", never ignored.
 */
struct request;

struct load_options {
	bool is_json;
	enum codec_kind codec;
	bool has_vain_header; /* of compression, with CSV */
	int64_t timeout_ms;
	bool has_columns;
	struct ez_view columns; /* borrowed from the request, as all views here */
	struct csv_format csv;
	bool strips_outer_array, ignores_json_size;
	bool is_strict;
	bool is_partial, is_column_mode;
	double max_filter_ratio;
	struct ez_view merge_condition;
};

/* `text` is the message of the answer; both have its room in bytes behind it. */
_must_check_ bool options_parse_early(struct load_options *o, const struct request *r,
				      const struct profile *p, const struct settings *s,
				      char *text, size_t size);
_must_check_ bool options_parse_late(struct load_options *o, const struct request *r,
				     const struct profile *p, char *text, size_t size);

/* What must not differ between the loads of a transaction into one table. */
void options_fingerprint(const struct request *r, struct buf *out);

/* 1 to 128 letters, digits, "_" and "-". */
_must_check_ bool label_is_valid(struct ez_view label);

/* A separator as the header gives it: itself, or \x and 0x with hex digits. */
_must_check_ bool delimiter_parse(struct ez_view v, char *dst, size_t *ret_len);

#endif
