/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_SHAPE_H
#define FILE_SHAPE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/map.h"

#include "settings.h"
#include "value.h"

struct stream;

/*
 * What is always the same in the rows of one table descriptor, encoded once: the table's
 * names, each column's name with its quotes and colon, the header of a CSV file.
 *
 * Descriptors are told apart by uid, which is never reused while the process lives; the
 * pointer may be. The cache is bounded: when it is full it is emptied, and what is still in
 * use is made again.
 *
 * One owner, one thread. A shape lasts until the next shapes_get() or shapes_release().
 */
struct field {
	uint32_t at, len; /* in shape->text: `,"name":` */
	enum value_form form;
	bool is_key;
};

struct shape {
	uint64_t uid;
	char *text;
	uint32_t table_at, table_len;   /* `"schema":"public","table":"orders","lsn":"` */
	uint32_t header_at, header_len; /* CSV: the first line of a file */
	char *folder;                   /* encoded schema.table */
	struct stream *stream;          /* the writer's, valid in its generation */
	uint64_t generation;
	size_t bytes; /* memory in all */
	uint32_t n_fields, n_keys;
	struct field fields[];
};

struct shapes {
	const struct settings *settings;
	struct map by_uid;
	struct shape *last;
	size_t bytes;
};

enum {
	SHAPES_MAX = 1024,
	SHAPES_BYTES_MAX = 8 * 1024 * 1024,
	SHAPE_TABLE_MAX = 16 * 1024, /* bytes of the two names, encoded */
};

void shapes_init(struct shapes *s, const struct settings *settings);
void shapes_release(struct shapes *s);

/* The slow path of shapes_get. */
_must_check_ int shapes_find(struct shapes *s, const struct ez_table *table,
			     struct shape **ret, struct ez_error *err);

/* `table` NULL is the table of messages. */
_must_check_ static inline int shapes_get(struct shapes *s, const struct ez_table *table,
					  struct shape **ret, struct ez_error *err)
{
	if (s->last && table && s->last->uid == table->uid) {
		*ret = s->last;
		return EZ_OK;
	}
	return shapes_find(s, table, ret, err);
}

#endif
