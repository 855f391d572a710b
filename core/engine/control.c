/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/control.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/control_http.h"
#include "engine/host.h"
#include "engine/json.h"

enum {
	MAX_CLIENTS = 32,
	PASSED_MAX = 4,
	REQUEST_MAX = 64 * 1024,
	ANSWER_MAX = 16 * 1024 * 1024,
	CLIENT_TIMEOUT_US = 30 * US_PER_SEC,
	PAUSE_US = 200 * US_PER_MS, /* until descriptors may be free again */
};

/* One connection; lines in on the control socket, one request on the metrics port. */
struct client {
	int fd; /* -1: free */
	bool is_http, closing;
	int passed;       /* a descriptor that came with what is in `in`; -1: none */
	int64_t since_us; /* of the last progress */
	struct buf in, out;
	size_t sent;
};

struct control {
	const struct control_ops *ops;
	void *arg;
	char *socket_path;
	int listen_fd, http_fd;
	struct client clients[MAX_CLIENTS];
	size_t polled[MAX_CLIENTS]; /* which client each pollfd after the listeners is */
	size_t n_listeners;
	int64_t deaf_until_us; /* mono_us; 0: listening */
};

/* ---------------------------------------------------------------------------- listening */

static bool socket_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return str_copy(ret->sun_path, sizeof(ret->sun_path), view_str(path));
}

static int listen_control(struct control *c, struct ez_error *err)
{
	struct sockaddr_un at;
	mode_t old;
	int rc;

	if (!socket_address(c->socket_path, &at)) {
		host_table.fail(err, EZ_E_CONFIG, "", "the path of the control socket is longer "
				"than the system allows: %s", c->socket_path);
		return host_table.hint(err, "choose a shorter --state-dir");
	}
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(c->socket_path); /* left by a crash: the state folder's lock is ours */
	old = umask(0177);
	rc = bind(c->listen_fd, (const struct sockaddr *)&at, sizeof(at));
	umask(old);
	if (rc != 0 || listen(c->listen_fd, MAX_CLIENTS) != 0)
		return host_table.fail(err, EZ_E_IO, "CANTCREAT", "control socket %s: %m",
				       c->socket_path);
	return EZ_OK;
}

static int cannot_listen(struct ez_error *err, const char *address, const char *why)
{
	host_table.fail(err, EZ_E_CONFIG, "", "cannot serve metrics on %s: %s", address, why);
	return host_table.hint(err, "give --metrics a free HOST:PORT of this machine");
}

static int bind_any(const struct addrinfo *list)
{
	const int one = 1;

	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, MAX_CLIENTS) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static int listen_http(struct control *c, const char *address, struct ez_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	const char *colon = strrchr(address, ':');
	struct addrinfo *list = NULL;
	uint64_t port;
	char *host;
	int rc;

	if (!colon || colon == address || !parse_u64(view_str(colon + 1), &port) ||
	    port > UINT16_MAX)
		return cannot_listen(err, address, "it is not HOST:PORT");
	host = xstrndup(address, (size_t)(colon - address));
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	rc = getaddrinfo(host, colon + 1, &hints, &list);
	free(host);
	if (rc != 0)
		return cannot_listen(err, address, gai_strerror(rc));
	c->http_fd = bind_any(list);
	freeaddrinfo(list);
	if (c->http_fd < 0)
		return cannot_listen(err, address, "the address is in use or not ours");
	return EZ_OK;
}

int control_new(const char *socket_path, const char *metrics_address,
		const struct control_ops *ops, void *arg, struct control **ret,
		struct ez_error *err)
{
	struct control *c = xcalloc(1, sizeof(*c));
	int rc;

	*c = (struct control){ .ops = ops, .arg = arg, .listen_fd = -1, .http_fd = -1 };
	c->socket_path = xstrdup(socket_path);
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		c->clients[i].fd = -1;
	rc = listen_control(c, err);
	if (rc >= 0 && metrics_address)
		rc = listen_http(c, metrics_address, err);
	if (rc < 0) {
		control_free(c);
		return rc;
	}
	*ret = c;
	return EZ_OK;
}

static void drop(struct client *k)
{
	fs_closep(&k->fd);
	fs_closep(&k->passed);
	buf_release(&k->in);
	buf_release(&k->out);
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			drop(&c->clients[i]);
	if (c->listen_fd >= 0)
		(void)unlink(c->socket_path);
	fs_closep(&c->listen_fd);
	fs_closep(&c->http_fd);
	free(c->socket_path);
	free(c);
}

unsigned control_metrics_port(const struct control *c)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char port[8];
	uint64_t n = 0;

	if (c->http_fd < 0 || getsockname(c->http_fd, (struct sockaddr *)&at, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof(port),
			NI_NUMERICSERV) != 0 ||
	    !parse_u64(view_str(port), &n))
		return 0;
	return (unsigned)n;
}

/* ------------------------------------------------------------------------------ clients */

/* The file's mode keeps others out already; this holds where a file system ignores it. */
static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static struct client *free_client(struct control *c)
{
	for (size_t i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].fd < 0)
			return &c->clients[i];
	return NULL;
}

