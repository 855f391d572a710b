/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "convert.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "array.h"
#include "json.h"

enum {
	JSON_MAX = 16 << 20,
	BINARY_MAX = 1048576,
};

static bool is_word(struct ez_view v, const char *word)
{
	return v.len == strlen(word) && strncasecmp(v.ptr, word, v.len) == 0;
}

/* The digits of an integer without sign and leading zeros; a fraction of digits is cut off. */
static bool integer_parts(struct ez_view v, bool allows_fraction, bool *ret_negative,
			  struct ez_view *ret_digits)
{
	const char *p, *end, *from;

	v = view_trim(v);
	p = v.ptr;
	end = p + v.len;
	*ret_negative = false;
	if (p < end && (*p == '-' || *p == '+'))
		*ret_negative = *p++ == '-';
	from = p;
	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (p == from)
		return false;
	*ret_digits = view_of(from, (size_t)(p - from));
	if (p < end && *p == '.' && allows_fraction)
		for (p++; p < end && isdigit((unsigned char)*p);)
			p++;
	while (ret_digits->len > 1 && *ret_digits->ptr == '0')
		*ret_digits = view_of(ret_digits->ptr + 1, ret_digits->len - 1);
	return p == end;
}

/* Compares with the largest magnitude by text: as many digits as that one has, or fewer. */
static bool integer(struct ez_view text, const char *max, const char *min,
		    bool allows_fraction, struct buf *out)
{
	struct ez_view digits, limit;
	bool is_negative;

	if (!integer_parts(text, allows_fraction, &is_negative, &digits))
		return false;
	limit = view_str(is_negative ? min : max);
	if (digits.len > limit.len ||
	    (digits.len == limit.len && view_cmp(digits, limit) > 0))
		return false;
	if (is_negative && !view_eq_str(digits, "0"))
		buf_add_char(out, '-');
	buf_add_view(out, digits);
	return true;
}

static bool boolean(struct ez_view text, struct buf *out)
{
	struct ez_view v = view_trim(text);
	struct ez_view digits;
	bool is_negative, is_true = is_word(v, "true");

	if (!is_true && !is_word(v, "false")) {
		if (!integer_parts(v, true, &is_negative, &digits))
			return false;
		is_true = !view_eq_str(digits, "0");
	}
	buf_add_char(out, is_true ? '1' : '0');
	return true;
}

/* A number as strtod takes it, but decimal, and of a length that a number has. */
static bool number(struct ez_view text, double *ret_value)
{
	struct ez_view v = view_trim(text);
	char copy[400], *end;

	if (v.len == 0 || v.len >= sizeof(copy))
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (v.ptr[i] == '\0' || v.ptr[i] == '(' || (v.ptr[i] | 32) == 'x' ||
		    isspace((unsigned char)v.ptr[i]))
			return false;
	memcpy(copy, v.ptr, v.len);
	copy[v.len] = '\0';
	*ret_value = strtod(copy, &end);
	return *end == '\0';
}

static bool says_infinity(struct ez_view text)
{
	struct ez_view v = view_trim(text);

	return v.len > 0 &&
	       ((v.ptr[v.len - 1] | 32) == 'f' || (v.ptr[v.len - 1] | 32) == 'y');
}

/* A decimal from 1 on with a fraction that does not end in 0, as "-12.5" or "12.5e0". */
struct plain {
	struct ez_view text; /* with the sign, without the exponent */
	uint64_t digits;     /* as a whole number */
	unsigned n_digits, n_fraction;
};

static bool plain_split(struct ez_view text, struct plain *ret)
{
	const char *p, *end, *point;

	if (view_ends(text, VIEW("e0")))
		text.len -= 2;
	*ret = (struct plain){ .text = text };
	p = text.ptr;
	end = p + text.len;
	if (p < end && *p == '-')
		p++;
	point = p < end ? memchr(p, '.', (size_t)(end - p)) : NULL;
	if (!point || *p < '1' || *p > '9' || end - p > 18 || end[-1] == '0' ||
	    point + 1 == end)
		return false;
	for (; p < end; p++) {
		if (p == point)
			continue;
		if (!isdigit((unsigned char)*p))
			return false;
		ret->digits = ret->digits * 10 + (uint64_t)(*p - '0');
		ret->n_digits++;
	}
	ret->n_fraction = (unsigned)(end - point - 1);
	return true;
}

static const double power_of_ten[] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
				       1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16 };

