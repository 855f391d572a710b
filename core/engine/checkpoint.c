/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/host.h"
#include "engine/json.h"
#include "engine/table.h"

/* Raised when a reader of an older version would misunderstand the text. */
enum { FORMAT = 1 };

static const char checksum_prefix[] = "crc32c ";
enum { CHECKSUM_LINE = sizeof(checksum_prefix) - 1 + 8 + 1 };

const char *phase_to_str(enum phase p)
{
	static const char *const names[_PHASE_MAX] = {
		[PHASE_NEW] = "new", [PHASE_CREATING] = "creating",
		[PHASE_SNAPSHOT] = "snapshot", [PHASE_PUBLISHING] = "publishing",
		[PHASE_STREAMING] = "streaming", [PHASE_COPIED] = "copied",
	};

	return p < _PHASE_MAX ? names[p] : "unknown";
}

static bool phase_parse(struct ez_view v, enum phase *ret)
{
	for (int i = 0; i < _PHASE_MAX; i++)
		if (view_eq_str(v, phase_to_str((enum phase)i))) {
			*ret = (enum phase)i;
			return true;
		}
	return false;
}

void mark_set(struct mark *m, struct ez_position p)
{
	m->order = p.order;
	if (!str_copy(m->text, sizeof(m->text), p.bytes))
		m->text[0] = '\0';
}

struct ez_position mark_position(const struct mark *m)
{
	return (struct ez_position){ view_str(m->text), m->order };
}

static void drop_tables(struct checkpoint *c)
{
	for (size_t i = 0; i < c->n_tables; i++) {
		table_unref(c->tables[i].newest);
		table_unref(c->tables[i].before);
	}
	free(c->tables);
	c->tables = NULL;
	c->n_tables = 0;
}

void checkpoint_release(struct checkpoint *c)
{
	drop_tables(c);
	free(c->identity);
	*c = CHECKPOINT_INIT;
}

void checkpoint_set_tables(struct checkpoint *c, struct told *tables, size_t n)
{
	drop_tables(c);
	c->tables = tables;
	c->n_tables = n;
}

const struct mark *checkpoint_resume(const struct checkpoint *c)
{
	const struct mark *marks[] = { &c->position, &c->idle, &c->start }, *newest = NULL;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (mark_is_set(marks[i]) && (!newest || marks[i]->order > newest->order))
			newest = marks[i];
	return newest;
}

/* ----------------------------------------------------------------------------- checksum */

