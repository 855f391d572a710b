/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_LSN_H
#define PGOUTPUT_LSN_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Positions in the server's log: a 64-bit number and its text "0/1A2B3C8".
 *
 * The text is what positions of the engine hold; the number is their `order`. Text is
 * written as the server writes it: upper case, without leading zeros. Values, no owner.
 */
struct lsn_text {
	char text[24]; /* NUL-terminated */
};

/* One to eight hex digits, "/", one to eight hex digits, nothing else. */
_must_check_ bool lsn_parse(struct ez_view v, uint64_t *ret_lsn);

struct lsn_text lsn_format(uint64_t lsn);

/* A position whose text lives in `text`. */
struct ez_position lsn_position(uint64_t lsn, struct lsn_text *text);

/* The server counts microseconds from 2000, the engine from 1970; saturates. */
int64_t pg_time_to_unix_us(int64_t pg_us);
int64_t unix_to_pg_time_us(int64_t unix_us);

#endif
