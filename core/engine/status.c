/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/status.h"

#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/stats.h"

enum { STATM_MAX_BYTES = 4096 };

static uint64_t load(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static int64_t cpu_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * US_PER_SEC + t.tv_nsec / 1000;
}

/* "size resident ..." in pages. */
int64_t status_rss_bytes(void)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(STATM_MAX_BYTES);
	struct ez_view rest, size, resident;
	uint64_t pages = 0;

	if (fs_read_file("/proc/self/statm", STATM_MAX_BYTES, &text) < 0)
		return 0;
	rest = buf_view(&text);
	if (!view_split(&rest, ' ', &size) || !view_split(&rest, ' ', &resident) ||
	    !parse_u64(resident, &pages))
		return 0;
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

void status_tick(struct status_rates *r, const struct stats *s)
{
	int64_t now = mono_us(), cpu = cpu_us();
	uint64_t rows = load(&s->rows), bytes = load(&s->bytes_in);
	double seconds = (double)(now - r->at_us) / US_PER_SEC;

	if (r->at_us > 0 && seconds > 0) {
		r->rows_per_s = (double)(rows - r->rows) / seconds;
		r->bytes_per_s = (double)(bytes - r->bytes) / seconds;
		r->cpu_percent = (double)(cpu - r->cpu_us) / 10000.0 / seconds;
	}
	r->at_us = now;
	r->rows = rows;
	r->bytes = bytes;
	r->cpu_us = cpu;
}

int64_t status_lag_bytes(struct stats *s)
{
	uint64_t server = load(&s->order_server), durable = load(&s->order_durable);

	durable = MAX(durable, load(&s->order_confirmed));
	if (server == 0 || durable == 0)
		return -1;
	return server > durable ? (int64_t)(server - durable) : 0;
}

int64_t status_lag_ms(struct stats *s)
{
	int64_t commit_us = atomic_load(&s->last_commit_us);
	uint64_t done = MAX(load(&s->order_durable), load(&s->order_confirmed));
	bool pending = load(&s->order_received) > MAX(done, load(&s->order_idle));

	if (status_lag_bytes(s) == 0 || !pending)
		return 0;
	if (commit_us == 0)
		return -1;
	return MAX((now_us() - commit_us) / US_PER_MS, (int64_t)0);
}

/* -------------------------------------------------------------------------- the document */

static void add_str(struct jsonw *w, const char *key, const char *v)
{
	jsonw_key(w, key);
	jsonw_str(w, v);
}

static void add_i64(struct jsonw *w, const char *key, int64_t v)
{
	jsonw_key(w, key);
	jsonw_i64(w, v);
}

static void add_u64(struct jsonw *w, const char *key, uint64_t v)
{
	jsonw_key(w, key);
	jsonw_u64(w, v);
}

static void add_double(struct jsonw *w, const char *key, double v)
{
	jsonw_key(w, key);
	jsonw_double(w, v);
}

/* -1 means unknown. */
static void add_known(struct jsonw *w, const char *key, int64_t v)
{
	jsonw_key(w, key);
	if (v < 0)
		jsonw_null(w);
	else
		jsonw_i64(w, v);
}

static void add_position(struct jsonw *w, const char *key, uint64_t order)
{
	char text[32];

	jsonw_key(w, key);
	if (order == 0 || !str_format(text, sizeof(text), "%X/%X", (unsigned)(order >> 32),
				      (unsigned)order))
		jsonw_null(w);
	else
		jsonw_str(w, text);
}

static void add_positions(struct jsonw *w, struct stats *s)
{
	jsonw_key(w, "positions");
	jsonw_begin_object(w);
	add_position(w, "received", load(&s->order_received));
	add_position(w, "written", load(&s->order_written));
	add_position(w, "durable", load(&s->order_durable));
	add_position(w, "confirmed", load(&s->order_confirmed));
	add_position(w, "idle", load(&s->order_idle));
	add_position(w, "server", load(&s->order_server));
	jsonw_end_object(w);
}

static const char *table_state_to_str(int state)
{
	static const char *const names[] = { "streaming", "waiting", "copying", "copied" };

	return state >= 0 && state <= TABLE_COPIED ? names[state] : "unknown";
}

static void add_table(struct jsonw *w, const struct table_stats *t)
{
	static const char *const ops[OUT_OPS] = { "snapshot", "insert",   "update",
						  "delete",   "truncate", "message" };
	int64_t last_us = atomic_load(&t->last_us);

	jsonw_begin_object(w);
	add_str(w, "name", t->name);
	add_str(w, "state", table_state_to_str(atomic_load(&t->state)));
	add_u64(w, "parts", load(&t->parts));
	add_u64(w, "parts_done", load(&t->parts_done));
	add_u64(w, "rows", load(&t->copied_rows));
	add_i64(w, "estimate", atomic_load(&t->estimated_rows));
	add_i64(w, "estimate_bytes", atomic_load(&t->estimated_bytes));
	jsonw_key(w, "changes");
	jsonw_begin_object(w);
	for (int i = 0; i < OUT_OPS; i++)
		add_u64(w, ops[i], load(&t->rows[i]));
	jsonw_end_object(w);
	jsonw_key(w, "last_change");
	jsonw_str(w, last_us > 0 ? format_rfc3339_us(last_us).text : NULL);
	jsonw_end_object(w);
}

