/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "tls.h"

struct conn *conn_new(int fd, void *tls)
{
	struct conn *c = xmalloc(sizeof(*c));

	c->fd = fd;
	c->tls = tls;
	c->at = c->len = 0;
	c->resets = c->is_broken = false;
	return c;
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	if (c->resets) {
		struct linger now = { .l_onoff = 1, .l_linger = 0 };

		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
	tls_free(c->tls);
	free(c);
}

bool conn_write(struct conn *c, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t rc = c->tls ? tls_write(c->tls, data, n)
				    : send(c->fd, data, n, MSG_NOSIGNAL);

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0) {
			c->is_broken = true;
			return false;
		}
		data += rc;
		n -= (size_t)rc;
	}
	return true;
}

static ssize_t receive(struct conn *c, char *to, size_t n)
{
	ssize_t rc;

	do
		rc = c->tls ? tls_read(c->tls, to, n) : recv(c->fd, to, n, 0);
	while (rc < 0 && errno == EINTR);
	if (rc <= 0)
		c->is_broken = true;
	return rc;
}

static bool fill(struct conn *c)
{
	ssize_t rc;

	if (c->at > 0) {
		memmove(c->in, c->in + c->at, c->len - c->at);
		c->len -= c->at;
		c->at = 0;
	}
	if (c->len == sizeof(c->in))
		return false;
	rc = receive(c, c->in + c->len, sizeof(c->in) - c->len);
	if (rc <= 0)
		return false;
	c->len += (size_t)rc;
	return true;
}

ssize_t conn_read(struct conn *c, char *to, size_t n)
{
	size_t have = MIN(n, c->len - c->at);

	if (have == 0)
		return receive(c, to, n);
	memcpy(to, c->in + c->at, have);
	c->at += have;
	return (ssize_t)have;
}

int64_t conn_drain(struct conn *c, int64_t ms)
{
	int64_t n = (int64_t)(c->len - c->at), end = mono_us() / US_PER_MS + ms;
	char waste[4096];

	c->at = c->len = 0;
	while (!c->tls) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		int64_t left = end - mono_us() / US_PER_MS;
		ssize_t rc;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		rc = recv(c->fd, waste, sizeof(waste), 0);
		if (rc <= 0)
			break;
		n += rc;
	}
	return n;
}

/* ------------------------------------------------------------------ the head */

static bool parse_line(struct request *r, struct ez_view line)
{
	struct ez_view rest = line, version;
	const char *mark;

	if (!view_split(&rest, ' ', &r->method) || !view_split(&rest, ' ', &r->target))
		return false;
	version = rest;
	if (version.len != 8 || !view_starts(version, VIEW("HTTP/1.")) ||
	    r->target.len == 0 || *r->target.ptr != '/')
		return false;
	r->minor = version.ptr[7] - '0';
	mark = memchr(r->target.ptr, '?', r->target.len);
	r->path = view_of(r->target.ptr,
			  mark ? (size_t)(mark - r->target.ptr) : r->target.len);
	if (mark)
		r->query = view_of(mark + 1, r->target.len - r->path.len - 1);
	return true;
}

static bool parse_header(struct request *r, struct ez_view line)
{
	const char *colon = memchr(line.ptr, ':', line.len);
	struct header *h;

	if (!colon || colon == line.ptr || r->n_headers == HEADERS_MAX)
		return false;
	h = &r->headers[r->n_headers++];
	h->name = view_of(line.ptr, (size_t)(colon - line.ptr));
	h->value = view_trim(view_of(colon + 1, line.len - h->name.len - 1));
	return true;
}

static bool is_word(struct ez_view v, const char *word)
{
	return v.len == strlen(word) && strncasecmp(v.ptr, word, v.len) == 0;
}

static bool parse_body_headers(struct request *r)
{
	struct ez_view length = request_header(r, "content-length");

	r->is_chunked = is_word(request_header(r, "transfer-encoding"), "chunked");
	r->expects_continue = is_word(request_header(r, "expect"), "100-continue");
	r->closes = is_word(request_header(r, "connection"), "close") || r->minor == 0;
	r->content_length = -1;
	if (length.len > 0 && !parse_i64(length, &r->content_length))
		return false;
	if (length.len > 0 && (r->content_length < 0 || r->is_chunked))
		return false;
	r->left = r->is_chunked ? 0 : MAX(r->content_length, INT64_C(0));
	r->is_whole = !r->is_chunked && r->left == 0;
	return true;
}

