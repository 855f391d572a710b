/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/json.h"

#include <jansson.h>

#include "base/alloc.h"

/* The opaque type is the library's own. */
static const json_t *tree(const struct json *j)
{
	return (const json_t *)(const void *)j;
}

static const struct json *opaque(const json_t *t)
{
	return (const struct json *)(const void *)t;
}

struct json *json_parse(struct ez_view text, char **ret_why)
{
	json_error_t error;
	json_t *t = json_loadb(text.ptr ? text.ptr : "", text.len,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (t && json_is_object(t))
		return (struct json *)(void *)t;
	if (ret_why)
		*ret_why = t ? xstrdup("not an object") :
			       xasprintf("%s at line %d, column %d", error.text, error.line,
					 error.column);
	json_decref(t);
	return NULL;
}

void json_free(struct json *j)
{
	json_decref((json_t *)(void *)j);
}

void json_freep(struct json **j)
{
	json_free(*j);
	*j = NULL;
}

static const json_t *member(const struct json *j, const char *key)
{
	return j ? json_object_get(tree(j), key) : NULL;
}

bool json_has(const struct json *j, const char *key)
{
	return member(j, key) != NULL;
}

struct ez_view json_str(const struct json *j, const char *key)
{
	const json_t *t = member(j, key);

	if (!t || !json_is_string(t))
		return (struct ez_view){ NULL, 0 };
	return (struct ez_view){ json_string_value(t), json_string_length(t) };
}

int64_t json_i64(const struct json *j, const char *key)
{
	const json_t *t = member(j, key);

	return t ? json_integer_value(t) : 0;
}

double json_num(const struct json *j, const char *key)
{
	const json_t *t = member(j, key);

	return t ? json_number_value(t) : 0;
}

bool json_bool(const struct json *j, const char *key)
{
	const json_t *t = member(j, key);

	return t && json_is_true(t);
}

const struct json *json_get(const struct json *j, const char *key)
{
	return opaque(member(j, key));
}

size_t json_len(const struct json *j)
{
	return j ? json_array_size(tree(j)) : 0;
}

const struct json *json_at(const struct json *j, size_t i)
{
	return j ? opaque(json_array_get(tree(j), i)) : NULL;
}

struct ez_view json_item_str(const struct json *j, size_t i)
{
	const json_t *t = j ? json_array_get(tree(j), i) : NULL;

	if (!json_is_string(t))
		return (struct ez_view){ NULL, 0 };
	return (struct ez_view){ json_string_value(t), json_string_length(t) };
}
