/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SINK_H
#define STARROCKS_SINK_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "progress.h"
#include "settings.h"
#include "uploader.h"

struct comparing;
struct encoder;
struct group;
struct sqlc;
struct targets;

/*
 * An instance of the sink. Owned by the engine's thread that opened it; the uploader has a
 * thread of its own. sink.c has the essay.
 */
struct sink {
	struct settings s;
	struct ez_ctx *ctx;
	char *id; /* base of labels: "ezcdc_shop" */
	uint64_t epoch;
	bool is_main, is_ready, is_streaming;
	size_t batch_bytes, hold_bytes;
	struct sqlc *sql;
	struct targets *targets;
	struct encoder *encoder, *reworker;
	struct comparing *comparing; /* NULL: nothing was compared */
	struct uploader uploader;
	bool has_uploader;
	struct progress progress; /* writer 0 */
	struct ahead replay;      /* of the run before: what comes again and is there */
	struct ahead_place replayed, tail; /* of the last event looked at; of the last batch */
	struct group *open;       /* being collected */
	bool flush_wanted;        /* the open group is to go as soon as it may */
	bool tail_is_open;        /* its last transaction goes on in the next batch */
	int64_t written_us;
	uint64_t n_notes;
};

_must_check_ int sink_open(const struct ez_open *open, struct sink **ret,
			   struct ez_error *err);
struct sink *sink_free(struct sink *k);
_must_check_ int sink_write(struct sink *k, const struct ez_batch *b,
			    struct ez_error *err);
_must_check_ int sink_flush(struct sink *k, struct ez_error *err);
_must_check_ int sink_durable(struct sink *k, uint32_t wait_ms, uint64_t *ret_number,
			      struct ez_error *err);
_must_check_ int sink_recover(struct sink *k, struct ez_position *ret,
			      struct ez_error *err);
_must_check_ int sink_table(struct sink *k, const struct ez_table *before,
			    const struct ez_table *now, struct ez_error *err);
_must_check_ int sink_snapshot_begin(struct sink *k, const struct ez_snapshot *s,
				     const struct ez_table *t, struct ez_error *err);
_must_check_ int sink_snapshot_end(struct sink *k, const struct ez_snapshot *s,
				   struct ez_error *err);
_must_check_ int sink_check(struct sink *k, struct ez_report *report,
			    struct ez_error *err);
_must_check_ int sink_forget(struct sink *k, struct ez_error *err);
/* What compares, made at the first call. */
struct comparing *sink_comparing(struct sink *k);
void sink_interrupt(struct sink *k);

#endif
