/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_MODEL_H
#define STARROCKS_MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/view.h"
#include "types.h"

/*
 * The state of the pretended StarRocks cluster: what its front ends and back ends share.
 *
 * A thread per connection works on it under one lock, cluster_lock; nothing here is touched
 * without it but what is said to be constant, and nobody holds it while reading from or writing
 * to a socket or while converting rows. Taking the lock first does what became due meanwhile
 * (cluster_tick: publishing, timeouts, label retention, schema changes), so nothing depends on
 * a timer thread.
 *
 * Databases, tables, schemas and versions are freed with the cluster only: a pointer that was
 * found once stays valid without a reference; `dropped` says that it is history.
 *
 * Time is cluster_now_ms: monotonic, plus what a test has added to it.
 */

/* What the configured version of StarRocks can do. Constant. */
struct profile {
	int major, minor;
	bool has_multi_table;      /* 4.0: transaction_type: multi */
	bool has_prepared_timeout; /* 3.5 */
	bool has_merge_commit;     /* 3.4 */
	bool has_json_compression; /* 3.2.7 */
	bool has_rename_column;    /* 3.3 */
	bool has_base64_varbinary; /* 3.2; hex before */
	bool has_fast_evolution;   /* 3.2 */
	bool has_prepare;          /* 3.2: COM_STMT_PREPARE is known */
	bool has_sql_api;          /* 3.2: SQL over HTTP */
	bool has_column_mode;      /* 3.1: partial_update_mode: column */
	bool has_map_type;         /* 3.1 */
	bool has_enclose;          /* 3.0: enclose, escape, skip_header, trim_space */
	bool closes_307;           /* Connection: close with a redirect */
	int decimal_precision_max; /* 38, from 4.0 76 */
	int64_t varchar_max;       /* bytes */
	char text[16];             /* as current_version() says it: "4.0.14" */
};

/* "2.5", "3.1", ... "4.1", also with a patch number. */
_must_check_ bool profile_parse(struct ez_view v, struct profile *ret_profile);

/* ------------------------------------------------------------------ tables */

struct column {
	unsigned id; /* within the table, never used again */
	char *name;
	struct column_type type;
	bool is_key;
	bool is_nullable;
	bool has_default;
	char *default_text; /* canonical; NULL with has_default: DEFAULT NULL */
	char *comment;      /* or NULL */
};

/* Constant once a table has it. Key columns come first. */
struct schema {
	struct column *columns;
	size_t n_columns;
	size_t n_keys;
	int version;
	struct schema *older; /* the one it replaced */
};

struct schema *schema_new(size_t n_columns);
struct schema *schema_dup(const struct schema *s);
void schema_free(struct schema *s);

/* Names of columns differ by more than case. NULL when there is none. */
const struct column *schema_find(const struct schema *s, struct ez_view name);
const struct column *schema_find_exact(const struct schema *s, struct ez_view name);

/* Cells of one row, in the order of a schema: 4 bytes length (CELL_NULL), then the bytes. */
#define CELL_NULL UINT32_MAX

struct row {
	const struct schema *schema; /* it was written under */
	uint32_t key_len;            /* the key columns' cells are the first bytes */
	uint32_t len;
	char cells[];
};

/*
 * The value of column `col` of the table's present schema in a row of any age: a column that
 * the row has no cell for has its default. False for NULL.
 */
_must_check_ bool row_cell(const struct row *row, const struct column *col,
			   struct ez_view *ret_value);

enum table_model {
	TABLE_PRIMARY_KEY,
	TABLE_DUPLICATE_KEY,
	TABLE_UNIQUE_KEY,
	TABLE_AGGREGATE_KEY,
};

struct alter_job; /* ddl.h */

struct rowset; /* rowset.h: converted rows of one load */

/* What one committed transaction did to one table. */
struct version {
	int64_t number; /* 2 is the first, without gaps, in commit order */
	int64_t txn_id;
	char *label;
	int64_t committed_ms, visible_ms; /* 0 while not visible */
	int64_t due_ms;                   /* when it may become visible */
	bool is_visible;
	struct rowset **sets; /* the rows, unless the history is not kept */
	size_t n_sets;
	uint64_t n_upserts, n_deletes;
};

struct table {
	struct database *db;
	char *name;
	int64_t id;
	enum table_model model;
	struct schema *schema; /* the present one; table_set_schema */
	unsigned next_column_id;
	bool dropped;

	/* As CREATE TABLE said it; lists of names end with NULL. */
	char **bucket_columns;
	unsigned n_buckets;    /* 0: automatic */
	char **sort_columns;   /* or NULL */
	char **retired_names;  /* names that RENAME COLUMN took out of use; or NULL */
	struct map properties; /* text to char * */
	char *comment;
	int64_t created_ms;

