/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/checked.h"
#include "base/parse.h"
#include "sql_lex.h"
#include "sql_rows.h"

/*
 * Functions over values, CAST and arithmetic: what comparing tables by checksums takes.
 *
 * What a real server decides by types is refused here when the types do not fit, or when the
 * result would be text that servers do not agree on: that of a float.
 */
enum {
	ARGS_MAX = 4096,
	STRING_MAX = 1048576, /* longer results of string functions are NULL */
	MD5_BYTES = 16,
};

static struct sql_value null_value(void)
{
	return (struct sql_value){ .text = { NULL, 0 } };
}

static struct sql_value text_value(struct ez_view text)
{
	return (struct sql_value){ .text = text };
}

static double double_of(struct ez_view v)
{
	char text[512];

	memcpy(text, v.ptr, MIN(v.len, sizeof(text) - 1));
	text[MIN(v.len, sizeof(text) - 1)] = '\0';
	return strtod(text, NULL);
}

/* Doubles travel as text that reads back the same. */
static struct sql_value double_value(struct sql_result *r, double v)
{
	return (struct sql_value){ sql_textf(r, "%.17g", v), SQL_AS_FLOAT };
}

static struct sql_value integer_value(struct sql_result *r, int64_t v)
{
	return (struct sql_value){ sql_textf(r, "%lld", (long long)v), SQL_AS_NUMBER };
}

/* The type of a column as the table has it; NULL for anything else. */
static const struct column_type *stored_type(const struct sql_scope *sc,
					     const struct sql_expr *e)
{
	for (size_t i = 0;
	     e->kind == SQL_COLUMN && sc->source && i < sc->source->n_columns; i++)
		if (sql_same_name(sc->source->columns[i].name, e->name))
			return sc->source->columns[i].stored;
	return NULL;
}

static bool is_of(const struct sql_scope *sc, const struct sql_expr *e,
		  enum type_kind kind)
{
	const struct column_type *t = stored_type(sc, e);

	return t && t->kind == kind;
}

static bool no_signature(const struct sql_scope *sc, const struct sql_expr *e)
{
	return sql_fail_generic(sc->r, "No matching function with signature: %.*s",
				VIEW_ARG(e->source));
}

static bool not_emulated(const struct sql_scope *sc, struct ez_view what)
{
	violation_add(sc->session->cluster, "not_emulated", "%.*s", VIEW_ARG(what));
	return sql_fail_generic(sc->r, "not emulated: %.*s", VIEW_ARG(what));
}

/* An argument that has to be text, or is turned into it without being asked. */
static bool text_arg(const struct sql_scope *sc, struct sql_expr *e,
		     struct sql_value *ret)
{
	static const enum type_kind never[] = { TYPE_VARBINARY, TYPE_JSON,   TYPE_ARRAY,
						TYPE_MAP,       TYPE_STRUCT, TYPE_FLOAT,
						TYPE_DOUBLE };

	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (is_of(sc, e, never[i]))
			return no_signature(sc, e);
	if (!sql_eval(sc, e, ret))
		return false;
	return ret->sort != SQL_AS_FLOAT || !ret->text.ptr || no_signature(sc, e);
}

/* ------------------------------------------------------------- functions */

static bool call_md5(const struct sql_scope *sc, struct sql_expr *e,
		     struct sql_value *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct sql_value v;
	unsigned n = 0;
	char *hex;

	if (!text_arg(sc, e->args[0], &v))
		return false;
	*ret = null_value();
	if (!v.text.ptr)
		return true;
	if (EVP_Digest(v.text.ptr, v.text.len, sum, &n, EVP_md5(), NULL) != 1 ||
	    n != MD5_BYTES)
		return sql_fail_generic(sc->r, "no MD5 in this build");
	hex = arena_alloc(sc->r->arena, 2 * MD5_BYTES + 1);
	for (unsigned i = 0; i < MD5_BYTES; i++) {
		hex[2 * i] = digits[sum[i] >> 4];
		hex[2 * i + 1] = digits[sum[i] & 15];
	}
	*ret = text_value(view_of(hex, 2 * MD5_BYTES));
	return true;
}

static bool call_concat(const struct sql_scope *sc, struct sql_expr *e,
			struct sql_value *ret)
{
	struct sql_value *parts = arena_calloc(sc->r->arena, e->n_args, sizeof(*parts));
	size_t len = 0, at = 0;
	char *text;

