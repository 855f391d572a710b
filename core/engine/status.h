/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_STATUS_H
#define ENGINE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct stats;

/*
 * What a job shows of itself: the answer to {"cmd":"status"} and the Prometheus text, both
 * made from `struct stats` and a few facts that only the engine knows. Main thread.
 */
struct status_facts {
	const char *name, *state, *phase;        /* state: contracts.md section 6 */
	const char *source, *sink;               /* plugin name and version, "pgoutput 0.1.0" */
	uint64_t snapshot;                       /* number */
	int64_t queue_bytes, queue_batches;
	int64_t memory_limit, memory_used, memory_peak;
	uint64_t epoch;
	bool paused;
};

/* Keeps what is needed for rates between two calls. */
struct status_rates {
	int64_t at_us;
	uint64_t rows, bytes;
	double rows_per_s, bytes_per_s;
	int64_t cpu_us;
	double cpu_percent;
};

/* Call about once a second; cheap. */
void status_tick(struct status_rates *r, const struct stats *s);

/* The status document: one JSON object without a newline. */
void status_json(const struct status_facts *f, const struct status_rates *r,
		 struct stats *s, struct buf *out);

/* Lag in bytes and milliseconds, as both documents show it; -1: unknown. */
int64_t status_lag_bytes(struct stats *s);
int64_t status_lag_ms(struct stats *s);

/* Resident memory of this process. */
int64_t status_rss_bytes(void);

/* Prometheus text exposition, contracts.md section 6. */
void metrics_text(const struct status_facts *f, const struct status_rates *r,
		  struct stats *s, struct buf *out);

#endif
