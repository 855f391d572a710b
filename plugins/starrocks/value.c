/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "value.h"

#include <string.h>

#include "base/jsonw.h"
#include "base/utf8.h"

#include "value_text.h"

bool text_is_safe(struct ez_view v)
{
	char scrap[256];

	while (v.len > 0) {
		size_t n = MIN(v.len, sizeof(scrap));

		if (!text_copy(scrap, v.ptr, n))
			return false;
		v = view_of(v.ptr + n, v.len - n);
	}
	return true;
}

static bool is_null_mark(struct ez_view v)
{
	return v.len == 2 && v.ptr[0] == '\\' && v.ptr[1] == 'N';
}

/* ------------------------------------------------------------------ short values */

static char *put_plain(char *p, struct ez_view v)
{
	return text_copy(p, v.ptr, v.len) ? p + v.len : NULL;
}

static char *put_float(char *p, struct ez_view v)
{
	char *end;

	if (!text_is_finite(v))
		return NULL;
	end = put_plain(p, v);
	/* With an exponent the server reads it exactly; its own way of decimals rounds. */
	if (end && !memchr(p, 'e', v.len)) {
		memcpy(end, "e0", 2);
		end += 2;
	}
	return end;
}

/* Digits before and after the point: within those of the column. */
static bool decimal_fits(const struct type *t, struct ez_view v)
{
	size_t at = v.len > 0 && v.ptr[0] == '-', whole = at, scale;

	while (whole < v.len && text_is_digit(v.ptr[whole]))
		whole++;
	scale = v.len - whole;
	if (scale > 0 && v.ptr[whole] != '.')
		return false;
	if (whole - at == 1 && v.ptr[at] == '0')
		at++; /* "0.5" fits DECIMAL(1,1) */
	return whole - at <= (size_t)(t->precision - t->scale) &&
	       (scale == 0 || scale - 1 <= (size_t)t->scale);
}

static char *put_bool(char *p, struct ez_view v)
{
	if (v.len != 1 || (v.ptr[0] != 't' && v.ptr[0] != 'f'))
		return NULL;
	*p = v.ptr[0] == 't' ? '1' : '0';
	return p + 1;
}

static char *put_moment(char *p, struct ez_view v)
{
	if (!text_is_moment(v))
		return NULL;
	memcpy(p, v.ptr, v.len);
	return p + v.len;
}

static bool has_utc(struct ez_view v)
{
	return view_ends(v, VIEW("+00"));
}

char *value_put(char *p, const struct field *f, struct ez_view v)
{
	switch (f->form) {
	case FORM_TEXT:
		if (v.len > (size_t)f->type.length || is_null_mark(v))
			return NULL;
		return put_plain(p, v);
	case FORM_INT:
		return text_is_finite(v) ? put_plain(p, v) : NULL;
	case FORM_FLOAT:
		return put_float(p, v);
	case FORM_DECIMAL:
		if (!text_is_finite(v) || !decimal_fits(&f->type, v))
			return NULL;
		return put_plain(p, v);
	case FORM_BOOL:
		return put_bool(p, v);
	case FORM_DATE:
		return text_is_date(v) ? put_plain(p, v) : NULL;
	case FORM_DATETIME:
		return put_moment(p, v);
	case FORM_DATETIME_UTC:
		return has_utc(v) ? put_moment(p, view_of(v.ptr, v.len - 3)) : NULL;
	case FORM_JSON:
		return v.len > 2 && v.len <= TYPE_JSON_MAX ? put_plain(p, v) : NULL;
	default:
		return NULL;
	}
}

/* ------------------------------------------------------------------ what is it */

static bool is_hex(struct ez_view v)
{
	if (v.len < 2 || v.len % 2 != 0 || v.ptr[0] != '\\' || v.ptr[1] != 'x')
		return false;
	for (size_t i = 2; i < v.len; i++) {
		char c = v.ptr[i];

		if (!text_is_digit(c) && !(c >= 'a' && c <= 'f') &&
		    !(c >= 'A' && c <= 'F'))
			return false;
	}
	return true;
}

static enum value_state check_hex(struct ez_view v, size_t most)
{
	if (!is_hex(v))
		return VALUE_BAD;
	return v.len - 2 > most ? VALUE_OUT : VALUE_OK;
}

