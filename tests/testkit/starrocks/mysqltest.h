/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_MYSQLTEST_H
#define STARROCKS_MYSQLTEST_H

#include "sqltest.h"

/*
 * The MySQL side of a cluster in the test's process, behind a real port of the loopback
 * interface: a thread accepts, a thread per connection serves.
 */
struct mysqltest;

struct mysqltest *mysqltest_begin(const char *version, const char *password);
/* Waits for all connections; clients must have closed theirs, or it cuts them. */
void mysqltest_end(struct mysqltest *m);

struct cluster *mysqltest_cluster(struct mysqltest *m);
int mysqltest_port(const struct mysqltest *m);

/* Orders a fault. `subject` may be NULL. */
void mysqltest_fault(struct mysqltest *m, const char *kind, const char *subject,
		     int64_t count, int64_t ms);

/* A connected socket, for tests that speak the protocol themselves. */
int mysqltest_socket(struct mysqltest *m);

#endif