static bool parse_head(struct request *r)
{
	struct ez_view rest = buf_view(&r->head), line;
	bool is_first = true;

	while (view_split(&rest, '\n', &line)) {
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len == 0)
			continue;
		if (is_first ? !parse_line(r, line) : !parse_header(r, line))
			return false;
		is_first = false;
	}
	return !is_first && parse_body_headers(r);
}

enum head_result http_read_head(struct conn *c, struct request *r, int64_t max_bytes)
{
	const char *end;
	size_t n;

	*r = (struct request){ .content_length = -1 };
	buf_init(&r->head, CONN_BUFFER);
	for (;;) {
		end = memmem(c->in + c->at, c->len - c->at, "\r\n\r\n", 4);
		if (end)
			break;
		if (c->len - c->at > (size_t)max_bytes || c->len - c->at == CONN_BUFFER)
			return HEAD_TOO_LARGE;
		if (!fill(c))
			return c->len > c->at ? HEAD_BAD : HEAD_CLOSED;
	}
	n = (size_t)(end + 4 - (c->in + c->at));
	if (n > (size_t)max_bytes)
		return HEAD_TOO_LARGE;
	buf_add(&r->head, c->in + c->at, n);
	c->at += n;
	return parse_head(r) ? HEAD_OK : HEAD_BAD;
}

void http_release(struct request *r)
{
	buf_release(&r->head);
}

struct ez_view request_header(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (is_word(r->headers[i].name, name))
			return r->headers[i].value;
	return view_of(NULL, 0);
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

void percent_decode(struct ez_view v, struct buf *out)
{
	for (size_t i = 0; i < v.len; i++) {
		int high =
			i + 2 < v.len && v.ptr[i] == '%' ? hex_digit(v.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(v.ptr[i + 2]) : -1;

		if (low >= 0) {
			buf_add_char(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_add_char(out, v.ptr[i]);
		}
	}
}

bool request_parameter(const struct request *r, const char *name, struct buf *out)
{
	struct ez_view rest = r->query, part, key;

	while (view_split(&rest, '&', &part)) {
		struct ez_view value = part;

		if (view_split(&value, '=', &key) && view_eq_str(key, name)) {
			percent_decode(value, out);
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------ the body */

static bool read_line(struct conn *c, struct buf *line)
{
	char byte;

	buf_reset(line);
	while (conn_read(c, &byte, 1) == 1) {
		if (byte == '\n')
			return true;
		if (byte != '\r')
			buf_add_char(line, byte);
	}
	return false;
}

/* The size of the next chunk into `left`; the last one ends the body. */
static bool next_chunk(struct conn *c, struct request *r)
{
	struct buf line = BUF_INIT(1024);
	bool is_good = true;

	if (r->is_begun)
		is_good = read_line(c, &line);
	r->is_begun = true;
	is_good = is_good && read_line(c, &line);
	if (is_good) {
		char *end;

		r->left = (int64_t)strtoull(buf_cstr(&line), &end, 16);
		is_good = end != line.ptr && r->left >= 0;
	}
	if (is_good && r->left == 0) {
		r->is_whole = true;
		do
			is_good = read_line(c, &line);
		while (is_good && line.len > 0);
	}
	buf_release(&line);
	return is_good;
}

ssize_t http_read_body(struct conn *c, struct request *r, char *to, size_t n)
{
	ssize_t rc;

	if (r->is_whole)
		return 0;
	if (r->is_chunked && r->left == 0) {
		if (!next_chunk(c, r))
			return -1;
		if (r->is_whole)
			return 0;
	}
	rc = conn_read(c, to, MIN(n, (size_t)r->left));
	if (rc <= 0)
		return -1;
	r->left -= rc;
	r->n_read += rc;
	if (r->left == 0 && !r->is_chunked)
		r->is_whole = true;
	return rc;
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} known[] = {
		{ 200, "OK" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			return known[i].reason;
	return "Status";
}
