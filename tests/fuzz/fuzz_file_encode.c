/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "base/view.h"

#include "encode.h"
#include "fuzz.h"
#include "host.h"

/*
 * Any text in any column becomes one line that others can read, and reads back as it was.
 *
 * The input: operation and flags, the number of key columns, then cells, each behind a byte
 * 0xff that no text has; a cell begins with its kind (n, u, a, t). The line is read with
 * another library than the sink's own; CSV with the few lines below.
 */
enum { N = 9, INPUT_MAX = 12 * 1024 };

static const uint32_t types[N] = { EZ_TYPE_TEXT,        EZ_TYPE_INT8,  EZ_TYPE_NUMERIC,
				   EZ_TYPE_FLOAT8,      EZ_TYPE_BOOL,  EZ_TYPE_BYTES,
				   EZ_TYPE_TIMESTAMPTZ, EZ_TYPE_JSON,  EZ_TYPE_TIMESTAMP };
static const char *const names[N] = { "t", "i", "n\"u", "f,", "b", "\\y", "z", "j\n", "s" };

struct line {
	struct ez_column columns[N];
	const struct ez_column *pointers[N];
	struct ez_table table;
	struct ez_cell before[N], after[N];
	struct ez_commit tx;
	struct ez_event ev;
	const struct ez_event *events[1];
	const struct ez_commit *commits[1];
	struct ez_batch batch;
	struct out out;
};

/* ------------------------------------------------------------------ the input */

static void make_table(struct line *l, unsigned n_keys)
{
	for (unsigned i = 0; i < N; i++) {
		l->columns[i] = (struct ez_column){ .size = sizeof(l->columns[i]),
						    .name = view_str(names[i]),
						    .native = VIEW("x"),
						    .type = types[i],
						    .flags = i < n_keys ? EZ_COL_KEY : 0 };
		l->pointers[i] = &l->columns[i];
	}
	l->table = (struct ez_table){ .size = sizeof(l->table), .id = 1, .uid = 1,
				      .schema = VIEW("a\"b"), .name = VIEW("c.d"),
				      .version = 1, .n_columns = N, .n_keys = n_keys,
				      .columns = l->pointers };
}

/* Text from a source is UTF-8 and holds no NUL; anything else is as if it were NULL. */
static struct ez_cell cell_of(struct ez_view v)
{
	static const char kinds[] = "nuat";
	const char *at = v.len ? strchr(kinds, v.ptr[0]) : NULL;
	struct ez_view text = v.len ? view_of(v.ptr + 1, v.len - 1) : v;

	if (!at || *at == '\0' || *at == 'n')
		return (struct ez_cell){ .kind = EZ_CELL_NULL };
	if (*at != 't')
		return (struct ez_cell){ .kind = *at == 'u' ? EZ_CELL_UNCHANGED :
							      EZ_CELL_ABSENT };
	if (!utf8_is_valid(text) || memchr(text.ptr, '\0', text.len))
		return (struct ez_cell){ .kind = EZ_CELL_NULL };
	return (struct ez_cell){ text.ptr, (uint32_t)text.len, EZ_CELL_TEXT };
}

static void read_cells(struct ez_view *rest, struct ez_cell *cells)
{
	for (unsigned i = 0; i < N; i++) {
		struct ez_view v = VIEW("");

		if (rest->len > 0 && !view_split(rest, (char)0xff, &v))
			v = VIEW("");
		cells[i] = cell_of(v);
	}
}

static void make_event(struct line *l, const uint8_t *head, struct ez_view rest)
{
	static const char ops[] = "rcudt";

	make_table(l, head[1] % 3);
	read_cells(&rest, l->after);
	read_cells(&rest, l->before);
	l->tx = (struct ez_commit){ .size = sizeof(l->tx), .lsn = 0x1A2B450, .xid = 742,
				    .time_us = 1732270000119123, .n_events = 1 };
	l->ev = (struct ez_event){ .size = sizeof(l->ev), .op = (uint32_t)ops[head[0] % 5],
				   .flags = head[0] >> 4, .table = &l->table, .tx = &l->tx,
				   .before = head[0] & 8 ? l->before : NULL,
				   .after = l->after, .lsn = 0x1A2B3C8, .seq = head[1] };
	if (l->ev.op == EZ_OP_DELETE) {
		l->ev.before = l->before;
		l->ev.after = NULL;
	}
	if (l->ev.op == EZ_OP_TRUNCATE)
		l->ev.before = l->ev.after = NULL;
	l->events[0] = &l->ev;
	l->commits[0] = &l->tx;
	l->batch = (struct ez_batch){ .size = sizeof(l->batch), .number = 1,
				      .events = l->events, .n_events = 1,
				      .commits = l->commits, .n_commits = 1 };
}

/* ------------------------------------------------------------------ the line */

static struct ez_view encode(struct line *l, enum format format, bool json_inline)
{
	struct settings set = { .source = (char[]){ "shop" }, .format = format,
				.json_inline = json_inline };
	struct ez_error err = { .size = sizeof(err) };
	struct shapes shapes;
	struct shape *shape;
	struct encoder e;

