/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#include "encode.h"
#include "sinktest.h"

/*
 * How long a row of 12 columns and about 600 bytes takes to become a line, without the
 * disk: not a test, a number for people. bench_encode [ROUNDS]
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

static const struct ez_batch *build(struct fake_host *f)
{
	struct fake_batch *b = fake_batch(f, 1, 0);
	const struct ez_table *t = fake_table(f, "public", "orders", columns);
	char id[24];

	for (int i = 0; i < ROWS; i++) {
		if (i % 1000 == 0)
			fake_begin(b, 0x1A2B450 + (uint64_t)i, 742, 1732270000119123, 0);
		snprintf(id, sizeof(id), "%d", 1000000 + i);
		fake_event(b, EZ_OP_INSERT, t, NULL,
			   FAKE_ROW(id, "4711", "shipped", "1234.50", "EUR",
				    "2024-02-29 12:00:00.123456+00",
				    "2024-03-01 08:15:30.5+00", "t",
				    "Some Street 12, 12345 Some Town", lorem, "12.75",
				    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
		if (i % 1000 == 999)
			fake_commit(b, 0x1A2B450 + (uint64_t)i + 8);
	}
	return fake_finish(b);
}

static uint64_t encode_all(struct encoder *e, struct shapes *shapes,
			   const struct ez_batch *b,
			   void (*encode)(struct encoder *, const struct shape *,
					  const struct ez_event *),
			   struct ez_error *err)
{
	struct shape *shape;

	encoder_begin_batch(e, b, now_us());
	for (size_t i = 0; i < b->n_events; i++) {
		const struct ez_event *ev = b->events[i];

		if (ev->tx != e->tx)
			encoder_begin_tx(e, ev->tx);
		if (shapes_get(shapes, ev->table, &shape, err) != EZ_OK)
			abort();
		encode(e, shape, ev);
	}
	out_drain(e->out);
	return e->out->len;
}

static void measure(const char *name, struct fake_host *f, const struct ez_batch *b,
		    int rounds, enum compression compression)
{
	struct settings set = { .source = (char[]){ "shop" },
				.compression = compression,
				.level = 1 };
	struct encoder e;
	struct shapes shapes;
	struct out out;
	uint64_t bytes = 0;
	int64_t best = INT64_MAX;

	if (name[0] == 'c')
		set.format = FORMAT_CSV;
	if (out_open(&out, compression, 1, &f->err) != EZ_OK)
		abort();
	encoder_init(&e, &out, &set);
	shapes_init(&shapes, &set);
	for (int i = 0; i < rounds; i++) {
		int64_t start = mono_us(), took;

		out_begin(&out, open("/dev/null", O_WRONLY | O_CLOEXEC), 0);
		bytes = encode_all(&e, &shapes, b,
				   set.format == FORMAT_CSV ? encode_csv : encode_json,
				   &f->err);
		close(out.fd);
		took = mono_us() - start;
		best = took < best ? took : best;
	}
	printf("%-12s %6.3f us/row, %5.0f bytes/row\n", name, (double)best / ROWS,
	       (double)bytes / ROWS);
	shapes_release(&shapes);
	out_close(&out);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 30;
	struct fake_host *f;
	const struct ez_batch *b;

	ez_plugin.load(fake_host_table());
	f = fake_host_new(ez_plugin.options, NULL);
	b = build(f);
	measure("json", f, b, rounds, COMPRESSION_NONE);
	measure("csv", f, b, rounds, COMPRESSION_NONE);
	measure("json+zstd", f, b, rounds, COMPRESSION_ZSTD);
	measure("json+gzip", f, b, rounds / 3 + 1, COMPRESSION_GZIP);
	fake_host_free(f);
	return 0;
}
