/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "accounts.h"
#include "sql_lex.h"
#include "sql_rows.h"

/* ------------------------------------------------------------- comparison */

/* A decimal number cut up: sign, digits before the point without leading zeros, and behind it. */
struct number {
	bool is_negative;
	struct ez_view whole, part;
};

static struct number number_of(struct ez_view v)
{
	struct number n = { .is_negative = v.len > 0 && *v.ptr == '-' };
	const char *point;
	size_t skip = n.is_negative || (v.len > 0 && *v.ptr == '+');

	while (skip < v.len && v.ptr[skip] == '0')
		skip++;
	n.whole = view_of(v.ptr + skip, v.len - skip);
	n.part = view_of("", 0);
	point = n.whole.len ? memchr(n.whole.ptr, '.', n.whole.len) : NULL;
	if (point) {
		n.part = view_of(point + 1,
				 n.whole.len - (size_t)(point + 1 - n.whole.ptr));
		n.whole.len = (size_t)(point - n.whole.ptr);
		while (n.part.len > 0 && n.part.ptr[n.part.len - 1] == '0')
			n.part.len--;
	}
	if (n.whole.len == 0 && n.part.len == 0)
		n.is_negative = false;
	return n;
}

static int compare_numbers(struct ez_view a, struct ez_view b)
{
	struct number x = number_of(a), y = number_of(b);
	int order;

	if (x.is_negative != y.is_negative)
		return x.is_negative ? -1 : 1;
	if (x.whole.len != y.whole.len)
		order = x.whole.len < y.whole.len ? -1 : 1;
	else
		order = view_cmp(x.whole, y.whole);
	if (order == 0)
		order = view_cmp(x.part, y.part);
	return x.is_negative ? -order : order;
}

static double to_double(struct ez_view v)
{
	char text[512];

	memcpy(text, v.ptr, MIN(v.len, sizeof(text) - 1));
	text[MIN(v.len, sizeof(text) - 1)] = '\0';
	return strtod(text, NULL);
}

/* "2020-01-02" and "2020-01-02T00:00:00.000" are the same. */
static char time_char(struct ez_view v, size_t at)
{
	static const char midnight[] = "0000-01-01 00:00:00.000000";
	char c = at < v.len ? v.ptr[at] : midnight[at];

	return c == 'T' ? ' ' : c;
}

static int compare_times(struct ez_view a, struct ez_view b)
{
	for (size_t i = 0; i < 26; i++) {
		char x = time_char(a, i), y = time_char(b, i);

		if (x != y)
			return (unsigned char)x < (unsigned char)y ? -1 : 1;
	}
	return 0;
}

static struct ez_view boolean_digit(struct ez_view v)
{
	if (sql_same_word(v, "true"))
		return VIEW("1");
	return sql_same_word(v, "false") ? VIEW("0") : v;
}

int sql_compare(struct sql_value a, struct sql_value b)
{
	double x, y;

	if (a.sort == SQL_AS_TIME || b.sort == SQL_AS_TIME)
		return compare_times(a.text, b.text);
	if (a.sort == SQL_AS_BOOLEAN || b.sort == SQL_AS_BOOLEAN)
		return compare_numbers(boolean_digit(a.text), boolean_digit(b.text));

	if (a.sort == SQL_AS_FLOAT || b.sort == SQL_AS_FLOAT) {
		x = to_double(a.text);
		y = to_double(b.text);
		return (x > y) - (x < y);
	}
	if (a.sort == SQL_AS_NUMBER || b.sort == SQL_AS_NUMBER)
		return compare_numbers(a.text, b.text);
	return view_cmp(a.text, b.text);
}

