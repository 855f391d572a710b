/* SPDX-License-Identifier: Apache-2.0 */
#include <ezcdc/plugin.h>
#include <stdlib.h>

static const struct ez_host *host;

struct null_sink {
	struct ez_ctx *ctx;
	int verbose;
};

static int null_open(const struct ez_open *args, void **ret_inst, struct ez_error *err)
{
	struct null_sink *s = malloc(sizeof(*s));

	if (!s)
		return host->fail(err, EZ_E_TRANSIENT, "", "out of memory");
	s->ctx = args->ctx;
	s->verbose = host->num(args->config, "verbose") != 0;
	*ret_inst = s;
	return EZ_OK;
}

static int null_write(void *inst, const struct ez_batch *batch, struct ez_error *err)
{
	struct null_sink *s = inst;

	(void)err;
	host->metric(s->ctx, "null_rows_total", (int64_t)batch->n_events);
	if (s->verbose)
		host->log(6, "threw away a batch rows=%zu", batch->n_events);
	return EZ_OK;
}

static int null_load(const struct ez_host *h) { return (host = h) ? EZ_OK : EZ_E_FATAL; }

static const struct ez_option verbose = { .size = sizeof(verbose), .type = EZ_OPT_BOOL,
	.name = "verbose", .label = "Verbose", .fallback = "false",
	.help = "Log each batch that is thrown away." };
static const struct ez_option *const options[] = { &verbose, NULL };

static const struct ez_sink ops = {
	.size = sizeof(ops), .open = null_open, .close = free, .write = null_write };

const struct ez_plugin ez_plugin = { EZ_PLUGIN_HEAD,
	.caps = EZ_CAP_DURABLE_WRITE | EZ_CAP_SNAPSHOT, .kind = EZ_SINK, .name = "null",
	.version = "1.0", .summary = "Throws every event away.",
	.options = options, .load = null_load, .ops = { .sink = &ops } };
