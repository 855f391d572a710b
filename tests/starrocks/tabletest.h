/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TABLETEST_H
#define STARROCKS_TABLETEST_H

#include <check.h>
#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "testkit/fake_host.h"

#include "encode.h"
#include "settings.h"
#include "table.h"

/*
 * What the tests of tables, values and bodies share: settings without an option table, a
 * batch to fill, and bodies as text that can be compared: \x01 is shown as "|", \x02 as a
 * line end.
 */
struct tabletest {
	struct settings settings;
	struct fake_host *fake;
	struct targets *targets;
	struct encoder *encoder;
	struct fake_batch *batch;
	const struct ez_batch *finished;
	struct loads loads;
	struct encode_rules rules;
	uint32_t rejected[16];
	size_t n_rejected;
	unsigned n_settled;
};

/* Settings as they are when a job file sets nothing. */
void test_settings(struct settings *s);

void tabletest_open(struct tabletest *t);
void tabletest_close(struct tabletest *t);

/* A batch with one transaction open in it. */
void tabletest_begin(struct tabletest *t);

struct ez_event *tabletest_event(struct tabletest *t, uint32_t op,
				 const struct ez_table *table, const char *const *before,
				 const char *const *after);

/* Encodes what was begun; the loads are t->loads. */
int tabletest_encode(struct tabletest *t);

/* The body of load `i` as text; valid until the next call. */
const char *body_text(const struct tabletest *t, size_t i);

/* A column of a table made with fake_table(), to be changed. */
struct ez_column *column_of(const struct ez_table *t, uint32_t i);

/* A column of its own, as the source describes it. */
struct ez_column make_column(uint32_t type, const char *native);

int run_suite(Suite *s);

#endif
