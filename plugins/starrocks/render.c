/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "render.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "md5.h"
#include "names.h"
#include "value.h"
#include "value_text.h"

enum {
	TEXT_MAX = 64 * 1024 * 1024,
	SECOND = 19, /* bytes of "2024-02-29 12:00:00" */
	MICROS = 6,
};

#define FLOAT_MAX_WHOLE 1e18 /* from here on a BIGINT might not hold the whole part */
#define FLOAT_FRACTION  1e15

bool render_is_opaque(const struct field *f)
{
	return f->kind == FIELD_SOURCE &&
	       (f->type.kind == TYPE_JSON || f->type.kind == TYPE_ARRAY);
}

static bool is_part(const struct target *t, const struct field *f, bool key)
{
	return f->kind == FIELD_SOURCE && (!key || t->by_place || f->is_key);
}

/* ------------------------------------------------------------------ the server's side */

/* `%` stands for the column's quoted name. */
static const char *sql_of(const struct type *t)
{
	switch (t->kind) {
	case TYPE_BOOLEAN:
		return "ifnull(cast(cast(% as int) as varchar),'-')";
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		return "if(% is null,'-',if(abs(cast(% as double)) < 1e18,"
		       "concat(cast(cast(cast(% as double) as bigint) as varchar),'_',"
		       "cast(cast((cast(% as double) - "
		       "cast(cast(cast(% as double) as bigint) as double)) * 1e15 "
		       "as bigint) as varchar)),"
		       "if(% > 0,'P',if(% < 0,'M','X'))))";
	case TYPE_DATETIME:
		return "ifnull(concat(substr(cast(% as varchar),1,19),"
		       "substr(concat(substr(cast(% as varchar),21,6),'000000'),1,6)),'-')";
	case TYPE_VARCHAR:
	case TYPE_CHAR:
		return "ifnull(md5(%),'-')";
	case TYPE_VARBINARY:
		return "if(% is null,'-',md5(ifnull(hex(%),'')))";
	case TYPE_JSON:
		return "if(ifnull(cast(% as varchar),'null') = 'null','-','+')";
	case TYPE_ARRAY:
		return "if(% is null,'-','+')";
	default:
		return "ifnull(cast(% as varchar),'-')";
	}
}

static void add_expression(struct buf *b, const char *pattern, struct ez_view name)
{
	for (; *pattern; pattern++) {
		if (*pattern == '%')
			names_quote(b, name);
		else
			buf_add_char(b, *pattern);
	}
}

void render_add_sql(struct buf *b, const struct target *t, bool key)
{
	const char *before = "concat(";

	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (!is_part(t, f, key))
			continue;
		buf_add_str(b, before);
		add_expression(b, sql_of(&f->type), f->name);
		before = ",'|',";
	}
	buf_add_char(b, ')');
}

void render_add_sql_shown(struct buf *b, const struct target *t)
{
	const char *before = "concat(";

	for (uint32_t i = 0; i < t->n_fields && !t->by_place; i++) {
		const struct field *f = &t->fields[i];

		if (!is_part(t, f, true))
			continue;
		buf_add_str(b, before);
		add_expression(b, "cast(% as varchar)", f->name);
		before = ",', ',";
	}
	buf_add_str(b, t->by_place ? "''" : ")");
}

/* ------------------------------------------------------------------ our side */

void render_init(struct render *r)
{
	*r = (struct render){ .row = BUF_INIT(TEXT_MAX),
			      .key = BUF_INIT(TEXT_MAX),
			      .raw = BUF_INIT(TEXT_MAX),
			      .near = BUF_INIT(TEXT_MAX) };
}

void render_release(struct render *r)
{
	buf_release(&r->row);
	buf_release(&r->key);
	buf_release(&r->raw);
	buf_release(&r->near);
}

static void add_md5(struct buf *b, struct ez_view v)
{
	char *to = buf_reserve(b, MD5_HEX);

	if (!to)
		return;
	md5_hex(v, to);
	buf_advance(b, MD5_HEX);
}

static void add_upper_md5(struct buf *b, struct buf *raw)
{
	for (size_t i = 0; i < raw->len; i++)
		if (raw->ptr[i] >= 'a' && raw->ptr[i] <= 'f')
			raw->ptr[i] = (char)(raw->ptr[i] - 'a' + 'A');
	add_md5(b, buf_view(raw));
}

static void add_float(struct buf *b, const struct type *t, const char *text)
{
	double v =
		t->kind == TYPE_FLOAT ? (double)strtof(text, NULL) : strtod(text, NULL);
	int64_t whole;

	if (fabs(v) < FLOAT_MAX_WHOLE) {
		whole = (int64_t)v;
		buf_add_i64(b, whole);
		buf_add_char(b, '_');
		buf_add_i64(b, (int64_t)((v - (double)whole) * FLOAT_FRACTION));
	} else {
		buf_add_char(b, v > 0 ? 'P' : v < 0 ? 'M' : 'X');
	}
}

