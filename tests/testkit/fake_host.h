/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTKIT_FAKE_HOST_H
#define TESTKIT_FAKE_HOST_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/*
 * An engine made of cardboard: all that one plugin instance needs to run alone in a test.
 *
 *	static const struct fake_setting set[] = { { "path", "/tmp/x" }, { "sync", "false" }, {} };
 *	struct fake_host *f = fake_host_new(ez_plugin.options, set);
 *
 *	ez_plugin.load(fake_host_table());
 *	ez_plugin.ops.sink->open(&f->open, &inst, &f->err);
 *
 * Options come from the settings, else from the option table's fallback; asking for one
 * that the table does not know aborts the test. What the plugin told its host is kept in
 * public members. Tables, batches, events and what host->alloc gives out live in the
 * arena of the fake host until fake_host_free() or fake_host_recycle().
 *
 * A batch is built in order: fake_batch, then for each transaction fake_begin, events,
 * fake_commit, at last fake_finish. Rows are arrays of C strings, one per column; NULL is
 * SQL's NULL, FAKE_UNCHANGED and FAKE_ABSENT stand for those cell kinds.
 *
 * Building is for one thread. wake, mem, metric and reject may come from any.
 */

/* Ends with an empty one. A LIST or MAP option has one setting per item. */
struct fake_setting {
	const char *name;
	const char *value; /* as in a job file: "64MiB", "1s", "true" */
	const char *key;   /* MAP only */
};

/* What the public header leaves to the engine. */
struct ez_config {
	const struct ez_option *const *options;
	const struct fake_setting *settings;
};

struct ez_ctx {
	pthread_mutex_t lock;
	_Atomic unsigned wakes;
	_Atomic int64_t mem_bytes, mem_peak;
	_Atomic bool mem_is_spent; /* set by a test: mem() answers EZ_AGAIN */
	_Atomic uint64_t n_metrics;
	int reject_answer; /* set by a test: what reject() returns; EZ_OK */
	unsigned n_rejects;
	uint64_t rejected_batch[64];
	uint32_t rejected_row[64];
	struct { /* guarded by lock; sums by name */
		char name[64];
		int64_t sum;
	} metrics[32];
};

struct ez_out {
	struct arena *arena;
	size_t allocated;
};

struct ez_shape {
	struct arena *arena;
	const struct ez_table
		*table; /* what reshape() was given, copied; NULL: not called */
};

struct ez_report {
	unsigned n_findings, n_failed, n_warnings;
	struct {
		int status;
		char what[64], remedy[256], text[480];
	} findings[32];
};

struct fake_host {
	struct ez_open open; /* ready for open(); change what the test is about */
	struct ez_error err; /* for calls that want one */
	struct ez_config config;
	struct ez_ctx ctx;
	struct ez_out out;
	struct ez_shape shape;
	struct ez_report report;
	struct arena_pool pool;
	struct arena arena;
	uint64_t next_table_uid;
};

/* The host functions for ez_plugin.load(). */
const struct ez_host *fake_host_table(void);

/* What now_us() answers; 0: the real clock (the default). For all fake hosts. */
void fake_host_set_now(int64_t us);

/* Log lines are dropped unless EZ_TEST_LOG is set; the newest is kept. */
const char *fake_host_last_log(void);

/* Both arrays are borrowed and must stay. Job "shop", role main, 64 MiB of memory. */
struct fake_host *fake_host_new(const struct ez_option *const *options,
				const struct fake_setting *settings);

/* Aborts when the plugin has not given back all that it charged with mem(). */
void fake_host_free(struct fake_host *f);

/* Frees all tables, batches and allocations made so far. */
void fake_host_recycle(struct fake_host *f);

struct fake_column {
	const char *name;
	uint32_t type;  /* enum ez_type */
	uint32_t flags; /* enum ez_column_flag */
};

/* A table with id 1000 + number of tables so far, version 1 and a new uid. */
struct ez_table *fake_table_of(struct fake_host *f, const char *schema, const char *name,
			       const struct fake_column *columns, size_t n);

/* The same from "id:int8:key, total:numeric, note:text". Types as in enum ez_type. */
struct ez_table *fake_table(struct fake_host *f, const char *schema, const char *name,
			    const char *columns);

extern const char FAKE_UNCHANGED[], FAKE_ABSENT[];

/* The values of one row: FAKE_ROW("1", NULL, "text"). */
#define FAKE_ROW(...) ((const char *const[]){ __VA_ARGS__ })

struct fake_batch; /* being built */

struct fake_batch *fake_batch(struct fake_host *f, uint64_t number, uint32_t flags);

/* For snapshot batches: the part that its rows belong to. */
void fake_part(struct fake_batch *b, uint32_t part);

/* Opens a transaction with its commit at `lsn`; seq starts at `first_seq`. */
void fake_begin(struct fake_batch *b, uint64_t lsn, uint32_t xid, int64_t time_us,
		uint64_t first_seq);

/* Ends it; its position is "<hi>/<lo>" of `end_lsn`. 0: it goes on in a later batch. */
void fake_commit(struct fake_batch *b, uint64_t end_lsn);

/*
 * One event with lsn = commit lsn and the next seq. `before` and `after` may be NULL. The
 * event may be changed until fake_finish.
 */
struct ez_event *fake_event(struct fake_batch *b, uint32_t op, const struct ez_table *t,
			    const char *const *before, const char *const *after);

/* An 'm' event: after[0] is the prefix, after[1] the content, `n` raw bytes. */
struct ez_event *fake_message(struct fake_batch *b, const char *prefix,
			      const void *content, size_t n);

const struct ez_batch *fake_finish(struct fake_batch *b);

/* Cells of a row in the arena, for tests of transforms. NULL for NULL. */
struct ez_cell *fake_cells(struct fake_host *f, const struct ez_table *t,
			   const char *const *values);

#endif