/* One pass with one point to come back to: what the last % has taken grows. */
bool sql_is_like(struct ez_view text, struct ez_view pattern)
{
	size_t t = 0, p = 0, back_t = 0, back_p = SIZE_MAX;

	while (t < text.len) {
		bool is_escaped = p + 1 < pattern.len && pattern.ptr[p] == '\\';
		char want = p < pattern.len ? pattern.ptr[p + is_escaped] : '\0';

		if (p < pattern.len && want == '%' && !is_escaped) {
			back_p = ++p;
			back_t = t;
		} else if (p < pattern.len &&
			   (want == text.ptr[t] || (want == '_' && !is_escaped))) {
			p += 1 + is_escaped;
			t++;
		} else if (back_p != SIZE_MAX) {
			p = back_p;
			t = ++back_t;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '%')
		p++;
	return p == pattern.len;
}

/* -------------------------------------------------------------- functions */

static const char *const aggregates[] = { "count", "min", "max", "sum" };

bool sql_is_aggregate(const struct sql_expr *e)
{
	if (e->kind != SQL_CALL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(aggregates); i++)
		if (sql_same_word(e->name, aggregates[i]))
			return true;
	return false;
}

static struct sql_value value_of(struct ez_view text)
{
	return (struct sql_value){ .text = text };
}

static bool not_emulated(const struct sql_scope *sc, const char *what,
			 struct ez_view name)
{
	violation_add(sc->session->cluster, "not_emulated", "%s %.*s", what,
		      VIEW_ARG(name));
	return sql_fail_generic(sc->r, "not emulated: %s %.*s", what, VIEW_ARG(name));
}

static struct ez_view hex_of(const struct sql_scope *sc, struct ez_view v)
{
	static const char digits[] = "0123456789ABCDEF";
	char *hex = arena_alloc(sc->r->arena, v.len * 2 + 1);

	for (size_t i = 0; i < v.len; i++) {
		hex[2 * i] = digits[(unsigned char)v.ptr[i] >> 4];
		hex[2 * i + 1] = digits[(unsigned char)v.ptr[i] & 15];
	}
	return view_of(hex, v.len * 2);
}

static bool call_hex(const struct sql_scope *sc, struct sql_expr *e,
		     struct sql_value *ret)
{
	struct sql_value v;
	int64_t n;

	if (e->n_args != 1 || !sql_eval(sc, e->args[0], &v))
		return sql_fail_generic(sc->r,
					"No matching function with signature: hex");
	if (v.text.ptr && v.sort == SQL_AS_NUMBER && parse_i64(v.text, &n))
		v.text = sql_textf(sc->r, "%llX", (unsigned long long)n);
	else if (v.text.ptr)
		v.text = hex_of(sc, v.text);
	*ret = value_of(v.text);
	return true;
}

static struct ez_view server_version(const struct sql_scope *sc)
{
	return sql_text_str(sc->r, sc->session->cluster->profile.major >= 3 ? "8.0.33"
									    : "5.1.0");
}

static struct ez_view now_text(const struct sql_scope *sc)
{
	struct rfc3339 now = format_rfc3339_us(now_us());

	return sql_textf(sc->r, "%.10s %.8s", now.text, now.text + 11);
}

static struct ez_view roles_text(const struct sql_scope *sc)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(1 << 16);
	const struct sql_session *s = sc->session;

	if (view_eq_str(s->user, s->cluster->user))
		return VIEW("root");
	account_add_roles(account_find(s->cluster, s->user, false), true, &b);
	return sql_text(sc->r, buf_view(&b));
}

/* Functions without arguments. False: there is none of that name. */
static bool call_simple(const struct sql_scope *sc, struct ez_view name,
			struct sql_value *ret)
{
	const struct sql_session *s = sc->session;

	*ret = value_of(view_of(NULL, 0));
	if (sql_same_word(name, "current_version"))
		ret->text = sql_textf(sc->r, "%s e5c0de7", s->cluster->profile.text);
	else if (sql_same_word(name, "version"))
		ret->text = server_version(sc);
	else if (sql_same_word(name, "database") || sql_same_word(name, "schema"))
		ret->text = *s->database ? sql_text_str(sc->r, s->database) : ret->text;
	else if (sql_same_word(name, "user") || sql_same_word(name, "current_user"))
		ret->text = sql_textf(sc->r, "'%.*s'@'%%'", VIEW_ARG(s->user));
	else if (sql_same_word(name, "current_role"))
		ret->text = roles_text(sc);
	else if (sql_same_word(name, "connection_id"))
		*ret = (struct sql_value){ sql_textf(sc->r, "%u", s->connection_id),
					   SQL_AS_NUMBER };
	else if (sql_same_word(name, "now"))
		ret->text = now_text(sc);
	else
		return false;
	return true;
}

