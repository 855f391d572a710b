/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_JSON_H
#define ENGINE_JSON_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Reading JSON: a narrow, read-only view of the library's trees. (Writing is base/jsonw.h.)
 *
 * A document is parsed whole, with limits on depth and no duplicate keys. Getters never
 * fail: a member that is missing or of another type gives the empty view, 0, false or NULL,
 * and json_has() tells the difference where it matters. Views last as long as the document.
 */
struct json;

/* NULL: not a JSON object; *ret_why (unless NULL) then is a heap string saying where. */
struct json *json_parse(struct ez_view text, char **ret_why);
void json_free(struct json *j);
void json_freep(struct json **j);

bool json_has(const struct json *j, const char *key);
struct ez_view json_str(const struct json *j, const char *key);
int64_t json_i64(const struct json *j, const char *key);
double json_num(const struct json *j, const char *key);
bool json_bool(const struct json *j, const char *key);

/* Borrowed: an object or array inside. */
const struct json *json_get(const struct json *j, const char *key);

/* Arrays. */
size_t json_len(const struct json *j);
const struct json *json_at(const struct json *j, size_t i);
struct ez_view json_item_str(const struct json *j, size_t i);

#endif
