/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/json/fields.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "control/json/doc.h"

/* A long text is cut: it is for people. */
_printf_(3, 4) static bool wrong(struct field_error *e, const char *field,
				 const char *fmt, ...)
{
	va_list ap;

	if (!str_copy(e->field, sizeof(e->field), view_str(field)))
		e->field[0] = '\0';
	va_start(ap, fmt);
	if (!str_formatv(e->text, sizeof(e->text), fmt, ap))
		e->text[sizeof(e->text) - 1] = '\0';
	va_end(ap);
	return false;
}

const struct field *fields_find(const struct field *fields, const char *name)
{
	for (const struct field *f = fields; f && f->name; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

bool is_uuid(const char *s)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool digit = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f');

		if (dash ? s[i] != '-' : !digit)
			return false;
	}
	return s[36] == '\0';
}

bool is_job_name(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= 40 && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

bool is_choice(const char *choices, const char *s)
{
	struct ez_view rest = view_str(choices), one;

	while (view_split(&rest, '|', &one)) {
		if (view_eq_str(one, s))
			return true;
	}
	return false;
}

static bool two_digits(const char **s, int *ret)
{
	const char *p = *s;

	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*ret = (p[0] - '0') * 10 + (p[1] - '0');
	*s += 2;
	return true;
}

static bool literal(const char **s, const char *any_of)
{
	if (**s == '\0' || !strchr(any_of, **s))
		return false;
	++*s;
	return true;
}

/* "Z" or "+02:00" in seconds. */
static bool parse_zone(const char **s, int64_t *ret_seconds)
{
	int hours, minutes, sign = **s == '-' ? -1 : 1;

	*ret_seconds = 0;
	if (literal(s, "Zz"))
		return true;
	if (!literal(s, "+-") || !two_digits(s, &hours) || !literal(s, ":") ||
	    !two_digits(s, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = (int64_t)sign * (hours * 3600 + minutes * 60);
	return true;
}

static int64_t parse_fraction_us(const char **s)
{
	int64_t us = 0, weight = 100000;

	if (!literal(s, "."))
		return 0;
	for (; **s >= '0' && **s <= '9'; ++*s) {
		us += (**s - '0') * weight;
		weight /= 10;
	}
	return us;
}

/* "2026-01-31" */
static bool parse_date(const char **s, struct tm *tm)
{
	int century, year;

	if (!two_digits(s, &century) || !two_digits(s, &year) || !literal(s, "-") ||
	    !two_digits(s, &tm->tm_mon) || !literal(s, "-") ||
	    !two_digits(s, &tm->tm_mday))
		return false;
	tm->tm_year = century * 100 + year - 1900;
	tm->tm_mon--;
	return century >= 19 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= 31;
}

/* "12:00:00" */
static bool parse_clock(const char **s, struct tm *tm)
{
	return two_digits(s, &tm->tm_hour) && literal(s, ":") &&
	       two_digits(s, &tm->tm_min) && literal(s, ":") &&
	       two_digits(s, &tm->tm_sec) && tm->tm_hour < 24 && tm->tm_min < 60 &&
	       tm->tm_sec <= 60;
}

bool parse_rfc3339(const char *s, int64_t *ret_us)
{
	int64_t zone, fraction;
	struct tm tm = { .tm_isdst = 0 };

	if (!parse_date(&s, &tm) || !literal(&s, "Tt ") || !parse_clock(&s, &tm))
		return false;
	fraction = parse_fraction_us(&s);
	if (!parse_zone(&s, &zone) || *s != '\0')
		return false;
	*ret_us = ((int64_t)timegm(&tm) - zone) * US_PER_SEC + fraction;
	return true;
}

/* ------------------------------------------------------------------ checks */

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

static bool check_length(const struct field *f, size_t n, int64_t fallback_max,
			 struct field_error *e)
{
	int64_t max = f->max > 0 ? f->max : fallback_max;

	if ((int64_t)n < f->min)
		return wrong(e, f->name,
			     f->min == 1 ? "must not be empty" : "is too short");
	if ((int64_t)n > max)
		return wrong(e, f->name, "is longer than %lld", (long long)max);
	return true;
}

static bool check_text(const struct field *f, const struct json_t *v,
		       struct field_error *e)
{
	const char *s = doc_str_value(v);
	int64_t us;

	if (!s)
		return wrong(e, f->name, "must be a string");
	switch (f->type) {
	case FIELD_NAME:
		return is_job_name(s) ||
		       wrong(e, f->name,
			     "must be a lower-case letter, then at most 39 lower-case letters, "
			     "digits and underscores");
	case FIELD_UUID:
		return is_uuid(s) || wrong(e, f->name, "must be a UUID in lower case");
	case FIELD_ENUM:
		return is_choice(f->choices, s) ||
		       wrong(e, f->name, "must be one of %s", f->choices);
	case FIELD_DURATION:
		return (parse_duration(view_str(s), &us) && us >= 0) ||
		       wrong(e, f->name, "must be a duration such as 90d or 30m");
	case FIELD_TIME:
		return parse_rfc3339(s, &us) ||
		       wrong(e, f->name, "must be a time such as 2026-01-31T12:00:00Z");
	case FIELD_LABEL:
		return check_length(f, strlen(s), 200, e) &&
		       (!has_control(s) ||
			wrong(e, f->name, "must not hold control characters"));
	default:
		return check_length(f, strlen(s), 4096, e);
	}
}

static bool check_number(const struct field *f, const struct json_t *v,
			 struct field_error *e)
{
	double d;

	if (f->type == FIELD_INT && !doc_is(v, DOC_INT))
		return wrong(e, f->name, "must be a whole number");
	if (!doc_number(v, &d))
		return wrong(e, f->name, "must be a number");
	if (d < (double)f->min || (f->max > 0 && d > (double)f->max))
		return wrong(e, f->name, "must be between %lld and %lld",
			     (long long)f->min, (long long)f->max);
	return true;
}

static bool check_array(const struct field *f, const struct json_t *v,
			struct field_error *e)
{
	enum doc_type wanted = f->type == FIELD_STRINGS ? DOC_STRING : DOC_OBJECT;

	if (!doc_is(v, DOC_ARRAY))
		return wrong(e, f->name, "must be an array");
	if (!check_length(f, doc_len(v), 10000, e))
		return false;
	for (size_t i = 0; i < doc_len(v); i++) {
		if (!doc_is(doc_at(v, i), wanted))
			return wrong(e, f->name, "must be an array of %s",
				     wanted == DOC_STRING ? "strings" : "objects");
	}
	return true;
}

static bool check_one(const struct field *f, const struct json_t *v,
		      struct field_error *e)
{
	if (doc_is(v, DOC_NULL) && (f->flags & FIELD_NULLABLE))
		return true;
	switch (f->type) {
	case FIELD_INT:
	case FIELD_NUMBER:
		return check_number(f, v, e);
	case FIELD_BOOL:
		return doc_is(v, DOC_BOOL) || wrong(e, f->name, "must be true or false");
	case FIELD_STRINGS:
	case FIELD_OBJECTS:
		return check_array(f, v, e);
	case FIELD_OBJECT:
		return doc_is(v, DOC_OBJECT) || wrong(e, f->name, "must be an object");
	case FIELD_ANY:
		return true;
	default:
		return check_text(f, v, e);
	}
}

bool fields_check(const struct field *fields, struct json_t *object, bool strict,
		  struct field_error *ret_error)
{
	void *it = NULL;
	const char *key;
	struct json_t *value;

	if (!doc_is(object, DOC_OBJECT))
		return wrong(ret_error, "", "the body must be a JSON object");
	while (doc_next(object, &it, &key, &value)) {
		const struct field *f = fields_find(fields, key);

		if (!f && strict)
			return wrong(ret_error, key, "is not known here");
		if (f && !check_one(f, value, ret_error))
			return false;
	}
	for (const struct field *f = fields; f && f->name; f++) {
		if ((f->flags & FIELD_REQUIRED) && !doc_get(object, f->name))
			return wrong(ret_error, f->name, "is missing");
	}
	return true;
}

static struct json_t *value_of(const struct field *f, const char *text)
{
	struct buf why = BUF_INIT(256);
	struct json_t *v = NULL;
	int64_t n;
	bool b;

	if (f->type == FIELD_BOOL && parse_bool(view_str(text), &b))
		v = doc_new_bool(b);
	else if (f->type == FIELD_INT && parse_i64(view_str(text), &n))
		v = doc_parse(view_str(text), &why);
	buf_release(&why);
	return v ? v : doc_new_str(text);
}

bool fields_from_text(const struct field *fields, const char *name, const char *text,
		      struct json_t *object, struct field_error *ret_error)
{
	const struct field *f = fields_find(fields, name);
	struct json_t *v;

	if (!f)
		return wrong(ret_error, name, "is not known here");
	if (doc_get(object, name))
		return wrong(ret_error, name, "stands twice");
	v = value_of(f, text);
	if (!v)
		return wrong(ret_error, name, "must be UTF-8");
	doc_set(object, name, v);
	return true;
}
