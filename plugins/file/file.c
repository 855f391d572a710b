/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>

#include "host.h"
#include "settings.h"
#include "writer.h"

/*
 * The file sink: JSON lines or CSV, exactly once for readers of finished files.
 *
 * This file is the plugin as the engine sees it; writer.h is what an instance is, write.c
 * how a batch gets into files, sync.h and manifest.c how it becomes durable, recover.c what
 * happens after a crash, snapshot.c the copy at a job's beginning.
 */

static int load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

static int open_sink(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct writer *w;
	int rc = writer_open(open, &w, err);

	if (rc == EZ_OK)
		*ret_inst = w;
	return rc;
}

static void close_sink(void *inst)
{
	writer_close(inst);
}

static int write_batch(void *inst, const struct ez_batch *b, struct ez_error *err)
{
	return writer_write(inst, b, err);
}

static int flush(void *inst, struct ez_error *err)
{
	return writer_flush(inst, err);
}

static int durable(void *inst, uint32_t wait_ms, uint64_t *ret_number,
		   struct ez_error *err)
{
	return writer_durable(inst, wait_ms, ret_number, err);
}

static int recover(void *inst, struct ez_position *ret, struct ez_error *err)
{
	return writer_recover(inst, ret, err);
}

static int snapshot_begin(void *inst, const struct ez_snapshot *s,
			  const struct ez_table *t, struct ez_error *err)
{
	return writer_snapshot_begin(inst, s, t, err);
}

static int snapshot_end(void *inst, const struct ez_snapshot *s, struct ez_error *err)
{
	return writer_snapshot_end(inst, s, err);
}

static int check(void *inst, struct ez_report *report, struct ez_error *err)
{
	return writer_check(inst, report, err);
}

static int forget(void *inst, struct ez_error *err)
{
	return writer_forget(inst, err);
}

static void interrupt(void *inst)
{
	writer_interrupt(inst);
}

static const struct ez_sink ops = {
	.size = sizeof(ops),
	.open = open_sink,
	.close = close_sink,
	.write = write_batch,
	.flush = flush,
	.durable = durable,
	.recover = recover,
	.snapshot_begin = snapshot_begin,
	.snapshot_end = snapshot_end,
	.check = check,
	.forget = forget,
	.interrupt = interrupt,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.caps = EZ_CAP_SNAPSHOT | EZ_CAP_PARTIAL_ROWS | EZ_CAP_ORDERED | EZ_CAP_POSITION |
		EZ_CAP_STREAMING,
	.kind = EZ_SINK,
	.name = "file",
	.version = PACKAGE_VERSION,
	.summary =
		"Writes JSON lines or CSV files, exactly once for readers of finished files.",
	.options = settings_options,
	.load = load,
	.ops = { .sink = &ops },
};
