/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_H
#define STARROCKS_SQL_H

#include "model.h"
#include "sql_ast.h"
#include "sql_result.h"

/*
 * The SQL side of the pretended cluster: statements on the model.
 *
 * Only the subset that sql_ast.h describes exists. Anything else gets error 1064 with
 * "not emulated" and becomes a violation, and so does what StarRocks' own grammar refuses:
 * a client under test sends neither.
 */

/* One connection, or one request of the SQL API. */
struct sql_session {
	struct cluster *cluster;
	unsigned fe;
	uint32_t connection_id;
	struct ez_view user;
	char database[257]; /* "" without */
};

/* Called once at the start: schema changes run from then on. */
void sql_setup(struct cluster *c);

/*
 * One statement, with the lock held; false is an error in `r`. Faults and the journal are not
 * looked at: that is the business of who received it.
 */
bool sql_run(struct sql_session *s, struct ez_view sql, struct sql_result *r);

/* Writes down what a client sent and what became of it. The lock is held. */
void sql_journal(struct sql_session *s, struct ez_view sql, const struct sql_result *r);

/*
 * SQL over HTTP: SELECT and SHOW only. Appends JSON, an object a line; or returns false with
 * an error text in `answer`. Takes the lock itself.
 */
bool sql_http(struct cluster *c, unsigned fe, struct ez_view db, struct ez_view query,
	      struct buf *answer);

/* Any statement for the control socket, answered like sql_http. */
bool sql_control(struct cluster *c, struct ez_view db, struct ez_view sql,
		 struct buf *answer);

/* ------------------------------------------- between the files of this side */

/* "Getting analyzing error. Detail message: ...", 1064. Always false. */
_printf_(2, 3) bool sql_fail_analysis(struct sql_result *r, const char *fmt, ...);

/* The database of a statement: that named, or the session's. NULL after an error. */
struct database *sql_database(struct sql_session *s, struct ez_view name,
			      struct sql_result *r);
struct table *sql_table(struct sql_session *s, const struct sql_ref *ref,
			struct sql_result *r);

bool sql_run_show(struct sql_session *s, struct sql_statement *st, struct sql_result *r);
bool sql_run_select(struct sql_session *s, struct sql_statement *st,
		    struct sql_result *r);

/* Adds one property line to a statement's text, back-ticks doubled. */
void sql_add_name(struct buf *b, const char *name);
void sql_add_string(struct buf *b, const char *text);
void sql_show_create(const struct table *t, struct buf *out);

#endif
