/* SPDX-License-Identifier: Apache-2.0
 *
 * A sink for tests of the engine: it keeps nothing, writes down every call it gets, and
 * misbehaves on request.
 *
 * The log has one line per call, each written with one write(2), so that several writers
 * may share the file:
 *
 *	W table public.t v1 -> v2 id a b       (v0: first seen)
 *	W snapshot_begin public.t 1 restart=0
 *	W write 7 rows=2 flags=0 part=0 label=L
 *	W row 7 c public.t 1                   (with rows = true: op, table, first column)
 *	W flush | W durable 7 | W snapshot_end 1 | W recover | W close
 *
 * where W is the writer's role and number: m0 for the stream, r0, r1 for readers. durable
 * is logged when its answer changes.
 *
 * Misbehaviour: while `hold` (a file) exists, nothing becomes durable; while `block` exists,
 * write does not return. `fail_write = n` makes the n-th write of writer 0 fail, and the
 * `fail_times - 1` after it, with the class `fail_class`. A row whose first column is
 * `poison` is refused, with its index or, with `blind = true`, without.
 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/view.h"

enum { LINE_CAP = 64 * 1024, NAP_US = 5000 };

static const struct ez_host *host;

struct probe {
	int log_fd;
	char writer[8];
	struct ez_view hold, block, poison;
	int64_t fail_write, fail_times, delay_us;
	int fail_class;
	bool main, rows, blind;
	uint64_t writes, accepted, shown;
	_Atomic bool interrupted;
};

/* Sends what `line` holds as one line. */
static void put_line(struct probe *p, struct buf *line)
{
	buf_add_char(line, '\n');
	if (p->log_fd >= 0 && fs_write_all(p->log_fd, line->ptr, line->len) < 0)
		host->log(4, "probe: cannot write the log");
	buf_release(line);
}

_printf_(2, 3) static void note(struct probe *p, const char *fmt, ...)
{
	struct buf line = BUF_INIT(LINE_CAP);
	va_list ap;

	buf_addf(&line, "%s ", p->writer);
	va_start(ap, fmt);
	buf_addv(&line, fmt, ap);
	va_end(ap);
	put_line(p, &line);
}

static bool exists(struct ez_view path)
{
	return path.len > 0 && access(path.ptr, F_OK) == 0;
}

static int class_of(struct ez_view name)
{
	static const struct {
		const char *name;
		int rc;
	} classes[] = {
		{ "transient", EZ_E_TRANSIENT }, { "data", EZ_E_DATA },
		{ "config", EZ_E_CONFIG },       { "gone", EZ_E_GONE },
		{ "fatal", EZ_E_FATAL },         { "permission", EZ_E_PERMISSION },
	};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (view_eq_str(name, classes[i].name))
			return classes[i].rc;
	return EZ_E_TRANSIENT;
}