	struct alter_job *alter; /* the running schema change, or NULL */
	struct list
		alters; /* all of them, oldest first: the first member of struct alter_job */

	struct map rows;           /* key cells to struct row *: what is visible */
	struct version **versions; /* in commit order */
	size_t n_versions, versions_size;
	size_t n_published;    /* of them */
	size_t rows_truncated; /* versions before this one were truncated away */
	int64_t next_version;
	double uncompacted; /* versions of a tablet that compaction has not merged */
	int64_t compacted_ms;
	uint64_t next_row_id; /* of tables without unique keys */
	bool is_forgotten;    /* HISTORY_COUNTS: it had too many rows to be kept */
};

struct database {
	struct cluster *cluster;
	char *name;
	int64_t id;
	bool dropped;
	struct map tables;    /* by name, those not dropped */
	struct map labels;    /* to the struct txn * that holds or last held it */
	struct list finished; /* transactions, oldest first */
	size_t n_finished;
};

/* NULL when there is none. Database names compare exactly, as table names do. */
struct database *database_find(struct cluster *c, struct ez_view name);
struct database *database_add(struct cluster *c, struct ez_view name);
void database_drop(struct database *db);

/* An empty table that stands in no database yet: set its schema and what else it has. */
struct table *table_new(struct cluster *c, struct ez_view name);
void table_add(struct database *db, struct table *t);
struct table *table_find(struct database *db, struct ez_view name);
void table_drop(struct table *t);
/* The new name must be free. */
void table_rename(struct table *t, struct ez_view name);
/* Both keep their rows and exchange names. */
void table_swap(struct table *a, struct table *b);
void table_truncate(struct table *t);
/*
 * Takes `s`; columns with id 0 get one. Rows stay as they are: row_cell reads them through
 * column ids, so adding and dropping columns and widening types needs no more.
 */
void table_set_schema(struct table *t, struct schema *s);
/*
 * Replaces the value of every row's cell of column `id`, for changes of type: false from
 * `convert` makes it NULL.
 */
void table_rewrite(struct table *t, unsigned id,
		   bool (*convert)(void *arg, struct ez_view old, struct buf *out),
		   void *arg);

/* ------------------------------------------------------------------ transactions */

enum txn_state {
	TXN_PREPARE,
	TXN_PREPARED,
	TXN_COMMITTED,
	TXN_VISIBLE,
	TXN_ABORTED,
};

const char *txn_state_to_str(enum txn_state s);

struct txn; /* txn.h */

/* Whether a transaction that began before `txn_id` and is not finished has loaded into `t`. */
bool table_has_running_txn(const struct table *t, int64_t txn_id);

/* ------------------------------------------------------------------ the cluster */

enum {
	NODES_MAX = 16,
};

struct fe {
	unsigned index;
	char host[64];
	int http_port, mysql_port;
	bool is_up;
	unsigned epoch; /* grows with every restart */
};

struct be {
	unsigned index;
	int64_t id; /* as SHOW BACKENDS says it */
	char host[64];
	int http_port;
	bool is_up;    /* the process runs */
	bool is_alive; /* the front ends think so */
	bool is_draining;
	unsigned epoch;
	unsigned n_loads;
};

/* Numbers that a test may change at any time; control.h lists them with their names. */
struct settings {
	int64_t publish_ms;         /* from commit to visible */
	int64_t publish_timeout_ms; /* how long a load waits for it; 0: its own timeout */
	int64_t label_keep_max_second;   /* 259200 */
	int64_t label_keep_max_num;      /* 1000 */
	int64_t max_running_txns;        /* per database, 1000 */
	int64_t max_loads_per_be;        /* 0: any */
	int64_t tablet_max_versions;     /* 1000 */
	int64_t compaction_per_min;      /* versions; 0: everything at once */
	int64_t json_max_bytes;          /* 104857600 */
	int64_t json_document_max_bytes; /* 4 GiB */
	int64_t body_max_bytes;          /* 100 GiB */
	int64_t memory_limit_bytes;      /* of buffered JSON bodies; 0: any */
	int64_t fe_header_max_bytes;     /* 32768 */
	int64_t key_max_bytes;           /* 128 */
	int64_t alter_ms;                /* how long an asynchronous schema change runs */
	int64_t prepared_timeout_s;      /* 86400 */
	int64_t fe_commit_wait_s;        /* 20: when commit has no timeout header */
	bool alter_is_sync;              /* fast schema evolution is immediate; true */
	bool is_disk_full;
	bool has_old_csv;  /* the parser that mistakes a leading enclose */
	bool has_lake_bug; /* delete then insert of one key in one load loses the insert */
	bool allows_dup_keys; /* one key twice in one load is no violation */
	bool resets_fe_body;  /* a body sent to a front end is answered by a reset */
	bool checks_strict;   /* a load without strict_mode: true is a violation */
};

