/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "transforms/transform_host.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/view.h"

struct bench *bench_open(const struct ez_plugin *plugin, const struct fake_setting *set)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->host = fake_host_new(plugin->options, set);
	b->ops = plugin->ops.transform;
	b->tx = (struct ez_commit){
		.size = sizeof(b->tx),
		.lsn = 0x2000,
		.time_us = INT64_C(1709208000500000), /* 2024-02-29 12:00:00.5 */
		.xid = 742,
	};
	plugin->load(fake_host_table());
	b->rc = b->ops->open(&b->host->open, &b->inst, &b->host->err);
	return b;
}

static void forget_table(struct bench *b)
{
	if (b->is_in && b->ops->table_free)
		b->ops->table_free(b->inst, b->state);
	b->is_in = false;
	b->state = NULL;
}

void bench_close(struct bench *b)
{
	forget_table(b);
	if (b->inst)
		b->ops->close(b->inst);
	fake_host_free(b->host);
	free(b);
}

int bench_table_of(struct bench *b, const struct ez_table *t)
{
	int rc;

	forget_table(b);
	b->host->shape.table = NULL;
	rc = b->ops->table(b->inst, t, &b->host->shape, &b->state, &b->host->err);
	b->is_in = rc == EZ_OK;
	b->in = t;
	b->out = b->host->shape.table ? b->host->shape.table : t;
	return rc;
}

int bench_table(struct bench *b, const char *schema, const char *name,
		const char *columns)
{
	return bench_table_of(b, fake_table(b->host, schema, name, columns));
}

static int apply(struct bench *b)
{
	if (!b->is_in)
		return EZ_OK;
	return b->ops->apply(b->inst, b->state, &b->ev, &b->host->out, &b->host->err);
}

int bench_event_flags(struct bench *b, uint32_t op, uint32_t flags,
		      const char *const *before, const char *const *after)
{
	b->ev = (struct ez_event){
		.size = sizeof(b->ev),
		.op = op,
		.flags = flags,
		.table = b->out,
		.before = fake_cells(b->host, b->in, before),
		.after = fake_cells(b->host, b->in, after),
		.tx = &b->tx,
		.lsn = UINT64_C(0x100001a40),
		.seq = 3,
	};
	return apply(b);
}

int bench_event(struct bench *b, uint32_t op, const char *const *before,
		const char *const *after)
{
	return bench_event_flags(b, op, 0, before, after);
}

int bench_pass(struct bench *b, const struct bench *from)
{
	b->ev = from->ev;
	b->ev.table = b->out;
	return apply(b);
}

const char *bench_text(const struct bench *b)
{
	return b->host->err.text;
}

const char *bench_hint(const struct bench *b)
{
	return b->host->err.hint;
}

static const char *keep(const struct bench *b, struct buf *text)
{
	struct ez_view v = arena_dup(&b->host->arena, buf_view(text));

	buf_release(text);
	return v.ptr;
}

const char *bench_shape(const struct bench *b)
{
	static const char *const types[] = {
		"other",  "bool",      "int2",        "int4",     "int8", "float4",
		"float8", "numeric",   "text",        "bytes",    "date", "time",
		"timetz", "timestamp", "timestamptz", "interval", "uuid", "json",
		"enum",   "array",     "composite",   "range",
	};
	struct buf text = BUF_INIT(65536);
	uint32_t keys = 0;

	for (uint32_t i = 0; i < b->out->n_columns; i++) {
		const struct ez_column *c = b->out->columns[i];

		buf_addf(&text, "%s%.*s:%s", i ? ", " : "", VIEW_ARG(c->name),
			 types[c->type]);
		if (c->length >= 0)
			buf_addf(&text, "(%d)", (int)c->length);
		if (c->flags & EZ_COL_KEY)
			buf_add_str(&text, " key");
		if (c->flags & EZ_COL_NOT_NULL)
			buf_add_str(&text, " notnull");
		keys += (c->flags & EZ_COL_KEY) != 0;
	}
	if (keys != b->out->n_keys)
		buf_addf(&text, "; but n_keys is %u", (unsigned)b->out->n_keys);
	return keep(b, &text);
}

const char *bench_row(const struct bench *b, const struct ez_cell *cells)
{
	struct buf text = BUF_INIT(1 << 20);

	if (!cells)
		return "-";
	for (uint32_t i = 0; i < b->out->n_columns; i++) {
		static const char *const kinds[] = { "NULL", "", "unchanged", "absent",
						     "bytes" };
		const struct ez_cell *c = &cells[i];

		buf_add_str(&text, i ? ", " : "");
		if (c->kind == EZ_CELL_TEXT)
			buf_add(&text, c->ptr, c->len);
		else
			buf_add_str(&text, kinds[c->kind]);
	}
	return keep(b, &text);
}