static void take_clients(struct control *c, int listener, bool is_http)
{
	for (;;) {
		struct client *k;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		/* Whoever waits stays in the queue, and poll() would say so for ever. */
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			       errno == ENOMEM))
			c->deaf_until_us = mono_us() + PAUSE_US;
		if (fd < 0)
			return;
		k = free_client(c);
		if (!k || (!is_http && !is_allowed(fd))) {
			close(fd);
			continue;
		}
		*k = (struct client){
			.fd = fd,
			.passed = -1,
			.is_http = is_http,
			.since_us = mono_us(),
			.in = BUF_INIT(REQUEST_MAX),
			.out = BUF_INIT(ANSWER_MAX),
		};
	}
}

static void answer_line(struct control *c, struct client *k, struct ez_view line)
{
	_cleanup_(json_freep) struct json *j = json_parse(line, NULL);
	struct ez_view cmd = json_str(j, "cmd");

	if (cmd.len == 0)
		buf_add_str(&k->out, "{\"error\":\"a request is one line of JSON with a member "
				     "\\\"cmd\\\"\"}");
	else if (c->ops->reload && view_eq_str(cmd, "reload"))
		c->ops->reload(c->arg, line, k->passed, &k->out);
	else
		c->ops->command(c->arg, cmd, line, &k->out);
	buf_add_char(&k->out, '\n');
	fs_closep(&k->passed);
}

static void answer_lines(struct control *c, struct client *k)
{
	const char *end;

	while (k->in.len > 0 && (end = memchr(k->in.ptr, '\n', k->in.len)) != NULL) {
		size_t len = (size_t)(end - k->in.ptr);

		answer_line(c, k, view_of(k->in.ptr, len));
		memmove(k->in.ptr, k->in.ptr + len + 1, k->in.len - len - 1);
		buf_truncate(&k->in, k->in.len - len - 1);
	}
	k->closing = k->closing || !buf_ok(&k->in) || !buf_ok(&k->out);
}

/* Of several descriptors the last counts; none is left open. */
static void take_passed(struct client *k, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			fs_closep(&k->passed);
			memcpy(&k->passed, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
		}
	}
}

static ssize_t receive_some(struct client *k, char *to, size_t max)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(PASSED_MAX * sizeof(int))];
	} room;
	struct iovec v = { .iov_base = to, .iov_len = max };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = room.bytes,
			    .msg_controllen = sizeof(room.bytes) };
	ssize_t n;

	if (k->is_http)
		return recv(k->fd, to, max, 0);
	n = recvmsg(k->fd, &m, MSG_CMSG_CLOEXEC);
	if (n >= 0)
		take_passed(k, &m);
	return n;
}

static void receive(struct control *c, struct client *k)
{
	char chunk[4096];
	ssize_t n = receive_some(k, chunk, sizeof(chunk));

	if (n <= 0) {
		k->closing = n == 0 || (errno != EAGAIN && errno != EINTR);
		return;
	}
	k->since_us = mono_us();
	buf_add(&k->in, chunk, (size_t)n);
	if (k->is_http)
		k->closing = control_http_answer(buf_view(&k->in), buf_ok(&k->in), c->ops, c->arg,
						 &k->out);
	else
		answer_lines(c, k);
}

static void transmit(struct client *k)
{
	while (k->sent < k->out.len) {
		ssize_t n = send(k->fd, k->out.ptr + k->sent, k->out.len - k->sent, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				buf_reset(&k->out);
				k->closing = true;
				k->sent = 0;
			}
			return;
		}
		k->since_us = mono_us();
		k->sent += (size_t)n;
	}
	buf_reset(&k->out);
	k->sent = 0;
}

static bool is_over(const struct client *k)
{
	return (k->closing && k->out.len == 0) || mono_us() > k->since_us + CLIENT_TIMEOUT_US;
}

size_t control_fds(struct control *c, struct pollfd *fds, size_t cap)
{
	size_t n = 0;
	short events = POLLIN;

	if (mono_us() < c->deaf_until_us)
		events = 0;
	else
		c->deaf_until_us = 0;
	fds[n++] = (struct pollfd){ .fd = c->listen_fd, .events = events };
	if (c->http_fd >= 0)
		fds[n++] = (struct pollfd){ .fd = c->http_fd, .events = events };
	c->n_listeners = n;
	for (size_t i = 0; i < MAX_CLIENTS && n < cap; i++) {
		const struct client *k = &c->clients[i];

		if (k->fd < 0)
			continue;
		c->polled[n - c->n_listeners] = i;
		fds[n++] = (struct pollfd){ .fd = k->fd,
					    .events = k->out.len > 0 ? POLLOUT : POLLIN };
	}
	return n;
}

int64_t control_due_us(const struct control *c)
{
	return c->deaf_until_us > 0 ? c->deaf_until_us : INT64_MAX;
}

void control_step(struct control *c, const struct pollfd *fds, size_t n)
{
	for (size_t i = c->n_listeners; i < n; i++) {
		struct client *k = &c->clients[c->polled[i - c->n_listeners]];

		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR) && k->out.len == 0)
			receive(c, k);
		if (k->out.len > 0)
			transmit(k);
		if (is_over(k))
			drop(k);
	}
	if (fds[0].revents)
		take_clients(c, c->listen_fd, false);
	if (c->n_listeners > 1 && fds[1].revents)
		take_clients(c, c->http_fd, true);
}
