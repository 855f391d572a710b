/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "type.h"

#include <stdlib.h>
#include <strings.h>

#include "base/parse.h"

#include "sqlc.h"

enum {
	NUMERIC_TEXT_MIN = 9, /* "-Infinity" */
	MOMENT_TEXT = 40,     /* any date or timestamp */
	FLOAT_TEXT = 32,
	DECIMAL_MAX = 38, /* digits, before 4.0 */
	DECIMAL_WIDE_MAX = 76,
	BIGINT_DIGITS = 18, /* that any BIGINT can hold */
	LARGEINT_DIGITS = 38,
	BYTES_PER_CHARACTER = 4,
	MONEY_DIGITS = 20,
	MONEY_SCALE = 2,
};

/* Types that the engine has no kind for, by the source's names; text of known length. */
static const struct {
	const char *native;
	int32_t bytes;
} TEXTS[] = {
	{ "name", 63 },          { "\"char\"", 4 },        { "inet", 50 },
	{ "cidr", 50 },          { "macaddr", 17 },        { "macaddr8", 23 },
	{ "pg_lsn", 17 },        { "regclass", 256 },      { "regcollation", 256 },
	{ "regconfig", 256 },    { "regdictionary", 256 }, { "regnamespace", 256 },
	{ "regoper", 256 },      { "regoperator", 256 },   { "regproc", 256 },
	{ "regprocedure", 256 }, { "regrole", 256 },       { "regtype", 256 },
};

static struct type scalar(enum type_kind kind)
{
	return (struct type){ .kind = kind };
}

static struct type varchar(int64_t bytes)
{
	return (struct type){ .kind = TYPE_VARCHAR,
			      .length = (int32_t)MIN(MAX(bytes, (int64_t)1),
						     (int64_t)TYPE_STRING_MAX) };
}

static struct type long_text(bool is_key)
{
	return varchar(is_key ? TYPE_KEY_TEXT : TYPE_STRING_MAX);
}

/* The type's name without its schema: extensions are qualified. */
static struct ez_view base_name(struct ez_view native)
{
	const char *dot = native.len ? memrchr(native.ptr, '.', native.len) : NULL;

	if (!dot || (native.len && native.ptr[native.len - 1] == '"'))
		return native;
	return view_of(dot + 1, native.len - (size_t)(dot + 1 - native.ptr));
}

static bool is_native(const struct ez_column *c, const char *name)
{
	return view_eq_str(c->native, name);
}

static bool is_vector(const struct ez_column *c)
{
	struct ez_view name = base_name(c->native);

	return c->type == EZ_TYPE_OTHER &&
	       (view_eq_str(name, "vector") || view_starts(name, VIEW("vector(")));
}

/* Digits before and after the point that a numeric may have; false: no limit. */
static bool numeric_shape(const struct ez_column *c, int32_t *ret_digits,
			  int32_t *ret_scale)
{
	if (c->precision < 1)
		return false;
	if (c->scale < 0) {
		*ret_digits = c->precision - c->scale;
		*ret_scale = 0;
	} else {
		*ret_digits = MAX(c->precision, c->scale);
		*ret_scale = c->scale;
	}
	return true;
}

static int32_t decimal_max(const struct type_rules *rules)
{
	return rules->version >= SQLC_VERSION(4, 0, 0) ? DECIMAL_WIDE_MAX : DECIMAL_MAX;
}

static struct type numeric_type(const struct ez_column *c, bool is_key,
				const struct type_rules *rules)
{
	int32_t digits, scale;

	if (!numeric_shape(c, &digits, &scale))
		return is_key ? varchar(128) : long_text(false);
	if (rules->settings->out_of_range[RANGE_NUMERIC] == RANGE_TEXT)
		return varchar(MAX(digits + 3, (int32_t)NUMERIC_TEXT_MIN));
	if (is_key && scale == 0 && digits <= BIGINT_DIGITS)
		return scalar(TYPE_BIGINT);
	if (is_key && scale == 0 && digits <= LARGEINT_DIGITS)
		return scalar(TYPE_LARGEINT);
	if (is_key || digits > decimal_max(rules))
		return varchar(MAX(digits + 3, (int32_t)NUMERIC_TEXT_MIN));
	return (struct type){ .kind = TYPE_DECIMAL, .precision = digits, .scale = scale };
}

