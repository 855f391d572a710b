/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"

#include "host.h"
#include "loader.h"
#include "tabletest.h"

/*
 * What compression saves and costs, on bodies of orders with random numbers, identifiers and
 * words: not a test, numbers for people. bench_parcel [ROUNDS]
 */
enum {
	ROWS = 50000,
	BODY_CAP = 64 * 1024 * 1024,
};

static const char *const words[] = { "shipped", "open",  "street", "town",   "express",
				     "north",	 "green", "return", "invoice", "please",
				     "call",	 "the",	  "door",   "second",  "floor" };

static const char *word(void)
{
	return words[random_u64() % ARRAY_LEN(words)];
}

static void add_row(struct buf *b, bool json, unsigned i)
{
	static const char *const csv = "%u\x01%u\x01%s\x01%u.%02u\x01"
				       "2024-03-%02u %02u:%02u:%02u\x01%s %s %u, %s %s\x01"
				       "%016llx%016llx\x01"
				       "0\x02";
	static const char *const object =
		"{\"id\":%u,\"customer\":%u,\"status\":\"%s\",\"total\":%u.%02u,"
		"\"created\":\"2024-03-%02u %02u:%02u:%02u\","
		"\"address\":\"%s %s %u, %s %s\",\"ref\":\"%016llx%016llx\",\"__op\":0},\n";
	char text[512];
	int n = snprintf(text, sizeof(text), json ? object : csv, 1000000 + i,
			 (unsigned)random_u64() % 100000, word(),
			 (unsigned)random_u64() % 10000, (unsigned)random_u64() % 100,
			 i / 5000 % 28 + 1, i / 200 % 24, i / 10 % 60,
			 (unsigned)random_u64() % 60, word(), word(),
			 (unsigned)random_u64() % 200, word(), word(),
			 (unsigned long long)random_u64(),
			 (unsigned long long)random_u64());

	buf_add(b, text, n > 0 ? (size_t)n : 0);
}

static void measure(const char *name, enum body_compression codec, enum load_format format,
		    struct ez_view body, int rounds)
{
	struct settings s = { .compression = codec };
	struct loader l = { .s = &s, .packs_json = true };
	int64_t best = INT64_MAX;
	size_t len = 0;

	for (int i = 0; i < rounds; i++) {
		struct parcel p;
		int64_t from = mono_us();

		parcel_init(&p, &l, format, body);
		best = MIN(best, mono_us() - from);
		len = p.body.len;
		parcel_release(&p);
	}
	printf("%s  %-5s %5.1f bytes/row, %.2f of the size, %5.0f MB/s\n",
	       format == LOAD_JSON ? "JSON" : "CSV ", name, (double)len / ROWS,
	       (double)len / (double)body.len, (double)body.len / (double)MAX(best, INT64_C(1)));
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5;

	host = fake_host_table();
	for (int json = 0; json < 2; json++) {
		struct buf b = BUF_INIT(BODY_CAP);

		for (unsigned i = 0; i < ROWS; i++)
			add_row(&b, json, i);
		measure("none", BODY_PLAIN, json ? LOAD_JSON : LOAD_CSV, buf_view(&b), rounds);
		measure("gzip", BODY_GZIP, json ? LOAD_JSON : LOAD_CSV, buf_view(&b), rounds);
		if (parcel_can(BODY_LZ4))
			measure("lz4", BODY_LZ4, json ? LOAD_JSON : LOAD_CSV, buf_view(&b),
				rounds);
		measure("zstd", BODY_ZSTD, json ? LOAD_JSON : LOAD_CSV, buf_view(&b), rounds);
		buf_release(&b);
	}
	return 0;
}
