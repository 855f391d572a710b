/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "base/view.h"
#include "engine/host.h"
#include "engine/json.h"
#include "engine/problems.h"
#include "engine/stats.h"
#include "engine/status.h"

enum { TEXT_MAX = 1024 * 1024, THREADS = 4, ADDS = 20000 };

static struct stats stats;
static struct status_rates rates;
static const struct status_facts facts = {
	.name = "sh\"op",
	.state = "streaming",
	.phase = "streaming",
	.source = "pgoutput 0.1.0",
	.sink = "file 0.1.0",
	.snapshot = 2,
	.queue_bytes = 4096,
	.queue_batches = 3,
	.memory_limit = 1000000,
	.memory_used = 5000,
	.memory_peak = 9000,
};

static void start(void)
{
	stats_init(&stats);
	rates = (struct status_rates){ .at_us = 0 };
}

static void stop(void)
{
	stats_release(&stats);
}

static void fill(void)
{
	static const uint32_t rows[OUT_OPS] = { 0, 5, 1, 2, 0, 0 };
	const struct ez_table t = { .size = sizeof(t), .schema = VIEW("pub\\lic"),
				    .name = VIEW("or\"d\ners\t\xff") };
	struct ez_error err = ERROR_INIT;
	struct table_stats *ts;

	stats_rows(&stats, &t, rows);
	stats_rows(&stats, NULL, rows);
	ts = stats_table(&stats, t.schema, t.name);
	ts->parts = 4;
	ts->parts_done = 3;
	ts->copied_rows = 70;
	ts->estimated_rows = 100;
	ts->estimated_bytes = 800;
	ts->state = TABLE_COPYING;
	stats.order_received = UINT64_C(0x100000030);
	stats.order_durable = UINT64_C(0x100000020);
	stats.order_server = UINT64_C(0x100000040);
	stats.last_commit_us = now_us() - 5 * US_PER_SEC;
	stats.retries[-EZ_E_IO] = 6;
	stats.dead_letters = 8;
	stats_metric(&stats, "re-connects.total", 3);
	stats_metric(&stats, "re-connects.total", 4);
	error_fill(&err, EZ_E_TRANSIENT, "", "no \"route\"");
	stats_error(&stats, &err);
}

/* --------------------------------------------------------------------------------- numbers */

START_TEST(test_quantiles)
{
	struct histogram h = { .count = 0 };

	ck_assert_int_eq(histogram_quantile(&h, 0.5), 0);
	for (int i = 0; i < 98; i++)
		histogram_add(&h, 1500);
	histogram_add(&h, -5); /* a clock that was set back */
	histogram_add(&h, INT64_C(1) << 50);
	ck_assert_uint_eq(h.count, 100);
	ck_assert_uint_eq(h.counts[0], 1);
	ck_assert_uint_eq(h.counts[HISTOGRAM_BUCKETS - 1], 1);
	ck_assert_int_gt(histogram_quantile(&h, 0.5), 1000);
	ck_assert_int_lt(histogram_quantile(&h, 0.5), 2000);
	ck_assert_int_eq(histogram_quantile(&h, 0.99), 2000);
	ck_assert_int_eq(histogram_quantile(&h, 1), 60 * US_PER_SEC);
	ck_assert_int_le(histogram_quantile(&h, 0), 1000);
}
END_TEST

START_TEST(test_bounds_belong_below)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		struct histogram h = { .count = 0 };

		histogram_add(&h, histogram_bounds_us[i]);
		histogram_add(&h, histogram_bounds_us[i] + 1);
		ck_assert_uint_eq(h.counts[i], 1);
		ck_assert_uint_eq(h.counts[i + 1], 1);
		ck_assert_int_eq(histogram_quantile(&h, 0.5), histogram_bounds_us[i]);
	}
}
END_TEST

START_TEST(test_lag)
{
	ck_assert_int_eq(status_lag_bytes(&stats), -1);
	ck_assert_int_eq(status_lag_ms(&stats), 0);
	stats.order_received = 50;
	ck_assert_int_eq(status_lag_ms(&stats), -1);
	stats.order_server = 100;
	ck_assert_int_eq(status_lag_bytes(&stats), -1);
	stats.order_durable = 30;
	ck_assert_int_eq(status_lag_bytes(&stats), 70);
	stats.last_commit_us = now_us() - 3 * US_PER_SEC;
	ck_assert_int_ge(status_lag_ms(&stats), 3000);
	stats.last_commit_us = now_us() + INT64_C(3600) * US_PER_SEC;
	ck_assert_int_eq(status_lag_ms(&stats), 0);
	/* What came up to there was not for us: no transaction waits. */
	stats.last_commit_us = now_us() - 3 * US_PER_SEC;
	stats.order_idle = 50;
	ck_assert_int_eq(status_lag_ms(&stats), 0);
	stats.order_confirmed = 100;
	ck_assert_int_eq(status_lag_bytes(&stats), 0);
	stats.order_durable = 101;
	ck_assert_int_eq(status_lag_bytes(&stats), 0);
	ck_assert_int_eq(status_lag_ms(&stats), 0);
}
END_TEST

