/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_DDL_H
#define STARROCKS_DDL_H

#include "sql.h"

/*
 * Tables made, changed and dropped, with the checks of a real cluster, and schema changes as
 * the asynchronous jobs that they are. The lock is held in all of this.
 *
 * A schema change is prepared in a copy of the schema. When it is of the fast kind (columns
 * added or dropped, VARCHAR widened, on a table with fast_schema_evolution) and the setting
 * alter_is_sync is on, the copy becomes the table's schema at once and the job is FINISHED
 * from the start. Otherwise the table keeps its schema while the job goes through PENDING,
 * WAITING_TXN (as long as transactions older than the job have loaded into the table) and
 * RUNNING (settings.alter_ms in all); what is loaded meanwhile knows the old schema only.
 */
enum alter_state {
	ALTER_PENDING,
	ALTER_WAITING_TXN,
	ALTER_RUNNING,
	ALTER_FINISHED,
	ALTER_CANCELLED,
	_ALTER_STATE_MAX,
};

struct alter_job {
	struct list link; /* in table.alters; must be first */
	struct table *table;
	int64_t id;
	char *table_name; /* when it began */
	enum alter_state state;
	struct schema *target;          /* until it is the table's; owned */
	int64_t txn_id;                 /* older transactions are waited for */
	int64_t created_ms, created_us; /* of the clock of the cluster, of the calendar */
	int64_t running_ms;             /* since when */
	int64_t finished_us;
	int64_t duration_ms, timeout_ms;
	char *message;
	bool has_waited;  /* for a transaction */
	bool is_stuck;    /* never finishes by itself */
	bool will_cancel; /* instead of finishing */
	bool is_hidden;   /* SHOW ALTER does not list it */
};

const char *alter_state_to_str(enum alter_state state);
void alter_job_free(struct alter_job *job);
/* Moves all jobs on. */
void ddl_tick(struct cluster *c, int64_t now_ms);

/* Begins a job, or finishes it when `is_fast` and the settings say so. Takes `target`. */
void alter_job_begin(struct table *t, struct schema *target, bool is_fast,
		     int64_t timeout_ms);
void alter_job_cancel(struct alter_job *job, const char *why);

bool ddl_create_database(struct sql_session *s, struct sql_statement *st,
			 struct sql_result *r);
bool ddl_drop_database(struct sql_session *s, struct sql_statement *st,
		       struct sql_result *r);
bool ddl_create_table(struct sql_session *s, struct sql_statement *st,
		      struct sql_result *r);
bool ddl_drop_table(struct sql_session *s, struct sql_statement *st,
		    struct sql_result *r);
bool ddl_truncate(struct sql_session *s, struct sql_statement *st, struct sql_result *r);
bool ddl_alter_table(struct sql_session *s, struct sql_statement *st,
		     struct sql_result *r);
bool ddl_cancel_alter(struct sql_session *s, struct sql_statement *st,
		      struct sql_result *r);

/* ----------------------------------------------------------------- checks */

bool ddl_check_database_name(struct ez_view name, struct sql_result *r);
bool ddl_check_table_name(struct ez_view name, struct sql_result *r);
/* Name, type and default of a column; fills `ret_column` in, which the caller frees. */
bool ddl_column(struct cluster *c, const struct sql_column_def *def, bool is_key,
		struct column *ret_column, struct sql_result *r);
void ddl_column_release(struct column *column);
bool ddl_check_column_name(struct ez_view name, struct sql_result *r);
bool ddl_check_properties(struct cluster *c, struct list *properties,
			  struct sql_result *r);
/* The default of three replicas, when the properties do not say how many. */
bool ddl_check_replicas(struct cluster *c, struct list *properties, struct sql_result *r);
/* Refuses with the text of a real server while a schema change runs. */
bool ddl_check_normal(const struct table *t, struct sql_result *r);
/* That refusal itself. */
bool ddl_fail_busy(const struct table *t, struct sql_result *r);
/* Whether StarRocks can change a column from one type to the other, and without a rewrite. */
bool ddl_type_change_is_allowed(const struct column_type *from,
				const struct column_type *to);
bool ddl_is_widening(const struct column_type *from, const struct column_type *to);
/* Whether columns can be added and dropped without rewriting data. */
bool ddl_is_fast_table(const struct table *t);

#endif
