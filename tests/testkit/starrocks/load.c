/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "convert.h"
#include "json.h"

enum {
	ERRORS_MAX = 50,
	ROW_SHOWN_BYTES = 1024,
};

/* A body may be larger than a test machine's memory would like, but is not refused here. */
#define BODY_CAP (SIZE_MAX >> 1)

static csv_row_fn csv_row;

struct load *load_new(struct cluster *c, const struct table *t,
		      const struct load_options *o, char *text, size_t size)
{
	struct load *l = xcalloc(1, sizeof(*l));
	size_t *set;

	if (!plan_make(&l->plan, t, o, text, size)) {
		free(l);
		return NULL;
	}
	l->profile = c->profile;
	l->options = *o;
	l->options.csv.has_old_bug = c->settings.has_old_csv;
	l->key_max_bytes = c->settings.key_max_bytes;
	l->document_max_bytes = c->settings.json_document_max_bytes;
	l->json_max_bytes = c->settings.json_max_bytes;
	l->keeps_rows = true;
	buf_init(&l->body, BODY_CAP);
	buf_init(&l->errors, BODY_CAP);
	buf_init(&l->scratch, BODY_CAP);
	csv_init(&l->csv, &l->options.csv, csv_row, l);
	l->csv.n_expected = l->plan.n_fields;
	l->fields = xcalloc(l->plan.n_fields + 1, sizeof(*l->fields));
	set = xcalloc(l->plan.n_slots + 1, sizeof(*set));
	for (size_t i = 0; i < l->plan.n_slots; i++)
		set[i] = (size_t)(l->plan.slots[i].column - t->schema->columns);
	l->rows = rowset_new(t->schema, set, l->plan.n_slots);
	l->rows->is_partial = l->plan.is_partial;
	l->rows->merge_at = l->plan.merge_at;
	free(set);
	return l;
}

static void free_conversion(struct load *l)
{
	csv_release(&l->csv);
	codec_free(l->codec);
	l->codec = NULL;
	buf_release(&l->body);
	buf_release(&l->scratch);
	free(l->fields);
	l->fields = NULL;
	map_release(&l->keys, NULL);
	l->keys = MAP_INIT;
}

void load_free(struct load *l)
{
	if (!l)
		return;
	free_conversion(l);
	buf_release(&l->errors);
	plan_release(&l->plan);
	rowset_free(l->rows);
	free(l);
}

struct rowset *load_take_rows(struct load *l)
{
	free_conversion(l);
	return TAKE_PTR(l->rows);
}

/* ------------------------------------------------------------------ rows */

void load_reject(struct load *l, struct ez_view row, const char *reason)
{
	l->counts.total++;
	l->counts.filtered++;
	if (l->n_errors++ >= ERRORS_MAX)
		return;
	buf_addf(&l->errors, "Error: %s. Row: ", reason);
	buf_add(&l->errors, row.ptr, MIN(row.len, (size_t)ROW_SHOWN_BYTES));
	buf_add_char(&l->errors, '\n');
}

/* The value that a slot gets. False: NULL. */
static bool slot_value(struct load *l, const struct slot *s,
		       const struct load_field *fields, struct ez_view *ret,
		       bool *ret_is_json)
{
	const struct load_field *f = &fields[s->field];

	*ret_is_json = false;
	if (s->kind == SLOT_CONST || s->kind == SLOT_DEFAULT) {
		*ret = view_str(s->kind == SLOT_CONST ? s->text
						      : s->column->default_text);
		return ret->ptr != NULL;
	}
	if (f->is_null || !f->is_set)
		return false;
	*ret = f->v;
	*ret_is_json = f->is_json;
	if (s->kind == SLOT_FIELD)
		return true;
	/* Expressions work on text. */
	*ret_is_json = false;
	if (f->is_json && *f->v.ptr == '"') {
		buf_reset(&l->scratch);
		json_unescape(f->v, &l->scratch);
		*ret = view_of(l->scratch.ptr ? l->scratch.ptr : "", l->scratch.len);
	}
	return true;
}

/* from_base64('') is NULL, and so is what is not base64. False: NULL. */
static bool base64_or_null(struct ez_view v, struct buf *out)
{
	size_t mark = out->len;

	if (convert_from_base64(v, out))
		return true;
	buf_truncate(out, mark);
	return false;
}

