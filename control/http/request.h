/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_REQUEST_H
#define CONTROL_HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/list.h"
#include "control/catalog/db.h"
#include "control/http/route.h"

struct app;
struct json_t;
struct stream;

/*
 * One request and its answer.
 *
 * Made by the thread that reads from the network, then handed through a queue to one of
 * the threads that serve, then back: one owner at a time. A handler sees a request whose
 * sender is known, has the role that the route asks for, and whose body and query string
 * are as the route's tables say. It answers with one of the reply functions, or asks to be
 * run again later with request_wait.
 */
enum principal_kind { NOBODY, PERSON, WORKER, DEPLOYMENT };

struct principal {
	enum principal_kind kind;
	enum access role; /* of a person */
	char id[37];      /* user, worker, or token of a deployment */
	char deployment_id[37];
	char name[208];
	char session[65]; /* hash of the session, for cookies */
	char csrf[65];
	bool by_cookie;
};

enum header {
	HEADER_AUTHORIZATION,
	HEADER_CONTENT_TYPE,
	HEADER_CSRF,
	HEADER_HOST,
	HEADER_IF_NONE_MATCH,
	HEADER_LAST_EVENT_ID,
	HEADER_ORIGIN,
	HEADER_FETCH_SITE,
	_HEADER_MAX,
};

enum {
	ANSWER_MAX_BYTES = 32 * 1024 * 1024,
	REPLY_HEADERS_MAX = 8,
};

#define SESSION_COOKIE "ezcdc_session"

struct reply_header {
	const char *name; /* static */
	char *value;
};

struct request {
	struct list link; /* of the queue, whether it is ready or waits */
	struct app *app;
	struct db *db; /* of the serving thread */
	const struct route *route;
	char *method, *path;
	char ids[2][37];
	char *headers[_HEADER_MAX]; /* NULL when absent */
	char *cookie;               /* our session's */
	char address[64];
	char network[64]; /* what limits count: the address, of IPv6 its /64 */
	struct buf raw;
	struct json_t *body, *query; /* never NULL in a handler that has tables */
	struct principal who;

	/* the answer; status 0: none yet */
	int status;
	struct buf out;
	const char *content_type;
	struct reply_header reply_headers[REPLY_HEADERS_MAX];
	int n_reply_headers;
	bool must_close;
	struct stream *stream; /* answered with events instead */

	/* long polls */
	int64_t started_us;
	int64_t wait_until_us; /* 0: do not wait */
	uint64_t generation;   /* of the hub, when this run began */
	char topic[37];
	bool alone; /* not for a lot: to be served by the route's handler */

	/* the queue's */
	struct list of_owner, of_topic, of_due;
	bool parked;

	/* of the connection */
	void *connection;
	size_t charged_bytes;
	bool served;
};

struct request *request_new(struct app *app, const char *method, const char *path);
void request_free(struct request *r);

/*
 * Runs the handler again when something happens under `topic` or `until_us` (mono_us) has
 * passed; it is then not to wait any more.
 */
void request_wait(struct request *r, const char *topic, int64_t until_us);

/* ------------------------------------------------------------------ answers */

/* JSON text as it is. */
void reply(struct request *r, int status, const char *json);

/* The first column of the first row, or 404. Takes rows over. */
void reply_row(struct request *r, int status, enum db_result rc, struct pg_result *rows);

_printf_(5, 6) void reply_error(struct request *r, int status, const char *code,
				const char *field, const char *fmt, ...);

/* What a failed statement means for the sender. */
void reply_db(struct request *r, enum db_result rc);
void reply_not_found(struct request *r);

/* `name` is static, the value is copied. */
void reply_header(struct request *r, const char *name, const char *value);

/* ------------------------------------------------------------------ what it says */

/* Members of the body and the query; NULL when absent. */
const char *body_str(const struct request *r, const char *name);
const char *query_str(const struct request *r, const char *name);
bool body_has(const struct request *r, const char *name);

#endif
