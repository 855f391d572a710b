/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JSON_DOC_H
#define CONTROL_JSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * JSON documents from outside, as trees: the few functions of Jansson that we use, behind
 * names that do not need its header.
 *
 * What is parsed has a limited depth, no repeated keys, no NUL in strings and is UTF-8.
 * A getter with a NULL document or the wrong type gives its empty answer, so that a chain
 * of them needs one test at its end. Getters lend; doc_parse, doc_copy and the makers give
 * a reference that doc_free drops. One thread at a time.
 */
struct json_t;

enum { DOC_DEPTH_MAX = 24 };

enum doc_type {
	DOC_NONE,
	DOC_NULL,
	DOC_BOOL,
	DOC_INT,
	DOC_REAL,
	DOC_STRING,
	DOC_ARRAY,
	DOC_OBJECT
};

/* NULL with a sentence in `why`, which quotes nothing of the text. */
_must_check_ struct json_t *doc_parse(struct ez_view text, struct buf *why);
void doc_free(struct json_t *j);
void doc_freep(struct json_t **j);
struct json_t *doc_copy(const struct json_t *j);

enum doc_type doc_type(const struct json_t *j);
bool doc_is(const struct json_t *j, enum doc_type type);

struct json_t *doc_get(const struct json_t *object, const char *key);

/* NULL when it is absent or no string. */
const char *doc_str(const struct json_t *object, const char *key);
int64_t doc_int(const struct json_t *object, const char *key, int64_t fallback);
bool doc_bool(const struct json_t *object, const char *key, bool fallback);

/* A number of either kind; false when it is none. */
_must_check_ bool doc_number(const struct json_t *j, double *ret_v);

/* Of the value itself. */
const char *doc_str_value(const struct json_t *j);
size_t doc_str_len(const struct json_t *j);
int64_t doc_int_value(const struct json_t *j);
double doc_real_value(const struct json_t *j);
bool doc_bool_value(const struct json_t *j);

/* Elements of an array or members of an object. */
size_t doc_len(const struct json_t *j);
struct json_t *doc_at(const struct json_t *array, size_t i);

/* Walks an object: `it` is NULL at the start; false at the end. */
_must_check_ bool doc_next(struct json_t *object, void **it, const char **ret_key,
			   struct json_t **ret_value);

/* They take the reference to `value` over. */
void doc_set(struct json_t *object, const char *key, struct json_t *value);
void doc_append(struct json_t *array, struct json_t *value);
void doc_remove(struct json_t *object, const char *key);

struct json_t *doc_new_object(void);
struct json_t *doc_new_array(void);
struct json_t *doc_new_str(const char *s);
struct json_t *doc_new_bool(bool v);

/* Compact text, to be freed; "null" for NULL. */
_returns_nonnull_ char *doc_dump(const struct json_t *j);

#endif