static int probe_open(const struct ez_open *o, void **ret_inst, struct ez_error *err)
{
	const struct ez_config *c = o->config;
	struct probe *p = xcalloc(1, sizeof(*p));
	struct ez_view log = host->str(c, "log");

	p->log_fd = -1;
	p->main = o->role == EZ_ROLE_MAIN;
	p->writer[0] = p->main ? 'm' : o->role == EZ_ROLE_READER ? 'r' : 'x';
	p->writer[1] = (char)('0' + o->worker % 10);
	p->hold = host->str(c, "hold");
	p->block = host->str(c, "block");
	p->poison = host->str(c, "poison");
	p->fail_write = host->num(c, "fail_write");
	p->fail_times = host->num(c, "fail_times");
	p->fail_class = class_of(host->str(c, "fail_class"));
	p->delay_us = host->num(c, "delay");
	p->rows = host->num(c, "rows") != 0;
	p->blind = host->num(c, "blind") != 0;
	if (log.len > 0 && p->writer[0] != 'x') {
		p->log_fd =
			open(log.ptr, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		if (p->log_fd < 0) {
			free(p);
			return host->fail(err, EZ_E_IO, "", "cannot open %s", log.ptr);
		}
	}
	*ret_inst = p;
	return EZ_OK;
}

static void probe_close(void *inst)
{
	struct probe *p = inst;

	note(p, "close");
	fs_closep(&p->log_fd);
	free(p);
}

static void note_row(struct probe *p, uint64_t number, const struct ez_event *ev)
{
	struct buf line = BUF_INIT(LINE_CAP);
	const struct ez_cell *cells = ev->after ? ev->after : ev->before;

	buf_addf(&line, "%s row %llu %c ", p->writer, (unsigned long long)number,
		 (char)ev->op);
	if (ev->table)
		buf_addf(&line, "%.*s.%.*s", VIEW_ARG(ev->table->schema),
			 VIEW_ARG(ev->table->name));
	if (cells && cells[0].kind == EZ_CELL_TEXT)
		buf_addf(&line, " %.*s", (int)MIN(cells[0].len, 100u), cells[0].ptr);
	put_line(p, &line);
}

/* Index of the first row to be refused, or the number of rows. */
static size_t find_poison(const struct probe *p, const struct ez_batch *b)
{
	for (size_t i = 0; p->poison.len > 0 && i < b->n_events; i++) {
		const struct ez_event *ev = b->events[i];

		if (ev->after && ev->table && ev->table->n_columns > 0 &&
		    ev->after[0].kind == EZ_CELL_TEXT &&
		    view_eq(view_of(ev->after[0].ptr, ev->after[0].len), p->poison))
			return i;
	}
	return b->n_events;
}

static int wait_while_blocked(struct probe *p, struct ez_error *err)
{
	if (p->delay_us > 0)
		sleep_us(p->delay_us);
	while (exists(p->block)) {
		if (atomic_load(&p->interrupted))
			return host->fail(err, EZ_E_CANCELLED, "", "interrupted");
		sleep_us(NAP_US);
	}
	return EZ_OK;
}

static int probe_write(void *inst, const struct ez_batch *b, struct ez_error *err)
{
	struct probe *p = inst;
	int64_t nth = (int64_t)++p->writes;
	size_t bad;
	int rc;

	note(p, "write %llu rows=%zu flags=%x part=%u label=%.*s",
	     (unsigned long long)b->number, b->n_events, b->flags, b->part,
	     VIEW_ARG(b->label));
	rc = wait_while_blocked(p, err);
	if (rc != EZ_OK)
		return rc;
	if (p->main && p->fail_write > 0 && nth >= p->fail_write &&
	    nth < p->fail_write + p->fail_times)
		return host->fail(err, p->fail_class, "PROBE",
				  "the probe fails as asked");
	bad = find_poison(p, b);
	if (bad < b->n_events) {
		rc = host->fail(err, EZ_E_DATA, "POISON", "the probe refuses this row");
		err->row = p->blind ? EZ_ROW_UNKNOWN : (uint32_t)bad;
		return rc;
	}
	for (size_t i = 0; p->rows && i < b->n_events; i++)
		note_row(p, b->number, b->events[i]);
	if (!(b->flags & EZ_BATCH_PIECE))
		p->accepted = b->number;
	return EZ_OK;
}

static int probe_flush(void *inst, _unused_ struct ez_error *err)
{
	note(inst, "flush");
	return EZ_OK;
}

static int probe_durable(void *inst, uint32_t wait_ms, uint64_t *ret_number,
			 _unused_ struct ez_error *err)
{
	struct probe *p = inst;
	int64_t deadline = mono_us() + (int64_t)wait_ms * US_PER_MS;

	while (exists(p->hold) && mono_us() < deadline && !atomic_load(&p->interrupted))
		sleep_us(NAP_US);
	if (!exists(p->hold) && p->shown != p->accepted) {
		p->shown = p->accepted;
		note(p, "durable %llu", (unsigned long long)p->shown);
	}
	*ret_number = p->shown;
	return EZ_OK;
}

static int probe_recover(void *inst, _unused_ struct ez_position *ret,
			 _unused_ struct ez_error *err)
{
	note(inst, "recover");
	return EZ_EOF;
}

static int probe_table(void *inst, const struct ez_table *before,
		       const struct ez_table *now, _unused_ struct ez_error *err)
{
	struct probe *p = inst;
	struct buf line = BUF_INIT(LINE_CAP);

	buf_addf(&line, "%s table %.*s.%.*s v%u -> v%u", p->writer, VIEW_ARG(now->schema),
		 VIEW_ARG(now->name), before ? before->version : 0, now->version);
	for (uint32_t i = 0; i < now->n_columns; i++)
		buf_addf(&line, " %.*s", VIEW_ARG(now->columns[i]->name));
	put_line(p, &line);
	return EZ_OK;
}

static int probe_snapshot_begin(void *inst, const struct ez_snapshot *s,
				const struct ez_table *t, _unused_ struct ez_error *err)
{
	note(inst, "snapshot_begin %.*s.%.*s %llu restart=%u", VIEW_ARG(t->schema),
	     VIEW_ARG(t->name), (unsigned long long)s->number, s->restart);
	return EZ_OK;
}

static int probe_snapshot_end(void *inst, const struct ez_snapshot *s,
			      _unused_ struct ez_error *err)
{
	note(inst, "snapshot_end %llu", (unsigned long long)s->number);
	return EZ_OK;
}

static void probe_interrupt(void *inst)
{
	struct probe *p = inst;

	atomic_store(&p->interrupted, true);
}

static int probe_load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

#define OPTION(opt_name, opt_type, opt_fallback, opt_help)     \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), \
			     .type = (opt_type),               \
			     .name = (opt_name),               \
			     .label = (opt_name),              \
			     .fallback = (opt_fallback),       \
			     .help = (opt_help) })