	*ret = null_value();
	for (size_t i = 0; i < e->n_args; i++) {
		if (!text_arg(sc, e->args[i], &parts[i]))
			return false;
		len += parts[i].text.len;
	}
	for (size_t i = 0; i < e->n_args; i++)
		if (!parts[i].text.ptr)
			return true;
	if (len > STRING_MAX)
		return true;
	text = arena_alloc(sc->r->arena, len + 1);
	for (size_t i = 0; i < e->n_args; i++) {
		if (parts[i].text.len > 0)
			memcpy(text + at, parts[i].text.ptr, parts[i].text.len);
		at += parts[i].text.len;
	}
	*ret = text_value(view_of(text, len));
	return true;
}

static bool integer_arg(const struct sql_scope *sc, struct sql_expr *e, int64_t *ret)
{
	struct sql_value v;

	if (!sql_eval(sc, e, &v))
		return false;
	return (v.text.ptr && parse_i64(v.text, ret)) || no_signature(sc, e);
}

/* Of ASCII alone: elsewhere it would have to count characters. */
static bool call_substr(const struct sql_scope *sc, struct sql_expr *e,
			struct sql_value *ret)
{
	int64_t from, n = INT64_MAX;
	struct sql_value v;
	size_t skip;

	if (!text_arg(sc, e->args[0], &v) || !integer_arg(sc, e->args[1], &from) ||
	    (e->n_args > 2 && !integer_arg(sc, e->args[2], &n)))
		return false;
	*ret = null_value();
	if (!v.text.ptr)
		return true;
	for (size_t i = 0; i < v.text.len; i++)
		if ((unsigned char)v.text.ptr[i] >= 0x80)
			return not_emulated(sc, VIEW("substr of such text"));
	if (from < 1 || n < 0)
		return not_emulated(sc, VIEW("such a substr"));
	skip = MIN((size_t)from - 1, v.text.len);
	*ret = text_value(view_of(v.text.ptr + skip, MIN((size_t)n, v.text.len - skip)));
	return true;
}

/* From base 16 to 10, within a BIGINT: beyond it servers wrap or clamp. */
static bool call_conv(const struct sql_scope *sc, struct sql_expr *e,
		      struct sql_value *ret)
{
	int64_t from, to, n = 0;
	struct sql_value v;

	if (!text_arg(sc, e->args[0], &v) || !integer_arg(sc, e->args[1], &from) ||
	    !integer_arg(sc, e->args[2], &to))
		return false;
	if (from != 16 || to != 10 || v.text.len > 15)
		return not_emulated(sc, VIEW("such a conv"));
	*ret = null_value();
	for (size_t i = 0; i < v.text.len; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *at = memchr(digits, v.text.ptr[i] | 32, sizeof(digits) - 1);

		if (!at && v.text.ptr[i] >= '0' && v.text.ptr[i] <= '9')
			at = digits + (v.text.ptr[i] - '0');
		if (!at)
			return not_emulated(sc, VIEW("conv of no number"));
		n = n << 4 | (at - digits);
	}
	if (v.text.ptr)
		*ret = text_value(sql_textf(sc->r, "%lld", (long long)n));
	return true;
}

static bool call_abs(const struct sql_scope *sc, struct sql_expr *e,
		     struct sql_value *ret)
{
	struct sql_value v;

	if (!sql_eval(sc, e->args[0], &v))
		return false;
	*ret = null_value();
	if (!v.text.ptr)
		return true;
	if (v.sort == SQL_AS_FLOAT)
		*ret = double_value(sc->r, fabs(double_of(v.text)));
	else if (v.sort == SQL_AS_NUMBER)
		*ret = (struct sql_value){ v.text.len > 0 && *v.text.ptr == '-'
						   ? view_of(v.text.ptr + 1,
							     v.text.len - 1)
						   : v.text,
					   SQL_AS_NUMBER };
	else
		return no_signature(sc, e);
	return true;
}

static bool call_if(const struct sql_scope *sc, struct sql_expr *e, struct sql_value *ret)
{
	bool is_true;

	return sql_eval_condition(sc, e->args[0], &is_true) &&
	       sql_eval(sc, e->args[is_true ? 1 : 2], ret);
}

static bool call_ifnull(const struct sql_scope *sc, struct sql_expr *e,
			struct sql_value *ret)
{
	return sql_eval(sc, e->args[0], ret) &&
	       (ret->text.ptr || sql_eval(sc, e->args[1], ret));
}

static const struct function {
	const char *name;
	size_t least, most;
	bool (*call)(const struct sql_scope *, struct sql_expr *, struct sql_value *);
} functions[] = {
	{ "md5", 1, 1, call_md5 },       { "concat", 1, ARGS_MAX, call_concat },
	{ "substr", 2, 3, call_substr }, { "conv", 3, 3, call_conv },
	{ "abs", 1, 1, call_abs },       { "if", 3, 3, call_if },
	{ "ifnull", 2, 2, call_ifnull },
};

