/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TLS_H
#define STARROCKS_TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

/* TLS on accepted sockets, when it was built in. */

/* With a self-signed certificate from PEM files. NULL when it cannot be. */
void *tls_context_new(const char *certificate, const char *key);
void tls_context_free(void *context);

/* NULL when the handshake fails. */
void *tls_accept(void *context, int fd);
void tls_free(void *tls);
ssize_t tls_read(void *tls, char *to, size_t n);
ssize_t tls_write(void *tls, const char *data, size_t n);

#endif
