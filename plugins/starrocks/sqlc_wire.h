/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQLC_WIRE_H
#define STARROCKS_SQLC_WIRE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * One connection of the MySQL protocol: the only place that knows the client library.
 *
 * Blocking, with timeouts; another thread may end a call by shutting wire_fd() down. Without
 * the library nothing can be opened and every other function is never called.
 */
struct wire_session;

struct wire_options {
	const char *host;
	unsigned port;
	const char *user, *password;
	const char *ca_file; /* "" or NULL: the system's */
	bool uses_tls;       /* and then the server's certificate is verified */
	int64_t connect_timeout_us;
	unsigned read_timeout_s;
};

_must_check_ int wire_open(const struct wire_options *o, struct wire_session **ret,
			   struct ez_error *err);
void wire_close(struct wire_session *w);
int wire_fd(struct wire_session *w);

/* Sends a statement. With `quiet` an error does not repeat what the server says. */
_must_check_ int wire_query(struct wire_session *w, struct ez_view sql, bool quiet,
			    struct ez_error *err);

size_t wire_n_columns(const struct wire_session *w);

/* The next row, valid until the next call; EZ_EOF behind the last one. */
_must_check_ int wire_row(struct wire_session *w, const struct ez_view **ret_row,
			  struct ez_error *err);

/* After an error: the connection is of no use any more. */
bool wire_is_broken(const struct wire_session *w);

#endif