bool sql_has_function(struct ez_view name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (sql_same_word(name, functions[i].name))
			return true;
	return false;
}

bool sql_call_function(const struct sql_scope *sc, struct sql_expr *e,
		       struct sql_value *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		const struct function *f = &functions[i];

		if (!sql_same_word(e->name, f->name))
			continue;
		if (e->n_args < f->least || e->n_args > f->most || e->is_distinct)
			return no_signature(sc, e);
		return f->call(sc, e, ret);
	}
	return no_signature(sc, e);
}

/* ------------------------------------------------------------- CAST, arithmetic */

static bool cast_to_text(const struct sql_scope *sc, const struct sql_expr *e,
			 struct sql_value v, struct sql_value *ret)
{
	if (is_of(sc, e->args[0], TYPE_VARBINARY) || is_of(sc, e->args[0], TYPE_ARRAY))
		return sql_fail_analysis(sc->r, "Invalid type cast: %.*s",
					 VIEW_ARG(e->source));
	if (v.text.ptr && v.sort == SQL_AS_FLOAT)
		return not_emulated(sc, VIEW("the text of a float"));
	if (v.text.ptr && v.sort == SQL_AS_BOOLEAN)
		return not_emulated(sc, VIEW("the text of a boolean"));
	*ret = text_value(v.text);
	return true;
}

/* What a BIGINT cannot hold is NULL. */
static struct sql_value to_integer(const struct sql_scope *sc, struct sql_value v,
				   int64_t least, int64_t most)
{
	double d;
	int64_t n;

	if (v.sort == SQL_AS_FLOAT) {
		d = double_of(v.text);
		if (!(d >= -0x1p63 && d < 0x1p63))
			return null_value();
		n = (int64_t)d;
	} else if (!parse_i64(v.text, &n)) {
		return null_value();
	}
	return n < least || n > most ? null_value() : integer_value(sc->r, n);
}

bool sql_eval_cast(const struct sql_scope *sc, struct sql_expr *e, struct sql_value *ret)
{
	struct sql_value v;

	if (!sql_eval(sc, e->args[0], &v))
		return false;
	if (sql_same_word(e->name, "varchar") || sql_same_word(e->name, "string"))
		return cast_to_text(sc, e, v, ret);
	if (v.sort == SQL_AS_TIME || is_of(sc, e->args[0], TYPE_JSON))
		return not_emulated(sc, e->source);
	*ret = null_value();
	if (!v.text.ptr)
		return true;
	if (sql_same_word(e->name, "double") && is_of(sc, e->args[0], TYPE_FLOAT))
		*ret = double_value(sc->r, (double)(float)double_of(v.text));
	else if (sql_same_word(e->name, "double"))
		*ret = double_value(sc->r, double_of(v.text));
	else if (sql_same_word(e->name, "int"))
		*ret = to_integer(sc, v, INT32_MIN, INT32_MAX);
	else
		*ret = to_integer(sc, v, INT64_MIN, INT64_MAX);
	return true;
}

static double compute(char sign, double a, double b)
{
	return sign == '*' ? a * b : sign == '-' ? a - b : a + b;
}

bool sql_eval_arithmetic(const struct sql_scope *sc, struct sql_expr *e,
			 struct sql_value *ret)
{
	struct sql_value a, b;
	int64_t x, y, n = 0;
	char sign = *e->name.ptr;
	bool overflows;

	if (!sql_eval(sc, e->args[0], &a) || !sql_eval(sc, e->args[1], &b))
		return false;
	*ret = null_value();
	if (!a.text.ptr || !b.text.ptr)
		return true;
	if (a.sort == SQL_AS_FLOAT || b.sort == SQL_AS_FLOAT) {
		*ret = double_value(sc->r,
				    compute(sign, double_of(a.text), double_of(b.text)));
		return true;
	}
	if (a.sort != SQL_AS_NUMBER || b.sort != SQL_AS_NUMBER ||
	    !parse_i64(a.text, &x) || !parse_i64(b.text, &y))
		return not_emulated(sc, e->source);
	overflows = sign == '*'   ? __builtin_mul_overflow(x, y, &n)
		    : sign == '-' ? __builtin_sub_overflow(x, y, &n)
				  : add_overflows_i64(x, y, &n);
	if (overflows)
		return not_emulated(sc, e->source);
	*ret = integer_value(sc->r, n);
	return true;
}
