/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "cli/show.h"

#include "base/parse.h"
#include "base/view.h"
#include "engine/json.h"

enum { BAR_WIDTH = 24 };

static void add_view_or(struct buf *out, struct ez_view v, const char *otherwise)
{
	if (v.len > 0)
		buf_add_view(out, v);
	else
		buf_add_str(out, otherwise);
}

static void add_position(struct buf *out, const struct json *positions, const char *name)
{
	buf_addf(out, "  %-10s ", name);
	add_view_or(out, json_str(positions, name), "-");
	buf_add_char(out, '\n');
}

static void add_lag(struct buf *out, const struct json *lag)
{
	int64_t bytes = json_i64(lag, "bytes"), ms = json_i64(lag, "ms");

	if (!json_has(lag, "bytes"))
		buf_add_str(out, "unknown");
	else
		buf_addf(out, "%s, %s", format_size((uint64_t)bytes).text,
			 format_duration_ms(ms).text);
}

static void add_bar(struct buf *out, double share)
{
	int full = (int)(share * BAR_WIDTH + 0.5);

	buf_add_char(out, '[');
	for (int i = 0; i < BAR_WIDTH; i++)
		buf_add_char(out, i < full ? '#' : '.');
	buf_addf(out, "] %3d %%", (int)(share * 100));
}

static double share_of(int64_t rows, int64_t estimate, bool done)
{
	if (done)
		return 1;
	if (estimate <= 0)
		return 0;
	/* The estimate may be short of the truth; only "copied" is all of it. */
	return rows >= estimate ? 0.99 : (double)rows / (double)estimate;
}

static void add_table(struct buf *out, const struct json *t)
{
	int64_t rows = json_i64(t, "rows"), estimate = json_i64(t, "estimate");
	bool copied = view_eq_str(json_str(t, "state"), "copied");

	buf_addf(out, "  %-32.*s ", VIEW_ARG(json_str(t, "name")));
	add_bar(out, share_of(rows, estimate, copied));
	buf_addf(out, "  %lld", (long long)rows);
	if (!copied && estimate > 0)
		buf_addf(out, " of about %lld", (long long)estimate);
	buf_addf(out, " rows, %lld of %lld parts, %.*s\n", (long long)json_i64(t, "parts_done"),
		 (long long)json_i64(t, "parts"), VIEW_ARG(json_str(t, "state")));
}

static void add_eta(struct buf *out, const struct json *status, int64_t left)
{
	double rate = json_num(status, "rows_per_second");

	if (left > 0 && rate > 1)
		buf_addf(out, "  about %s left\n",
			 format_duration_ms((int64_t)((double)left * 1000 / rate)).text);
}

static void add_snapshot(struct buf *out, const struct json *status)
{
	const struct json *tables = json_get(status, "tables");
	int64_t left = 0;
	bool any = false;

	for (size_t i = 0; i < json_len(tables); i++) {
		const struct json *t = json_at(tables, i);

		if (json_i64(t, "parts") == 0)
			continue;
		if (!any)
			buf_add_str(out, "snapshot\n");
		any = true;
		add_table(out, t);
		if (!view_eq_str(json_str(t, "state"), "copied") &&
		    json_i64(t, "estimate") > json_i64(t, "rows"))
			left += json_i64(t, "estimate") - json_i64(t, "rows");
	}
	add_eta(out, status, left);
}

static void add_changes(struct buf *out, const struct json *status)
{
	const struct json *tables = json_get(status, "tables");

	buf_addf(out, "%-34s %10s %10s %10s %10s\n", "changes", "inserts", "updates", "deletes",
		 "truncates");
	for (size_t i = 0; i < json_len(tables); i++) {
		const struct json *t = json_at(tables, i), *n = json_get(t, "changes");

		buf_addf(out, "  %-32.*s %10lld %10lld %10lld %10lld\n",
			 VIEW_ARG(json_str(t, "name")), (long long)json_i64(n, "insert"),
			 (long long)json_i64(n, "update"), (long long)json_i64(n, "delete"),
			 (long long)json_i64(n, "truncate"));
	}
}

