/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PGOUTPUT_DECODE_KIT_H
#define TESTS_PGOUTPUT_DECODE_KIT_H

#include "messages.h"
#include "plugins/pgoutput/decode.h"
#include "plugins/pgoutput/pgoutput.h"
#include "recording_host.h"

/*
 * A decoder with a recording host and a fake catalog: what the tests of decode.c share.
 *
 * A test calls setup(), builds one message at a time in `b`, hands it over with sends(), and
 * compares what the host was told. Four tables are there after describe().
 */
enum { T = 16385, F = 16386, SKIPPED = 16387, INDEXED = 16388 };

extern struct recording *r;
extern struct pg pg;
extern struct decode d;
extern struct buf b;
extern struct ez_error err;
extern uint64_t lsn;

void setup(void);
void teardown(void);

/* Hands over what is in the buffer as one message, on the heap to its exact size. */
int send_one(bool is_streamed);
void sends(void); /* it must be taken */

void describe(void);
void begins(uint64_t final_lsn, uint32_t xid);
int commit_at(uint64_t end_lsn);
void commits(uint64_t end_lsn);
void inserts(const char *id); /* (id, 'x', NULL) into T */

/* What the host was told since the last time; the second leaves lines about tables out. */
void says(const char *want);
void says_of_rows(const char *want);

#endif
