/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"

enum { MESSAGE_MAX = 512 };

/* "@name" is a name in the abstract namespace: a NUL in front instead. */
static bool address(struct sockaddr_un *to, socklen_t *ret_len)
{
	const char *path = secure_getenv("NOTIFY_SOCKET");

	if (!path || path[0] == '\0' || (path[0] != '/' && path[0] != '@'))
		return false;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!str_copy(to->sun_path, sizeof(to->sun_path), view_str(path)))
		return false;
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		to->sun_path[0] = '\0';
	return true;
}

static void send_message(const char *text)
{
	struct sockaddr_un to;
	socklen_t len;
	int fd;

	if (!address(&to, &len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to, len);
	close(fd);
}

void notify_ready(void)
{
	send_message("READY=1");
}

void notify_reloading(void)
{
	char text[MESSAGE_MAX];

	if (str_format(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		       (long long)mono_us()))
		send_message(text);
}

void notify_stopping(void)
{
	send_message("STOPPING=1");
}

void notify_watchdog(void)
{
	send_message("WATCHDOG=1");
}

void notify_status(const char *fmt, ...)
{
	char text[MESSAGE_MAX] = "STATUS=";
	size_t at = strlen(text);
	va_list ap;

	if (!secure_getenv("NOTIFY_SOCKET"))
		return;
	va_start(ap, fmt);
	if (!str_formatv(text + at, sizeof(text) - at, fmt, ap))
		text[sizeof(text) - 1] = '\0'; /* cut: it is for people */
	va_end(ap);
	send_message(text);
}

int64_t notify_watchdog_us(void)
{
	const char *text = secure_getenv("WATCHDOG_USEC"), *pid = secure_getenv("WATCHDOG_PID");
	uint64_t us, whose;

	/* A variable that was inherited is about the process that systemd started. */
	if (pid && (!parse_u64(view_str(pid), &whose) || whose != (uint64_t)getpid()))
		return 0;
	if (!text || !parse_u64(view_str(text), &us) || us > INT64_MAX)
		return 0;
	return (int64_t)(us / 2);
}
