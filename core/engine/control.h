/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONTROL_H
#define ENGINE_CONTROL_H

#include <ezcdc/plugin.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct buf;
struct control;

/*
 * The two listeners of a daemon, served by the main thread between other things:
 * <state-dir>/control.sock, mode 0600, one JSON object a line in each direction; and, if
 * asked for, Prometheus over HTTP (GET /metrics and /healthz, nothing else).
 *
 * Everything from outside is bounded: line and request length, number of clients, time a
 * client may keep a half-sent request. A slow reader is dropped, never waited for. The peer
 * of the control socket must be root or the daemon's own user (SO_PEERCRED).
 *
 * control_fds() adds descriptors to the caller's poll set, control_step() serves them. All
 * on one thread.
 */
struct control_ops {
	/* One command, "status", "pause", "resume", "stop", "loglevel", "reload" ...; `json`
	 * is the whole request. Appends one JSON object without newline to `answer`. */
	void (*command)(void *arg, struct ez_view cmd, struct ez_view json, struct buf *answer);
	void (*metrics)(void *arg, struct buf *text);

	/* The command "reload", with the descriptor that came by SCM_RIGHTS, which stays the
	 * caller's; -1: none. NULL: as any other command. */
	void (*reload)(void *arg, struct ez_view json, int fd, struct buf *answer);
};

_must_check_ int control_new(const char *socket_path, const char *metrics_address,
			     const struct control_ops *ops, void *arg,
			     struct control **ret, struct ez_error *err);
void control_free(struct control *c); /* removes the socket */

size_t control_fds(struct control *c, struct pollfd *fds, size_t cap);
void control_step(struct control *c, const struct pollfd *fds, size_t n);

/* When control_fds() wants to be asked again (mono_us): without descriptors to accept
 * with, the listeners pause. INT64_MAX: no hurry. */
int64_t control_due_us(const struct control *c);

/* Port that metrics listen on, for tests with port 0; 0: off. */
unsigned control_metrics_port(const struct control *c);

/* Client side, for `ezcdc`: sends one request line, reads one answer line within
 * timeout_ms. EZ_E_TRANSIENT: nobody listens there. */
_must_check_ int control_ask(const char *socket_path, struct ez_view request,
			     unsigned timeout_ms, struct buf *answer, struct ez_error *err);

#endif