/* CRC-32C (Castagnoli), bit by bit: a checkpoint is small and saved ten times a second. */
static uint32_t crc32c(struct ez_view v)
{
	uint32_t crc = ~UINT32_C(0);

	for (size_t i = 0; i < v.len; i++) {
		crc ^= (unsigned char)v.ptr[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (UINT32_C(0x82f63b78) & (0 - (crc & 1)));
	}
	return ~crc;
}

/* ------------------------------------------------------------------------------- writing */

static void add_number(struct jsonw *w, const char *key, int64_t v)
{
	jsonw_key(w, key);
	jsonw_i64(w, v);
}

/* Readers of JSON take 63 bits and a sign: the upper half is written as negative numbers. */
static void add_bits(struct jsonw *w, const char *key, uint64_t v)
{
	add_number(w, key, (int64_t)v);
}

static void add_mark(struct jsonw *w, const char *key, const struct mark *m)
{
	if (!mark_is_set(m))
		return;
	jsonw_key(w, key);
	jsonw_begin_object(w);
	jsonw_key(w, "at");
	jsonw_str(w, m->text);
	add_bits(w, "order", m->order);
	jsonw_end_object(w);
}

static void add_text(struct jsonw *w, const char *key, struct ez_view v)
{
	jsonw_key(w, key);
	jsonw_view(w, v);
}

static void add_column(struct jsonw *w, const struct ez_column *c)
{
	jsonw_begin_object(w);
	add_text(w, "name", c->name);
	add_text(w, "native", c->native);
	add_text(w, "default", c->fallback);
	add_number(w, "type", c->type);
	add_number(w, "flags", c->flags);
	add_number(w, "id", c->id);
	add_number(w, "native_type", c->native_type);
	add_number(w, "type_mod", c->type_mod);
	add_number(w, "element", c->element);
	add_number(w, "precision", c->precision);
	add_number(w, "scale", c->scale);
	add_number(w, "length", c->length);
	jsonw_end_object(w);
}

static void add_members(struct jsonw *w, const struct ez_table *t)
{
	add_bits(w, "id", t->id);
	add_text(w, "schema", t->schema);
	add_text(w, "name", t->name);
	add_number(w, "version", t->version);
	add_number(w, "flags", t->flags);
	add_bits(w, "lsn", t->lsn);
	jsonw_key(w, "columns");
	jsonw_begin_array(w);
	for (uint32_t i = 0; i < t->n_columns; i++)
		add_column(w, t->columns[i]);
	jsonw_end_array(w);
}

static void add_table(struct jsonw *w, const struct told *t)
{
	jsonw_begin_object(w);
	add_members(w, &t->newest->desc);
	if (t->before) {
		jsonw_key(w, "before");
		jsonw_begin_object(w);
		add_members(w, &t->before->desc);
		jsonw_end_object(w);
	}
	jsonw_end_object(w);
}

void checkpoint_format(const struct checkpoint *c, struct buf *ret_text)
{
	struct jsonw w = JSONW_INIT(ret_text);

	jsonw_begin_object(&w);
	add_number(&w, "format", FORMAT);
	add_text(&w, "job", view_str(c->job));
	add_bits(&w, "epoch", c->epoch);
	add_text(&w, "phase", view_str(phase_to_str(c->phase)));
	add_text(&w, "slot", view_str(c->slot));
	if (c->identity)
		add_text(&w, "identity", view_str(c->identity));
	add_mark(&w, "position", &c->position);
	add_mark(&w, "idle", &c->idle);
	add_mark(&w, "start", &c->start);
	add_bits(&w, "snapshot", c->snapshot);
	add_bits(&w, "dead_letters", c->dead_letters);
	jsonw_key(&w, "paused");
	jsonw_bool(&w, c->paused);
	jsonw_key(&w, "tables");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < c->n_tables; i++)
		add_table(&w, &c->tables[i]);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(ret_text, '\n');
	buf_addf(ret_text, "%s%08x\n", checksum_prefix, crc32c(buf_view(ret_text)));
}

/* ------------------------------------------------------------------------------- reading */

static int damaged(struct ez_error *err, const char *why)
{
	host_table.fail(err, EZ_E_IO, "IOERR", "the checkpoint is damaged: %s", why);
	return host_table.hint(err, "restore it from a backup, or start over: `ezcdc drop` the "
				    "job, empty the target, start it");
}

static bool read_mark(const struct json *j, const char *key, struct mark *m)
{
	const struct json *o = json_get(j, key);

	if (!o)
		return true;
	m->order = (uint64_t)json_i64(o, "order");
	return str_copy(m->text, sizeof(m->text), json_str(o, "at")) && mark_is_set(m);
}

static void read_column(const struct json *j, struct ez_column *c)
{
	*c = (struct ez_column){
		.size = sizeof(*c),
		.name = json_str(j, "name"),
		.native = json_str(j, "native"),
		.fallback = json_str(j, "default"),
		.type = (uint32_t)json_i64(j, "type"),
		.flags = (uint32_t)json_i64(j, "flags"),
		.id = (uint32_t)json_i64(j, "id"),
		.native_type = (uint32_t)json_i64(j, "native_type"),
		.type_mod = (int32_t)json_i64(j, "type_mod"),
		.element = (uint32_t)json_i64(j, "element"),
		.precision = (int32_t)json_i64(j, "precision"),
		.scale = (int32_t)json_i64(j, "scale"),
		.length = (int32_t)json_i64(j, "length"),
	};
}

