/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "engine/control.h"
#include "engine/host.h"

/* The client's side of the control socket. */

static int nobody(struct ez_error *err, const char *path)
{
	if (errno == EACCES || errno == EPERM)
		return host_table.fail(err, EZ_E_PERMISSION, "", "control socket %s: %m", path);
	return host_table.fail(err, EZ_E_TRANSIENT, "", "no daemon answers on %s: %m", path);
}

/* timeout_ms also bounds connecting to a daemon that hangs, and writing to it. */
static int connect_to(const char *path, unsigned timeout_ms, int *ret_fd, struct ez_error *err)
{
	const struct timeval limit = { .tv_sec = timeout_ms / 1000,
				       .tv_usec = timeout_ms % 1000 * 1000 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (!str_copy(at.sun_path, sizeof(at.sun_path), view_str(path)))
		return host_table.fail(err, EZ_E_CONFIG, "", "path too long for a socket: %s",
				       path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		int rc = nobody(err, path);

		fs_closep(&fd);
		return rc;
	}
	*ret_fd = fd;
	return EZ_OK;
}

/* Until a newline; the newline is not part of the answer. */
static int read_line(int fd, int64_t until_us, struct buf *answer, struct ez_error *err)
{
	char chunk[4096];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left_ms = (until_us - mono_us()) / US_PER_MS;
		ssize_t n;

		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) == 0)
			return host_table.fail(err, EZ_E_TRANSIENT, "", "the daemon does not answer");
		n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return host_table.fail(err, EZ_E_TRANSIENT, "",
					       "the daemon closed the connection");
		buf_add(answer, chunk, (size_t)n);
		if (!buf_ok(answer))
			return host_table.fail(err, EZ_E_FATAL, "", "the answer is too long");
		if (memchr(chunk, '\n', (size_t)n))
			break;
	}
	buf_truncate(answer,
		     (size_t)((const char *)memchr(answer->ptr, '\n', answer->len) - answer->ptr));
	return EZ_OK;
}

/* Not write(2): a daemon that hangs up must not kill its client. */
static bool send_line(int fd, struct ez_view line)
{
	struct ez_view pieces[] = { line, VIEW("\n") };

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		while (pieces[i].len > 0) {
			ssize_t n = send(fd, pieces[i].ptr, pieces[i].len, MSG_NOSIGNAL);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return false;
			pieces[i] = view_of(pieces[i].ptr + n, pieces[i].len - (size_t)n);
		}
	return true;
}

int control_ask(const char *socket_path, struct ez_view request, unsigned timeout_ms,
		struct buf *answer, struct ez_error *err)
{
	int64_t until_us = mono_us() + (int64_t)timeout_ms * US_PER_MS;
	_cleanup_(fs_closep) int fd = -1;
	int rc = connect_to(socket_path, timeout_ms, &fd, err);

	if (rc < 0)
		return rc;
	if (!send_line(fd, request))
		return host_table.fail(err, EZ_E_TRANSIENT, "", "control socket %s: %m",
				       socket_path);
	return read_line(fd, until_us, answer, err);
}
