/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "shape.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsonw.h"

#include "host.h"
#include "names.h"
#include "plain.h"

enum {
	TEXT_CAP = 64 * 1024 * 1024,
	NAME_BYTES_MAX = 1024, /* six times that, encoded, is within the room */
};

/* No table has the number 0. */
#define MESSAGES_UID 0

void shapes_init(struct shapes *s, const struct settings *settings)
{
	*s = (struct shapes){ .settings = settings, .by_uid = MAP_INIT };
}

static void free_shape(void *p)
{
	struct shape *shape = p;

	free(shape->text);
	free(shape->folder);
	free(shape);
}

void shapes_release(struct shapes *s)
{
	map_release(&s->by_uid, free_shape);
	s->by_uid = MAP_INIT;
	s->last = NULL;
	s->bytes = 0;
}

static void add_table(struct buf *b, const struct ez_table *t)
{
	buf_add_str(b, "\"schema\":");
	json_add_string(b, t ? t->schema : VIEW(""));
	buf_add_str(b, ",\"table\":");
	json_add_string(b, t ? t->name : VIEW(""));
	buf_add_str(b, ",\"lsn\":\"");
}

static void add_csv_name(struct buf *b, struct ez_view name)
{
	bool quoted = name.len == 0;

	for (size_t i = 0; i < name.len && !quoted; i++)
		quoted = name.ptr[i] == ',' || name.ptr[i] == '"' ||
			 name.ptr[i] == '\n' || name.ptr[i] == '\r';
	buf_add_char(b, ',');
	if (!quoted) {
		buf_add_view(b, name);
		return;
	}
	buf_add_char(b, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"')
			buf_add_char(b, '"');
		buf_add_char(b, name.ptr[i]);
	}
	buf_add_char(b, '"');
}

static void add_header(struct buf *b, const struct ez_table *t)
{
	buf_add_str(b, "_op,_commit_lsn,_seq,_ts_us");
	for (uint32_t i = 0; t && i < t->n_columns; i++)
		add_csv_name(b, t->columns[i]->name);
	buf_add_str(b, t ? ",_unchanged\n" : ",prefix,content\n");
}

static struct field add_column(struct buf *b, const struct ez_column *c, bool json_inline)
{
	struct field f = {
		.at = (uint32_t)b->len,
		.form = value_form(c->type, json_inline),
		.is_key = (c->flags & EZ_COL_KEY) != 0,
	};

	buf_add_char(b, ',');
	json_add_string(b, c->name);
	buf_add_char(b, ':');
	f.len = (uint32_t)b->len - f.at;
	return f;
}

static char *folder_of(const struct ez_table *t)
{
	struct buf b = BUF_INIT(TEXT_CAP);

	if (!t)
		return xstrdup(NAMES_MESSAGES);
	names_add_table(&b, t->schema, t->name);
	return buf_take(&b);
}

static bool has_long_names(const struct ez_table *t)
{
	const size_t most = NAME_BYTES_MAX;

	if (t->schema.len > most || t->name.len > most)
		return true;
	for (uint32_t i = 0; i < t->n_columns; i++)
		if (t->columns[i]->name.len > most)
			return true;
	return false;
}

static struct shape *build(const struct settings *settings, const struct ez_table *t)
{
	uint32_t n = t ? t->n_columns : 0;
	struct shape *s = xcalloc(1, sizeof(*s) + n * sizeof(s->fields[0]));
	struct buf b = BUF_INIT(TEXT_CAP);

	s->uid = t ? t->uid : MESSAGES_UID;
	s->n_fields = n;
	add_table(&b, t);
	s->table_len = (uint32_t)b.len;
	for (uint32_t i = 0; i < n; i++) {
		s->fields[i] = add_column(&b, t->columns[i], settings->json_inline);
		s->n_keys += s->fields[i].is_key;
	}
	s->header_at = (uint32_t)b.len;
	if (settings->format == FORMAT_CSV)
		add_header(&b, t);
	s->header_len = (uint32_t)b.len - s->header_at;
	/* Pieces are copied in whole blocks. */
	buf_add(&b, (const char[PLAIN_BLOCK]){ 0 }, PLAIN_BLOCK);
	s->bytes = sizeof(*s) + n * sizeof(s->fields[0]) + b.alloc;
	s->text = buf_take(&b);
	s->folder = folder_of(t);
	return s;
}

int shapes_find(struct shapes *s, const struct ez_table *table, struct shape **ret,
		struct ez_error *err)
{
	struct shape *shape = map_get_u64(&s->by_uid, table ? table->uid : MESSAGES_UID);

	if (!shape) {
		if (table && has_long_names(table))
			return host->fail(
				err, EZ_E_CONFIG, "",
				"table %.*s or one of its columns has a name of "
				"over %d bytes",
				(int)MIN(table->name.len, (size_t)100), table->name.ptr,
				NAME_BYTES_MAX);
		if (map_len(&s->by_uid) >= SHAPES_MAX || s->bytes >= SHAPES_BYTES_MAX)
			shapes_release(s);
		shape = build(s->settings, table);
		map_put_u64(&s->by_uid, shape->uid, shape);
		s->bytes += shape->bytes;
	}
	s->last = shape;
	*ret = shape;
	return EZ_OK;
}
