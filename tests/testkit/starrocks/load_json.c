/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "load.h"

/*
 * A JSON body: one array of objects with strip_outer_array, else one object or several, one
 * after the other. Keys are compared exactly; what is missing is NULL, what is unknown ignored.
 */

static bool fail(struct load *l, const char *what, struct ez_view at)
{
	snprintf(l->failure, sizeof(l->failure), "Failed to parse json: %s, near: %.*s",
		 what, (int)MIN(at.len, (size_t)64), at.ptr ? at.ptr : "");
	return false;
}

/* The field of a key, or SIZE_MAX. Keys mostly come in the order of the columns. */
static size_t find_field(const struct load *l, struct ez_view key, size_t guess)
{
	const struct plan *p = &l->plan;

	if (guess < p->n_fields && view_eq_str(key, p->fields[guess]))
		return guess;
	for (size_t i = 0; i < p->n_fields; i++)
		if (view_eq_str(key, p->fields[i]))
			return i;
	return SIZE_MAX;
}

static struct ez_view key_text(struct load *l, struct ez_view raw)
{
	struct ez_view inside = view_of(raw.ptr + 1, raw.len - 2);

	if (inside.len == 0 || !memchr(inside.ptr, '\\', inside.len))
		return inside;
	buf_reset(&l->scratch);
	json_unescape(raw, &l->scratch);
	return buf_view(&l->scratch);
}

/* `object` is a whole, checked object. */
static void take_object(struct load *l, struct ez_view object)
{
	struct ez_view rest = view_of(object.ptr + 1, object.len - 1), key, value;
	size_t guess = 0;

	for (size_t i = 0; i < l->plan.n_fields; i++)
		l->fields[i] = (struct load_field){ .is_json = true };
	while (!json_take_char(&rest, '}')) {
		size_t at;

		(void)json_take_char(&rest, ',');
		if (!json_take(&rest, &key) || !json_take_char(&rest, ':') ||
		    !json_take(&rest, &value))
			return;
		at = find_field(l, key_text(l, key), guess);
		if (at == SIZE_MAX) {
			l->counts.n_lost_ops += view_eq_str(key, "\"__op\"");
			continue;
		}
		if (l->fields[at].is_set)
			l->counts.n_repeated_members++;
		l->fields[at].is_set = true;
		l->fields[at].is_null = view_eq_str(value, "null");
		l->fields[at].v = value;
		guess = at + 1;
	}
	load_row(l, l->fields, object);
}

static void take_value(struct load *l, struct ez_view value)
{
	if (*value.ptr == '{')
		take_object(l, value);
	else
		load_reject(l, value, "the value of a row is not a JSON object");
}

static bool take_array(struct load *l, struct ez_view body)
{
	struct ez_view rest = body, value;
	bool is_first = true;

	if (!json_take_char(&rest, '['))
		return fail(
			l,
			"The value is object type in json document stream, you can set "
			"strip_outer_array=false to parse each object as a row",
			rest);
	while (!json_take_char(&rest, ']')) {
		if (!is_first && !json_take_char(&rest, ','))
			return fail(l, "a comma is missing", rest);
		is_first = false;
		if (!json_take(&rest, &value))
			return fail(l, "broken value", rest);
		take_value(l, value);
	}
	json_skip_space(&rest);
	return rest.len == 0 || fail(l, "text behind the array", rest);
}

static bool take_stream(struct load *l, struct ez_view body)
{
	struct ez_view rest = body, value;

	for (json_skip_space(&rest); rest.len > 0; json_skip_space(&rest)) {
		if (*rest.ptr == '[')
			return fail(
				l,
				"The value is array type in json document stream, you "
				"can set strip_outer_array=true to parse each element of "
				"the array as individual rows",
				rest);
		if (!json_take(&rest, &value))
			return fail(l, "broken value", rest);
		take_value(l, value);
	}
	return true;
}

bool load_json_body(struct load *l)
{
	struct ez_view body = buf_view(&l->body), rest = body;
	size_t mark = l->rows->data.len, n_rows = l->rows->n_rows;
	bool is_good;

	if ((int64_t)body.len > l->document_max_bytes) {
		snprintf(l->failure, sizeof(l->failure),
			 "This parser can't support a document that big.");
		return false;
	}
	json_skip_space(&rest);
	if (rest.len == 0) {
		buf_reset(&l->body);
		return true;
	}
	if (*rest.ptr != '{' && *rest.ptr != '[')
		is_good = fail(l, "illegal json started with other characters", rest);
	else
		is_good = l->options.strips_outer_array ? take_array(l, body)
							: take_stream(l, body);
	if (!is_good) {
		rowset_cancel(l->rows, mark);
		l->rows->n_rows = n_rows;
	}
	buf_reset(&l->body);
	return is_good;
}