enum history {
	HISTORY_FULL,   /* every row of every version */
	HISTORY_LATEST, /* visible rows, and counts of versions */
	HISTORY_COUNTS, /* counts of versions; rows of small tables alone */
};

struct fault; /* fault.h */

struct cluster {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something became visible, finished, or was set */
	struct profile profile; /* constant */
	struct settings settings;
	enum history history; /* constant */
	int64_t clock_ms;     /* added to the time by tests */

	struct fe fe[NODES_MAX];
	struct be be[NODES_MAX];
	unsigned n_fe, n_be; /* constant */
	unsigned leader;     /* index of a front end */
	unsigned next_be;    /* round robin */

	char *user, *password; /* root's */
	struct list accounts;  /* accounts.h */

	struct map databases; /* by name, those not dropped */
	struct database **all_databases;
	size_t n_all_databases;
	struct table **all_tables;
	size_t n_all_tables;
	int64_t next_id; /* of databases, tables, jobs */

	struct map txns; /* by id */
	int64_t next_txn_id;
	struct list running;    /* transactions in PREPARE and PREPARED */
	struct list publishing; /* committed transactions, oldest first */

	struct list faults;
	struct list journal;
	size_t n_journal;
	struct buf violations; /* one JSON object a line */
	size_t n_violations;
	int64_t json_bytes; /* bodies in the memory of back ends */
	unsigned n_looking; /* threads that look whether a body comes to a front end */
	struct map error_logs; /* file name to char * */

	/* Set by sql_setup, or NULL. The first two are called with the lock held. */
	void (*sql_tick)(struct cluster *c, int64_t now_ms);
	void (*alter_job_free)(struct alter_job *job);
	/*
	 * One statement, without the lock; `db` may be empty. The HTTP SQL API wants its
	 * newline-delimited objects; sql_control is for tests, takes any statement and gives
	 * rows as JSON objects, one a line. False with the message in `answer`.
	 */
	bool (*sql_http)(struct cluster *c, unsigned fe, struct ez_view db,
			 struct ez_view query, struct buf *answer);
	bool (*sql_control)(struct cluster *c, struct ez_view db, struct ez_view query,
			    struct buf *answer);
	bool is_stopping;
};

/* Part of cluster_free. */
void table_free_all(struct cluster *c);

struct cluster *cluster_new(const struct profile *p, unsigned n_fe, unsigned n_be);
void cluster_free(struct cluster *c);

/* Takes the lock and does what is due. */
void cluster_lock(struct cluster *c);
void cluster_unlock(struct cluster *c);
/* Waits for a change, at most until `until_ms`, and does what is due. With the lock held. */
void cluster_wait(struct cluster *c, int64_t until_ms);
int64_t cluster_now_ms(const struct cluster *c);
/* Tells those who wait that something changed. */
void cluster_changed(struct cluster *c);
int64_t cluster_next_id(struct cluster *c);

/* What a real cluster would not have noticed and a test must: what a client did wrong. */
_printf_(3, 4) void violation_add(struct cluster *c, const char *kind, const char *fmt,
				  ...);

/* ------------------------------------------------------------------ faults */

/*
 * A misbehaviour that a test has ordered. What it matches: `node` ("fe0", "be1", "mysql0") and
 * `subject` (path of a request, or text of a statement) and `label` against shell patterns.
 * The first `skip` matches pass, the next `count` are hit.
 */
struct fault {
	struct list link;
	unsigned id;
	char kind[32];
	char node[32], subject[256], label[160],
		method[16];  /* patterns, "" matches all */
	int64_t skip, count; /* count < 0: always */
	int64_t hits;
	/* What it does, by kind. */
	int64_t ms, bytes, status;
	bool committed;
	char text[512];
	char body[1024];
};

struct fault_subject {
	const char *node, *subject, *label, *method; /* NULL is "" */
};

/* Whether a fault of the kind hits now; then it is counted, and copied to `ret_fault`. Kinds are
 * listed in fault.c; those of the MySQL side are
 *   sql_error (text: message, status: error number), sql_close (connection closed instead of an
 *   answer), sql_close_after (statement done, connection closed), sql_slow (ms), mysql_down,
 *   handshake_slow (ms), auth_fail, alter_busy, alter_cancel, alter_stuck, alter_slow (ms). */
bool fault_take(struct cluster *c, const char *kind, const struct fault_subject *s,
		struct fault *ret_fault);
/* The same without counting. */
bool fault_peek(struct cluster *c, const char *kind, const struct fault_subject *s,
		struct fault *ret_fault);

/* ------------------------------------------------------------------ journal */

/* Keeps a line of JSON about one request or statement. The lock is held. */
void journal_add(struct cluster *c, struct ez_view json_object);

#endif
