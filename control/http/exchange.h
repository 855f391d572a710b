/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_EXCHANGE_H
#define CONTROL_HTTP_EXCHANGE_H

#include <stddef.h>

#include <microhttpd.h>

/*
 * What libmicrohttpd calls for each connection: collects a request, hands it to the
 * queue, and sends the answer. On the network thread; `cls` is the app.
 */
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *c, const char *url,
				const char *method, const char *version, const char *data,
				size_t *n, void **state);

/* A connection begins or ends: its state is a guest. */
void exchange_connected(void *cls, struct MHD_Connection *c, void **state,
			enum MHD_ConnectionNotificationCode what);

void exchange_completed(void *cls, struct MHD_Connection *c, void **state,
			enum MHD_RequestTerminationCode why);

#endif
