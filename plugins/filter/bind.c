/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "filter/bind.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/view.h"
#include "filter/moment.h"

static bool fail_at(struct where_error *error, size_t at, const char *why)
{
	*error = (struct where_error){ .at = at, .why = why };
	return false;
}

static bool is_blank_padded(const struct ez_column *c)
{
	return view_starts(c->native, VIEW("character(")) ||
	       view_starts(c->native, VIEW("char(")) ||
	       view_eq(c->native, VIEW("character")) ||
	       view_eq(c->native, VIEW("bpchar"));
}

static uint32_t choose_how(const struct ez_column *c)
{
	switch (c->type) {
	case EZ_TYPE_INT2:
	case EZ_TYPE_INT4:
	case EZ_TYPE_INT8:
	case EZ_TYPE_FLOAT4:
	case EZ_TYPE_FLOAT8:
	case EZ_TYPE_NUMERIC:
		return COMPARE_NUMBER;
	case EZ_TYPE_TEXT:
		return is_blank_padded(c) ? COMPARE_PADDED : COMPARE_BYTES;
	case EZ_TYPE_BYTES:
	case EZ_TYPE_UUID:
	case EZ_TYPE_TIME:
		return COMPARE_BYTES;
	case EZ_TYPE_DATE:
	case EZ_TYPE_TIMESTAMP:
	case EZ_TYPE_TIMESTAMPTZ:
		return COMPARE_MOMENT;
	default:
		return COMPARE_EXACT;
	}
}

static bool bind_columns(struct where_bound *b, const struct ez_table *t,
			 struct where_error *error)
{
	const struct where *w = b->where;

	for (uint32_t i = 0; i < w->n_columns; i++) {
		uint32_t k = 0;

		while (k < t->n_columns &&
		       !view_eq(t->columns[k]->name, w->columns[i].name))
			k++;
		if (k == t->n_columns)
			return fail_at(error, w->columns[i].at,
				       "the table has no such column");
		b->columns[i] = (struct bound_column){
			.index = k,
			.type = t->columns[k]->type,
			.how = choose_how(t->columns[k]),
		};
	}
	return true;
}

/* ------------------------------------------------------------------ literals */

static bool has_order(const struct where_node *n)
{
	return n->op == WHERE_LT || n->op == WHERE_LE || n->op == WHERE_GT ||
	       n->op == WHERE_GE;
}

static void add_lower(struct buf *to, struct ez_view v)
{
	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		buf_add_char(to, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
}

static bool is_hex(struct ez_view v)
{
	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') &&
		    !(c >= 'A' && c <= 'F'))
			return false;
	}
	return true;
}

static bool is_bytea(struct ez_view v)
{
	return v.len % 2 == 0 && view_starts(v, VIEW("\\x")) &&
	       is_hex(view_of(v.ptr + 2, v.len - 2));
}

static bool is_uuid(struct ez_view v)
{
	static const size_t dashes[] = { 8, 13, 18, 23 };

	if (v.len != 36)
		return false;
	for (size_t i = 0, at = 0; i <= ARRAY_LEN(dashes); i++) {
		size_t end = i < ARRAY_LEN(dashes) ? dashes[i] : v.len;

		if (!is_hex(view_of(v.ptr + at, end - at)) ||
		    (end < v.len && v.ptr[end] != '-'))
			return false;
		at = end + 1;
	}
	return true;
}

static const char *bind_bool(const struct where_literal *l, struct buf *to)
{
	if (view_eq_str(l->text, "t") || view_eq_str(l->text, "true"))
		buf_add_char(to, 't');
	else if (view_eq_str(l->text, "f") || view_eq_str(l->text, "false"))
		buf_add_char(to, 'f');
	else
		return "the column is boolean: true or false is wanted";
	return NULL;
}

static const char *bind_moment(const struct where_literal *l, uint32_t type,
			       struct buf *to)
{
	if (l->kind == WHERE_TEXT && moment_normalize(l->text, type, to))
		return NULL;
	switch (type) {
	case EZ_TYPE_DATE:
		return "the column is a date: 'YYYY-MM-DD' is wanted";
	case EZ_TYPE_TIME:
		return "the column is a time: 'HH:MM:SS' is wanted";
	case EZ_TYPE_TIMESTAMP:
		return "the column is a timestamp: 'YYYY-MM-DD HH:MM:SS' is wanted";
	default:
		return "the column is a timestamp with time zone: "
		       "'YYYY-MM-DD HH:MM:SS+00' is wanted, in UTC";
	}
}