	out_begin(&l->out, -1, 0);
	shapes_init(&shapes, &set);
	encoder_init(&e, &l->out, &set);
	encoder_begin_batch(&e, &l->batch, 1732270000123000);
	encoder_begin_tx(&e, &l->tx);
	ENSURE(shapes_get(&shapes, &l->table, &shape, &err) == EZ_OK, "no shape");
	(format == FORMAT_CSV ? encode_csv : encode_json)(&e, shape, &l->ev);
	shapes_release(&shapes);
	ENSURE(l->out.error == 0 && l->out.len == 0, "the line did not fit");
	ENSURE(l->out.buf.len > 0 && l->out.buf.ptr[l->out.buf.len - 1] == '\n', "no end");
	return view_of(l->out.buf.ptr, l->out.buf.len);
}

static bool is_sent(const struct ez_cell *c)
{
	return c->kind == EZ_CELL_TEXT || c->kind == EZ_CELL_NULL;
}

static void check_object(const json_t *o, const struct ez_cell *cells)
{
	for (unsigned i = 0; i < N; i++) {
		const json_t *v = json_object_get(o, names[i]);

		ENSURE((v != NULL) == is_sent(&cells[i]), "a column too many or too few");
		if (!v)
			continue;
		ENSURE(json_is_null(v) == (cells[i].kind == EZ_CELL_NULL) ||
			       types[i] == EZ_TYPE_JSON,
		       "NULL and no NULL");
		if (types[i] == EZ_TYPE_TEXT && cells[i].kind == EZ_CELL_TEXT)
			ENSURE(view_eq(view_of(json_string_value(v), json_string_length(v)),
				       view_of(cells[i].ptr, cells[i].len)),
			       "another text");
	}
}

static void check_json(const struct line *l, struct ez_view text)
{
	json_error_t why;
	json_t *j;

	ENSURE(memchr(text.ptr, '\n', text.len) == text.ptr + text.len - 1, "two lines");
	/* Embedded documents may say a name twice; the others are ours. */
	j = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, &why);
	/* A number may be beyond a double, which is JSON all the same. */
	if (!j && json_error_code(&why) == json_error_numeric_overflow)
		return;
	ENSURE(j, "not JSON");
	if (l->ev.op == EZ_OP_DELETE)
		check_object(json_object_get(j, "before"), l->before);
	else if (l->ev.op != EZ_OP_TRUNCATE)
		check_object(json_object_get(j, "after"), l->after);
	json_decref(j);
}

/* One field; `ret_text` has room for it. Its first character tells NULL from the empty text. */
static struct ez_view csv_field(const char **p, const char *end, char *text, bool *ret_null)
{
	bool quoted = *p < end && **p == '"';
	size_t n = 0;

	*ret_null = !quoted && (*p == end || **p == ',' || **p == '\n');
	*p += quoted;
	while (*p < end) {
		char c = *(*p)++;

		if (quoted && c == '"') {
			if (*p == end || **p != '"')
				break;
			(*p)++;
		} else if (!quoted && (c == ',' || c == '\n')) {
			(*p)--;
			break;
		}
		text[n++] = c;
	}
	return view_of(text, n);
}

static void check_csv(const struct line *l, struct ez_view text, char *scratch)
{
	const struct ez_cell *cells = l->ev.op == EZ_OP_DELETE ? l->before : l->after;
	const char *p = text.ptr, *end = text.ptr + text.len;
	bool is_null;

	if (l->ev.op == EZ_OP_TRUNCATE)
		return;
	/* An update that moves the row is two lines; the second has the new row. */
	for (int i = 0; i < 4 + N + 1; i++) {
		struct ez_view v = csv_field(&p, end, scratch, &is_null);
		int c = i - 4;

		ENSURE(p < end && *p == (i == 4 + N ? '\n' : ','), "fields run together");
		p++;
		if (i == 0 && view_eq(v, VIEW("d")))
			cells = l->before;
		if (c < 0 || c >= N)
			continue;
		ENSURE(is_null == (cells[c].kind != EZ_CELL_TEXT), "NULL and no NULL");
		if (types[c] == EZ_TYPE_TEXT && !is_null)
			ENSURE(view_eq(v, view_of(cells[c].ptr, cells[c].len)),
			       "another text");
	}
	ENSURE(p == end || (l->ev.op == EZ_OP_UPDATE && *p == 'u'), "something behind the line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ez_error err = { .size = sizeof(err) };
	struct line *l;
	char *scratch;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	l = calloc(1, sizeof(*l));
	scratch = malloc(8 * INPUT_MAX);
	ENSURE(l && scratch && out_open(&l->out, COMPRESSION_NONE, 0, &err) == EZ_OK, "memory");
	make_event(l, data, view_of(data + 2, size - 2));
	check_json(l, encode(l, FORMAT_JSONL, false));
	check_json(l, encode(l, FORMAT_JSONL, true));
	check_csv(l, encode(l, FORMAT_CSV, false), scratch);
	out_close(&l->out);
	free(scratch);
	free(l);
	return 0;
}
