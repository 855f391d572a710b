/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_SCHEMA_H
#define STARROCKS_SQL_SCHEMA_H

#include "sql.h"

/*
 * information_schema: what StarRocks tells about itself in tables. Only tables of the user's
 * databases are listed, not those of the system.
 */

/* Makes the rows of one of its tables. False: there is none of that name here. */
bool sql_schema_rows(struct sql_session *s, struct ez_view table,
		     struct sql_result *rows);

/* "int", "decimal(10,2)": how DESC and COLUMN_TYPE write a type. */
void sql_describe_type(struct buf *b, const struct column_type *t);

/* "2026-11-22 17:00:00" in the time zone of the cluster, which is UTC here. */
struct ez_view sql_time_text(struct sql_result *r, int64_t us);

#endif
