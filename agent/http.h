/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_HTTP_H
#define AGENT_HTTP_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * Requests to one server, several at a time, on one thread, without blocking. (The only file
 * that knows libcurl.)
 *
 * Certificates are verified always. Redirects are not followed, so a token goes nowhere but
 * to the server that was configured. Bodies and headers are wiped when a request is over.
 *
 * http_post() takes the body over; `done` is called from http_wait() or http_free(), once.
 * http_wake() may be called by any thread.
 */
struct http;

struct http_options {
	const char *base;       /* "https://control.example.com", without a slash at its end */
	const char *ca_file;    /* NULL: the system's */
	const char *cert_file, *key_file; /* of the client, PEM; NULL: none */
	const char *proxy;      /* NULL: as the environment says; "": none */
	const char *user_agent;
};

struct http_answer {
	long status;           /* 0: there was no answer, `error` says why */
	const char *error;
	struct ez_view body;   /* until the callback returns */
	int64_t retry_after_ms; /* 0: not said */
};

struct http_post {
	const char *path;
	const char *token;      /* for Authorization: Bearer; copied */
	struct buf *body;       /* taken over: empty afterwards */
	size_t answer_max;
	unsigned timeout_ms;
	void (*done)(void *arg, const struct http_answer *a);
	void *arg;
};

/* EZ_E_CONFIG: the address cannot be used, or is neither https nor on this machine. */
_must_check_ int http_new(const struct ez_host *host, const struct http_options *o,
			  struct http **ret, struct ez_error *err);

/* Ends what is under way; their `done` gets status 0. */
void http_free(struct http *h);

void http_post(struct http *h, const struct http_post *p);
size_t http_in_flight(const struct http *h);

/* Moves data for at most `ms`, or until http_wake() or the end of a request. */
void http_wait(struct http *h, unsigned ms);
void http_wake(struct http *h);

#endif
