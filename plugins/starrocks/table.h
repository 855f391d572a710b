/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TABLE_H
#define STARROCKS_TABLE_H

#include <ezcdc/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/map.h"

#include "settings.h"
#include "sqlc.h"
#include "type.h"

/*
 * Where the rows of one table descriptor go: the StarRocks table, its columns and what is
 * the same in all rows, made once per descriptor (they are told apart by uid).
 *
 * A target is constant once it is made and counted: loads keep theirs when the table has
 * moved on to a new shape, and read it from other threads. `struct targets` belongs to one
 * instance and one thread.
 *
 * Identity. A table with a key has it as its PRIMARY KEY. A table of which the source sends
 * inserts alone (EZ_TABLE_NO_IDENTITY) and that has no key gets the place of the change as
 * its key (_ez_row_lsn, _ez_row_part, _ez_row_seq): the same insert sent twice is one row.
 * A table without a key whose rows are updated and deleted is refused: equal rows could not
 * be told apart, and appending each change again after a restart would make rows of it.
 */
enum field_kind {
	FIELD_SOURCE, /* a column of the source */
	FIELD_OP,     /* the rest are ours */
	FIELD_DELETED,
	FIELD_COMMIT_TS,
	FIELD_LSN,
	FIELD_LOADED_AT,
	FIELD_ROW_LSN,
	FIELD_ROW_PART,
	FIELD_ROW_SEQ,
};

struct field {
	enum field_kind kind;
	uint32_t source; /* FIELD_SOURCE: index of the source's column */
	enum value_form form;
	enum range_policy policy;
	uint8_t element; /* FORM_ARRAY: enum ez_type of its elements */
	char delimiter;  /* FORM_ARRAY: between its elements */
	bool is_key;
	struct type type;
	struct ez_view name;
	struct ez_view json; /* `,"name":` */
};

struct target {
	_Atomic unsigned refs;
	uint64_t uid, id;
	const struct settings *settings;
	char *name;   /* of the StarRocks table */
	char *source; /* "schema.name", for messages */
	char *text;   /* names of fields point into it */
	uint32_t n_fields, n_keys;
	uint32_t *keys;       /* indexes of source columns, in the order of the key */
	bool by_place;        /* the key is the place of the change */
	bool needs_json;      /* an ARRAY column: no CSV */
	bool has_bytes;       /* a VARBINARY column: `columns` maps it */
	uint32_t n_source;    /* columns of the descriptor */
	struct field *fields; /* in the order of the load */
};

struct renames;
struct targets;

static inline const char *target_name(const struct target *t)
{
	return t->name;
}

struct target *target_ref(struct target *t);
void target_unref(struct target *t);

/* `sql` and `settings` are borrowed; `ctx` takes the metrics and may be NULL. */
struct targets *targets_new(const struct settings *settings, struct sqlc *sql,
			    struct ez_ctx *ctx);
struct targets *targets_free(struct targets *ts);

/* Notes of renamed columns (renames.h), borrowed; `keep` makes them last over a crash. */
void targets_remember(struct targets *ts, struct renames *renames,
		      int (*keep)(void *arg, struct ez_error *err), void *arg);

/*
 * Makes the table, or finds it and sees that it fits, evolving it if that is allowed.
 * `before` may be NULL. All loads of the table must be visible. May take as long as the
 * server's schema change takes.
 */
_must_check_ int targets_prepare(struct targets *ts, const struct ez_table *before,
				 const struct ez_table *now, struct ez_error *err);

/* The target of a table as it stands, borrowed; nothing is made or altered. Fails when the
 * table is not there, or does not have what the source has. */
_must_check_ int targets_look(struct targets *ts, const struct ez_table *table,
			      struct target **ret, struct ez_error *err);

/* The slow path of targets_get. */
_must_check_ int targets_find(struct targets *ts, const struct ez_table *table,
			      struct target **ret, struct ez_error *err);

/* The target of a descriptor, prepared now if it was not. Borrowed: take a reference. */
_must_check_ int targets_get(struct targets *ts, const struct ez_table *table,
			     struct target **ret, struct ez_error *err);

/* Without looking at the server: the table is what we would make. For tests and tools. */
_must_check_ int target_make(const struct type_rules *rules, const struct ez_table *table,
			     struct target **ret, struct ez_error *err);

/* Both on a prepared table. */
_must_check_ int targets_truncate(struct targets *ts, const struct ez_table *table,
				  struct ez_error *err);
_must_check_ int targets_is_empty(struct targets *ts, const struct ez_table *table,
				  bool *ret_empty, struct ez_error *err);

#endif
