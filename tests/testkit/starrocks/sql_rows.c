/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/parse.h"
#include "sql_lex.h"

struct accumulator {
	uint64_t n;
	struct sql_value best; /* of MIN and MAX */
	int64_t sum;
	double float_sum;
	bool is_float;
};

/* Rows with the same values of all expressions of GROUP BY. */
struct group {
	struct ez_view *values;
	struct accumulator *sums;
};

struct kept_row {
	struct ez_view *cells;
	size_t at; /* equal rows keep their order */
};

struct chooser {
	struct sql_scope scope;
	struct sql_source *source;
	struct list *items;
	struct sql_choice *choice;
	struct sql_result *r;
	struct ez_view *cells; /* of the present row */
	size_t n_items;
	struct accumulator *sums; /* one an item: of all rows, or of the group at hand */
	struct map groups;        /* their values to struct group, in the order they came */
	const struct group *group;
	size_t n_group_by;
	size_t *order;            /* columns to sort by */
	bool *descending;
	size_t n_order;
	struct kept_row *kept; /* when rows have to be sorted */
	size_t n_kept, max_kept;
	uint64_t n_passed, n_sent;
	struct arena scratch; /* of rows that are only summed up */
	struct sql_result spare;
};

enum {
	SCRATCH_BYTES = 1 << 20,
};

static bool resolve_order(struct chooser *c)
{
	size_t i = 0;

	c->n_order = list_count(&c->choice->order_by);
	c->order = arena_calloc(c->r->arena, c->n_order + 1, sizeof(*c->order));
	c->descending = arena_calloc(c->r->arena, c->n_order + 1, sizeof(*c->descending));
	list_for_each(at, &c->choice->order_by) {
		const struct sql_name *n = LIST_OF(at, struct sql_name, link);
		size_t column = 0;

		while (column < c->source->n_columns &&
		       !sql_same_name(c->source->columns[column].name, n->name))
			column++;
		if (column == c->source->n_columns)
			return sql_fail_analysis(c->r,
						 "Column '%.*s' cannot be resolved.",
						 VIEW_ARG(n->name));
		c->descending[i] = n->is_descending;
		c->order[i++] = column;
	}
	return true;
}

static bool is_plain_star(const struct sql_item *item)
{
	return item->expr->kind == SQL_STAR;
}

static void add_source_columns(struct chooser *c)
{
	for (size_t i = 0; i < c->source->n_columns; i++)
		sql_result_column(c->r, c->source->columns[i].name,
				  c->source->columns[i].type);
}

static enum sql_column_type type_of_item(const struct chooser *c,
					 const struct sql_expr *e)
{
	if (e->kind == SQL_COLUMN)
		for (size_t i = 0; i < c->source->n_columns; i++)
			if (sql_same_name(c->source->columns[i].name, e->name))
				return c->source->columns[i].type;
	if (e->kind == SQL_CALL && sql_same_word(e->name, "count"))
		return SQL_MYSQL_LONGLONG;
	if (e->kind == SQL_VALUE && e->is_number)
		return SQL_MYSQL_LONGLONG;
	return SQL_MYSQL_VAR_STRING;
}

/* As it is written counts; n_group_by: it is none of them. */
static size_t place_in_group_by(const struct chooser *c, const struct sql_expr *e)
{
	size_t i = 0;

	list_for_each(at, &c->choice->group_by) {
		if (view_eq(LIST_OF(at, struct sql_group_by, link)->expr->source, e->source))
			return i;
		i++;
	}
	return c->n_group_by;
}

static bool describe(struct chooser *c)
{
	size_t n_sums = 0, n_rest = 0;

	c->n_group_by = list_count(&c->choice->group_by);
	if (!c->items) {
		add_source_columns(c);
		return true;
	}
	list_for_each(at, c->items) {
		struct sql_item *item = LIST_OF(at, struct sql_item, link);

		c->n_items++;
		if (is_plain_star(item))
			add_source_columns(c);
		else
			sql_result_column(c->r, item->title, type_of_item(c, item->expr));
		n_sums += sql_is_aggregate(item->expr);
		n_rest += !sql_is_aggregate(item->expr) && item->expr->kind != SQL_VALUE &&
			  place_in_group_by(c, item->expr) == c->n_group_by;
	}
	n_sums += c->n_group_by; /* one row a group */
	if (n_sums > 0 && n_rest > 0)
		return sql_fail_analysis(c->r,
					 "must be an aggregate expression or appear in "
					 "GROUP BY clause");
	if (n_sums > 0)
		c->sums = arena_calloc(c->r->arena, c->n_items, sizeof(*c->sums));
	return true;
}