/* With all digits that the scale has. */
static void add_decimal(struct buf *b, const struct type *t, struct ez_view v)
{
	const char *point = v.len ? memchr(v.ptr, '.', v.len) : NULL;
	size_t digits = point ? v.len - (size_t)(point + 1 - v.ptr) : 0;

	buf_add_view(b, v);
	if (!point && t->scale > 0)
		buf_add_char(b, '.');
	for (; digits < (size_t)t->scale; digits++)
		buf_add_char(b, '0');
}

static void add_moment(struct buf *b, struct ez_view v)
{
	size_t digits = v.len > SECOND ? v.len - SECOND - 1 : 0;

	buf_add(b, v.ptr, MIN(v.len, (size_t)SECOND));
	if (digits > 0)
		buf_add(b, v.ptr + SECOND + 1, MIN(digits, (size_t)MICROS));
	for (; digits < MICROS; digits++)
		buf_add_char(b, '0');
}

/* The server's text of the string "null" is the same as that of null. */
static bool is_null_json(struct ez_view v)
{
	return view_eq(v, VIEW("null")) || view_eq(v, VIEW("\"null\""));
}

static void add_value(struct buf *b, const struct field *f, struct buf *raw)
{
	struct ez_view v = buf_view(raw);

	switch (f->type.kind) {
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		add_float(b, &f->type, buf_cstr(raw));
		break;
	case TYPE_DECIMAL:
		add_decimal(b, &f->type, v);
		break;
	case TYPE_DATETIME:
		add_moment(b, v);
		break;
	case TYPE_VARCHAR:
	case TYPE_CHAR:
		add_md5(b, v);
		break;
	case TYPE_VARBINARY:
		add_upper_md5(b, raw);
		break;
	case TYPE_JSON:
		buf_add_char(b, is_null_json(view_trim(v)) ? '-' : '+');
		break;
	case TYPE_ARRAY:
		buf_add_char(b, '+');
		break;
	default:
		buf_add_view(b, v);
		break;
	}
}

/* The value as it is loaded, into r->raw. EZ_EOF: as NULL; EZ_SKIP: not at all. */
static int load_value(struct render *r, const struct field *f, const struct ez_cell *c)
{
	struct ez_view v = view_of(c->ptr, c->len);
	enum value_state state;

	if (c->kind != EZ_CELL_TEXT)
		return EZ_EOF;
	buf_reset(&r->raw);
	state = value_csv(&r->raw, f, v);
	if (state == VALUE_OUT && !f->is_key && f->policy == RANGE_NULL)
		return EZ_EOF;
	if (state == VALUE_OUT && !f->is_key && f->policy == RANGE_CLAMP &&
	    value_clamp(f, &v, &r->near)) {
		buf_reset(&r->raw);
		state = value_csv(&r->raw, f, v);
	}
	return state == VALUE_OK || state == VALUE_UNSAFE ? EZ_OK : EZ_SKIP;
}

int render_row(struct render *r, const struct target *t, const struct ez_cell *cells,
	       struct ez_error *err)
{
	buf_reset(&r->row);
	buf_reset(&r->key);
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		size_t from;
		int rc;

		if (!is_part(t, f, false))
			continue;
		if (r->row.len > 0)
			buf_add_char(&r->row, '|');
		from = r->row.len;
		rc = load_value(r, f, &cells[f->source]);
		if (rc == EZ_SKIP)
			return rc;
		if (rc == EZ_EOF)
			buf_add_char(&r->row, '-');
		else
			add_value(&r->row, f, &r->raw);
		if (!is_part(t, f, true) || !buf_ok(&r->row))
			continue;
		if (r->key.len > 0)
			buf_add_char(&r->key, '|');
		buf_add(&r->key, r->row.ptr + from, r->row.len - from);
	}
	if (!buf_ok(&r->row) || !buf_ok(&r->key) || !buf_ok(&r->raw))
		return host->fail(err, EZ_E_DATA, "", "a row of table %s is too long",
				  t->source);
	return EZ_OK;
}

void render_add_shown(struct render *r, const struct target *t,
		      const struct ez_cell *cells, struct buf *b)
{
	const char *before = "";

	for (uint32_t i = 0; i < t->n_fields && !t->by_place; i++) {
		const struct field *f = &t->fields[i];

		if (!is_part(t, f, true))
			continue;
		buf_add_str(b, before);
		if (load_value(r, f, &cells[f->source]) == EZ_OK)
			buf_add_view(b, buf_view(&r->raw));
		before = ", ";
	}
}
