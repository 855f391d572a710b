/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_GRANT_H
#define STARROCKS_SQL_GRANT_H

#include "sql.h"

/* Users, roles and what they may do, in SQL. The lock is held. */

/* CREATE USER, CREATE ROLE, GRANT, REVOKE, SET DEFAULT ROLE. */
bool sql_run_grant(struct sql_session *s, struct sql_statement *st, struct sql_result *r);

/* The rows of SHOW GRANTS [FOR ROLE name]. */
bool sql_grants_rows(struct sql_session *s, const struct sql_statement *st,
		     struct sql_result *rows);

/* Whether the session's user may run the statement; else the error is there. */
_must_check_ bool sql_is_allowed(struct sql_session *s, const struct sql_statement *st,
				 struct sql_result *r);

/* What information_schema shows of a table, or of a database when `table` is NULL. */
bool sql_is_seen(const struct sql_session *s, const struct database *db,
		 const struct table *table);

#endif
