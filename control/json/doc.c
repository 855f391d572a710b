/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/json/doc.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/alloc.h"

/* Jansson's own limit is 2048 levels of recursion: deeper ones are counted before. */
static bool is_too_deep(struct ez_view text)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DOC_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

struct json_t *doc_parse(struct ez_view text, struct buf *why)
{
	json_error_t error;
	json_t *j;

	if (is_too_deep(text)) {
		buf_addf(why, "JSON is nested deeper than %d levels", DOC_DEPTH_MAX);
		return NULL;
	}
	j = json_loadb(text.ptr ? text.ptr : "", text.len,
		       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (j)
		return j;
	buf_addf(why, "%s, line %d, column %d",
		 json_error_code(&error) == json_error_duplicate_key
			 ? "a JSON key stands twice"
			 : "malformed JSON",
		 error.line, error.column);
	return NULL;
}

void doc_free(struct json_t *j)
{
	json_decref(j);
}

void doc_freep(struct json_t **j)
{
	json_decref(*j);
}

struct json_t *doc_copy(const struct json_t *j)
{
	json_t *copy = json_deep_copy(j);

	if (!copy)
		alloc_failed(0);
	return copy;
}

enum doc_type doc_type(const struct json_t *j)
{
	if (!j)
		return DOC_NONE;
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return DOC_OBJECT;
	case JSON_ARRAY:
		return DOC_ARRAY;
	case JSON_STRING:
		return DOC_STRING;
	case JSON_INTEGER:
		return DOC_INT;
	case JSON_REAL:
		return DOC_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return DOC_BOOL;
	case JSON_NULL:
		return DOC_NULL;
	}
	return DOC_NONE;
}

bool doc_is(const struct json_t *j, enum doc_type type)
{
	return doc_type(j) == type;
}

struct json_t *doc_get(const struct json_t *object, const char *key)
{
	return json_object_get(object, key);
}

const char *doc_str(const struct json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int64_t doc_int(const struct json_t *object, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(object, key);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

bool doc_bool(const struct json_t *object, const char *key, bool fallback)
{
	const json_t *v = json_object_get(object, key);

	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

bool doc_number(const struct json_t *j, double *ret_v)
{
	if (!json_is_number(j))
		return false;
	*ret_v = json_number_value(j);
	return true;
}

const char *doc_str_value(const struct json_t *j)
{
	return json_string_value(j);
}

size_t doc_str_len(const struct json_t *j)
{
	return json_string_length(j);
}

int64_t doc_int_value(const struct json_t *j)
{
	return json_integer_value(j);
}

double doc_real_value(const struct json_t *j)
{
	return json_real_value(j);
}

bool doc_bool_value(const struct json_t *j)
{
	return json_is_true(j);
}

size_t doc_len(const struct json_t *j)
{
	return json_is_array(j) ? json_array_size(j) : json_object_size(j);
}

struct json_t *doc_at(const struct json_t *array, size_t i)
{
	return json_array_get(array, i);
}

bool doc_next(struct json_t *object, void **it, const char **ret_key,
	      struct json_t **ret_value)
{
	*it = *it ? json_object_iter_next(object, *it) : json_object_iter(object);
	if (!*it)
		return false;
	*ret_key = json_object_iter_key(*it);
	*ret_value = json_object_iter_value(*it);
	return true;
}

void doc_set(struct json_t *object, const char *key, struct json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		alloc_failed(0);
}

void doc_append(struct json_t *array, struct json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		alloc_failed(0);
}

void doc_remove(struct json_t *object, const char *key)
{
	(void)json_object_del(object, key);
}

struct json_t *doc_new_object(void)
{
	return json_object();
}

struct json_t *doc_new_array(void)
{
	return json_array();
}

struct json_t *doc_new_str(const char *s)
{
	return json_string(s);
}

struct json_t *doc_new_bool(bool v)
{
	return json_boolean(v);
}

char *doc_dump(const struct json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : xstrdup("null");

	if (!text)
		alloc_failed(0);
	return text;
}
