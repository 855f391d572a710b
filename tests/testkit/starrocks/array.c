/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "array.h"

#include "base/jsonw.h"
#include "convert.h"
#include "json.h"

static bool is_bare(const struct column_type *t)
{
	return t->kind <= TYPE_DECIMAL || t->kind == TYPE_JSON || t->kind >= TYPE_ARRAY;
}

static void add_element(const struct column_type *t, struct ez_view canonical,
			struct buf *out)
{
	bool is_number =
		canonical.len > 0 && strchr("-0123456789[{\"tfn", *canonical.ptr) != NULL;

	if (is_bare(t) && is_number && !view_eq_str(canonical, "nan"))
		buf_add_view(out, canonical);
	else
		json_add_string(out, canonical);
}

static bool add_text(const struct profile *p, const struct column_type *t,
		     struct ez_view v, struct buf *out)
{
	struct buf value = BUF_INIT(SIZE_MAX >> 1);
	bool is_good;

	v = view_trim(v);
	if (view_eq_str(v, "null")) {
		buf_add_str(out, "null");
		return true;
	}
	if (v.len >= 2 && *v.ptr == '"' && v.ptr[v.len - 1] == '"')
		v = view_of(v.ptr + 1, v.len - 2);
	is_good = convert_text(p, t, v, &value);
	if (is_good)
		add_element(t, buf_view(&value), out);
	buf_release(&value);
	return is_good;
}

/* The bytes up to the comma that ends an element, or all. */
static size_t element_len(struct ez_view v)
{
	size_t depth = 0, i;
	bool in_quotes = false;

	for (i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (c == '"')
			in_quotes = !in_quotes;
		if (in_quotes)
			continue;
		depth += c == '[' || c == '{';
		depth -= (c == ']' || c == '}') && depth > 0;
		if (c == ',' && depth == 0)
			break;
	}
	return i;
}

bool array_from_csv(const struct profile *p, const struct column_type *t,
		    struct ez_view text, struct buf *out)
{
	struct ez_view v = view_trim(text);

	if (v.len < 2 || *v.ptr != '[' || v.ptr[v.len - 1] != ']')
		return false;
	v = view_of(v.ptr + 1, v.len - 2);
	buf_add_char(out, '[');
	while (v.len > 0) {
		size_t n = element_len(v);

		if (!add_text(p, t->element, view_of(v.ptr, n), out))
			return false;
		if (n == v.len)
			break;
		buf_add_char(out, ',');
		v = view_of(v.ptr + n + 1, v.len - n - 1);
		if (v.len == 0)
			return false;
	}
	buf_add_char(out, ']');
	return true;
}

bool array_from_json(const struct profile *p, const struct column_type *t,
		     struct ez_view raw, struct buf *out)
{
	struct ez_view rest = view_of(raw.ptr + 1, raw.len - 1), item;
	bool is_first = true;

	buf_add_char(out, '[');
	while (!json_take_char(&rest, ']')) {
		struct buf value = BUF_INIT(SIZE_MAX >> 1);
		bool is_good;

		if ((!is_first && !json_take_char(&rest, ',')) ||
		    !json_take(&rest, &item))
			return false;
		if (!is_first)
			buf_add_char(out, ',');
		is_first = false;
		if (view_eq_str(item, "null")) {
			buf_add_str(out, "null");
			continue;
		}
		is_good = convert_json(p, t->element, item, &value);
		if (is_good)
			add_element(t->element, buf_view(&value), out);
		buf_release(&value);
		if (!is_good)
			return false;
	}
	buf_add_char(out, ']');
	return true;
}
