/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_ROUTE_H
#define CONTROL_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

struct field;
struct request;

/*
 * The table of what the server answers to: api/routes.c.
 *
 * A path holds at most two {id} parts, which match UUIDs only. One entry says who may call
 * it, what body and query it takes and how large; nothing of that stands in handlers.
 */
enum access {
	ACCESS_PUBLIC,
	ACCESS_VIEWER,
	ACCESS_OPERATOR,
	ACCESS_ADMIN,
	ACCESS_WORKER,   /* a worker's own secret */
	ACCESS_REGISTER, /* that, or the token of a deployment */
};

/*
 * What workers say all the time comes by the thousand: the requests of such a lane are
 * served together, in few statements.
 */
enum lane {
	LANE_PLAIN,
	LANE_POLL,
	LANE_REPORT,
	LANE_BEAT,
	LANE_SAMPLES,
	_LANE_MAX,
};

struct route {
	const char *method; /* NULL ends the table */
	const char *path;
	enum access access;
	void (*handler)(struct request *r);
	enum lane lane;
	/*
	 * Of a lane: answers or parks those that it can, and leaves `alone` set on the
	 * others, for the handler. The senders are workers that are known.
	 */
	void (*together)(struct request **all, int n);
	const char *summary;
	const struct field *body;  /* NULL: none is read */
	const struct field *query; /* NULL: none is allowed */
	size_t body_max_bytes;     /* 0: 64 KiB */
	int success;               /* 0: 200 */
	const char *arg;           /* the handler's own */
	bool same_site;            /* public, but not for pages of others */
};

enum { BODY_MAX_BYTES = 64 * 1024 };

extern const struct route routes[];

struct route_match {
	const struct route *route; /* NULL: none */
	bool path_exists;          /* with another method: 405 */
	char ids[2][37];
};

struct route_match route_find(const struct route *table, const char *method,
			      const char *path);

/* The methods of a path, for Allow: "GET, POST". At most `size` bytes. */
void route_methods(const struct route *table, const char *path, char *ret_text,
		   size_t size);

const char *access_to_str(enum access a);

#endif