static struct table *read_table(const struct json *j)
{
	const struct json *list = json_get(j, "columns");
	size_t n = json_len(list);
	struct ez_column *columns = xcalloc(n + 1, sizeof(*columns));
	const struct ez_column **pointers = xcalloc(n + 1, sizeof(*pointers));
	struct ez_table shape = {
		.size = sizeof(shape),
		.id = (uint64_t)json_i64(j, "id"),
		.schema = json_str(j, "schema"),
		.name = json_str(j, "name"),
		.version = (uint32_t)json_i64(j, "version"),
		.flags = (uint32_t)json_i64(j, "flags"),
		.lsn = (uint64_t)json_i64(j, "lsn"),
		.n_columns = (uint32_t)n,
		.columns = pointers,
	};
	struct table *t;

	for (size_t i = 0; i < n; i++) {
		read_column(json_at(list, i), &columns[i]);
		pointers[i] = &columns[i];
	}
	t = table_new(&shape, 0, shape.version);
	free(columns);
	free(pointers);
	return t;
}

static void read_tables(const struct json *j, struct checkpoint *c)
{
	const struct json *list = json_get(j, "tables");
	size_t n = json_len(list);

	c->tables = xcalloc(n + 1, sizeof(*c->tables));
	c->n_tables = n;
	for (size_t i = 0; i < n; i++) {
		const struct json *table = json_at(list, i), *before = json_get(table, "before");

		c->tables[i].newest = read_table(table);
		c->tables[i].before = before ? read_table(before) : NULL;
	}
}

static bool read_members(const struct json *j, struct checkpoint *c)
{
	struct ez_view identity = json_str(j, "identity");

	if (!phase_parse(json_str(j, "phase"), &c->phase) ||
	    !str_copy(c->job, sizeof(c->job), json_str(j, "job")) ||
	    !str_copy(c->slot, sizeof(c->slot), json_str(j, "slot")) ||
	    !read_mark(j, "position", &c->position) || !read_mark(j, "idle", &c->idle) ||
	    !read_mark(j, "start", &c->start))
		return false;
	c->epoch = (uint64_t)json_i64(j, "epoch");
	c->snapshot = (uint64_t)json_i64(j, "snapshot");
	c->dead_letters = (uint64_t)json_i64(j, "dead_letters");
	c->paused = json_bool(j, "paused");
	if (identity.len > 0)
		c->identity = view_dup(identity);
	read_tables(j, c);
	return true;
}

/* The JSON line, once the line after it agrees. */
static bool verified(struct ez_view text, struct ez_view *ret_json)
{
	char expected[CHECKSUM_LINE + 1];

	if (text.len <= CHECKSUM_LINE)
		return false;
	*ret_json = view_of(text.ptr, text.len - CHECKSUM_LINE);
	if (!str_format(expected, sizeof(expected), "%s%08x\n", checksum_prefix,
			crc32c(*ret_json)))
		return false;
	return memcmp(text.ptr + ret_json->len, expected, CHECKSUM_LINE) == 0;
}

int checkpoint_parse(struct ez_view text, struct checkpoint *ret, struct ez_error *err)
{
	_cleanup_(json_freep) struct json *j = NULL;
	struct checkpoint c = CHECKPOINT_INIT;
	struct ez_view json;

	if (!verified(text, &json))
		return damaged(err, "it is cut short or its checksum is wrong");
	j = json_parse(json, NULL);
	if (!j)
		return damaged(err, "it is not JSON");
	if (json_i64(j, "format") != FORMAT) {
		host_table.fail(err, EZ_E_CONFIG, "", "the checkpoint has format %lld, this "
				"version reads format %d",
				(long long)json_i64(j, "format"), FORMAT);
		return host_table.hint(err, "run the version of dbmazz that wrote it");
	}
	if (!read_members(j, &c)) {
		checkpoint_release(&c);
		return damaged(err, "a member is missing or has a wrong value");
	}
	*ret = c;
	return EZ_OK;
}