#define EXACT_MAX (UINT64_C(1) << 53) /* up to here every whole number is a double */

/* Whether `v` (not negative) may be what the decimal says with one or two digits less. */
static bool is_shorter(const struct plain *d, unsigned drop, double v)
{
	uint64_t step = drop == 1 ? 10 : 100, digits = (d->digits + step / 2) / step;

	if (d->digits % step == step / 2)
		return true; /* which way depends on what is behind the last digit */
	/* The quotient of two exact numbers is rounded once, as strtod would. */
	return digits < EXACT_MAX &&
	       (double)digits / power_of_ten[d->n_fraction - drop] == v;
}

/* Among decimals of seventeen digits, it is the one next to `v`. */
static bool is_nearest(const struct plain *d, double v)
{
	long double unit = 1.0L / (long double)power_of_ten[d->n_fraction];
	long double off = (long double)d->digits /
				  (long double)power_of_ten[d->n_fraction] -
			  (long double)v;

	return fabsl(off) < 0.49L * unit;
}

/*
 * Decimals that are the shortest ones of their double already: most are, and printf is slow.
 * False: that takes the long way to say.
 */
static bool shortest_already(struct ez_view text, struct buf *out)
{
	struct plain d;
	char copy[24];
	double v;

	if (!plain_split(text, &d))
		return false;
	if (d.n_digits > 15) {
		if (d.n_digits > 17 || d.n_fraction < 2)
			return false;
		memcpy(copy, d.text.ptr, d.text.len);
		copy[d.text.len] = '\0';
		v = fabs(strtod(copy, NULL));
		if (is_shorter(&d, d.n_digits - 15, v))
			return false;
		if (d.n_digits == 16 && d.digits >= EXACT_MAX)
			return false;
		if (d.n_digits == 17 && (d.digits / 10 >= EXACT_MAX - 1 ||
					 is_shorter(&d, 1, v) || !is_nearest(&d, v)))
			return false;
	}
	buf_add_view(out, d.text);
	return true;
}

/* As few digits as read back as the same number. */
static void add_shortest(enum type_kind kind, double v, struct buf *out)
{
	char digits[64];

	for (int n = kind == TYPE_FLOAT ? 6 : 15; n <= 17; n++) {
		snprintf(digits, sizeof(digits), "%.*g", n, v);
		if (kind == TYPE_FLOAT ? strtof(digits, NULL) == (float)v
				       : strtod(digits, NULL) == v)
			break;
	}
	buf_add_str(out, digits);
}

static bool floating(enum type_kind kind, struct ez_view text, struct buf *out)
{
	double v;

	if (kind == TYPE_DOUBLE && shortest_already(text, out))
		return true;
	if (!number(text, &v))
		return false;
	if (kind == TYPE_FLOAT)
		v = (double)(float)v;
	if (isinf(v) && !says_infinity(text))
		return false;
	if (isnan(v)) {
		buf_add_str(out, "nan");
		return true;
	}
	if (v >= -1e15 && v <= 1e15 && v == (double)(int64_t)v &&
	    !(v == 0 && signbit(v))) {
		buf_add_i64(out, (int64_t)v);
		return true;
	}
	add_shortest(kind, v, out);
	return true;
}

static bool bytes(struct ez_view text, int64_t max, struct buf *out)
{
	if (max > 0 && text.len > (size_t)max)
		return false;
	buf_add_view(out, text);
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void convert_from_hex(struct ez_view hex, struct buf *out)
{
	size_t mark = out->len;

	if (hex.len % 2 != 0)
		return;
	for (size_t i = 0; i < hex.len; i += 2) {
		int high = hex_digit(hex.ptr[i]), low = hex_digit(hex.ptr[i + 1]);

		if (high < 0 || low < 0) {
			buf_truncate(out, mark);
			return;
		}
		buf_add_char(out, (char)(high << 4 | low));
	}
}

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool convert_from_base64(struct ez_view text, struct buf *out)
{
	size_t n_pad = 0;

	if (text.len == 0 || text.len % 4 != 0)
		return false;
	while (n_pad < 2 && text.ptr[text.len - 1 - n_pad] == '=')
		n_pad++;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t pad = i + 4 == text.len ? n_pad : 0;
		unsigned v = 0;

		for (size_t k = 0; k < 4; k++) {
			int digit = k >= 4 - pad ? 0 : base64_digit(text.ptr[i + k]);

			if (digit < 0)
				return false;
			v = v << 6 | (unsigned)digit;
		}
		buf_add(out, (char[]){ (char)(v >> 16), (char)(v >> 8), (char)v },
			3 - pad);
	}
	return true;
}

