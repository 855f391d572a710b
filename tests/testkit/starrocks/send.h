/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SEND_H
#define STARROCKS_SEND_H

#include "exchange.h"

/* Sends the answer of an exchange, with the faults that mangle answers. False when cut. */
_must_check_ bool send_answer(struct exchange *x);

/* 400 for what is not HTTP, or too large. */
void send_bad_request(struct conn *conn);

/* Writes the exchange down. */
void send_journal(struct exchange *x);

#endif
