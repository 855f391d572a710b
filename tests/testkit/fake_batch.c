/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"
#include "testkit/fake_host.h"

/* The tables, rows and batches of the fake host; see fake_host.h. */

enum {
	EVENTS_MAX = 1 << 20,
	COMMITS_MAX = 1 << 16,
};

struct fake_batch {
	struct ez_batch batch;
	struct fake_host *host;
	struct ez_event **events;
	struct ez_commit **commits;
	size_t events_cap, commits_cap;
	uint64_t next_seq;
};

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{ "other", EZ_TYPE_OTHER },
	{ "bool", EZ_TYPE_BOOL },
	{ "int2", EZ_TYPE_INT2 },
	{ "int4", EZ_TYPE_INT4 },
	{ "int8", EZ_TYPE_INT8 },
	{ "float4", EZ_TYPE_FLOAT4 },
	{ "float8", EZ_TYPE_FLOAT8 },
	{ "numeric", EZ_TYPE_NUMERIC },
	{ "text", EZ_TYPE_TEXT },
	{ "bytes", EZ_TYPE_BYTES },
	{ "date", EZ_TYPE_DATE },
	{ "time", EZ_TYPE_TIME },
	{ "timetz", EZ_TYPE_TIMETZ },
	{ "timestamp", EZ_TYPE_TIMESTAMP },
	{ "timestamptz", EZ_TYPE_TIMESTAMPTZ },
	{ "interval", EZ_TYPE_INTERVAL },
	{ "uuid", EZ_TYPE_UUID },
	{ "json", EZ_TYPE_JSON },
	{ "enum", EZ_TYPE_ENUM },
	{ "array", EZ_TYPE_ARRAY },
	{ "composite", EZ_TYPE_COMPOSITE },
	{ "range", EZ_TYPE_RANGE },
};

static const char *type_name(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "other";
}

static uint32_t type_of(struct ez_view name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (view_eq_str(name, types[i].name))
			return types[i].type;
	fprintf(stderr, "no type \"%.*s\"\n", VIEW_ARG(name));
	abort();
}

struct ez_table *fake_table_of(struct fake_host *f, const char *schema, const char *name,
			       const struct fake_column *columns, size_t n)
{
	struct ez_table *t = arena_calloc(&f->arena, 1, sizeof(*t));
	struct ez_column **list = arena_calloc(&f->arena, n + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		list[i] = arena_calloc(&f->arena, 1, sizeof(**list));
		*list[i] = (struct ez_column){
			.size = sizeof(**list),
			.name = arena_dup(&f->arena, view_str(columns[i].name)),
			.native = view_str(type_name(columns[i].type)),
			.type = columns[i].type,
			.flags = columns[i].flags,
			.id = (uint32_t)i + 1,
			.type_mod = -1,
			.precision = -1,
			.length = -1,
		};
		t->n_keys += (columns[i].flags & EZ_COL_KEY) != 0;
	}
	t->size = sizeof(*t);
	t->id = 1000 + f->next_table_uid;
	t->uid = f->next_table_uid++;
	t->schema = arena_dup(&f->arena, view_str(schema));
	t->name = arena_dup(&f->arena, view_str(name));
	t->version = 1;
	t->n_columns = (uint32_t)n;
	t->columns = (const struct ez_column *const *)list;
	return t;
}

/* "id:int8:key" */
static struct fake_column parse_column(struct fake_host *f, struct ez_view text)
{
	struct fake_column c = { .name = "" };
	struct ez_view part = { NULL, 0 };

	text = view_trim(text);
	if (view_split(&text, ':', &part))
		c.name = arena_dup(&f->arena, part).ptr;
	if (view_split(&text, ':', &part))
		c.type = type_of(part);
	while (view_split(&text, ':', &part)) {
		if (view_eq(part, VIEW("key")))
			c.flags |= EZ_COL_KEY | EZ_COL_NOT_NULL;
		else if (view_eq(part, VIEW("notnull")))
			c.flags |= EZ_COL_NOT_NULL;
		else
			abort();
	}
	return c;
}

struct ez_table *fake_table(struct fake_host *f, const char *schema, const char *name,
			    const char *columns)
{
	struct ez_view rest = columns[0] ? view_str(columns) : view_of(NULL, 0), part;
	struct fake_column *list = xcalloc(strlen(columns) + 1, sizeof(*list));
	struct ez_table *t;
	size_t n = 0;

	while (view_split(&rest, ',', &part))
		list[n++] = parse_column(f, part);
	t = fake_table_of(f, schema, name, list, n);
	free(list);
	return t;
}

struct ez_cell *fake_cells(struct fake_host *f, const struct ez_table *t,
			   const char *const *values)
{
	struct ez_cell *cells;

	if (!values)
		return NULL;
	cells = arena_calloc(&f->arena, t->n_columns + 1, sizeof(*cells));
	for (uint32_t i = 0; i < t->n_columns; i++) {
		if (!values[i]) {
			cells[i].kind = EZ_CELL_NULL;
		} else if (values[i] == FAKE_UNCHANGED) {
			cells[i].kind = EZ_CELL_UNCHANGED;
		} else if (values[i] == FAKE_ABSENT) {
			cells[i].kind = EZ_CELL_ABSENT;
		} else {
			struct ez_view v = arena_dup(&f->arena, view_str(values[i]));

			cells[i] = (struct ez_cell){ .ptr = v.ptr,
						     .len = (uint32_t)v.len,
						     .kind = EZ_CELL_TEXT };
		}
	}
	return cells;
}

