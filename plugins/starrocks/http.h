/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_HTTP_H
#define STARROCKS_HTTP_H

#include <ezcdc/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

struct settings;
struct http;

/*
 * Requests to the cluster: several at once, each through as many hops as it takes.
 *
 * An exchange is one request as the caller means it. It begins at a front end; when that
 * cannot be reached, the next one is asked; redirects are followed with the same headers
 * and credentials (hop.h). The body is sent only after a 100 Continue, so it never ends up
 * in a front end, and an exchange that failed before knows that nothing of it was sent.
 *
 * http_run() performs exchanges until each has a result; `parallel` bounds how many are
 * under way. It belongs to one thread; http_interrupt() may come from any and makes it
 * return soon, for ever. Connections are kept for the next run.
 */
enum http_fault {
	HTTP_ANSWERED, /* status and answer are there */
	HTTP_UNREACHED, /* nothing can have happened: no server was reached, or none let us in */
	HTTP_LOST,    /* anything may have happened: the answer did not come */
	HTTP_REFUSED, /* we do not go there: `error` says why, an operator must act */
	HTTP_CANCELLED,
};

/* A body is read through this, from its beginning each time it is sent. */
struct http_body {
	uint64_t len;
	/* Up to `cap` bytes at `at`; fewer only at the end. */
	size_t (*read)(void *arg, uint64_t at, char *to, size_t cap);
	void *arg;
};

struct exchange {
	/* the caller's */
	const char *method;
	const char *path; /* "/api/..." */
	const char *url;  /* begin there instead of at a front end; NULL */
	struct buf
		headers; /* lines with \n at the end; Authorization and Expect are added */
	struct http_body body; /* len 0: none */
	int64_t timeout_us;
	bool is_anonymous; /* without credentials */
	bool expects;      /* sends Expect: 100-continue */

	/* the result */
	enum http_fault fault;
	int status;
	struct buf answer;
	bool body_begun;       /* a byte of the body went out at some hop */
	struct ez_error error; /* unless ANSWERED; EZ_E_TRANSIENT or EZ_E_CONFIG */
	char node[256];        /* the last one asked, for messages */
};

enum { HOP_PATH_MAX = 3500 };

enum { HTTP_ANSWER_CAP = 1024 * 1024 };

void exchange_init(struct exchange *x, const char *method);
void exchange_release(struct exchange *x);
_printf_(3, 4) void exchange_header(struct exchange *x, const char *name, const char *fmt,
				    ...);

/* NULL: the library does not work. */
_must_check_ struct http *http_new(const struct settings *s);
void http_free(struct http *h);

void http_run(struct http *h, struct exchange *const *xs, size_t n, unsigned parallel);

/* Begins at the next front end from now on. */
void http_next_front_end(struct http *h);

/* StarRocks has answered something at least once: what is no StarRocks now is a proxy. */
bool http_has_worked(const struct http *h);

/* Until then, or until interrupted. */
void http_sleep(struct http *h, uint32_t ms);

void http_interrupt(struct http *h);
bool http_is_interrupted(const struct http *h);

#endif
