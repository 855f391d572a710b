/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_API_COMMON_H
#define CONTROL_API_COMMON_H

#include <stdbool.h>

#include "base/attr.h"
#include "control/catalog/db.h"
#include "control/http/request.h"
#include "control/http/route.h"
#include "control/json/doc.h"
#include "control/json/fields.h"

/*
 * What handlers share: pages of lists, the audit log, and transactions that end right.
 */

/*
 * Answers a page of a list. `from` is the table; `doc` is an expression over its row t;
 * `where` is a condition over t that may name $3 and $4 (the filters), "true" for all.
 * Ordered by time of making, newest first; tables with a serial id by that.
 */
struct list_of {
	const char *from, *doc, *where;
	const char *filter, *filter2;
	bool by_serial; /* `after` is a number */
};
void reply_list(struct request *r, const struct list_of *l);

extern const struct field page_fields[];

/* One row of the audit log, within the caller's transaction if there is one. */
struct audit {
	const char *action, *type, *id, *name;
	const char *details; /* JSON, or NULL */
};
_must_check_ enum db_result audit(struct request *r, const struct audit *a);

/* The same without a request: commands of the program. */
_must_check_ enum db_result audit_command(struct db *d, const struct audit *a);

/* Commits and audits, or answers what went wrong and rolls back. True when all is well. */
_must_check_ bool finish_change(struct request *r, enum db_result rc,
				const struct audit *a);

/* "name <kind>" for histories: "alice". */
const char *actor_of(const struct request *r);

void reply_field(struct request *r, const struct field_error *e);

/* Deletes by id and audits; 404, 409 or 204. `sql` has $1 and returns the name. */
void delete_by_id(struct request *r, const char *sql, const char *action,
		  const char *type);

/* now() + duration as an expression needs text: "<n> microseconds", NULL for none. */
char *interval_of(const char *duration);

#endif