START_TEST(test_rates)
{
	status_tick(&rates, &stats);
	ck_assert_double_eq(rates.rows_per_s, 0);
	stats.rows = 1000;
	stats.bytes_in = 64000;
	rates.at_us -= 10 * US_PER_SEC;
	status_tick(&rates, &stats);
	/* The clock has gone on a little since. */
	ck_assert_double_gt(rates.rows_per_s, 1);
	ck_assert_double_le(rates.rows_per_s, 100);
	ck_assert_double_le(fabs(rates.bytes_per_s - 64 * rates.rows_per_s), 0.001);
	ck_assert_double_ge(rates.cpu_percent, 0);
}
END_TEST

static void *count(void *arg)
{
	static const uint32_t rows[OUT_OPS] = { 1 };
	const struct ez_table t = { .schema = VIEW("a"), .name = VIEW("b") };

	(void)arg;
	for (int i = 0; i < ADDS; i++) {
		stats_rows(&stats, &t, rows);
		stats_metric(&stats, "m", 1);
		histogram_add(&stats.flush, i);
	}
	return NULL;
}

START_TEST(test_threads_count_right)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(stats.rows, THREADS * ADDS);
	ck_assert_uint_eq(stats.flush.count, THREADS * ADDS);
	ck_assert_uint_eq(stats_table(&stats, VIEW("a"), VIEW("b"))->rows[0], THREADS * ADDS);
}
END_TEST

/* ------------------------------------------------------------------------------- documents */

static void has_all(const struct json *j, const char *const *names)
{
	ck_assert_ptr_nonnull(j);
	for (; *names; names++)
		ck_assert_msg(json_has(j, *names), "%s is missing", *names);
}

#define HAS(j, ...) has_all(j, (const char *const[]){ __VA_ARGS__, NULL })

static struct json *document(void)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	char *why = NULL;
	struct json *j;

	status_json(&facts, &rates, &stats, &text);
	ck_assert_ptr_null(memchr(text.ptr, '\n', text.len));
	j = json_parse(buf_view(&text), &why);
	ck_assert_msg(j != NULL, "%s", why);
	return j;
}

/* contracts.md section 6. */
static void has_contract(const struct json *j)
{
	HAS(j, "name", "state", "phase", "paused", "tables", "positions", "lag", "rows_per_second",
	    "bytes_per_second", "batch", "queue_bytes", "last_error", "plugins", "rss_bytes",
	    "cpu_percent", "slot", "dead_letters", "memory", "version", "pid", "uptime_s",
	    "snapshot", "rows_total", "split_transactions", "queue_batches");
	HAS(json_get(j, "positions"), "received", "written", "durable", "confirmed", "idle", "server");
	HAS(json_get(j, "lag"), "bytes", "ms");
	HAS(json_get(j, "batch"), "rows", "bytes", "count", "flushes", "flush_p50_ms",
	    "flush_p99_ms", "end_to_end_p50_ms", "end_to_end_p99_ms");
	HAS(json_get(j, "plugins"), "source", "sink");
	HAS(json_get(j, "slot"), "connected", "reconnects", "retained_bytes", "safe_bytes",
	    "transactions_in_progress", "transactions_in_progress_bytes");
	HAS(json_get(j, "memory"), "limit", "used", "peak");
}

START_TEST(test_status_of_nothing)
{
	_cleanup_(json_freep) struct json *j = document();

	has_contract(j);
	ck_assert_uint_eq(json_len(json_get(j, "tables")), 0);
	ck_assert_ptr_null(json_str(j, "last_error").ptr);
	ck_assert_ptr_null(json_str(json_get(j, "positions"), "durable").ptr);
	ck_assert_int_gt(json_i64(j, "rss_bytes"), 0);
	ck_assert_int_eq(json_i64(j, "pid"), getpid());
}
END_TEST