static bool is_special_number(struct ez_view v)
{
	return view_eq(v, VIEW("NaN")) || view_eq(v, VIEW("Infinity")) ||
	       view_eq(v, VIEW("-Infinity"));
}

/* 0 to v.len: past digits from `at` on. */
static size_t skip_digits(struct ez_view v, size_t at)
{
	while (at < v.len && text_is_digit(v.ptr[at]))
		at++;
	return at;
}

/* "-12.5", without an exponent. */
static bool is_decimal(struct ez_view v)
{
	size_t at = v.len > 0 && v.ptr[0] == '-';
	size_t end = skip_digits(v, at);

	if (end == at)
		return false;
	if (end == v.len)
		return true;
	return v.ptr[end] == '.' && end + 1 < v.len && skip_digits(v, end + 1) == v.len;
}

static enum value_state check_decimal(const struct field *f, struct ez_view v)
{
	if (is_special_number(v))
		return VALUE_OUT;
	if (!is_decimal(v))
		return VALUE_BAD;
	return decimal_fits(&f->type, v) ? VALUE_OK : VALUE_OUT;
}

/* Integers and floats: what is no number at all is for the server to refuse. */
static enum value_state check_number(const struct field *f, struct ez_view v)
{
	if (!is_special_number(v))
		return VALUE_OK;
	if (f->form == FORM_INT)
		return VALUE_OUT;
	/* A FLOAT can hold them; a policy may say that it should not. */
	return f->policy == RANGE_NULL || f->policy == RANGE_CLAMP ? VALUE_OUT : VALUE_OK;
}

static bool is_infinity(struct ez_view v)
{
	return view_eq(v, VIEW("infinity")) || view_eq(v, VIEW("-infinity"));
}

/* "10000-01-01", "0044-03-15 BC", with a time and a zone behind it or not. */
static bool is_far_moment(struct ez_view v)
{
	size_t year = skip_digits(v, 0);

	if (view_ends(v, VIEW(" BC")))
		v.len -= 3;
	else if (year < 5)
		return false;
	if (year < 4 || v.len < year + 6 || v.ptr[year] != '-')
		return false;
	for (size_t i = year; i < v.len; i++)
		if (!text_is_digit(v.ptr[i]) && !strchr("-: .+", v.ptr[i]))
			return false;
	return true;
}

static enum value_state check_moment(const struct field *f, struct ez_view v)
{
	bool usual;

	if (f->form == FORM_DATE)
		usual = text_is_date(v);
	else if (f->form == FORM_DATETIME_UTC)
		usual = has_utc(v) && text_is_moment(view_of(v.ptr, v.len - 3));
	else
		usual = text_is_moment(v);
	if (usual)
		return VALUE_OK;
	return is_infinity(v) || is_far_moment(v) ? VALUE_OUT : VALUE_BAD;
}

static enum value_state check_money(struct ez_view v)
{
	size_t digits = 0;

	for (size_t i = 0; i < v.len; i++) {
		digits += text_is_digit(v.ptr[i]);
		if (!text_is_digit(v.ptr[i]) && !strchr("-$,.", v.ptr[i]))
			return VALUE_BAD;
	}
	return digits > 0 ? VALUE_OK : VALUE_BAD;
}

static enum value_state check(const struct field *f, struct ez_view v)
{
	size_t most = (size_t)f->type.length;

	switch (f->form) {
	case FORM_TEXT:
		return v.len > most ? VALUE_OUT : VALUE_OK;
	case FORM_INT:
	case FORM_FLOAT:
		return check_number(f, v);
	case FORM_DECIMAL:
		return check_decimal(f, v);
	case FORM_MONEY:
		return check_money(v);
	case FORM_HEX:
		return check_hex(v, most);
	case FORM_BYTES:
		return check_hex(v, 2 * MIN(most, (size_t)TYPE_HEX_MAX));
	case FORM_DATE:
	case FORM_DATETIME:
	case FORM_DATETIME_UTC:
		return check_moment(f, v);
	case FORM_JSON:
	case FORM_FLOATS:
		if (v.len > TYPE_JSON_MAX)
			return VALUE_OUT;
		return value_is_json(v) ? VALUE_OK : VALUE_BAD;
	case FORM_ARRAY:
		return v.len > TYPE_JSON_MAX ? VALUE_OUT : VALUE_OK;
	case FORM_BOOL:
		return VALUE_OK;
	default:
		return VALUE_BAD;
	}
}

