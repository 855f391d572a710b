/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_CANDIDATE_H
#define PGOUTPUT_CANDIDATE_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct pg;

/*
 * Everything in the database that could be meant by the option `tables`, and whether it can
 * be replicated: what check(), discover() and the making of a publication look at.
 *
 * A list is one PGresult with structs that point into it.
 */
struct pg_candidate {
	uint32_t oid;
	struct ez_view schema, name, owner;
	struct ez_view key; /* "id, lang"; empty: the server keeps none of old rows */
	struct ez_view
		ancestors; /* OIDs of partitioned tables above it: "{16390,16384}" */
	int64_t rows, bytes;
	char kind;         /* pg_class.relkind: r p v m f */
	char persistence;  /* p u t */
	char identity;     /* d n f i */
	bool can_identify; /* an UPDATE or DELETE can be published */
	bool has_policies, may_select, may_use_schema, is_owner;
	bool is_child;     /* inherits, without being a partition */
	bool is_published; /* by the job's publication, under this name */
	bool is_selected;  /* by the option `tables` */
	bool is_covered;   /* a partitioned table above it is selected too */
	uint32_t n_generated;
};

struct pg_candidates {
	PGresult *res;
	struct pg_candidate *items;
	size_t n;
};

_must_check_ int pg_list_candidates(struct pg *pg, PGconn *conn,
				    struct pg_candidates *ret_list, struct ez_error *err);
void pg_candidates_release(struct pg_candidates *list);

/* A table that logical replication can carry: no view, not unlogged, not foreign. */
bool pg_candidate_is_table(const struct pg_candidate *c);

/* Why it is not one, as a phrase; NULL when it is. */
const char *pg_candidate_refusal(const struct pg_candidate *c);

/* Wanted, possible, and not already part of a partitioned table that is wanted. */
bool pg_candidate_is_wanted(const struct pg_candidate *c);

#endif