START_TEST(test_status)
{
	_cleanup_(json_freep) struct json *j = NULL;
	const struct json *t;

	fill();
	j = document();
	has_contract(j);
	HAS(j, "last_error_time");
	ck_assert(view_eq_str(json_str(j, "name"), "sh\"op"));
	ck_assert(view_eq_str(json_str(j, "state"), "streaming"));
	ck_assert(view_eq_str(json_str(j, "last_error"), "no \"route\""));
	ck_assert_int_eq(json_i64(j, "rows_total"), 16);
	ck_assert_int_eq(json_i64(j, "queue_bytes"), 4096);
	ck_assert_int_eq(json_i64(json_get(j, "lag"), "bytes"), 0x20);
	ck_assert_int_ge(json_i64(json_get(j, "lag"), "ms"), 5000);
	ck_assert(view_eq_str(json_str(json_get(j, "positions"), "received"), "1/30"));
	ck_assert(view_eq_str(json_str(json_get(j, "plugins"), "source"), "pgoutput 0.1.0"));
	ck_assert_uint_eq(json_len(json_get(j, "tables")), 1);
	t = json_at(json_get(j, "tables"), 0);
	HAS(t, "name", "state", "parts", "parts_done", "rows", "estimate", "estimate_bytes",
	    "changes", "last_change");
	ck_assert(view_eq_str(json_str(t, "state"), "copying"));
	ck_assert_int_eq(json_i64(t, "parts_done"), 3);
	ck_assert_int_eq(json_i64(t, "rows"), 70);
	ck_assert_int_eq(json_i64(t, "estimate"), 100);
	ck_assert_int_eq(json_i64(json_get(t, "changes"), "insert"), 5);
	ck_assert_int_eq(json_i64(json_get(t, "changes"), "delete"), 2);
}
END_TEST

START_TEST(test_error_is_forgotten)
{
	struct ez_error none = ERROR_INIT;
	_cleanup_(json_freep) struct json *j = NULL;

	fill();
	stats_error(&stats, &none);
	j = document();
	ck_assert_ptr_null(json_str(j, "last_error").ptr);
}
END_TEST

/* ------------------------------------------------------------------------------ Prometheus */

