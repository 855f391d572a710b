/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JSON_FIELDS_H
#define CONTROL_JSON_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct json_t;

/*
 * What a request may say: one table per body or query string.
 *
 * The table checks every request before its handler runs and is what the OpenAPI document
 * is made of, so the two cannot differ. An unknown member is an error, as in job files.
 */
enum field_type {
	FIELD_STRING,
	FIELD_NAME, /* [a-z][a-z0-9_]{0,39} */
	FIELD_LABEL, /* text for people: 1 to `max` characters without control characters */
	FIELD_UUID,
	FIELD_INT,
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_ENUM,
	FIELD_DURATION, /* "90d", checked by parse_duration */
	FIELD_TIME,     /* RFC 3339 */
	FIELD_STRINGS,  /* array of strings */
	FIELD_OBJECT,
	FIELD_OBJECTS, /* array of objects */
	FIELD_ANY,
	_FIELD_TYPE_MAX,
};

enum {
	FIELD_REQUIRED = 1,
	FIELD_NULLABLE = 2, /* null is allowed, and means: take it away */
};

struct field {
	const char *name; /* NULL ends a table */
	enum field_type type;
	unsigned flags;
	int64_t min,
		max; /* of numbers; of the length of the others. max 0: the type's own */
	const char *choices; /* "a|b" */
	const char *help;
};

struct field_error {
	char field[64]; /* "" for the whole body */
	char text[256];
};

/*
 * Whether the members of `object` are what the table says. Without `strict` others are
 * passed over: workers may be newer than we are.
 */
_must_check_ bool fields_check(const struct field *fields, struct json_t *object,
			       bool strict, struct field_error *ret_error);

/* A query string holds text only: makes numbers and booleans of it where the table wants. */
_must_check_ bool fields_from_text(const struct field *fields, const char *name,
				   const char *text, struct json_t *object,
				   struct field_error *ret_error);

const struct field *fields_find(const struct field *fields, const char *name);

bool is_uuid(const char *s);
bool is_job_name(const char *s);

/* Whether `s` is one of "a|b|c". */
bool is_choice(const char *choices, const char *s);

/* Microseconds since 1970 of an RFC 3339 time. */
_must_check_ bool parse_rfc3339(const char *s, int64_t *ret_us);

#endif