static bool binary(const struct profile *p, const struct column_type *t,
		   struct ez_view text, struct buf *out)
{
	size_t mark = out->len, max = t->length > 0 ? (size_t)t->length : BINARY_MAX;

	if (p->has_base64_varbinary) {
		if (!convert_from_base64(text, out)) {
			buf_truncate(out, mark);
			buf_add_view(out, text);
		}
	} else {
		convert_from_hex(text, out);
		if (out->len == mark && text.len > 0)
			return false;
	}
	return out->len - mark <= max;
}

static bool json_text(struct ez_view text, struct buf *out)
{
	struct ez_view rest = text, raw;

	if (text.len > JSON_MAX || !json_take(&rest, &raw))
		return false;
	json_skip_space(&rest);
	if (rest.len > 0)
		return false;
	json_compact(raw, out);
	return true;
}

bool convert_text(const struct profile *p, const struct column_type *t,
		  struct ez_view text, struct buf *out)
{
	switch (t->kind) {
	case TYPE_BOOLEAN:
		return boolean(text, out);
	case TYPE_TINYINT:
		return integer(text, "127", "128", true, out);
	case TYPE_SMALLINT:
		return integer(text, "32767", "32768", true, out);
	case TYPE_INT:
		return integer(text, "2147483647", "2147483648", true, out);
	case TYPE_BIGINT:
		return integer(text, "9223372036854775807", "9223372036854775808", true,
			       out);
	case TYPE_LARGEINT:
		return integer(text, "170141183460469231731687303715884105727",
			       "170141183460469231731687303715884105728", false, out);
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		return floating(t->kind, text, out);
	case TYPE_DECIMAL:
		return decimal_canonical(text, t->precision, t->scale, out);
	case TYPE_DATE:
		return date_canonical(text, out);
	case TYPE_DATETIME:
		return datetime_canonical(text, p->major * 100 + p->minor >= 401, out);
	case TYPE_CHAR:
	case TYPE_VARCHAR:
		return bytes(text, t->length, out);
	case TYPE_VARBINARY:
		return binary(p, t, text, out);
	case TYPE_JSON:
	case TYPE_MAP:
		return json_text(text, out);
	case TYPE_ARRAY:
		return array_from_csv(p, t, text, out);
	default:
		return false;
	}
}

bool convert_literal(const struct profile *p, const struct column_type *t,
		     struct ez_view text, struct buf *out)
{
	return convert_text(p, t, text, out);
}

bool convert_json(const struct profile *p, const struct column_type *t,
		  struct ez_view raw, struct buf *out)
{
	struct buf text = BUF_INIT(SIZE_MAX >> 1);
	bool is_good;

	if (t->kind == TYPE_JSON) {
		json_compact(raw, out);
		return raw.len <= JSON_MAX;
	}
	if (t->kind == TYPE_ARRAY && *raw.ptr == '[')
		return array_from_json(p, t, raw, out);
	if (t->kind == TYPE_MAP || t->kind == TYPE_STRUCT) {
		json_compact(raw, out);
		return *raw.ptr == '{';
	}
	if (*raw.ptr == '"')
		json_unescape(raw, &text);
	else
		json_compact(raw, &text);
	/* Not decoded natively: the text itself is stored. */
	if (t->kind == TYPE_VARBINARY)
		is_good = bytes(buf_view(&text), t->length > 0 ? t->length : BINARY_MAX,
				out);
	else
		is_good = convert_text(p, t, view_of(text.ptr ? text.ptr : "", text.len),
				       out);
	buf_release(&text);
	return is_good;
}

size_t convert_key_size(const struct column_type *t, struct ez_view canonical)
{
	static const size_t sizes[_TYPE_MAX] = {
		[TYPE_BOOLEAN] = 1, [TYPE_TINYINT] = 1,  [TYPE_SMALLINT] = 2,
		[TYPE_INT] = 4,     [TYPE_BIGINT] = 8,   [TYPE_LARGEINT] = 16,
		[TYPE_DATE] = 4,    [TYPE_DATETIME] = 8,
	};

	return sizes[t->kind] > 0 ? sizes[t->kind] : canonical.len;
}
