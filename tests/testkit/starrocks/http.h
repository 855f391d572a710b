/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_HTTP_H
#define STARROCKS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * HTTP/1.1, the server's side, on blocking sockets: small enough that every byte that is sent
 * or not sent is a decision of the caller. One thread owns a connection.
 */
enum {
	CONN_BUFFER = 256 << 10,
	HEADERS_MAX = 80,
};

struct conn {
	int fd;
	void *tls;      /* SSL *, or NULL */
	size_t at, len; /* of `in` that is not read yet */
	bool resets;    /* end with a reset instead of a FIN */
	bool is_broken;
	char in[CONN_BUFFER];
};

struct header {
	struct ez_view name, value;
};

struct request {
	struct buf head; /* the views below point into it */
	struct ez_view method, target, path, query;
	int minor; /* HTTP/1.minor */
	struct header headers[HEADERS_MAX];
	size_t n_headers;
	int64_t content_length; /* -1: not given */
	bool is_chunked, expects_continue, closes;
	/* of the body */
	int64_t left; /* of the content, or of the present chunk */
	int64_t n_read;
	bool is_whole;
	bool is_begun; /* chunked: a chunk was there */
};

struct conn *conn_new(int fd, void *tls);
/* The caller closes the socket. */
void conn_free(struct conn *c);
_must_check_ bool conn_write(struct conn *c, const char *data, size_t n);
/* Up to `n` bytes that have come; 0 at the end, negative when broken. */
ssize_t conn_read(struct conn *c, char *to, size_t n);
/* Bytes that come within `ms` and are thrown away; returns when the peer closes. */
int64_t conn_drain(struct conn *c, int64_t ms);

enum head_result {
	HEAD_OK,
	HEAD_CLOSED,
	HEAD_BAD,
	HEAD_TOO_LARGE,
};

/* The request is empty before and after http_release. */
enum head_result http_read_head(struct conn *c, struct request *r, int64_t max_bytes);
void http_release(struct request *r);

/* The value of a header, trimmed; ptr NULL when it is not there. Names in any case. */
struct ez_view request_header(const struct request *r, const char *name);

/* A parameter of the query, percent decoded into `out`. False when it is not there. */
_must_check_ bool request_parameter(const struct request *r, const char *name,
				    struct buf *out);
void percent_decode(struct ez_view v, struct buf *out);

/* The next piece of the body: its size, 0 at the end, negative when the connection broke. */
ssize_t http_read_body(struct conn *c, struct request *r, char *to, size_t n);

const char *http_reason(int status);

#endif
