/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TXN_H
#define STARROCKS_TXN_H

#include "model.h"

/*
 * Load transactions: labels, states, timeouts, commit and publish.
 *
 * PREPARE -> PREPARED -> COMMITTED -> VISIBLE, or ABORTED. A label belongs to one database;
 * an aborted transaction gives it back. Finished transactions are remembered until the newer of
 * the two retention limits says no; then the label is as if it had never been.
 *
 * All functions want the lock. A thread that keeps a transaction beyond it holds it with
 * txn_hold; rows are converted by the thread that has set `is_busy`.
 */
enum txn_kind {
	TXN_STREAM_LOAD, /* one request */
	TXN_SINGLE,      /* transaction interface, one table */
	TXN_MULTI,       /* transaction interface, several tables of one database */
};

struct load; /* load.h */

/* What the transaction loads into one table. */
struct sub_load {
	struct table *table;
	struct load *load;
	unsigned be;       /* that has the rows, once `load` is there */
	char *parameters;  /* those of its first request */
	bool is_busy;      /* a thread converts rows, without the lock */
	bool is_committed; /* it has a version */
};

struct txn {
	struct list
		link; /* in cluster.running, cluster.publishing or database.finished */
	int64_t id;
	struct database *db;
	char *label;
	enum txn_kind kind;
	enum txn_state state;
	char reason[512];
	unsigned be, be_epoch; /* the coordinator */
	unsigned fe, fe_epoch; /* the leader at the beginning */
	bool is_on_be;         /* the coordinator still knows it */
	bool is_busy;
	struct table *table; /* that begin has named, or NULL */
	struct sub_load **subs;
	size_t n_subs;
	int users;
	bool is_forgotten; /* freed when the last user lets go */

	int64_t timeout_ms, idle_ms, prepared_timeout_ms;
	int64_t begun_ms, used_ms, prepared_ms, committed_ms, finished_ms;
	int64_t due_ms; /* COMMITTED: when it may become visible */
	/* Ordered by a fault: the transaction finishes by itself at this time. */
	int64_t late_ms;
	bool late_commits;
};

enum begin_result {
	BEGIN_OK,
	BEGIN_EXISTS, /* the label is taken: see ret_txn */
	BEGIN_FAILED,
};

struct begin_args {
	struct database *db;
	struct table *table;
	struct ez_view label;
	enum txn_kind kind;
	unsigned be, fe;
	int64_t timeout_ms, idle_ms;
};

enum begin_result txn_begin(struct cluster *c, const struct begin_args *args,
			    struct txn **ret_txn, char *ret_message, size_t size);

/* NULL when the label is not known (any more). */
struct txn *txn_find(const struct database *db, struct ez_view label);

/* "FINISHED" or "RUNNING": ExistingJobStatus. */
const char *txn_job_status(const struct txn *x);

void txn_hold(struct txn *x);
void txn_let_go(struct txn *x);

/* The part for a table, made when it is missing. */
struct sub_load *txn_sub(struct txn *x, struct table *t);
/* The thread is done with it: the rows of an aborted transaction are freed now. */
void txn_sub_done(struct txn *x, struct sub_load *sub);

/* False with the reason in ret_message; the transaction is aborted then. */
_must_check_ bool txn_prepare(struct cluster *c, struct txn *x, char *ret_message,
			      size_t size);
_must_check_ bool txn_commit(struct cluster *c, struct txn *x, char *ret_message,
			     size_t size);
void txn_abort(struct cluster *c, struct txn *x, const char *reason);

/* What is due: timeouts, publishing, retention. */
void txn_tick(struct cluster *c, int64_t now_ms);
/* When the next thing is due. */
int64_t txn_next_due(const struct cluster *c);

/* Transactions that a back end, or the leader, has lost by a restart. */
void txn_be_lost(struct cluster *c, unsigned be);
void txn_leader_lost(struct cluster *c);

void txn_free(struct txn *x);

#endif