enum outcome {
	IS_VALUE,
	IS_NULL,
	IS_BAD,
};

static enum outcome put_value(struct load *l, const struct slot *s, struct ez_view v,
			      bool is_json, struct buf *out)
{
	const struct column_type *t = &s->column->type;
	size_t mark = out->len;
	bool is_good = true;

	switch (s->kind) {
	case SLOT_DEFAULT:
		buf_add_view(out, v);
		return IS_VALUE;
	case SLOT_HEX:
		convert_from_hex(v, out);
		break;
	case SLOT_ENCODE64:
		if (!base64_or_null(v, out))
			return IS_VALUE;
		break;
	case SLOT_FROM_BASE64:
		if (!base64_or_null(v, out))
			return IS_NULL;
		break;
	case SLOT_PARSE_JSON:
		return convert_text(&l->profile, t, v, out) ? IS_VALUE : IS_NULL;
	default:
		is_good = is_json ? convert_json(&l->profile, t, v, out)
				  : convert_text(&l->profile, t, v, out);
		return is_good ? IS_VALUE : IS_BAD;
	}
	/* The result of an expression: only its length can be wrong. */
	return t->length > 0 && out->len - mark > (size_t)t->length ? IS_BAD : IS_VALUE;
}

static void reject_value(struct load *l, const struct slot *s, struct ez_view v,
			 struct ez_view row)
{
	char reason[768];

	snprintf(
		reason, sizeof(reason),
		"The field (name = %s, pos = %zu) is out of range. Type: %s, Value length: "
		"%zu, Value: %.*s",
		s->column->name, s->field, type_kind_to_str(s->column->type.kind), v.len,
		(int)MIN(v.len, (size_t)256), v.ptr);
	load_reject(l, row, reason);
}

/* Appends the cell of a slot. False when the row is rejected. */
static bool add_cell(struct load *l, const struct slot *s,
		     const struct load_field *fields, struct ez_view row)
{
	struct ez_view v;
	bool is_json;
	char reason[1200];

	if (slot_value(l, s, fields, &v, &is_json)) {
		size_t mark = rowset_cell_begin(l->rows);
		enum outcome o = put_value(l, s, v, is_json, &l->rows->data);

		if (o == IS_VALUE) {
			rowset_cell_end(l->rows, mark);
			return true;
		}
		if (o == IS_BAD && (l->options.is_strict || !s->column->is_nullable)) {
			reject_value(l, s, v, row);
			return false;
		}
		buf_truncate(&l->rows->data, mark);
	}
	if (!s->column->is_nullable) {
		snprintf(reason, sizeof(reason), "NULL value in non-nullable column '%s'",
			 s->column->name);
		load_reject(l, row, reason);
		return false;
	}
	rowset_add_null(l->rows);
	return true;
}

static bool is_text(struct ez_view v, const char *a, const char *b)
{
	return view_eq_str(v, a) ||
	       (v.len == strlen(b) && strncasecmp(v.ptr, b, v.len) == 0);
}

/* The row's operation. False when it has none that is known. */
static bool row_op(struct load *l, const struct load_field *fields, bool *ret_delete)
{
	struct ez_view v;
	bool is_json;

	*ret_delete = false;
	if (!l->plan.has_op)
		return true;
	if (l->plan.op_is_optional && !fields[l->plan.op.field].is_set)
		return true;
	if (!slot_value(l, &l->plan.op, fields, &v, &is_json))
		return false;
	if (is_json && v.len >= 2 && *v.ptr == '"')
		v = view_of(v.ptr + 1, v.len - 2);
	*ret_delete = is_text(v, "1", "delete");
	return *ret_delete || is_text(v, "0", "upsert");
}

static void check_key(struct load *l, size_t mark, size_t key_len)
{
	/* rowset_begin leaves the row's head before the first cell. */
	const char *p = l->rows->data.ptr + mark;
	struct ez_view key = view_of(p, key_len);
	uint64_t hash = view_hash(key);
	size_t size = 0, i = 0;

	for (const char *at = p; at < p + key_len; i++) {
		uint32_t len;

		memcpy(&len, at, sizeof(len));
		size += convert_key_size(&l->plan.slots[i].column->type,
					 view_of(at + 4, len));
		at += 4 + len;
	}
	if ((int64_t)size > l->key_max_bytes)
		snprintf(l->failure, sizeof(l->failure),
			 "primary key size exceed the limit.");
	if (map_find_u64(&l->keys, hash))
		l->counts.n_repeated_keys++;
	else
		map_put_u64(&l->keys, hash, NULL);
}