static struct type text_type(const struct ez_column *c, bool is_key)
{
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
		if (is_native(c, TEXTS[i].native))
			return varchar(TEXTS[i].bytes);
	if (c->length > 0)
		return varchar((int64_t)c->length * BYTES_PER_CHARACTER);
	return long_text(is_key);
}

static struct type other_type(const struct ez_column *c, bool is_key)
{
	static const char *const unsigned32[] = { "oid", "xid", "cid" };

	for (size_t i = 0; i < ARRAY_LEN(unsigned32); i++)
		if (is_native(c, unsigned32[i]))
			return scalar(TYPE_BIGINT);
	if (is_native(c, "xid8"))
		return scalar(TYPE_LARGEINT);
	if (is_native(c, "money"))
		return is_key ? varchar(64)
			      : (struct type){ .kind = TYPE_DECIMAL,
					       .precision = MONEY_DIGITS,
					       .scale = MONEY_SCALE };
	if (is_vector(c) && !is_key)
		return (struct type){ .kind = TYPE_ARRAY, .of_floats = true };
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
		if (is_native(c, TEXTS[i].native))
			return varchar(TEXTS[i].bytes);
	return c->length > 0 ? varchar(c->length) : long_text(is_key);
}

static struct type bytes_type(bool is_key, const struct type_rules *rules)
{
	if (is_key || rules->version < SQLC_VERSION(3, 0, 0))
		return long_text(is_key);
	return (struct type){ .kind = TYPE_VARBINARY, .length = TYPE_STRING_MAX };
}

static struct type moment_type(enum type_kind kind, enum range_class class,
			       const struct type_rules *rules)
{
	if (rules->settings->out_of_range[class] == RANGE_TEXT)
		return varchar(MOMENT_TEXT);
	return scalar(kind);
}

static struct type float_type(enum type_kind kind, bool is_key,
			      const struct type_rules *rules)
{
	if (is_key || rules->settings->out_of_range[RANGE_FLOAT] == RANGE_TEXT)
		return varchar(FLOAT_TEXT);
	return scalar(kind);
}

struct type type_of(const struct ez_column *c, bool is_key,
		    const struct type_rules *rules)
{
	switch (c->type) {
	case EZ_TYPE_BOOL:
		return scalar(TYPE_BOOLEAN);
	case EZ_TYPE_INT2:
		return scalar(TYPE_SMALLINT);
	case EZ_TYPE_INT4:
		return scalar(TYPE_INT);
	case EZ_TYPE_INT8:
		return scalar(TYPE_BIGINT);
	case EZ_TYPE_FLOAT4:
		return float_type(TYPE_FLOAT, is_key, rules);
	case EZ_TYPE_FLOAT8:
		return float_type(TYPE_DOUBLE, is_key, rules);
	case EZ_TYPE_NUMERIC:
		return numeric_type(c, is_key, rules);
	case EZ_TYPE_TEXT:
		return text_type(c, is_key);
	case EZ_TYPE_BYTES:
		return bytes_type(is_key, rules);
	case EZ_TYPE_DATE:
		return moment_type(TYPE_DATE, RANGE_DATE, rules);
	case EZ_TYPE_TIMESTAMP:
	case EZ_TYPE_TIMESTAMPTZ:
		return moment_type(TYPE_DATETIME, RANGE_TIMESTAMP, rules);
	case EZ_TYPE_TIME:
		return varchar(15); /* 24:00:00 and six digits of a second */
	case EZ_TYPE_TIMETZ:
		return varchar(24); /* +02:30:15 behind it */
	case EZ_TYPE_INTERVAL:
		return varchar(64);
	case EZ_TYPE_UUID:
		return varchar(36);
	case EZ_TYPE_ENUM:
		return varchar(63);
	case EZ_TYPE_JSON:
	case EZ_TYPE_ARRAY:
		return is_key ? long_text(true) : scalar(TYPE_JSON);
	case EZ_TYPE_OTHER:
		return other_type(c, is_key);
	default:
		return long_text(is_key);
	}
}