static const char *skip_name(const char *p)
{
	return p + strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

/* name="value",... with \\ \" and \n as the only escapes. */
static const char *skip_labels(const char *p)
{
	for (;;) {
		p = skip_name(p);
		if (p[0] != '=' || p[1] != '"')
			return NULL;
		for (p += 2; *p != '"'; p++) {
			if (*p == '\0')
				return NULL;
			if (*p == '\\' && !strchr("\\\"n", *++p))
				return NULL;
		}
		if (*++p == '}')
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

static bool is_sample(const char *line)
{
	const char *p = skip_name(line);
	char *end;

	if (p == line)
		return false;
	if (*p == '{')
		p = skip_labels(p + 1);
	if (!p || *p != ' ')
		return false;
	(void)strtod(p + 1, &end);
	return end > p + 1 && *end == '\0';
}

static char *exposition(void)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	metrics_text(&facts, &rates, &stats, &text);
	ck_assert(utf8_is_valid(buf_view(&text)));
	ck_assert_int_eq(text.ptr[text.len - 1], '\n');
	return buf_take(&text);
}

/* Two tables of one name would be one in the status, and no valid exposition at all. */
START_TEST(test_dots_in_names)
{
	static const uint32_t rows[OUT_OPS] = { 0, 1 };
	const struct ez_table t[] = {
		{ .size = sizeof(t[0]), .schema = VIEW("a.b"), .name = VIEW("c") },
		{ .size = sizeof(t[0]), .schema = VIEW("a"), .name = VIEW("b.c") },
		{ .size = sizeof(t[0]), .schema = VIEW("\"a.b\""), .name = VIEW("c") },
	};
	static const char *const names[] = { "\"a.b\".c", "a.\"b.c\"",
					     "\"\"\"a.b\"\"\".c" };
	_cleanup_(json_freep) struct json *j = NULL;
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		stats_rows(&stats, &t[i], rows);
	j = document();
	ck_assert_uint_eq(json_len(json_get(j, "tables")), ARRAY_LEN(t));
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert(view_eq_str(json_str(json_at(json_get(j, "tables"), i), "name"),
				      names[i]));
	text = exposition();
	ck_assert_ptr_nonnull(strstr(text, "{op=\"insert\",table=\"\\\"a.b\\\".c\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "{op=\"insert\",table=\"a.\\\"b.c\\\"\"} 1\n"));
	free(text);
}
END_TEST

static void check_lines(const char *text)
{
	struct ez_view rest = view_str(text), v;

	while (rest.len > 0 && view_split(&rest, '\n', &v)) {
		char *line = view_dup(v);

		if (strncmp(line, "# HELP ", 7) != 0 && strncmp(line, "# TYPE ", 7) != 0 &&
		    !is_sample(line))
			ck_abort_msg("not a sample: %s", line);
		/* No series twice. */
		if (line[0] != '#') {
			char *series = xasprintf("\n%.*s", (int)(strrchr(line, ' ') - line + 1), line);
			const char *at = strstr(text, series);

			if (at && strstr(at + 1, series))
				ck_abort_msg("twice: %s", line);
			free(series);
		}
		free(line);
	}
}

START_TEST(test_metrics_of_nothing)
{
	char *text = exposition();

	check_lines(text);
	ck_assert_ptr_nonnull(strstr(text, "\nezcdc_up 1\n"));
	/* What is not known is left out. */
	ck_assert_ptr_null(strstr(text, "\nezcdc_lag_bytes "));
	ck_assert_ptr_null(strstr(text, "\nezcdc_slot_retained_bytes "));
	free(text);
}
END_TEST

START_TEST(test_metrics)
{
	static const char *const wanted[] = {
		"ezcdc_up 1\n",
		"ezcdc_rows_total{op=\"insert\",table=\"pub\\\\lic.\\\"or\\\"\\\"d\\ners\t?\\\"\"} 5\n",
		"ezcdc_rows_total{op=\"delete\",table=\"pub\\\\lic.\\\"or\\\"\\\"d\\ners\t?\\\"\"} 2\n",
		"ezcdc_snapshot_rows{table=\"pub\\\\lic.\\\"or\\\"\\\"d\\ners\t?\\\"\",state=\"copied\"} 70\n",
		"ezcdc_snapshot_rows{table=\"pub\\\\lic.\\\"or\\\"\\\"d\\ners\t?\\\"\",state=\"estimated\"} 100\n",
		"ezcdc_bytes_total{direction=\"in\"} ", "ezcdc_bytes_total{direction=\"out\"} ",
		"ezcdc_batches_total ", "ezcdc_flush_seconds_bucket{le=\"0.001\"} 1\n",
		"ezcdc_flush_seconds_bucket{le=\"0.2\"} 2\n",
		"ezcdc_flush_seconds_bucket{le=\"+Inf\"} 3\n", "ezcdc_flush_seconds_sum 100.1501\n",
		"ezcdc_flush_seconds_count 3\n", "ezcdc_end_to_end_seconds_count 0\n",
		"ezcdc_lag_bytes 32\n", "ezcdc_lag_seconds 5", "ezcdc_slot_retained_bytes 11\n",
		"ezcdc_slot_safe_bytes 12\n", "ezcdc_queue_bytes 4096\n",
		"ezcdc_retries_total{class=\"io\"} 6\n",
		"ezcdc_retries_total{class=\"transient\"} 0\n", "ezcdc_dead_letter_rows_total 8\n",
		"ezcdc_split_transactions_total 0\n", "ezcdc_plugin_re_connects_total 7\n",
		"process_resident_memory_bytes ", "process_cpu_seconds_total ",
		"process_open_fds ", "process_start_time_seconds ",
	};
	char *text;

	fill();
	stats.retained_bytes = 11;
	stats.safe_bytes = 12;
	histogram_add(&stats.flush, 100);
	histogram_add(&stats.flush, 150000);
	histogram_add(&stats.flush, 100 * US_PER_SEC);
	text = exposition();
	check_lines(text);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		char *line = xasprintf("\n%s", wanted[i]);

		ck_assert_msg(strstr(text, line) != NULL, "%s is missing in %s", wanted[i], text);
		free(line);
	}
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("status");
	TCase *c = tcase_create("status");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, start, stop);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, test_quantiles);
	tcase_add_test(c, test_bounds_belong_below);
	tcase_add_test(c, test_lag);
	tcase_add_test(c, test_rates);
	tcase_add_test(c, test_threads_count_right);
	tcase_add_test(c, test_status_of_nothing);
	tcase_add_test(c, test_status);
	tcase_add_test(c, test_dots_in_names);
	tcase_add_test(c, test_error_is_forgotten);
	tcase_add_test(c, test_metrics_of_nothing);
	tcase_add_test(c, test_metrics);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