static const struct ez_option *const options[] = {
	OPTION("log", EZ_OPT_STRING, "", "File that every call is written to."),
	OPTION("hold", EZ_OPT_STRING, "",
	       "While this file exists nothing becomes durable."),
	OPTION("block", EZ_OPT_STRING, "",
	       "While this file exists write does not return."),
	OPTION("poison", EZ_OPT_STRING, "", "First column of rows that are refused."),
	OPTION("blind", EZ_OPT_BOOL, "false", "Do not say which row was refused."),
	OPTION("rows", EZ_OPT_BOOL, "false", "Write down every row."),
	OPTION("delay", EZ_OPT_DURATION, "0ms", "How long each write takes."),
	OPTION("fail_write", EZ_OPT_INT, "0", "The write that fails, from 1; 0: none."),
	OPTION("fail_times", EZ_OPT_INT, "1", "How many writes fail from there on."),
	&(const struct ez_option){
		.size = sizeof(struct ez_option),
		.type = EZ_OPT_ENUM,
		.name = "fail_class",
		.label = "fail_class",
		.fallback = "transient",
		.choices = "transient|data|config|gone|fatal|permission",
		.help = "How it fails.",
	},
	NULL,
};

static const struct ez_sink ops = {
	.size = sizeof(ops),
	.open = probe_open,
	.close = probe_close,
	.write = probe_write,
	.flush = probe_flush,
	.durable = probe_durable,
	.recover = probe_recover,
	.table = probe_table,
	.snapshot_begin = probe_snapshot_begin,
	.snapshot_end = probe_snapshot_end,
	.interrupt = probe_interrupt,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,     .caps = EZ_CAP_SNAPSHOT | EZ_CAP_PARTIAL_ROWS,
	.kind = EZ_SINK,    .name = "probe",
	.version = "1",     .summary = "writes down what it is told (tests)",
	.options = options, .load = probe_load,
	.ops.sink = &ops,
};