/* ------------------------------------------------------------------ forms */

/* Decimal digits that every value of the column is within; 0: not an integer. */
static int32_t integer_digits(const struct ez_column *c)
{
	int32_t digits, scale;

	switch (c->type) {
	case EZ_TYPE_INT2:
		return 5;
	case EZ_TYPE_INT4:
		return 10;
	case EZ_TYPE_INT8:
		return 19;
	case EZ_TYPE_NUMERIC:
		return numeric_shape(c, &digits, &scale) && scale == 0 ? digits : 0;
	case EZ_TYPE_OTHER:
		if (is_native(c, "oid") || is_native(c, "xid") || is_native(c, "cid"))
			return 11; /* beyond INT */
		return is_native(c, "xid8") ? 20 : 0;
	default:
		return 0;
	}
}

static enum value_form integer_form(const struct ez_column *c, enum type_kind kind)
{
	/* Of the types themselves, which hold a bit more than their round powers of ten. */
	static const int32_t holds[] = {
		[TYPE_TINYINT] = 2, [TYPE_SMALLINT] = 5,  [TYPE_INT] = 10,
		[TYPE_BIGINT] = 19, [TYPE_LARGEINT] = 38,
	};
	int32_t digits = integer_digits(c);
	int32_t most = holds[kind];

	if (c->type == EZ_TYPE_BOOL)
		return FORM_BOOL;
	if (c->type == EZ_TYPE_NUMERIC && kind != TYPE_LARGEINT)
		most--;
	return digits > 0 && digits <= most ? FORM_INT : FORM_NONE;
}

static enum value_form decimal_form(const struct ez_column *c, const struct type *t)
{
	int32_t whole = t->precision - t->scale, digits, scale;

	if (is_native(c, "money"))
		return whole >= 17 && t->scale >= MONEY_SCALE ? FORM_MONEY : FORM_NONE;
	if (c->type == EZ_TYPE_NUMERIC) {
		if (!numeric_shape(c, &digits, &scale))
			return FORM_DECIMAL; /* the owner's choice: values are checked */
		return digits - scale <= whole && scale <= t->scale ? FORM_DECIMAL
								    : FORM_NONE;
	}
	digits = integer_digits(c);
	return digits > 0 && digits <= whole ? FORM_DECIMAL : FORM_NONE;
}

static enum value_form moment_form(const struct ez_column *c, enum type_kind kind)
{
	if (c->type == EZ_TYPE_DATE && kind == TYPE_DATE)
		return FORM_DATE;
	if (c->type == EZ_TYPE_TIMESTAMP && kind == TYPE_DATETIME)
		return FORM_DATETIME;
	if (c->type == EZ_TYPE_TIMESTAMPTZ && kind == TYPE_DATETIME)
		return FORM_DATETIME_UTC;
	return FORM_NONE;
}

static enum value_form json_form(const struct ez_column *c)
{
	if (c->type == EZ_TYPE_ARRAY)
		return FORM_ARRAY;
	return c->type == EZ_TYPE_JSON || is_vector(c) ? FORM_JSON : FORM_NONE;
}