/* The row at hand, through the list of items. */
static bool send_row(struct chooser *c)
{
	struct ez_view *cell = sql_result_row(c->r);
	struct sql_value v;

	if (!c->items) {
		for (size_t i = 0; i < c->source->n_columns; i++)
			if (c->cells[i].ptr)
				cell[i] = sql_text(c->r, c->cells[i]);
		return true;
	}
	list_for_each(at, c->items) {
		const struct sql_item *item = LIST_OF(at, struct sql_item, link);

		if (is_plain_star(item)) {
			for (size_t i = 0; i < c->source->n_columns; i++, cell++)
				if (c->cells[i].ptr)
					*cell = sql_text(c->r, c->cells[i]);
			continue;
		}
		if (!sql_eval(&c->scope, item->expr, &v))
			return false;
		if (v.text.ptr)
			*cell = sql_text(c->r, v.text);
		cell++;
	}
	return true;
}

/* Sends the row when OFFSET and LIMIT allow it; `ret_more` false: no row can follow. */
static bool pass_row(struct chooser *c, bool *ret_more)
{
	const struct sql_choice *choice = c->choice;

	*ret_more = !choice->has_limit || c->n_sent < choice->limit;
	if (!*ret_more || c->n_passed++ < choice->offset)
		return true;
	c->n_sent++;
	if (choice->has_limit && c->n_sent == choice->limit)
		*ret_more = false;
	return send_row(c);
}

static void keep_row(struct chooser *c)
{
	size_t bytes = c->source->n_columns * sizeof(struct ez_view);

	if (c->n_kept == c->max_kept) {
		size_t max = c->max_kept ? c->max_kept * 2 : 64;
		struct kept_row *grown = arena_alloc(c->r->arena, max * sizeof(*grown));

		if (c->n_kept)
			memcpy(grown, c->kept, c->n_kept * sizeof(*grown));
		c->kept = grown;
		c->max_kept = max;
	}
	c->kept[c->n_kept].cells = arena_alloc(c->r->arena, bytes);
	c->kept[c->n_kept].at = c->n_kept;
	memcpy(c->kept[c->n_kept++].cells, c->cells, bytes);
}

static bool sum_value(struct accumulator *a, struct sql_value v)
{
	int64_t n;

	if (v.sort == SQL_AS_FLOAT) {
		char text[64];

		memcpy(text, v.text.ptr, MIN(v.text.len, sizeof(text) - 1));
		text[MIN(v.text.len, sizeof(text) - 1)] = '\0';
		a->is_float = true;
		a->float_sum += strtod(text, NULL);
		return true;
	}
	return parse_i64(v.text, &n) && !add_overflows_i64(a->sum, n, &a->sum);
}

static bool add_to_sum(struct chooser *c, const struct sql_expr *e, struct accumulator *a)
{
	struct sql_value v;
	int order;

	if (!sql_is_aggregate(e))
		return true;
	if (e->n_args != 1 || e->is_distinct)
		return sql_fail_generic(c->r, "not emulated: %.*s", VIEW_ARG(e->source));
	if (e->args[0]->kind == SQL_STAR) {
		a->n++;
		return true;
	}
	if (!sql_eval(&c->scope, e->args[0], &v))
		return false;
	if (!v.text.ptr)
		return true;
	a->n++;
	if (sql_same_word(e->name, "sum"))
		return sum_value(a, v) ||
		       sql_fail_generic(c->r, "not emulated: %.*s", VIEW_ARG(e->source));
	if (sql_same_word(e->name, "count"))
		return true;
	order = a->n > 1 ? sql_compare(v, a->best) : 0;
	if (a->n == 1 || (sql_same_word(e->name, "min") ? order < 0 : order > 0))
		a->best = (struct sql_value){ sql_text(c->r, v.text), v.sort };
	return true;
}

static bool sum_row(struct chooser *c)
{
	size_t i = 0;

	list_for_each(at, c->items)
		if (!add_to_sum(c, LIST_OF(at, struct sql_item, link)->expr,
				&c->sums[i++]))
			return false;
	return true;
}

static struct ez_view sum_text(struct sql_result *r, const struct accumulator *a)
{
	if (a->is_float)
		return sql_textf(r, "%.17g", a->float_sum);
	return sql_textf(r, "%lld", (long long)a->sum);
}

static bool send_sums(struct chooser *c)
{
	struct ez_view *cells = sql_result_row(c->r);
	size_t i = 0;

	list_for_each(at, c->items) {
		struct sql_expr *e = LIST_OF(at, struct sql_item, link)->expr;
		size_t place = place_in_group_by(c, e);
		struct accumulator *a = &c->sums[i];
		struct sql_value v;

		if (place < c->n_group_by) {
			if (c->group->values[place].ptr)
				cells[i] = sql_text(c->r, c->group->values[place]);
		} else if (e->kind == SQL_VALUE) {
			if (!sql_eval(&c->scope, e, &v))
				return false;
			cells[i] = v.text;
		} else if (sql_same_word(e->name, "count")) {
			cells[i] = sql_textf(c->r, "%llu", (unsigned long long)a->n);
		} else if (a->n > 0 && sql_same_word(e->name, "sum")) {
			cells[i] = sum_text(c->r, a);
		} else if (a->n > 0) {
			cells[i] = sql_text(c->r, a->best.text);
		}
		i++;
	}
	return true;
}

