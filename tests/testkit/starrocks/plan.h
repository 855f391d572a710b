/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_PLAN_H
#define STARROCKS_PLAN_H

#include "model.h"
#include "options.h"

/*
 * How the fields of a load become the columns of a table: what the `columns` header, or its
 * absence, means for a schema.
 */
enum slot_kind {
	SLOT_FIELD,       /* the field as it is */
	SLOT_CONST,       /* text; NULL is null */
	SLOT_HEX,         /* to_binary(field, 'hex') */
	SLOT_ENCODE64,    /* to_binary(field, 'encode64') */
	SLOT_FROM_BASE64, /* from_base64(field) */
	SLOT_PARSE_JSON,  /* parse_json(field) */
	SLOT_DEFAULT,     /* not loaded: the column's default, or NULL */
};

struct slot {
	const struct column *column; /* NULL: __op */
	enum slot_kind kind;
	size_t field;
	char *text;
};

struct plan {
	const struct schema *schema;
	char **fields; /* names, in the order of a CSV row */
	size_t n_fields;
	struct slot
		*slots; /* in the order of the schema; all of it but in partial updates */
	size_t n_slots;
	struct slot op;
	bool has_op;
	bool op_is_optional; /* JSON without `columns`: a key __op may be there */
	bool is_partial;
	size_t merge_at; /* in the schema, or SIZE_MAX */
};

/* False with the message of the answer. The lock is held; the plan keeps the schema only. */
_must_check_ bool plan_make(struct plan *p, const struct table *t,
			    const struct load_options *o, char *text, size_t size);
void plan_release(struct plan *p);

#endif