static bool eval_call(const struct sql_scope *sc, struct sql_expr *e,
		      struct sql_value *ret)
{
	if (sql_same_word(e->name, "hex"))
		return call_hex(sc, e, ret);
	if (sql_has_function(e->name))
		return sql_call_function(sc, e, ret);
	if (e->n_args == 0 && call_simple(sc, e->name, ret))
		return true;
	if (sql_is_aggregate(e))
		return not_emulated(sc, "an aggregate here,", e->name);
	return not_emulated(sc, "the function", e->name);
}

static bool eval_variable(const struct sql_scope *sc, const struct sql_expr *e,
			  struct sql_value *ret)
{
	static const struct {
		const char *name, *value;
	} known[] = {
		{ "version_comment", "StarRocks version" },
		{ "autocommit", "1" },
		{ "lower_case_table_names", "0" },
		{ "max_allowed_packet", "33554432" },
		{ "sql_mode", "ONLY_FULL_GROUP_BY" },
		{ "time_zone", "Asia/Shanghai" },
		{ "tx_isolation", "REPEATABLE-READ" },
		{ "wait_timeout", "28800" },
		{ "character_set_client", "utf8" },
		{ "query_timeout", "300" },
	};

	if (sql_same_word(e->name, "version")) {
		*ret = value_of(server_version(sc));
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (sql_same_word(e->name, known[i].name)) {
			*ret = value_of(view_str(known[i].value));
			return true;
		}
	}
	return sql_fail(sc->r, 1193, "HY000", "Unknown system variable '%.*s'",
			VIEW_ARG(e->name));
}

/* ------------------------------------------------------------- evaluation */

/* The column's place is looked up once and kept in n_args, which columns do not need. */
static bool eval_column(const struct sql_scope *sc, struct sql_expr *e,
			struct sql_value *ret)
{
	size_t n = sc->source ? sc->source->n_columns : 0;

	for (size_t i = 0; e->n_args == 0 && i < n; i++)
		if (sql_same_name(sc->source->columns[i].name, e->name))
			e->n_args = i + 1;
	if (e->n_args == 0 || e->n_args > n)
		return sql_fail_analysis(sc->r, "Column '%.*s' cannot be resolved.",
					 VIEW_ARG(e->name));
	*ret = (struct sql_value){ sc->cells[e->n_args - 1],
				   sc->source->columns[e->n_args - 1].sort };
	return true;
}

static bool eval_value(const struct sql_expr *e, struct sql_value *ret)
{
	*ret = value_of(e->is_null ? view_of(NULL, 0) : e->name);
	if (e->is_number)
		ret->sort = e->name.len && memchr(e->name.ptr, 'e', e->name.len)
				    ? SQL_AS_FLOAT
				    : SQL_AS_NUMBER;
	return true;
}

/* Conditions have three values. */
enum truth {
	IS_FALSE,
	IS_TRUE,
	IS_UNKNOWN,
};

static bool eval_truth(const struct sql_scope *sc, struct sql_expr *e, enum truth *ret);

static enum truth truth_of(bool is_true)
{
	return is_true ? IS_TRUE : IS_FALSE;
}

static bool eval_compare(const struct sql_scope *sc, struct sql_expr *e, enum truth *ret)
{
	struct sql_value a, b;
	int order;

	if (!sql_eval(sc, e->args[0], &a) || !sql_eval(sc, e->args[1], &b))
		return false;
	if (!a.text.ptr || !b.text.ptr) {
		*ret = view_eq_str(e->name, "<=>") ? truth_of(a.text.ptr == b.text.ptr)
						   : IS_UNKNOWN;
		return true;
	}
	order = sql_compare(a, b);
	if (view_eq_str(e->name, "=") || view_eq_str(e->name, "<=>"))
		*ret = truth_of(order == 0);
	else if (view_eq_str(e->name, "<>"))
		*ret = truth_of(order != 0);
	else if (*e->name.ptr == '<')
		*ret = truth_of(order < 0 || (e->name.len == 2 && order == 0));
	else
		*ret = truth_of(order > 0 || (e->name.len == 2 && order == 0));
	return true;
}

