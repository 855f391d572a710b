/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_TXN_API_H
#define STARROCKS_TXN_API_H

#include "exchange.h"

/* /api/transaction/...: the transaction interface, on both kinds of node. */
void txn_api_fe(struct exchange *x);
void txn_api_be(struct exchange *x);

/* The SQL API over HTTP. */
void txn_api_sql(struct exchange *x);

/* What both sides share. The lock is held in the last. */
bool txn_api_is_multi(const struct exchange *x);
/* A header in seconds as milliseconds. */
int64_t txn_api_seconds(const struct exchange *x, const char *name, int64_t preset);
/* Waits until a committed transaction is visible; false when the time is over. */
struct txn;
bool txn_api_await(struct exchange *x, struct txn *t);

#endif
