/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_SINKTEST_H
#define FILE_SINKTEST_H

#include <check.h>
#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "testkit/fake_host.h"

/*
 * What the tests of the file sink share: a temporary folder, an instance in it, and looking
 * at what it has written. Every helper ends the test program when something fails that the
 * test is not about; the sink's own answers are returned where a test may want them.
 */
struct sinktest {
	struct fake_host *fake;
	const struct ez_sink *ops;
	void *inst;
	struct fake_setting settings[16];
	size_t n_settings;
	uint64_t number;  /* of the newest batch */
	uint64_t end_lsn; /* of the newest transaction */
};

/* A new folder below TMPDIR; removed when the program ends. Valid until then. */
const char *test_folder(void);

/* Lays down an option for the next open. Both strings are borrowed. */
void sink_set(struct sinktest *t, const char *name, const char *value);

/* Opens an instance; for EZ_ROLE_MAIN also recovers. Returns recover's answer. */
int sink_open(struct sinktest *t, uint32_t role);

/* The same on a struct that is all new: path and nothing else is set. */
void sink_start(struct sinktest *t, const char *path);

void sink_close(struct sinktest *t);

int sink_write(struct sinktest *t, const struct ez_batch *b);
int sink_flush(struct sinktest *t);

/* flush, then durable until the newest batch is. Returns the first error. */
int sink_settle(struct sinktest *t);

/*
 * One whole transaction of n inserts into `table` ("id:int8:key, note:text"), ids from
 * `first_id`; written, not flushed.
 */
int sink_insert(struct sinktest *t, const struct ez_table *table, int first_id, int n);

/* What recover() answered last: the position's text, "" for none. */
const char *sink_position(const struct sinktest *t);

/* The names below the folder, notes left out, sorted, each followed by a blank. */
const char *list_names(const char *folder);

/* A file's content as a string, decompressed as its name says; its length if wanted. */
char *read_file(const char *folder, const char *name, size_t *ret_len);

void write_file(const char *folder, const char *name, const char *text);

/* The content of all finished files in the order of their names. */
char *read_finished(const char *folder);

bool file_exists(const char *folder, const char *name);

/* How many lines hold `text`. */
size_t count_lines(const char *content, const char *text);

/* What main() of each test program returns. */
int run_suite(Suite *s);

#endif
