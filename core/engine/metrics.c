/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "engine/stats.h"
#include "engine/status.h"

/* Prometheus' text exposition; names are promises of contracts.md section 6. */

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one_u64(struct buf *b, const char *name, const char *type, const char *help,
		    uint64_t v)
{
	head(b, name, type, help);
	buf_addf(b, "%s %llu\n", name, (unsigned long long)v);
}

static void one_double(struct buf *b, const char *name, const char *type, const char *help,
		       double v)
{
	head(b, name, type, help);
	buf_addf(b, "%s %.9g\n", name, v);
}

/* A gauge that is left out while unknown. */
static void known(struct buf *b, const char *name, const char *help, int64_t v)
{
	if (v >= 0)
		one_u64(b, name, "gauge", help, (uint64_t)v);
}

/* One byte that is not UTF-8 would make the whole text unreadable. */
static void add_label_text(struct buf *b, struct ez_view v)
{
	bool is_utf8 = utf8_is_valid(v);

	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (c == '\n') {
			buf_add_str(b, "\\n");
			continue;
		}
		if (c == '"' || c == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, is_utf8 || (unsigned char)c < 0x80 ? c : '?');
	}
}

static void add_table_label(struct buf *b, const struct table_stats *t)
{
	buf_add_str(b, "table=\"");
	add_label_text(b, view_str(t->name));
	buf_add_char(b, '"');
}

static void add_table_rows(struct buf *b, const struct table_stats *t)
{
	static const char *const ops[OUT_OPS] = { "snapshot", "insert",   "update",
						  "delete",   "truncate", "message" };

	for (int i = 0; i < OUT_OPS; i++) {
		uint64_t n = atomic_load(&t->rows[i]);

		if (n == 0)
			continue;
		buf_addf(b, "ezcdc_rows_total{op=\"%s\",", ops[i]);
		add_table_label(b, t);
		buf_addf(b, "} %llu\n", (unsigned long long)n);
	}
}

static void add_table_snapshot(struct buf *b, const struct table_stats *t)
{
	const struct {
		const char *state;
		uint64_t rows;
	} lines[] = {
		{ "copied", atomic_load(&t->copied_rows) },
		{ "estimated", (uint64_t)MAX(atomic_load(&t->estimated_rows), (int64_t)0) },
	};

	for (size_t i = 0; atomic_load(&t->parts) > 0 && i < ARRAY_LEN(lines); i++) {
		buf_add_str(b, "ezcdc_snapshot_rows{");
		add_table_label(b, t);
		buf_addf(b, ",state=\"%s\"} %llu\n", lines[i].state,
			 (unsigned long long)lines[i].rows);
	}
}

static void add_tables(struct buf *b, struct stats *s)
{
	pthread_mutex_lock(&s->lock);
	head(b, "ezcdc_rows_total", "counter", "Rows handed to the sink.");
	map_for_each (e, &s->tables)
		add_table_rows(b, e->value);
	head(b, "ezcdc_snapshot_rows", "gauge", "Rows of the copy, done and estimated.");
	map_for_each (e, &s->tables)
		add_table_snapshot(b, e->value);
	pthread_mutex_unlock(&s->lock);
}

static void add_histogram(struct buf *b, const char *name, const char *help,
			  const struct histogram *h)
{
	uint64_t seen = 0;

	head(b, name, "histogram", help);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += atomic_load(&h->counts[i]);
		buf_addf(b, "%s_bucket{le=\"%g\"} %llu\n", name,
			 (double)histogram_bounds_us[i] / US_PER_SEC, (unsigned long long)seen);
	}
	seen += atomic_load(&h->counts[HISTOGRAM_BUCKETS - 1]);
	buf_addf(b, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name,
		 (unsigned long long)seen, name, (double)atomic_load(&h->sum_us) / US_PER_SEC,
		 name, (unsigned long long)seen);
}