static const char *bind_number(const struct where_literal *l, struct buf *to)
{
	struct decimal d;

	buf_add_view(to, l->text);
	if (l->kind != WHERE_BOOL && decimal_parse(l->text, &d))
		return NULL;
	return "the column is numeric: a number is wanted";
}

static const char *bind_text(const struct where_literal *l, uint32_t type, struct buf *to)
{
	if (l->kind != WHERE_TEXT)
		return "the column is no number: put quotes around it";
	if (type == EZ_TYPE_UUID || type == EZ_TYPE_BYTES)
		add_lower(to, l->text);
	else
		buf_add_view(to, l->text);
	if (type == EZ_TYPE_UUID && !is_uuid(l->text))
		return "the column is a uuid: one is wanted";
	if (type == EZ_TYPE_BYTES && !is_bytea(l->text))
		return "the column is binary: '\\x' and hex digits are wanted";
	return NULL;
}

/* Brings a literal into the column's form; NULL, or why not. */
static const char *bind_literal(const struct where_literal *l,
				const struct bound_column *c, struct buf *to)
{
	if (c->type == EZ_TYPE_BOOL)
		return bind_bool(l, to);
	if (c->how == COMPARE_NUMBER)
		return bind_number(l, to);
	if (c->how == COMPARE_MOMENT || c->type == EZ_TYPE_TIME)
		return bind_moment(l, c->type, to);
	return bind_text(l, c->type, to);
}

/* The column whose values a pattern is held against. */
static bool takes_like(uint32_t how, uint32_t type)
{
	return type != EZ_TYPE_BOOL && type != EZ_TYPE_TIME && how != COMPARE_NUMBER &&
	       how != COMPARE_MOMENT;
}

static bool bind_node(struct where_bound *b, const struct where_node *n, size_t *ends,
		      struct where_error *error)
{
	const struct bound_column *c = &b->columns[n->column];

	if (has_order(n) && c->how == COMPARE_EXACT)
		return fail_at(error, b->where->columns[n->column].at,
			       "values of this column's type have no order here");
	if (n->op == WHERE_LIKE && !takes_like(c->how, c->type))
		return fail_at(error, b->where->columns[n->column].at,
			       "like is for columns of text");
	for (uint32_t i = n->literal; i < n->literal + n->n_literals; i++) {
		const struct where_literal *l = &b->where->literals[i];
		const char *why = NULL;

		if (n->op == WHERE_LIKE)
			buf_add_view(&b->bytes, l->text);
		else
			why = bind_literal(l, c, &b->bytes);
		if (why)
			return fail_at(error, l->at, why);
		ends[i] = b->bytes.len;
	}
	return true;
}

/* Cuts the collected bytes into literals, now that they move no more. */
static bool cut_literals(struct where_bound *b, const size_t *ends)
{
	const char *start = buf_cstr(&b->bytes);
	size_t at = 0;

	if (!buf_ok(&b->bytes))
		return false;
	for (uint32_t i = 0; i < b->where->n_literals; i++) {
		struct bound_literal *l = &b->literals[i];

		l->text = view_of(start + at, ends[i] - at);
		at = ends[i];
		/* Only used where the column is numeric; harmless elsewhere. */
		if (!decimal_parse(l->text, &l->number))
			l->number = (struct decimal){ .rank = 0 };
	}
	return true;
}

bool where_bind(const struct where *w, const struct ez_table *t,
		struct where_bound *ret_bound, struct where_error *ret_error)
{
	struct where_bound b = { .where = w, .bytes = BUF_INIT(4 * WHERE_MAX_BYTES) };
	_cleanup_(freep) size_t *ends = xcalloc((size_t)w->n_literals + 1, sizeof(*ends));
	bool ok;

	b.columns = xcalloc((size_t)w->n_columns + 1, sizeof(*b.columns));
	b.literals = xcalloc((size_t)w->n_literals + 1, sizeof(*b.literals));
	ok = bind_columns(&b, t, ret_error);
	/* Nodes stand in the order of their literals: bytes are collected in that order. */
	for (uint32_t i = 1; ok && i < w->n_nodes; i++) {
		if (w->nodes[i].op > WHERE_NOT)
			ok = bind_node(&b, &w->nodes[i], ends, ret_error);
	}
	if (ok && !cut_literals(&b, ends))
		ok = fail_at(ret_error, 0, "the expression is too long");
	if (!ok) {
		where_bound_release(&b);
		return false;
	}
	*ret_bound = b;
	return true;
}

void where_bound_release(struct where_bound *b)
{
	free(b->columns);
	free(b->literals);
	buf_release(&b->bytes);
	*b = (struct where_bound){ .where = NULL };
}
