/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_STATS_H
#define ENGINE_STATS_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "engine/out.h"

/*
 * What a running job counts: read by the control socket and the Prometheus endpoint,
 * written by the threads of the pipeline with relaxed atomics, so that counting costs the
 * pipeline nothing and a reader gets numbers that are each right, if not of one instant.
 *
 * Entries of tables are made once and live as long as the job. Metrics that plugins report
 * through host->metric are kept by name.
 */
enum table_state {
	TABLE_STREAMING = 0,
	TABLE_WAITING, /* for its copy to begin */
	TABLE_COPYING,
	TABLE_COPIED,
};

struct table_stats {
	char *name; /* schema.name as the sink knows them; see stats_table_name */
	_Atomic uint64_t rows[OUT_OPS];
	_Atomic int64_t last_us; /* now_us of the last change handed to the sink */
	_Atomic int state;       /* enum table_state */
	_Atomic uint64_t parts, parts_done, copied_rows;
	_Atomic int64_t estimated_rows, estimated_bytes;
};

enum { HISTOGRAM_BUCKETS = 16 };

/* Upper bounds in microseconds: 1 ms, 2 ms, 5 ms, ... ; the last bucket has none. */
struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BUCKETS];
	_Atomic uint64_t count;
	_Atomic uint64_t sum_us;
};
extern const int64_t histogram_bounds_us[HISTOGRAM_BUCKETS - 1];
void histogram_add(struct histogram *h, int64_t us);
/* An estimate from the buckets, in microseconds; 0 when empty. q is 0..1. */
int64_t histogram_quantile(const struct histogram *h, double q);

struct stats {
	pthread_mutex_t lock; /* of the two maps; entries are atomic */
	struct map tables;    /* stats_table_name -> struct table_stats */
	struct map plugin;    /* metric name -> _Atomic int64_t */

	_Atomic uint64_t rows, bytes_in, bytes_out;
	_Atomic uint64_t batches, flushes, split_transactions, dead_letters;
	_Atomic uint64_t retries[10];     /* by -enum ez_result */
	_Atomic uint64_t batch_rows_last, batch_bytes_last;
	struct histogram flush, end_to_end;
	_Atomic int64_t last_commit_us;   /* commit time of the newest durable transaction */
	_Atomic uint64_t order_received, order_written, order_durable, order_confirmed;
	_Atomic uint64_t order_idle;      /* up to here there was nothing, or it is durable */
	_Atomic uint64_t order_server;    /* 0: unknown */
	_Atomic int64_t retained_bytes, safe_bytes; /* -1: unknown */
	_Atomic int64_t held_bytes;
	_Atomic uint64_t held, reconnects;
	_Atomic int connected;
	_Atomic int64_t started_us;
	/* Text members, under lock. */
	char last_error[512];
	int64_t last_error_us;
	char position_received[64], position_durable[64], position_confirmed[64];
};

void stats_init(struct stats *s);
void stats_release(struct stats *s);

/*
 * What tells tables apart in status and metrics: "schema.name". A part that holds a dot or a
 * quote is quoted as in SQL, else two tables could have one name.
 */
void stats_table_name(struct buf *b, struct ez_view schema, struct ez_view name);

/* The entry of a table, made at first use. Any thread; the pointer stays valid. */
struct table_stats *stats_table(struct stats *s, struct ez_view schema, struct ez_view name);

/* Rows per operation, as out_ops.counted gives them. t may be NULL (messages). */
void stats_rows(struct stats *s, const struct ez_table *t, const uint32_t *rows);

/* A plugin's own counter. */
void stats_metric(struct stats *s, const char *name, int64_t delta);

/* Remembers an error for status; text is one line. */
void stats_error(struct stats *s, const struct ez_error *err);

/* Copies a text member (last_error, position_*) under the lock. */
void stats_set_text(struct stats *s, char *member, size_t size, struct ez_view text);

#endif
