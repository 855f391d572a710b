/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "filter/eval.h"

#include "base/utf8.h"
#include "base/view.h"
#include "filter/moment.h"

/* ------------------------------------------------------------------ truth */

static unsigned truth_of(bool v)
{
	return v ? TRUTH_TRUE : TRUTH_FALSE;
}

static unsigned truth_not(unsigned a)
{
	return (a & TRUTH_NULL) | (a & TRUTH_TRUE ? TRUTH_FALSE : 0u) |
	       (a & TRUTH_FALSE ? TRUTH_TRUE : 0u);
}

static unsigned truth_and(unsigned a, unsigned b)
{
	unsigned r = (a & b & TRUTH_TRUE) | ((a | b) & TRUTH_FALSE);

	/* NULL with NULL or true. */
	if (((a | b) & TRUTH_NULL) && (a & (TRUTH_NULL | TRUTH_TRUE)) &&
	    (b & (TRUTH_NULL | TRUTH_TRUE)))
		r |= TRUTH_NULL;
	return r;
}

static unsigned truth_or(unsigned a, unsigned b)
{
	return truth_not(truth_and(truth_not(a), truth_not(b)));
}

/* ------------------------------------------------------------------ values */

static struct ez_view without_blanks(struct ez_view v)
{
	while (v.len > 0 && v.ptr[v.len - 1] == ' ')
		v.len--;
	return v;
}

/* False when the value is not of the kind it should be. */
static bool compare(uint32_t how, struct ez_view value, const struct bound_literal *l,
		    int *ret_order)
{
	struct decimal d;

	switch (how) {
	case COMPARE_NUMBER:
		if (!decimal_parse(value, &d))
			return false;
		*ret_order = decimal_cmp(&d, &l->number);
		return true;
	case COMPARE_MOMENT:
		*ret_order = moment_cmp(value, l->text);
		return true;
	case COMPARE_PADDED:
		*ret_order = view_cmp(without_blanks(value), without_blanks(l->text));
		return true;
	default:
		*ret_order = view_cmp(value, l->text);
		return true;
	}
}

/* The length of one character of the pattern, which may be escaped. */
static size_t skip_character(struct ez_view v, size_t at)
{
	size_t n = utf8_char_len(v.ptr + at, v.len - at);

	return n ? n : 1;
}

/*
 * One step of a pattern at `*p` against the text at `*t`; both move on when it fits. A
 * backslash takes the next byte literally.
 */
static bool like_step(struct ez_view text, size_t *t, struct ez_view pattern, size_t *p)
{
	if (*p == pattern.len || *t == text.len)
		return false;
	if (pattern.ptr[*p] == '_') {
		*t += skip_character(text, *t);
		(*p)++;
		return true;
	}
	if (pattern.ptr[*p] == '\\' && *p + 1 < pattern.len) {
		if (pattern.ptr[*p + 1] != text.ptr[*t])
			return false;
		*p += 2;
	} else {
		if (pattern.ptr[*p] != text.ptr[*t])
			return false;
		(*p)++;
	}
	(*t)++;
	return true;
}

/* Only the last % needs to be remembered: an earlier one can never do better. */
static bool is_like(struct ez_view text, struct ez_view pattern)
{
	size_t t = 0, p = 0, star_t = 0, star_p = 0;
	bool has_star = false;

	while (t < text.len || p < pattern.len) {
		if (p < pattern.len && pattern.ptr[p] == '%') {
			has_star = true;
			star_p = ++p;
			star_t = t;
			continue;
		}
		if (like_step(text, &t, pattern, &p))
			continue;
		if (!has_star || star_t == text.len)
			return false;
		star_t += skip_character(text, star_t);
		t = star_t;
		p = star_p;
	}
	return true;
}

static bool fits_order(uint32_t op, int order)
{
	switch (op) {
	case WHERE_EQ:
	case WHERE_IN:
		return order == 0;
	case WHERE_NE:
		return order != 0;
	case WHERE_LT:
		return order < 0;
	case WHERE_LE:
		return order <= 0;
	case WHERE_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

/* ------------------------------------------------------------------ nodes */

/* The column's value, from the old row where the new one only says "as before". */
static const struct ez_cell *find_cell(const struct row *row, uint32_t index)
{
	const struct ez_cell *cell = row->cells ? &row->cells[index] : NULL;

	if (cell && cell->kind == EZ_CELL_UNCHANGED && row->old)
		cell = &row->old[index];
	if (cell && cell->kind != EZ_CELL_NULL && cell->kind != EZ_CELL_TEXT)
		return NULL;
	return cell;
}

static unsigned eval_comparison(const struct where_bound *b, const struct where_node *n,
				const struct row *row)
{
	const struct bound_column *c = &b->columns[n->column];
	const struct ez_cell *cell = find_cell(row, c->index);
	const struct bound_literal *l = &b->literals[n->literal];
	struct ez_view value;

	if (n->op == WHERE_IS_NULL)
		return cell ? truth_of(cell->kind == EZ_CELL_NULL)
			    : TRUTH_TRUE | TRUTH_FALSE;
	if (!cell)
		return TRUTH_ANY;
	if (cell->kind == EZ_CELL_NULL)
		return TRUTH_NULL;
	value = view_of(cell->ptr, cell->len);
	if (n->op == WHERE_LIKE)
		return truth_of(is_like(value, l->text));
	for (uint32_t i = 0; i < n->n_literals; i++) {
		int order;

		if (!compare(c->how, value, &l[i], &order))
			return TRUTH_ANY;
		if (fits_order(n->op, order))
			return TRUTH_TRUE;
	}
	return TRUTH_FALSE;
}

static unsigned eval_node(const struct where_bound *b, uint32_t i, const struct row *row)
{
	const struct where_node *nodes = b->where->nodes;
	const struct where_node *n = &nodes[i];
	bool is_and = n->op == WHERE_AND;
	unsigned r = is_and ? TRUTH_TRUE : TRUTH_FALSE;

	if (n->op == WHERE_NOT)
		return truth_not(eval_node(b, n->child, row));
	if (n->op != WHERE_AND && n->op != WHERE_OR)
		return eval_comparison(b, n, row);
	for (uint32_t k = n->child; k; k = nodes[k].next) {
		unsigned v = eval_node(b, k, row);

		r = is_and ? truth_and(r, v) : truth_or(r, v);
		if (r == (is_and ? TRUTH_FALSE : TRUTH_TRUE))
			break;
	}
	return r;
}

unsigned where_eval(const struct where_bound *b, const struct row *row)
{
	return eval_node(b, b->where->root, row);
}
