/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SRTEST_H
#define STARROCKS_SRTEST_H

#include <check.h>
#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "testkit/fake_host.h"

/*
 * The whole sink in a test's process, against the pretended cluster as a child, without an
 * engine and a source: the way to try what the cluster can do to a load, one thing at a time
 * and quickly.
 *
 * There is one table, t (id, v, body), and each batch is one transaction.
 */
enum {
	SRTEST_NODES = 2, /* front ends, and back ends */
	SRTEST_SETTINGS = 40,
};

struct srtest {
	pid_t server;
	int life; /* its standard input */
	int fe[SRTEST_NODES], be[SRTEST_NODES], mysql[SRTEST_NODES];
	int control, stranger;
	struct buf answer; /* of the last control */

	struct fake_host *fake;
	struct fake_setting settings[SRTEST_SETTINGS];
	size_t n_settings;
	char texts[2 * SRTEST_NODES][64];
	void *sink;
	const struct ez_table *table;
	uint64_t n_batches;
};

/* Whether the server is built. */
bool srtest_can(void);

void srtest_begin(struct srtest *t, const char *profile);
void srtest_end(struct srtest *t);

/* A command for the cluster: the members of the object, without its braces. */
_printf_(2, 3) const char *srtest_control(struct srtest *t, const char *fmt, ...);
/* The statement as root. */
void srtest_sql(struct srtest *t, const char *sql);

/* A setting of the job; before srtest_open, over those it has from srtest_begin. */
void srtest_set(struct srtest *t, const char *name, const char *value);

/* Opens the sink and finds out where it is; then the table, made if it is missing. The error
 * is in t->fake->err. */
int srtest_open(struct srtest *t);
int srtest_table(struct srtest *t);
void srtest_close(struct srtest *t);

/* Inserts rows [from, to) in one transaction, `body` in each, and waits until they are
 * durable, over whatever passes; at most `patience_s`. Another error is returned. */
int srtest_load(struct srtest *t, int from, int to, const char *body, int patience_s);

/* Goes on waiting for what did not become durable in time (EZ_AGAIN). */
int srtest_await(struct srtest *t, int patience_s);

/* How many rows the table has, or -1. */
int srtest_count(struct srtest *t);

/* Whether the client did something that it must not. */
void srtest_no_violations(struct srtest *t);

#endif