static void add_retries(struct buf *b, struct stats *s)
{
	static const char *const classes[] = { NULL,   "transient", "data",       "config", "gone",
					       "fatal", "cancelled", "permission", "busy",   "io" };

	head(b, "ezcdc_retries_total", "counter", "Attempts that failed and were made again.");
	for (size_t i = 1; i < ARRAY_LEN(classes); i++)
		buf_addf(b, "ezcdc_retries_total{class=\"%s\"} %llu\n", classes[i],
			 (unsigned long long)atomic_load(&s->retries[i]));
}

/* What plugins count through host->metric: ezcdc_plugin_<name>, other characters as _. */
static void add_plugin_metrics(struct buf *b, struct stats *s)
{
	pthread_mutex_lock(&s->lock);
	map_for_each (e, &s->plugin) {
		const _Atomic int64_t *v = e->value;

		buf_add_str(b, "ezcdc_plugin_");
		for (size_t i = 0; i < e->key.len; i++) {
			char c = e->key.ptr[i];
			bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				     (c >= '0' && c <= '9') || c == '_';

			buf_add_char(b, plain ? c : '_');
		}
		buf_addf(b, " %lld\n", (long long)atomic_load(v));
	}
	pthread_mutex_unlock(&s->lock);
}

static uint64_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the one being read */
}

static void add_process(struct buf *b, struct stats *s)
{
	struct timespec cpu = { 0, 0 };

	(void)!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	one_u64(b, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
		(uint64_t)status_rss_bytes());
	one_double(b, "process_cpu_seconds_total", "counter",
		   "Total user and system CPU time spent in seconds.",
		   (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	one_u64(b, "process_open_fds", "gauge", "Number of open file descriptors.", open_fds());
	one_double(b, "process_start_time_seconds", "gauge",
		   "Start time of the process since unix epoch in seconds.",
		   (double)atomic_load(&s->started_us) / US_PER_SEC);
}

static void add_bytes(struct buf *b, struct stats *s)
{
	head(b, "ezcdc_bytes_total", "counter", "Bytes of values, read and written.");
	buf_addf(b,
		 "ezcdc_bytes_total{direction=\"in\"} %llu\n"
		 "ezcdc_bytes_total{direction=\"out\"} %llu\n",
		 (unsigned long long)atomic_load(&s->bytes_in),
		 (unsigned long long)atomic_load(&s->bytes_out));
}

void metrics_text(const struct status_facts *f, const struct status_rates *r,
		  struct stats *s, struct buf *out)
{
	int64_t lag_ms = status_lag_ms(s);

	(void)r;
	one_u64(out, "ezcdc_up", "gauge", "1 while the job runs.", 1);
	add_tables(out, s);
	add_bytes(out, s);
	one_u64(out, "ezcdc_batches_total", "counter", "Batches written to the sink.",
		atomic_load(&s->batches));
	add_histogram(out, "ezcdc_flush_seconds", "From the start of a flush to durable.",
		      &s->flush);
	add_histogram(out, "ezcdc_end_to_end_seconds", "From commit at the source to durable.",
		      &s->end_to_end);
	known(out, "ezcdc_lag_bytes", "Log of the source that is not durable in the sink yet.",
	      status_lag_bytes(s));
	if (lag_ms >= 0)
		one_double(out, "ezcdc_lag_seconds", "gauge",
			   "Age of the newest durable transaction while others wait.",
			   (double)lag_ms / 1000);
	known(out, "ezcdc_slot_retained_bytes", "Log that the source keeps for this job.",
	      atomic_load(&s->retained_bytes));
	known(out, "ezcdc_slot_safe_bytes",
	      "Log that may still be written before the slot is lost.",
	      atomic_load(&s->safe_bytes));
	one_u64(out, "ezcdc_queue_bytes", "gauge", "Memory held by rows in flight.",
		(uint64_t)MAX(f->queue_bytes, (int64_t)0));
	add_retries(out, s);
	one_u64(out, "ezcdc_dead_letter_rows_total", "counter", "Rows that could not be loaded.",
		atomic_load(&s->dead_letters));
	one_u64(out, "ezcdc_split_transactions_total", "counter",
		"Transactions that did not fit one batch.", atomic_load(&s->split_transactions));
	add_plugin_metrics(out, s);
	add_process(out, s);
}
