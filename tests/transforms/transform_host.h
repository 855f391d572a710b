/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSFORMS_TRANSFORM_HOST_H
#define TRANSFORMS_TRANSFORM_HOST_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "testkit/fake_host.h"

/*
 * One transform on the bench: its settings, the shape that went in and the one that came
 * out, and one event at a time.
 *
 *	struct bench *b = bench_open(&ez_plugin, set);
 *
 *	ck_assert_int_eq(bench_table(b, "public", "users", "id:int4:key, email:text"), EZ_OK);
 *	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", "a@b.c")), EZ_OK);
 *	ck_assert_row(b, after, "1", "****");
 *
 * What came out of one bench may go into the next: bench_table_of, bench_pass.
 */
struct bench {
	struct fake_host *host;
	const struct ez_transform *ops;
	void *inst, *state;
	const struct ez_table *in, *out; /* out == in: not reshaped */
	struct ez_commit tx;             /* commit 0/2000 of transaction 742 */
	struct ez_event ev;
	int rc;     /* of open; EZ_OK */
	bool is_in; /* apply sees the events of this table */
};

/* NULL settings: none. On a refusal the bench has rc and host->err, and nothing else. */
struct bench *bench_open(const struct ez_plugin *plugin, const struct fake_setting *set);
void bench_close(struct bench *b);

/* Asks table(); columns as in fake_table. */
int bench_table(struct bench *b, const char *schema, const char *name,
		const char *columns);
int bench_table_of(struct bench *b, const struct ez_table *t);

/* Builds the event (EZ_EV flags beside), has it applied; EZ_OK or EZ_SKIP. */
int bench_event(struct bench *b, uint32_t op, const char *const *before,
		const char *const *after);
int bench_event_flags(struct bench *b, uint32_t op, uint32_t flags,
		      const char *const *before, const char *const *after);

/* Has an event of another bench's applied. */
int bench_pass(struct bench *b, const struct bench *from);

const char *bench_text(const struct bench *b);
const char *bench_hint(const struct bench *b);

/* "id:int4 key, email:text(64) null": the outgoing columns, for comparison. */
const char *bench_shape(const struct bench *b);

/* "1, NULL, 'text', unchanged, absent": the cells of a row; "-" for none. */
const char *bench_row(const struct bench *b, const struct ez_cell *cells);

#define ck_assert_row(b, which, text) \
 ck_assert_str_eq(bench_row((b), (b)->ev.which), (text))
#define ck_assert_has(text, part) \
 ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" lacks \"%s\"", (text), (part))

#endif