static void add_resources(struct buf *out, const struct json *status)
{
	const struct json *memory = json_get(status, "memory"), *slot = json_get(status, "slot");
	const struct json *batch = json_get(status, "batch");

	buf_addf(out, "memory       %s of %s in use, resident %s\n",
		 format_size((uint64_t)json_i64(memory, "used")).text,
		 format_size((uint64_t)json_i64(memory, "limit")).text,
		 format_size((uint64_t)json_i64(status, "rss_bytes")).text);
	buf_addf(out, "batches      %lld, flush p50 %.1f ms, p99 %.1f ms\n",
		 (long long)json_i64(batch, "count"), json_num(batch, "flush_p50_ms"),
		 json_num(batch, "flush_p99_ms"));
	if (json_i64(slot, "retained_bytes") > 0)
		buf_addf(out, "slot keeps   %s of log\n",
			 format_size((uint64_t)json_i64(slot, "retained_bytes")).text);
	if (json_i64(slot, "transactions_in_progress") > 0)
		buf_addf(out, "in progress  %lld transactions, %s\n",
			 (long long)json_i64(slot, "transactions_in_progress"),
			 format_size((uint64_t)json_i64(slot, "transactions_in_progress_bytes"))
				 .text);
	if (json_i64(status, "dead_letters") > 0)
		buf_addf(out, "dead letters %lld\n", (long long)json_i64(status, "dead_letters"));
}

void show_status(const struct json *status, struct buf *out)
{
	static const char *const positions[] = { "received", "written", "durable", "confirmed",
						 "server" };

	buf_addf(out, "job          %.*s\n", VIEW_ARG(json_str(status, "name")));
	buf_addf(out, "state        %.*s, up %s, pid %lld\n", VIEW_ARG(json_str(status, "state")),
		 format_duration_ms(json_i64(status, "uptime_s") * 1000).text,
		 (long long)json_i64(status, "pid"));
	buf_add_str(out, "lag          ");
	add_lag(out, json_get(status, "lag"));
	buf_addf(out, "\nrate         %.0f rows/s, %s/s, %lld rows so far\n",
		 json_num(status, "rows_per_second"),
		 format_size((uint64_t)json_num(status, "bytes_per_second")).text,
		 (long long)json_i64(status, "rows_total"));
	add_resources(out, status);
	if (json_str(status, "last_error").len > 0)
		buf_addf(out, "last error   %.*s (%.*s)\n", VIEW_ARG(json_str(status, "last_error")),
			 VIEW_ARG(json_str(status, "last_error_time")));
	buf_add_str(out, "positions\n");
	for (size_t i = 0; i < ARRAY_LEN(positions); i++)
		add_position(out, json_get(status, "positions"), positions[i]);
	add_snapshot(out, status);
	add_changes(out, status);
}

int64_t show_lag_bytes(const struct json *status)
{
	const struct json *lag = json_get(status, "lag");

	return json_has(lag, "bytes") ? json_i64(lag, "bytes") : -1;
}

void show_line_heading(struct buf *out)
{
	buf_addf(out, "%-24s %-10s %12s %10s %12s %10s %8s\n", "job", "state", "rows/s", "lag",
		 "lag bytes", "memory", "cpu %");
}

void show_line(const struct json *status, struct buf *out)
{
	const struct json *lag = json_get(status, "lag");
	int64_t bytes = show_lag_bytes(status);

	buf_addf(out, "%-24.*s %-10.*s %12.0f %10s %12s %10s %8.1f\n",
		 VIEW_ARG(json_str(status, "name")), VIEW_ARG(json_str(status, "state")),
		 json_num(status, "rows_per_second"),
		 format_duration_ms(json_i64(lag, "ms")).text,
		 bytes < 0 ? "?" : format_size((uint64_t)bytes).text,
		 format_size((uint64_t)json_i64(status, "rss_bytes")).text,
		 json_num(status, "cpu_percent"));
}
