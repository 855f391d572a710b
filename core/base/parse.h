/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * Numbers, sizes and durations: from text as people and servers write them, and back.
 *
 * Parsing is strict: the whole view must be the value, without white space, sign "+",
 * fraction or exponent, and it must fit the type. On failure the result is false and the
 * out-parameter is untouched; the caller words the message, because it knows the name of
 * what was being set.
 */

/* Decimal digits with an optional "-". */
_must_check_ bool parse_i64(struct ez_view v, int64_t *ret_v);

/* Decimal digits. */
_must_check_ bool parse_u64(struct ez_view v, uint64_t *ret_v);

/* "true" "on" "yes" "1" or "false" "off" "no" "0", in any case. */
_must_check_ bool parse_bool(struct ez_view v, bool *ret_v);

/* Bytes: digits alone or with B, KiB, MiB, GiB or TiB. */
_must_check_ bool parse_size(struct ez_view v, uint64_t *ret_bytes);

/* Digits with us, ms, s, m, h or d; a bare "0" is allowed, other bare numbers are not. */
_must_check_ bool parse_duration(struct ez_view v, int64_t *ret_us);

/* Text for people, held by value: printf("%s", format_size(n).text). */
struct format_text {
	char text[32];
};

/* "0 B", "1023 B", "1.2 GiB". */
struct format_text format_size(uint64_t bytes);

/* "0 ms", "850 ms", "2.4 s", "3m 12s", "5h 02m", "4d 07h"; negative with a "-". */
struct format_text format_duration_ms(int64_t ms);

#endif