/* The group of the row at hand becomes the one that is summed up. */
static bool enter_group(struct chooser *c)
{
	struct ez_view *values = arena_calloc(&c->scratch, c->n_group_by, sizeof(*values));
	_cleanup_(buf_release) struct buf key = BUF_INIT(SIZE_MAX / 2);
	struct group *g;
	size_t i = 0;

	list_for_each(at, &c->choice->group_by) {
		struct sql_value v;

		if (!sql_eval(&c->scope, LIST_OF(at, struct sql_group_by, link)->expr, &v))
			return false;
		values[i++] = v.text;
		buf_addf(&key, "%d %zu ", v.text.ptr != NULL, v.text.len);
		buf_add_view(&key, v.text);
	}
	g = map_get(&c->groups, buf_view(&key));
	if (!g) {
		g = arena_calloc(c->r->arena, 1, sizeof(*g));
		g->values = arena_calloc(c->r->arena, c->n_group_by, sizeof(*values));
		for (i = 0; i < c->n_group_by; i++)
			if (values[i].ptr)
				g->values[i] = sql_text(c->r, values[i]);
		g->sums = arena_calloc(c->r->arena, c->n_items, sizeof(*g->sums));
		map_put(&c->groups, buf_view(&key), g);
	}
	c->sums = g->sums;
	return true;
}

static bool send_groups(struct chooser *c)
{
	map_for_each (e, &c->groups) {
		c->group = e->value;
		c->sums = c->group->sums;
		if (c->choice->has_limit && c->n_sent++ >= c->choice->limit)
			return true;
		if (!send_sums(c))
			return false;
	}
	return true;
}

static int compare_kept(const void *x, const void *y, void *arg)
{
	const struct kept_row *a = x, *b = y;
	const struct chooser *c = arg;

	for (size_t i = 0; i < c->n_order; i++) {
		size_t at = c->order[i];
		enum sql_sort sort = c->source->columns[at].sort;
		struct sql_value v = { a->cells[at], sort }, w = { b->cells[at], sort };
		int order;

		if (!v.text.ptr || !w.text.ptr)
			order = (v.text.ptr != NULL) - (w.text.ptr != NULL);
		else
			order = sql_compare(v, w);
		if (order != 0)
			return c->descending[i] ? -order : order;
	}
	return a->at < b->at ? -1 : a->at > b->at;
}

static bool send_kept(struct chooser *c)
{
	bool more = true;

	if (c->n_kept > 0)
		qsort_r(c->kept, c->n_kept, sizeof(*c->kept), compare_kept, c);
	for (size_t i = 0; more && i < c->n_kept; i++) {
		c->scope.cells = c->cells = c->kept[i].cells;
		if (!pass_row(c, &more))
			return false;
	}
	return true;
}

static bool send_all(struct chooser *c)
{
	if (c->n_group_by > 0)
		return send_groups(c);
	return c->sums ? send_sums(c) : send_kept(c);
}

static bool take_row(struct chooser *c, bool *ret_more)
{
	bool is_wanted = true;

	if (c->choice->where &&
	    !sql_eval_condition(&c->scope, c->choice->where, &is_wanted))
		return false;
	if (!is_wanted)
		return true;
	if (c->n_group_by > 0 && !enter_group(c))
		return false;
	if (c->sums)
		return sum_row(c);
	if (c->n_order > 0) {
		keep_row(c);
		return true;
	}
	return pass_row(c, ret_more);
}

/* What is computed of rows that are summed up is forgotten now and then. */
static bool take_rows(struct chooser *c)
{
	bool more = true, is_good = true;

	arena_init(&c->scratch, c->r->arena->pool, 0);
	sql_result_init(&c->spare, &c->scratch);
	if (c->sums)
		c->scope.r = &c->spare;
	while (more && is_good && c->source->next(c->source, c->cells)) {
		is_good = take_row(c, &more);
		if (is_good && arena_bytes(&c->scratch) > SCRATCH_BYTES) {
			arena_release(&c->scratch);
			arena_init(&c->scratch, c->r->arena->pool, 0);
		}
	}
	if (sql_failed(&c->spare))
		sql_fail(c->r, c->spare.code, c->spare.state, "%.*s",
			 VIEW_ARG(c->spare.text));
	arena_release(&c->scratch);
	c->scope.r = c->r;
	return is_good;
}

bool sql_choose(struct sql_session *session, struct sql_source *source,
		struct list *items, struct sql_choice *choice, struct sql_result *r)
{
	struct chooser c = {
		.source = source,
		.items = items,
		.choice = choice,
		.r = r,
		.cells = arena_calloc(r->arena, source->n_columns + 1,
				      sizeof(struct ez_view)),
	};
	bool is_good;

	c.groups = MAP_INIT;
	c.scope = (struct sql_scope){
		.session = session, .source = source, .cells = c.cells, .r = r
	};
	if (!resolve_order(&c) || !describe(&c))
		return false;
	is_good = take_rows(&c) && send_all(&c);
	map_release(&c.groups, NULL);
	return is_good;
}