enum value_form type_form(const struct ez_column *c, const struct type *t)
{
	switch (t->kind) {
	case TYPE_BOOLEAN:
		return c->type == EZ_TYPE_BOOL ? FORM_BOOL : FORM_NONE;
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_BIGINT:
	case TYPE_LARGEINT:
		return integer_form(c, t->kind);
	case TYPE_FLOAT:
		return c->type == EZ_TYPE_FLOAT4 ? FORM_FLOAT : FORM_NONE;
	case TYPE_DOUBLE:
		return c->type == EZ_TYPE_FLOAT4 || c->type == EZ_TYPE_FLOAT8 ? FORM_FLOAT
									      : FORM_NONE;
	case TYPE_DECIMAL:
		return decimal_form(c, t);
	case TYPE_DATE:
	case TYPE_DATETIME:
		return moment_form(c, t->kind);
	case TYPE_VARCHAR:
		return c->type == EZ_TYPE_BYTES ? FORM_HEX : FORM_TEXT;
	case TYPE_VARBINARY:
		return c->type == EZ_TYPE_BYTES ? FORM_BYTES : FORM_NONE;
	case TYPE_JSON:
		return json_form(c);
	case TYPE_ARRAY:
		return t->of_floats && is_vector(c) ? FORM_FLOATS : FORM_NONE;
	default:
		return FORM_NONE;
	}
}

enum range_class type_class(enum value_form form)
{
	switch (form) {
	case FORM_INT:
	case FORM_DECIMAL:
	case FORM_MONEY:
		return RANGE_NUMERIC;
	case FORM_FLOAT:
		return RANGE_FLOAT;
	case FORM_DATE:
		return RANGE_DATE;
	case FORM_DATETIME:
	case FORM_DATETIME_UTC:
		return RANGE_TIMESTAMP;
	default:
		return RANGE_STRING;
	}
}

/* ------------------------------------------------------------------ comparing */

static bool is_integer(enum type_kind kind)
{
	return kind >= TYPE_TINYINT && kind <= TYPE_LARGEINT;
}

/* What MODIFY COLUMN can make of a column without changing what is in it. */
static bool can_widen(const struct type *have, const struct type *want)
{
	if (want->kind == TYPE_VARCHAR)
		return have->kind == TYPE_VARCHAR || is_integer(have->kind) ||
		       have->kind == TYPE_DECIMAL || have->kind == TYPE_FLOAT ||
		       have->kind == TYPE_DOUBLE;
	if (is_integer(have->kind) && is_integer(want->kind))
		return have->kind < want->kind;
	if (have->kind == TYPE_FLOAT && want->kind == TYPE_DOUBLE)
		return true;
	return have->kind == TYPE_DATE && want->kind == TYPE_DATETIME;
}

enum type_fit type_compare(const struct ez_column *c, const struct type *have,
			   const struct type *want)
{
	bool too_short = have->kind == TYPE_VARCHAR && want->kind == TYPE_VARCHAR &&
			 have->length < want->length;

	if (type_form(c, have) != FORM_NONE && !too_short)
		return TYPE_FITS;
	return can_widen(have, want) ? TYPE_NARROW : TYPE_WRONG;
}

bool type_eq(const struct type *a, const struct type *b)
{
	return a->kind == b->kind && a->length == b->length &&
	       a->precision == b->precision && a->scale == b->scale &&
	       a->of_floats == b->of_floats;
}

/* ------------------------------------------------------------------ text */

static const struct {
	const char *name;
	enum type_kind kind;
} NAMES[] = {
	{ "boolean", TYPE_BOOLEAN },    { "tinyint", TYPE_TINYINT },
	{ "smallint", TYPE_SMALLINT },  { "int", TYPE_INT },
	{ "integer", TYPE_INT },        { "bigint", TYPE_BIGINT },
	{ "largeint", TYPE_LARGEINT },  { "float", TYPE_FLOAT },
	{ "double", TYPE_DOUBLE },      { "decimal", TYPE_DECIMAL },
	{ "decimal32", TYPE_DECIMAL },  { "decimal64", TYPE_DECIMAL },
	{ "decimal128", TYPE_DECIMAL }, { "decimal256", TYPE_DECIMAL },
	{ "date", TYPE_DATE },          { "datetime", TYPE_DATETIME },
	{ "char", TYPE_CHAR },          { "varchar", TYPE_VARCHAR },
	{ "string", TYPE_VARCHAR },     { "varbinary", TYPE_VARBINARY },
	{ "json", TYPE_JSON },
};

