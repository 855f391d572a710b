/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TESTS_H
#define STARROCKS_TESTS_H

#include <check.h>

#include "load.h"
#include "model.h"
#include "txn.h"

/* What the unit tests of the pretended cluster share. */

int tests_run(Suite *s);
struct profile tests_profile(const char *version);
struct column_type tests_type(const char *text);

/*
 * A cluster with database d and the table t of columns such as "id int key", "name varchar(10)",
 * "n int not null", "d int default 7"; the list ends with NULL.
 */
struct cluster *tests_cluster(const char *version, const char *const *columns);
struct table *tests_table(struct cluster *c);

/* A load with the headers "name: value\r\n..." and one body; committed. The message, "" for none. */
const char *tests_load(struct cluster *c, const char *label, const char *headers,
		       const char *body);

/* The table as JSON lines. Valid until the next call. */
const char *tests_dump(struct cluster *c);

#endif
