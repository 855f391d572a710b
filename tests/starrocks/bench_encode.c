/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#include "tabletest.h"

/*
 * How long a row of 12 columns and about 600 bytes takes from an event to a place in a body:
 * not a test, a number for people. bench_encode [ROUNDS]
 */
enum {
	ROWS = 10000,
};

static const char columns[] =
	"id:int8:key, customer:int8, status:text, total:numeric, currency:text, "
	"created:timestamptz, updated:timestamptz, paid:bool, address:text, note:text, "
	"weight:float8, ref:uuid";

static const char lorem[] =
	"one or two words of the usual kind that people write into the field of an order, "
	"which is not very long, but long enough to be worth the trouble of a scan, and "
	"then some more of them until it is as long as the orders of the measurements are";

static const struct ez_batch *build(struct tabletest *t, uint32_t op)
{
	const struct ez_table *table = fake_table(t->fake, "public", "orders", columns);
	char id[24];

	column_of(table, 3)->precision = 10;
	column_of(table, 3)->scale = 2;
	tabletest_begin(t);
	for (int i = 0; i < ROWS; i++) {
		if (snprintf(id, sizeof(id), "%d", 1000000 + i) < 0)
			abort();
		tabletest_event(t, op, table, NULL,
				FAKE_ROW(id, "4711", "shipped", "1234.50", "EUR",
					 "2024-02-29 12:00:00.123456+00",
					 "2024-03-01 08:15:30.5+00", "t",
					 "Some Street 12, 12345 Some Town", lorem,
					 "12.75",
					 "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
	}
	fake_commit(t->batch, 0x1008);
	return fake_finish(t->batch);
}

static void measure(struct tabletest *t, const char *name, const struct ez_batch *b,
		    int rounds)
{
	int64_t best = INT64_MAX;
	size_t bytes = 0;

	for (int i = 0; i < rounds; i++) {
		int64_t start, took;

		loads_release(&t->loads);
		start = mono_us();
		if (encode_batch(t->encoder, b, 0, b->n_events, &t->rules, &t->loads,
				 &t->fake->err) != EZ_OK)
			return;
		took = mono_us() - start;
		best = took < best ? took : best;
		bytes = t->loads.items[0]->body.len;
	}
	printf("%-10s %6.3f us/row, %5.0f bytes/row\n", name, (double)best / ROWS,
	       (double)bytes / ROWS);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20;
	struct tabletest t;
	struct ez_batch copy;
	const struct ez_batch *b;

	tabletest_open(&t);
	b = build(&t, EZ_OP_INSERT);
	measure(&t, "stream", b, rounds);
	copy = *b;
	copy.flags |= EZ_BATCH_SNAPSHOT;
	measure(&t, "snapshot", &copy, rounds);
	tabletest_close(&t);
	return 0;
}
