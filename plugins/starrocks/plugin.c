/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>

#include <curl/curl.h>

#include "compare.h"
#include "host.h"
#include "settings.h"
#include "sink.h"

/*
 * The StarRocks sink as the engine sees it. sink.c says how it works.
 *
 * EZ_CAP_POSITION and EZ_CAP_ATOMIC depend on the server's version, so they are not claimed;
 * recover() returns a position where there is one. EZ_CAP_ORDERED: the sink itself sees to it
 * that everything is loaded before a table is altered or emptied, so that the engine need not
 * cut a transaction for that.
 */

static int load(const struct ez_host *h)
{
	host = h;
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? EZ_OK : EZ_E_FATAL;
}

static int open_sink(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct sink *k;
	int rc = sink_open(open, &k, err);

	if (rc == EZ_OK)
		*ret_inst = k;
	return rc;
}

static void close_sink(void *inst)
{
	sink_free(inst);
}

static int write_batch(void *inst, const struct ez_batch *b, struct ez_error *err)
{
	return sink_write(inst, b, err);
}

static int flush(void *inst, struct ez_error *err)
{
	return sink_flush(inst, err);
}

static int durable(void *inst, uint32_t wait_ms, uint64_t *ret_number,
		   struct ez_error *err)
{
	return sink_durable(inst, wait_ms, ret_number, err);
}

static int recover(void *inst, struct ez_position *ret, struct ez_error *err)
{
	return sink_recover(inst, ret, err);
}

static int table(void *inst, const struct ez_table *before, const struct ez_table *now,
		 struct ez_error *err)
{
	return sink_table(inst, before, now, err);
}

static int snapshot_begin(void *inst, const struct ez_snapshot *s,
			  const struct ez_table *t, struct ez_error *err)
{
	return sink_snapshot_begin(inst, s, t, err);
}

static int snapshot_end(void *inst, const struct ez_snapshot *s, struct ez_error *err)
{
	return sink_snapshot_end(inst, s, err);
}

static int check(void *inst, struct ez_report *report, struct ez_error *err)
{
	return sink_check(inst, report, err);
}

static int forget(void *inst, struct ez_error *err)
{
	return sink_forget(inst, err);
}

static int compare_begin(void *inst, const struct ez_table *t, uint32_t round,
			 struct ez_error *err)
{
	return comparing_begin(sink_comparing(inst), t, round, err);
}

static int compare_rows(void *inst, const struct ez_batch *b, struct ez_error *err)
{
	return comparing_rows(sink_comparing(inst), b, err);
}

static int compare_end(void *inst, uint32_t last, struct ez_compared *ret,
		       struct ez_error *err)
{
	return comparing_end(sink_comparing(inst), last != 0, ret, err);
}

static void interrupt(void *inst)
{
	sink_interrupt(inst);
}

static const struct ez_sink ops = {
	.size = sizeof(ops),
	.open = open_sink,
	.close = close_sink,
	.write = write_batch,
	.flush = flush,
	.durable = durable,
	.recover = recover,
	.table = table,
	.snapshot_begin = snapshot_begin,
	.snapshot_end = snapshot_end,
	.check = check,
	.forget = forget,
	.interrupt = interrupt,
	.compare_begin = compare_begin,
	.compare_rows = compare_rows,
	.compare_end = compare_end,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.caps = EZ_CAP_SNAPSHOT | EZ_CAP_PARTIAL_ROWS | EZ_CAP_IDEMPOTENT |
		EZ_CAP_ORDERED | EZ_CAP_COMPARE,
	.kind = EZ_SINK,
	.name = "starrocks",
	.version = PACKAGE_VERSION,
	.summary = "Loads into StarRocks primary key tables by Stream Load.",
	.options = settings_options,
	.load = load,
	.ops = { .sink = &ops },
};
