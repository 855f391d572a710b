/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_AUTH_LIMITER_H
#define CONTROL_AUTH_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * How often somebody may do something: a bucket of tokens per key, refilled steadily.
 *
 * Kept by each instance for itself. The number of keys has a ceiling; when it is reached,
 * buckets that are full again are forgotten, and if none is, all. Any thread.
 */
struct limiter;

struct limiter *limiter_new(double per_second, double burst);
void limiter_free(struct limiter *l);

/* False when the bucket is empty; `ret_wait_ms`: until there is a token again. */
_must_check_ bool limiter_take(struct limiter *l, const char *key, int64_t *ret_wait_ms);

/* Whether limiter_take would succeed, without taking. */
bool limiter_has(struct limiter *l, const char *key);

/* Gives the key a full bucket again. */
void limiter_forgive(struct limiter *l, const char *key);

#endif
