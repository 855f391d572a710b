/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "tests/bench/play.h"

/* Kept connections, one request at a time, edge-triggered: registered once. */
enum { MESSAGE_MAX_BYTES = 32 * 1024 * 1024, READ_BYTES = 4096 };

void conn_init(struct conn *c, struct worker *w)
{
	c->worker = w;
	c->fd = -1;
	buf_init(&c->out, MESSAGE_MAX_BYTES);
	buf_init(&c->in, MESSAGE_MAX_BYTES);
}

void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->busy = false;
}

static void fail_conn(struct conn *c)
{
	bool was_busy = c->busy;

	conn_close(c);
	if (was_busy)
		worker_answer(c, 0, VIEW(""), VIEW(""));
}

static bool open_conn(struct conn *c, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int one = 1;

	c->port = port;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno != EINPROGRESS)
		return false;
	return epoll_ctl(c->worker->play->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0;
}

/* False when the connection is broken. What does not fit waits for the next event. */
static bool write_out(struct conn *c)
{
	while (c->written < c->out.len) {
		ssize_t n = send(c->fd, c->out.ptr + c->written, c->out.len - c->written,
				 MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == ENOTCONN;
		c->written += (size_t)n;
	}
	return true;
}

void conn_send(struct conn *c, int port, const char *token, const char *path,
	       struct ez_view body, int64_t timeout_us)
{
	if (c->fd >= 0 && port != c->port)
		conn_close(c);
	buf_reset(&c->out);
	buf_reset(&c->in);
	c->written = 0;
	buf_addf(&c->out,
		 "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
		 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		 path, token, body.len);
	buf_add_view(&c->out, body);
	c->busy = true;
	c->sent_us = mono_us();
	c->until_us = c->sent_us + timeout_us;
	if ((c->fd >= 0 || open_conn(c, port)) && write_out(c))
		return;
	/* The caller shall not be called before it is done: at the next sweep. */
	conn_close(c);
	c->busy = true;
	c->until_us = 0;
}

/* The value of a header among lower-case ones; empty for none. */
static struct ez_view header_of(struct ez_view head, const char *name)
{
	const char *at = memmem(head.ptr, head.len, name, strlen(name)), *end;

	if (!at)
		return VIEW("");
	at += strlen(name);
	end = memchr(at, '\r', head.len - (size_t)(at - head.ptr));
	return view_trim(view_of(at, (size_t)((end ? end : head.ptr + head.len) - at)));
}

static void lower(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
}

/* False while more must come. */
static bool take_answer(struct conn *c)
{
	const char *end = memmem(c->in.ptr, c->in.len, "\r\n\r\n", 4);
	struct ez_view head, body;
	uint64_t length = 0, status = 0;

	if (!end)
		return false;
	head = view_of(c->in.ptr, (size_t)(end - c->in.ptr) + 2);
	lower(c->in.ptr, head.len);
	body = view_of(end + 4, c->in.len - head.len - 2);
	if (header_of(head, "\r\ncontent-length:").len > 0 &&
	    !parse_u64(header_of(head, "\r\ncontent-length:"), &length))
		return false;
	if (body.len < length)
		return false;
	c->busy = false;
	if (head.len < 12 || !parse_u64(view_of(head.ptr + 9, 3), &status))
		status = 0;
	if (view_eq_str(header_of(head, "\r\nconnection:"), "close"))
		conn_close(c);
	worker_answer(c, (int)status, head, body);
	return true;
}

void conn_ready(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if ((events & EPOLLOUT) && c->busy && !write_out(c)) {
		fail_conn(c);
		return;
	}
	while (c->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP))) {
		char *to = buf_reserve(&c->in, READ_BYTES);
		ssize_t n = to ? recv(c->fd, to, READ_BYTES, 0) : 0;

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || !c->busy) {
			fail_conn(c);
			return;
		}
		buf_advance(&c->in, (size_t)n);
		if (take_answer(c))
			return;
	}
}