void type_add(struct buf *b, const struct type *t)
{
	static const char *const words[] = {
		[TYPE_BOOLEAN] = "BOOLEAN",    [TYPE_TINYINT] = "TINYINT",
		[TYPE_SMALLINT] = "SMALLINT",  [TYPE_INT] = "INT",
		[TYPE_BIGINT] = "BIGINT",      [TYPE_LARGEINT] = "LARGEINT",
		[TYPE_FLOAT] = "FLOAT",        [TYPE_DOUBLE] = "DOUBLE",
		[TYPE_DECIMAL] = "DECIMAL",    [TYPE_DATE] = "DATE",
		[TYPE_DATETIME] = "DATETIME",  [TYPE_CHAR] = "CHAR",
		[TYPE_VARCHAR] = "VARCHAR",    [TYPE_VARBINARY] = "VARBINARY",
		[TYPE_JSON] = "JSON",          [TYPE_ARRAY] = "ARRAY",
		[TYPE_OTHER] = "another type",
	};

	buf_add_str(b, words[t->kind]);
	if (t->kind == TYPE_DECIMAL)
		buf_addf(b, "(%d,%d)", t->precision, t->scale);
	else if (t->kind == TYPE_VARCHAR || t->kind == TYPE_CHAR)
		buf_addf(b, "(%d)", t->length);
	else if (t->kind == TYPE_ARRAY && t->of_floats)
		buf_add_str(b, "<FLOAT>");
}

static bool same_word(struct ez_view v, const char *word)
{
	return v.len == strlen(word) && strncasecmp(v.ptr, word, v.len) == 0;
}

/* "(10, 2)" behind a name. */
static void parse_numbers(struct ez_view v, uint64_t numbers[2])
{
	const char *open = v.len ? memchr(v.ptr, '(', v.len) : NULL;
	const char *close = v.len ? memchr(v.ptr, ')', v.len) : NULL;
	struct ez_view rest, part;

	if (!open || !close || close < open)
		return;
	rest = view_of(open + 1, (size_t)(close - open - 1));
	for (size_t i = 0; i < 2 && view_split(&rest, ',', &part); i++)
		if (!parse_u64(view_trim(part), &numbers[i]))
			return;
}

static struct type parse_array(struct ez_view text)
{
	static const char floats[] = "array<float";
	bool of_floats = text.len > sizeof(floats) - 1 &&
			 strncasecmp(text.ptr, floats, sizeof(floats) - 1) == 0;

	return (struct type){ .kind = TYPE_ARRAY, .of_floats = of_floats };
}

/* Up to the first parenthesis, angle or blank. */
static struct ez_view first_word(struct ez_view text)
{
	size_t n = 0;

	while (n < text.len && !memchr("(< ", text.ptr[n], 3))
		n++;
	return view_of(text.ptr, n);
}

static enum type_kind kind_of(struct ez_view name)
{
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		if (same_word(name, NAMES[i].name))
			return NAMES[i].kind;
	return TYPE_OTHER;
}

struct type type_parse(struct ez_view text)
{
	uint64_t numbers[2] = { 0, 0 };
	struct type t = { .kind = TYPE_OTHER };
	struct ez_view name;

	text = view_trim(text);
	name = first_word(text);
	if (same_word(name, "array"))
		return parse_array(text);
	parse_numbers(text, numbers);
	if (numbers[0] > INT32_MAX || numbers[1] > INT32_MAX)
		return t;
	t.kind = kind_of(name);
	if (t.kind == TYPE_DECIMAL) {
		t.precision = (int32_t)numbers[0];
		t.scale = (int32_t)numbers[1];
	} else if (t.kind == TYPE_VARCHAR || t.kind == TYPE_CHAR) {
		t.length = same_word(name, "string") ? 65533 : (int32_t)numbers[0];
	} else if (t.kind == TYPE_VARBINARY) {
		t.length = numbers[0] ? (int32_t)numbers[0] : TYPE_STRING_MAX;
	} else if (t.kind == TYPE_BIGINT && view_ends(text, VIEW("unsigned"))) {
		t.kind = TYPE_LARGEINT; /* as information_schema has it */
	}
	return t;
}
