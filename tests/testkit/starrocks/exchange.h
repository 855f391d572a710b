/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_EXCHANGE_H
#define STARROCKS_EXCHANGE_H

#include "http.h"
#include "model.h"

/*
 * One request and its answer on a node. Handlers fill `answer` in and return; sending, the
 * faults that concern any request, and the journal are here. One thread.
 */
enum node_kind {
	NODE_FE,
	NODE_BE,
	NODE_STRANGER, /* no part of the cluster: nobody may send it a password */
};

struct node {
	struct cluster *cluster;
	enum node_kind kind;
	unsigned index;
	char name[16];     /* "fe0", "be1", "stranger" */
	struct list conns; /* of struct link_conn in node.c; under the cluster's lock */
};

struct exchange {
	struct cluster *c;
	const struct node *node;
	struct conn *conn;
	struct request *req;
	char *path, *label; /* NUL-terminated copies, for faults and the journal */
	char *db, *table;   /* "" when the path has none */
	int64_t started_us;
	unsigned epoch; /* the node's at the beginning */

	int status;      /* of the answer */
	struct buf head; /* more headers, each with \r\n */
	const char *content_type;
	struct buf body;
	bool closes;  /* Connection: close */
	bool is_mute; /* no answer at all */
	bool is_auth_ok;
	char user[129]; /* once that is so */
	bool has_continued; /* 100 Continue was sent */
	struct body_hash {
		uint64_t value, word; /* the word is not full yet */
		unsigned n_bytes;
	} body_hash;
	char note[64]; /* the fault that struck, for the journal */
};

/* Serves requests of a connection until it ends. Takes `conn`. */
void exchange_serve(struct node *node, struct conn *conn);

/* Handlers, in fe.c and be.c; both serve the transaction interface through txn_api.c. */
void fe_handle(struct exchange *x);
void be_handle(struct exchange *x);

/* ------------------------------------------------------------------ for handlers */

/* Whether a fault hits this exchange; takes the lock. */
bool exchange_fault(struct exchange *x, const char *kind, struct fault *ret_fault);
/* The same with the lock held. */
bool exchange_fault_locked(struct exchange *x, const char *kind, struct fault *ret_fault);

_printf_(2, 3) void answer_header(struct exchange *x, const char *fmt, ...);

/* A pretty printed object, field by field, as a back end writes it. */
void answer_begin(struct exchange *x);
void answer_str(struct exchange *x, const char *name, const char *value);
void answer_i64(struct exchange *x, const char *name, int64_t value);
void answer_end(struct exchange *x);

/* A front end's refusal: 200, Status FAILED, Connection: close. */
_printf_(2, 3) void answer_failed(struct exchange *x, const char *fmt, ...);
void answer_unauthorized(struct exchange *x);
void answer_not_found(struct exchange *x);
/* 307 to a node of the cluster, with the same path and query. */
void answer_redirect(struct exchange *x, const char *host, int port);

/* 1.2: Basic, the user before an "@". */
_must_check_ bool exchange_is_authorized(struct exchange *x);
/* Whether the user may INSERT; takes the lock. As a front end says no: 401, without the
 * name of the right. */
_must_check_ bool exchange_may_insert(struct exchange *x, struct ez_view db,
				      struct ez_view table);
bool exchange_may_insert_locked(struct exchange *x, struct ez_view db,
				struct ez_view table);
void answer_denied(struct exchange *x);
/* What a back end says, which has it from the leader. */
#define DENIED_BY_LEADER \
 "Access denied; you need (at least one of) the INSERT privilege(s) for this operation"

enum body_result {
	BODY_OK,
	BODY_BROKEN,  /* the connection ended, by a fault or by the client: no answer */
	BODY_STOPPED, /* `take` said so */
};

/* Sends 100 where it is due and reads the body piece by piece. */
enum body_result exchange_read_body(struct exchange *x,
				    bool (*take)(void *arg, const char *data, size_t n),
				    void *arg);

/* Sleeps, but not beyond the end of the node's life. */
void exchange_sleep(struct exchange *x, int64_t ms);
/* Whether the node was restarted since the request came. The lock is held. */
bool exchange_is_stale(const struct exchange *x);

#endif
