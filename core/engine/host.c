/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/host.h"

#include <stdarg.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/chain.h"
#include "engine/engine.h"
#include "engine/lane.h"
#include "engine/options.h"
#include "engine/out.h"
#include "engine/plan.h"
#include "engine/report.h"

enum { LOG_TEXT_MAX = 2048 };

/* A text that does not fit is cut: it is for people. */
static void format_cut(char *to, size_t size, const char *fmt, va_list ap) EZ_PRINTF(3, 0);
static void format_cut(char *to, size_t size, const char *fmt, va_list ap)
{
	if (!str_formatv(to, size, fmt, ap))
		to[size - 1] = '\0';
}

static void host_log(int level, const char *fmt, ...) EZ_PRINTF(2, 3);
static void host_log(int level, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	va_list ap;

	if (!log_is_shown(level))
		return;
	va_start(ap, fmt);
	format_cut(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_msg(level, "%s", text);
}

static int host_fail(struct ez_error *err, int rc, const char *code, const char *fmt, ...)
	EZ_PRINTF(4, 5);
static int host_fail(struct ez_error *err, int rc, const char *code, const char *fmt, ...)
{
	va_list ap;

	err->rc = rc;
	err->retry_after_ms = 0;
	err->batch = 0;
	err->row = EZ_ROW_UNKNOWN;
	err->hint[0] = '\0';
	if (!str_copy(err->code, sizeof(err->code), view_str(code)))
		err->code[sizeof(err->code) - 1] = '\0';
	va_start(ap, fmt);
	format_cut(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return rc;
}

static int host_hint(struct ez_error *err, const char *fmt, ...) EZ_PRINTF(2, 3);
static int host_hint(struct ez_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_cut(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return err->rc;
}

/* The options in the types of the public header. */
static int is_set(const struct ez_config *c, const char *name)
{
	return config_is_set(c, name);
}

static void metric(struct ez_ctx *ctx, const char *name, int64_t delta)
{
	if (ctx->e)
		stats_metric(&ctx->e->stats, name, delta);
}

static int mem(struct ez_ctx *ctx, int64_t delta_bytes)
{
	if (!ctx->e)
		return EZ_OK;
	budget_charge(&ctx->e->budget, delta_bytes);
	if (ctx->lane && lane_waits_in_vain(ctx->lane))
		return EZ_AGAIN;
	return budget_is_spent(&ctx->e->budget) ? EZ_AGAIN : EZ_OK;
}

static void wake(struct ez_ctx *ctx)
{
	if (ctx->lane)
		lane_wake(ctx->lane);
}

static int reject(struct ez_ctx *ctx, uint64_t batch, uint32_t row, struct ez_error *err)
{
	if (!ctx->lane)
		return host_fail(err, EZ_E_FATAL, "", "only a sink can reject rows");
	return lane_reject(ctx->lane, batch, row, err);
}

const struct ez_host host_table = {
	.size = sizeof(host_table),
	.abi_major = EZ_ABI_MAJOR,
	.abi_minor = EZ_ABI_MINOR,
	.log = host_log,
	.fail = host_fail,
	.hint = host_hint,
	.now_us = now_us,
	.str = config_str,
	.num = config_num,
	.is_set = is_set,
	.count = config_count,
	.item = config_item,
	.item_key = config_item_key,
	.secret = config_secret,
	.metric = metric,
	.mem = mem,
	.wake = wake,
	.reject = reject,
	.room = out_room,
	.alloc = out_alloc,
	.adopt = out_adopt,
	.table = out_table,
	.begin = out_begin,
	.event = out_event,
	.emit = out_emit,
	.commit = out_commit,
	.idle_at = out_idle_at,
	.part = plan_add,
	.reshape = chain_reshape,
	.finding = report_finding,
	.found = report_found,
};
