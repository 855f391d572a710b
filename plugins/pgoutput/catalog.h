/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_CATALOG_H
#define PGOUTPUT_CATALOG_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "shape.h"

struct pg;

/*
 * What the catalog says about the publication and about what it publishes to this job.
 *
 * A list is read in one query, under whatever snapshot the connection has, and is one
 * PGresult with structs that point into it. So the same list read twice, once under the
 * exported snapshot and once now, tells whether a table changed in between.
 *
 * "Published" means: by the publication, as it names it (a partitioned root or its leaves,
 * by publish_via_partition_root), and wanted by the option `tables`. The columns are those
 * that the stream will carry: column lists are obeyed, generated columns are left out
 * unless the publication has them.
 */
struct pg_publication {
	bool exists, all_tables, via_root, is_owner, is_ours;
	bool insert, update, delete, truncate;
	bool generated; /* 18: publishes stored generated columns */
};

_must_check_ int pg_read_publication(struct pg *pg, PGconn *conn,
				     struct pg_publication *ret, struct ez_error *err);

struct pg_published {
	struct pg_relation rel;
	struct ez_view
		filter; /* row filter as SQL, for columns of the table; may be empty */
	uint32_t filenode;
	uint32_t n_keys;
	char kind;        /* pg_class.relkind: r, p */
	char persistence; /* p, u */
	bool has_policies, may_select, may_use_schema;
	int first_row, n_rows; /* in `res` */
};

struct pg_published_list {
	PGresult *res;
	struct pg_published *tables;
	struct pg_relation_column *columns;
	size_t n;
};

/* Where the rows of a published table are: itself, or the leaves of its partition tree. */
struct pg_storage {
	uint32_t root, oid, filenode;
	struct ez_view schema, name;
	char kind; /* r; f: a foreign table, which has no rows here */
	bool is_heap, may_select;
	int64_t blocks, bytes, rows; /* rows: estimate; -1: unknown */
};

struct pg_storage_list {
	PGresult *res;
	struct pg_storage *items;
	size_t n;
};

_must_check_ int pg_list_published(struct pg *pg, PGconn *conn,
				   struct pg_published_list *ret_list,
				   struct ez_error *err);
void pg_published_list_release(struct pg_published_list *list);

_must_check_ int pg_list_storage(struct pg *pg, PGconn *conn,
				 const struct pg_published_list *tables,
				 struct pg_storage_list *ret_list, struct ez_error *err);
void pg_storage_list_release(struct pg_storage_list *list);

/* Is the table the same in both: names, file, columns, filter? */
bool pg_published_is_same(const struct pg_published_list *la,
			  const struct pg_published *a,
			  const struct pg_published_list *lb,
			  const struct pg_published *b);

/* NULL: not there. */
const struct pg_published *pg_published_find(const struct pg_published_list *list,
					     uint32_t oid);
const struct pg_storage *pg_storage_find(const struct pg_storage_list *list,
					 uint32_t oid);

#endif