struct fake_batch *fake_batch(struct fake_host *f, uint64_t number, uint32_t flags)
{
	struct fake_batch *b = arena_calloc(&f->arena, 1, sizeof(*b));

	b->host = f;
	b->batch.size = sizeof(b->batch);
	b->batch.number = number;
	b->batch.flags = flags;
	b->batch.label = VIEW("label");
	return b;
}

void fake_part(struct fake_batch *b, uint32_t part)
{
	b->batch.part = part;
}

/* Room for one more pointer in an array that lives in the arena. */
static void *room_for(struct fake_host *f, void *array, size_t n, size_t *cap,
		      size_t most)
{
	void *bigger;

	if (n < *cap)
		return array;
	ENSURE(n < most, "the batch of a test is too big");
	*cap = *cap ? *cap * 2 : 16;
	bigger = arena_calloc(&f->arena, *cap, sizeof(void *));
	if (n > 0)
		memcpy(bigger, array, n * sizeof(void *));
	return bigger;
}

void fake_begin(struct fake_batch *b, uint64_t lsn, uint32_t xid, int64_t time_us,
		uint64_t first_seq)
{
	struct ez_commit *c = arena_calloc(&b->host->arena, 1, sizeof(*c));

	*c = (struct ez_commit){
		.size = sizeof(*c),
		.lsn = lsn,
		.time_us = time_us,
		.xid = xid,
		.index = (uint32_t)b->batch.n_commits,
		.first = b->batch.n_events,
	};
	b->commits = room_for(b->host, b->commits, b->batch.n_commits, &b->commits_cap,
			      COMMITS_MAX);
	b->commits[b->batch.n_commits++] = c;
	b->next_seq = first_seq;
}

static struct ez_commit *last_commit(struct fake_batch *b)
{
	ENSURE(b->batch.n_commits > 0, "fake_begin comes first");
	return b->commits[b->batch.n_commits - 1];
}

void fake_commit(struct fake_batch *b, uint64_t end_lsn)
{
	struct ez_commit *c = last_commit(b);
	char text[32];

	if (end_lsn == 0)
		return;
	snprintf(text, sizeof(text), "%" PRIX64 "/%" PRIX64, end_lsn >> 32,
		 end_lsn & UINT32_MAX);
	c->position.bytes = arena_dup(&b->host->arena, view_str(text));
	c->position.order = end_lsn;
}

static void append(struct fake_batch *b, struct ez_event *ev)
{
	struct ez_commit *c = last_commit(b);

	ev->size = sizeof(*ev);
	ev->tx = c;
	ev->lsn = c->lsn;
	ev->seq = b->next_seq++;
	c->n_events++;
	b->events = room_for(b->host, b->events, b->batch.n_events, &b->events_cap,
			     EVENTS_MAX);
	b->events[b->batch.n_events++] = ev;
}

static size_t cell_bytes(const struct ez_cell *cells, uint32_t n)
{
	size_t bytes = 0;

	for (uint32_t i = 0; cells && i < n; i++)
		bytes += cells[i].len;
	return bytes;
}

struct ez_event *fake_event(struct fake_batch *b, uint32_t op, const struct ez_table *t,
			    const char *const *before, const char *const *after)
{
	struct ez_event *ev = arena_calloc(&b->host->arena, 1, sizeof(*ev));

	ev->op = op;
	ev->table = t;
	ev->before = fake_cells(b->host, t, before);
	ev->after = fake_cells(b->host, t, after);
	b->batch.bytes += cell_bytes(ev->before, t->n_columns) +
			  cell_bytes(ev->after, t->n_columns);
	append(b, ev);
	return ev;
}

struct ez_event *fake_message(struct fake_batch *b, const char *prefix,
			      const void *content, size_t n)
{
	struct ez_event *ev = arena_calloc(&b->host->arena, 1, sizeof(*ev));
	struct ez_cell *cells = arena_calloc(&b->host->arena, 2, sizeof(*cells));
	struct ez_view p = arena_dup(&b->host->arena, view_str(prefix));
	struct ez_view c = arena_dup(&b->host->arena, view_of(content, n));

	cells[0] = (struct ez_cell){ p.ptr, (uint32_t)p.len, EZ_CELL_TEXT };
	cells[1] = (struct ez_cell){ c.ptr, (uint32_t)c.len, EZ_CELL_BYTES };
	ev->op = EZ_OP_MESSAGE;
	ev->after = cells;
	append(b, ev);
	return ev;
}

const struct ez_batch *fake_finish(struct fake_batch *b)
{
	b->batch.events = (const struct ez_event *const *)b->events;
	b->batch.commits = (const struct ez_commit *const *)b->commits;
	return &b->batch;
}