/* ------------------------------------------------------------------ writing */

static void add_money(struct buf *b, struct ez_view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.ptr[i] != '$' && v.ptr[i] != ',')
			buf_add_char(b, v.ptr[i]);
}

static void add_float(struct buf *b, struct ez_view v)
{
	buf_add_view(b, v);
	if (text_is_finite(v) && !memchr(v.ptr, 'e', v.len))
		buf_add_str(b, "e0");
}

static struct ez_view without_zone(const struct field *f, struct ez_view v)
{
	return f->form == FORM_DATETIME_UTC ? view_of(v.ptr, v.len - 3) : v;
}

enum value_state value_csv(struct buf *b, const struct field *f, struct ez_view v)
{
	enum value_state state = check(f, v);
	size_t from = b->len;

	if (state != VALUE_OK)
		return state;
	switch (f->form) {
	case FORM_ARRAY:
		if (!value_add_array(b, f, v))
			return VALUE_BAD;
		break;
	case FORM_MONEY:
		add_money(b, v);
		break;
	case FORM_HEX:
	case FORM_BYTES:
		buf_add_view(b, view_of(v.ptr + 2, v.len - 2));
		break;
	case FORM_FLOAT:
		add_float(b, v);
		break;
	case FORM_BOOL:
		if (v.len == 1 && (v.ptr[0] == 't' || v.ptr[0] == 'f'))
			buf_add_char(b, v.ptr[0] == 't' ? '1' : '0');
		else
			buf_add_view(b, v);
		break;
	default:
		buf_add_view(b, without_zone(f, v));
		break;
	}
	v = buf_ok(b) ? view_of(b->ptr + from, b->len - from) : VIEW("");
	return text_is_safe(v) && !is_null_mark(v) ? VALUE_OK : VALUE_UNSAFE;
}

static bool is_json_integer(struct ez_view v)
{
	size_t at = v.len > 0 && v.ptr[0] == '-';

	if (v.len == at || v.len > 20 || (v.ptr[at] == '0' && v.len > at + 1))
		return false;
	return skip_digits(v, at) == v.len;
}

static void add_bool(struct buf *b, struct ez_view v)
{
	if (view_eq(v, VIEW("t")))
		buf_add_str(b, "true");
	else if (view_eq(v, VIEW("f")))
		buf_add_str(b, "false");
	else
		json_add_string(b, v);
}

/* On one line: raw line ends stand between the tokens only. */
static void add_embedded(struct buf *b, struct ez_view v)
{
	size_t from = b->len;

	buf_add_view(b, v);
	if (!buf_ok(b))
		return;
	for (size_t i = from; i < b->len; i++)
		if (b->ptr[i] == '\n' || b->ptr[i] == '\r')
			b->ptr[i] = ' ';
}

enum value_state value_json(struct buf *b, const struct field *f, struct ez_view v)
{
	enum value_state state = check(f, v);

	if (state != VALUE_OK)
		return state;
	switch (f->form) {
	case FORM_ARRAY:
		return value_add_array(b, f, v) ? VALUE_OK : VALUE_BAD;
	case FORM_JSON:
	case FORM_FLOATS:
		add_embedded(b, v);
		break;
	case FORM_INT:
		/* A LARGEINT went through a double on old servers. */
		if (f->type.kind != TYPE_LARGEINT && is_json_integer(v))
			buf_add_view(b, v);
		else
			json_add_string(b, v);
		break;
	case FORM_FLOAT:
		if (value_is_number(v))
			buf_add_view(b, v);
		else
			json_add_string(b, v);
		break;
	case FORM_BOOL:
		add_bool(b, v);
		break;
	case FORM_MONEY:
		buf_add_char(b, '"');
		add_money(b, v);
		buf_add_char(b, '"');
		break;
	case FORM_HEX:
	case FORM_BYTES:
		json_add_string(b, view_of(v.ptr + 2, v.len - 2));
		break;
	default:
		json_add_string(b, without_zone(f, v));
		break;
	}
	return VALUE_OK;
}