static bool eval_in(const struct sql_scope *sc, struct sql_expr *e, enum truth *ret)
{
	struct sql_value a, b;

	if (!sql_eval(sc, e->args[0], &a))
		return false;
	*ret = a.text.ptr ? IS_FALSE : IS_UNKNOWN;
	for (size_t i = 1; a.text.ptr && i < e->n_args; i++) {
		if (!sql_eval(sc, e->args[i], &b))
			return false;
		if (!b.text.ptr) {
			*ret = IS_UNKNOWN;
		} else if (sql_compare(a, b) == 0) {
			*ret = IS_TRUE;
			return true;
		}
	}
	return true;
}

static bool eval_like(const struct sql_scope *sc, struct sql_expr *e, enum truth *ret)
{
	struct sql_value a, b;

	if (!sql_eval(sc, e->args[0], &a) || !sql_eval(sc, e->args[1], &b))
		return false;
	*ret = a.text.ptr && b.text.ptr ? truth_of(sql_is_like(a.text, b.text))
					: IS_UNKNOWN;
	return true;
}

/* AND ends at the first false, OR at the first true. */
static bool eval_and_or(const struct sql_scope *sc, struct sql_expr *e, enum truth *ret)
{
	enum truth stop = e->kind == SQL_AND ? IS_FALSE : IS_TRUE;
	enum truth sum = e->kind == SQL_AND ? IS_TRUE : IS_FALSE, one;

	for (size_t i = 0; i < e->n_args; i++) {
		if (!eval_truth(sc, e->args[i], &one))
			return false;
		if (one == stop) {
			*ret = stop;
			return true;
		}
		if (one == IS_UNKNOWN)
			sum = IS_UNKNOWN;
	}
	*ret = sum;
	return true;
}

static bool eval_truth(const struct sql_scope *sc, struct sql_expr *e, enum truth *ret)
{
	struct sql_value v;

	switch (e->kind) {
	case SQL_AND:
	case SQL_OR:
		return eval_and_or(sc, e, ret);
	case SQL_NOT:
		if (!eval_truth(sc, e->args[0], ret))
			return false;
		if (*ret != IS_UNKNOWN)
			*ret = truth_of(*ret == IS_FALSE);
		return true;
	case SQL_COMPARE:
		return eval_compare(sc, e, ret);
	case SQL_IN:
		return eval_in(sc, e, ret);
	case SQL_LIKE:
		return eval_like(sc, e, ret);
	case SQL_IS_NULL:
		if (!sql_eval(sc, e->args[0], &v))
			return false;
		*ret = truth_of(!v.text.ptr);
		return true;
	default:
		if (!sql_eval(sc, e, &v))
			return false;
		*ret = v.text.ptr ? truth_of(to_double(v.text) != 0) : IS_UNKNOWN;
		return true;
	}
}

bool sql_eval_condition(const struct sql_scope *sc, struct sql_expr *e, bool *ret_is_true)
{
	enum truth t;

	if (!eval_truth(sc, e, &t))
		return false;
	*ret_is_true = t == IS_TRUE;
	return true;
}

bool sql_eval(const struct sql_scope *sc, struct sql_expr *e, struct sql_value *ret_value)
{
	enum truth t;

	switch (e->kind) {
	case SQL_VALUE:
		return eval_value(e, ret_value);
	case SQL_COLUMN:
		return eval_column(sc, e, ret_value);
	case SQL_VARIABLE:
		return eval_variable(sc, e, ret_value);
	case SQL_CALL:
		return eval_call(sc, e, ret_value);
	case SQL_MINUS:
		if (!sql_eval(sc, e->args[0], ret_value))
			return false;
		if (ret_value->text.ptr)
			ret_value->text =
				sql_textf(sc->r, "-%.*s", VIEW_ARG(ret_value->text));
		return true;
	case SQL_CAST:
		return sql_eval_cast(sc, e, ret_value);
	case SQL_ARITHMETIC:
		return sql_eval_arithmetic(sc, e, ret_value);
	case SQL_STAR:
		return sql_fail_analysis(sc->r, "* is not allowed here");
	default:
		if (!eval_truth(sc, e, &t))
			return false;
		*ret_value = value_of(t == IS_UNKNOWN ? view_of(NULL, 0)
				      : t == IS_TRUE  ? VIEW("1")
						      : VIEW("0"));
		ret_value->sort = SQL_AS_NUMBER;
		return true;
	}
}