static void add_tables(struct jsonw *w, struct stats *s)
{
	jsonw_key(w, "tables");
	jsonw_begin_array(w);
	pthread_mutex_lock(&s->lock);
	map_for_each (e, &s->tables)
		add_table(w, e->value);
	pthread_mutex_unlock(&s->lock);
	jsonw_end_array(w);
}

static void add_batches(struct jsonw *w, const struct status_facts *f, struct stats *s)
{
	jsonw_key(w, "batch");
	jsonw_begin_object(w);
	add_u64(w, "rows", load(&s->batch_rows_last));
	add_u64(w, "bytes", load(&s->batch_bytes_last));
	add_u64(w, "count", load(&s->batches));
	add_u64(w, "flushes", load(&s->flushes));
	add_double(w, "flush_p50_ms", (double)histogram_quantile(&s->flush, 0.5) / US_PER_MS);
	add_double(w, "flush_p99_ms", (double)histogram_quantile(&s->flush, 0.99) / US_PER_MS);
	add_double(w, "end_to_end_p50_ms",
		   (double)histogram_quantile(&s->end_to_end, 0.5) / US_PER_MS);
	add_double(w, "end_to_end_p99_ms",
		   (double)histogram_quantile(&s->end_to_end, 0.99) / US_PER_MS);
	jsonw_end_object(w);
	add_i64(w, "queue_bytes", f->queue_bytes);
	add_i64(w, "queue_batches", f->queue_batches);
}

static void add_memory(struct jsonw *w, const struct status_facts *f)
{
	jsonw_key(w, "memory");
	jsonw_begin_object(w);
	add_i64(w, "limit", f->memory_limit);
	add_i64(w, "used", f->memory_used);
	add_i64(w, "peak", f->memory_peak);
	jsonw_end_object(w);
	add_i64(w, "rss_bytes", status_rss_bytes());
}

static void add_last_error(struct jsonw *w, struct stats *s)
{
	pthread_mutex_lock(&s->lock);
	jsonw_key(w, "last_error");
	jsonw_str(w, s->last_error[0] ? s->last_error : NULL);
	if (s->last_error[0])
		add_str(w, "last_error_time", format_rfc3339_us(s->last_error_us).text);
	pthread_mutex_unlock(&s->lock);
}

static void add_source(struct jsonw *w, struct stats *s)
{
	jsonw_key(w, "slot");
	jsonw_begin_object(w);
	jsonw_key(w, "connected");
	jsonw_bool(w, atomic_load(&s->connected) != 0);
	add_u64(w, "reconnects", load(&s->reconnects));
	add_known(w, "retained_bytes", atomic_load(&s->retained_bytes));
	add_known(w, "safe_bytes", atomic_load(&s->safe_bytes));
	add_u64(w, "transactions_in_progress", load(&s->held));
	add_i64(w, "transactions_in_progress_bytes", atomic_load(&s->held_bytes));
	jsonw_end_object(w);
}

void status_json(const struct status_facts *f, const struct status_rates *r,
		 struct stats *s, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	add_str(&w, "name", f->name);
	add_str(&w, "state", f->state);
	add_str(&w, "phase", f->phase);
	jsonw_key(&w, "paused");
	jsonw_bool(&w, f->paused);
	add_u64(&w, "pid", (uint64_t)getpid());
	add_i64(&w, "uptime_s", (now_us() - atomic_load(&s->started_us)) / US_PER_SEC);
	add_u64(&w, "snapshot", f->snapshot);
	add_tables(&w, s);
	add_positions(&w, s);
	jsonw_key(&w, "lag");
	jsonw_begin_object(&w);
	add_known(&w, "bytes", status_lag_bytes(s));
	add_known(&w, "ms", status_lag_ms(s));
	jsonw_end_object(&w);
	add_u64(&w, "rows_total", load(&s->rows));
	add_double(&w, "rows_per_second", r->rows_per_s);
	add_double(&w, "bytes_per_second", r->bytes_per_s);
	add_batches(&w, f, s);
	add_source(&w, s);
	add_u64(&w, "dead_letters", load(&s->dead_letters));
	add_u64(&w, "split_transactions", load(&s->split_transactions));
	add_memory(&w, f);
	add_double(&w, "cpu_percent", r->cpu_percent);
	add_last_error(&w, s);
	jsonw_key(&w, "plugins");
	jsonw_begin_object(&w);
	add_str(&w, "source", f->source);
	add_str(&w, "sink", f->sink);
	jsonw_end_object(&w);
	add_str(&w, "version", PACKAGE_VERSION);
	jsonw_end_object(&w);
}
