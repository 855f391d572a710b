/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

enum { ANSWER_MAX = 8 * 1024 * 1024 };

void ask_release(struct ask *a)
{
	fs_closep(&a->fd);
	fs_closep(&a->passed);
	buf_release(&a->out);
	buf_release(&a->in);
	*a = ASK_INIT;
}

static enum ask_result give_up(struct ask *a)
{
	ask_release(a);
	return ASK_FAILED;
}

enum ask_result ask_begin(struct ask *a, const char *socket_path, struct ez_view request,
			  int passed, unsigned timeout_ms)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	ask_release(a);
	a->passed = passed;
	if (!str_copy(at.sun_path, sizeof(at.sun_path), view_str(socket_path)))
		return give_up(a);
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* A UNIX socket connects at once or not at all. */
	if (a->fd < 0 || connect(a->fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return give_up(a);
	a->until_us = mono_us() + (int64_t)timeout_ms * US_PER_MS;
	buf_init(&a->out, request.len + 1);
	buf_init(&a->in, ANSWER_MAX);
	buf_add_view(&a->out, request);
	buf_add_char(&a->out, '\n');
	return ask_step(a);
}

static ssize_t send_some(struct ask *a)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} along = { .bytes = "" };
	struct iovec v = { .iov_base = a->out.ptr + a->sent, .iov_len = a->out.len - a->sent };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t n;

	if (a->passed >= 0) {
		along.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
					       .cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&along.head), &a->passed, sizeof(int));
		m.msg_control = along.bytes;
		m.msg_controllen = sizeof(along.bytes);
	}
	n = sendmsg(a->fd, &m, MSG_NOSIGNAL);
	if (n > 0)
		fs_closep(&a->passed);
	return n;
}

/* False: the connection is broken. */
static bool transmit(struct ask *a)
{
	while (a->sent < a->out.len) {
		ssize_t n = send_some(a);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		a->sent += (size_t)n;
	}
	return true;
}

static enum ask_result receive(struct ask *a)
{
	char chunk[4096];

	for (;;) {
		ssize_t n = recv(a->fd, chunk, sizeof(chunk), 0);
		const char *end;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return ASK_PENDING;
		if (n <= 0)
			return ASK_FAILED;
		end = memchr(chunk, '\n', (size_t)n);
		buf_add(&a->in, chunk, end ? (size_t)(end - chunk) : (size_t)n);
		if (!buf_ok(&a->in))
			return ASK_FAILED;
		if (end)
			return ASK_DONE;
	}
}

enum ask_result ask_step(struct ask *a)
{
	enum ask_result result = ASK_PENDING;

	if (!transmit(a))
		return give_up(a);
	if (a->sent == a->out.len)
		result = receive(a);
	if (result == ASK_DONE) {
		fs_closep(&a->fd);
		return ASK_DONE;
	}
	if (result == ASK_FAILED || mono_us() >= a->until_us)
		return give_up(a);
	a->events = a->sent < a->out.len ? POLLOUT : POLLIN;
	return ASK_PENDING;
}