void load_row(struct load *l, const struct load_field *fields, struct ez_view row)
{
	const struct plan *p = &l->plan;
	size_t mark = rowset_begin(l->rows), from = l->rows->data.len, key_len = 0;
	bool is_delete;

	if (!row_op(l, fields, &is_delete)) {
		load_reject(l, row, "NULL value in non-nullable column '__op'");
		rowset_cancel(l->rows, mark);
		return;
	}
	for (size_t i = 0; i < p->n_slots; i++) {
		if (!add_cell(l, &p->slots[i], fields, row)) {
			rowset_cancel(l->rows, mark);
			return;
		}
		if (i + 1 == p->schema->n_keys)
			key_len = l->rows->data.len - from;
	}
	if (key_len > 0)
		check_key(l, from, key_len);
	rowset_end(l->rows, mark, key_len, is_delete);
	l->counts.total++;
	l->counts.loaded++;
}

/* ------------------------------------------------------------------ CSV */

static void csv_row(void *arg, const struct ez_view *fields, size_t n, struct ez_view row)
{
	struct load *l = arg;
	char reason[256];

	if (!utf8_is_valid(row)) {
		load_reject(l, row, "Invalid UTF-8 row");
		return;
	}
	if (n != l->plan.n_fields) {
		snprintf(
			reason, sizeof(reason),
			"Target column count: %zu doesn't match source value column count: "
			"%zu. Column separator: '%s', Row delimiter: '%s'",
			l->plan.n_fields, n, l->options.csv.separator,
			l->options.csv.delimiter);
		load_reject(l, row, reason);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		l->fields[i].v = fields[i];
		l->fields[i].is_set = true;
		l->fields[i].is_null = view_eq(fields[i], VIEW("\\N"));
	}
	load_row(l, l->fields, row);
}

/* ------------------------------------------------------------------ bodies */

static void take_plain(void *arg, const char *data, size_t n)
{
	struct load *l = arg;

	if (l->options.is_json)
		buf_add(&l->body, data, n);
	else
		csv_feed(&l->csv, data, n);
}

bool load_feed(struct load *l, const char *data, size_t n)
{
	l->counts.bytes += (int64_t)n;
	if (l->failure[0])
		return false;
	if (l->options.is_json && !l->options.ignores_json_size &&
	    l->counts.bytes > l->json_max_bytes) {
		snprintf(
			l->failure, sizeof(l->failure),
			"The size of this batch exceed the max size [%lld] of json type data "
			"data [%lld]. Set ignore_json_size to skip check, although it may lead "
			"huge memory consuming.",
			(long long)l->json_max_bytes, (long long)l->counts.bytes);
		return false;
	}
	if (l->options.codec == CODEC_NONE) {
		take_plain(l, data, n);
	} else {
		if (!l->codec)
			l->codec = codec_new(l->options.codec);
		if (!l->codec || !codec_feed(l->codec, data, n, take_plain, l))
			snprintf(l->failure, sizeof(l->failure), "failed to decompress");
	}
	return l->failure[0] == '\0';
}

bool load_end_body(struct load *l)
{
	if (l->failure[0])
		return false;
	if (!codec_is_complete(l->codec)) {
		snprintf(l->failure, sizeof(l->failure), "compressed file is truncated");
		return false;
	}
	codec_free(l->codec);
	l->codec = NULL;
	return !l->options.is_json || load_json_body(l);
}

bool load_finish(struct load *l)
{
	const struct load_counts *n = &l->counts;

	if (l->failure[0] == '\0' && !l->options.is_json)
		csv_end(&l->csv);
	if (l->failure[0] == '\0' && n->total == 0)
		snprintf(l->failure, sizeof(l->failure),
			 "all partitions have no load data");
	if (l->failure[0] == '\0' && n->filtered > 0 &&
	    (double)n->filtered >
		    l->options.max_filter_ratio * (double)(n->total - n->unselected))
		snprintf(l->failure, sizeof(l->failure), "too many filtered rows");
	return l->failure[0] == '\0';
}