/* ------------------------------------------------------------------ clamping */

static void add_nines(struct buf *b, int32_t n)
{
	while (n-- > 0)
		buf_add_char(b, '9');
}

static bool clamp_integer(const struct type *t, bool negative, struct buf *b)
{
	static const char *const highest[] = {
		[TYPE_TINYINT] = "127",
		[TYPE_SMALLINT] = "32767",
		[TYPE_INT] = "2147483647",
		[TYPE_BIGINT] = "9223372036854775807",
		[TYPE_LARGEINT] = "170141183460469231731687303715884105727",
	};
	size_t from = b->len;

	if (t->kind < TYPE_TINYINT || t->kind > TYPE_LARGEINT)
		return false;
	if (negative)
		buf_add_char(b, '-');
	buf_add_str(b, highest[t->kind]);
	if (negative) /* two's complement reaches one further */
		b->ptr[b->len - 1]++;
	return b->len > from;
}

static bool clamp_decimal(const struct type *t, struct ez_view v, struct buf *b)
{
	size_t at = v.len > 0 && v.ptr[0] == '-';
	size_t whole = skip_digits(v, at) - at;

	if (view_eq(v, VIEW("NaN")))
		return false;
	if (!is_special_number(v) && whole <= (size_t)(t->precision - t->scale)) {
		/* Only the fraction is too long: digits beyond the scale go. */
		size_t end = at + whole + (t->scale > 0 ? 1 + (size_t)t->scale : 0);

		buf_add_view(b, view_of(v.ptr, MIN(end, v.len)));
		return true;
	}
	if (at > 0)
		buf_add_char(b, '-');
	add_nines(b, t->precision - t->scale);
	if (t->precision == t->scale)
		buf_add_char(b, '0');
	if (t->scale > 0)
		buf_add_char(b, '.');
	add_nines(b, t->scale);
	return true;
}

static bool clamp_float(const struct type *t, struct ez_view v, struct buf *b)
{
	if (view_eq(v, VIEW("NaN")))
		return false;
	if (v.ptr[0] == '-')
		buf_add_char(b, '-');
	buf_add_str(b, t->kind == TYPE_FLOAT ? "3.4028235e38" : "1.7976931348623157e308");
	return true;
}

static void clamp_moment(const struct field *f, struct ez_view v, struct buf *b)
{
	bool early = v.ptr[0] == '-' || view_ends(v, VIEW(" BC"));

	buf_add_str(b, early ? "0000-01-01" : "9999-12-31");
	if (f->form != FORM_DATE)
		buf_add_str(b, early ? " 00:00:00" : " 23:59:59.999999");
	if (f->form == FORM_DATETIME_UTC)
		buf_add_str(b, "+00");
}

static bool clamp_text(const struct field *f, struct ez_view *v)
{
	size_t n = (size_t)f->type.length;

	switch (f->form) {
	case FORM_TEXT:
		while (n > 0 && utf8_is_tail(v->ptr + n))
			n--;
		break;
	case FORM_HEX:
		n = 2 + n / 2 * 2;
		break;
	case FORM_BYTES:
		n = 2 + 2 * MIN(n, (size_t)TYPE_HEX_MAX);
		break;
	default:
		return false; /* half a JSON value is none */
	}
	v->len = MIN(n, v->len);
	return true;
}

bool value_clamp(const struct field *f, struct ez_view *v, struct buf *scratch)
{
	bool done = true;

	buf_reset(scratch);
	switch (f->form) {
	case FORM_INT:
		done = !view_eq(*v, VIEW("NaN")) &&
		       clamp_integer(&f->type, v->ptr[0] == '-', scratch);
		break;
	case FORM_DECIMAL:
		done = clamp_decimal(&f->type, *v, scratch);
		break;
	case FORM_FLOAT:
		done = clamp_float(&f->type, *v, scratch);
		break;
	case FORM_DATE:
	case FORM_DATETIME:
	case FORM_DATETIME_UTC:
		clamp_moment(f, *v, scratch);
		break;
	default:
		return clamp_text(f, v);
	}
	if (done)
		*v = buf_view(scratch);
	return done;
}
