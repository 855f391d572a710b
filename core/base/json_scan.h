/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stddef.h>

#include "base/view.h"

/*
 * Finding the bytes of a text that a JSON string cannot hold as they are.
 *
 * This is where the writers of large text values spend their time, so plain ASCII is passed
 * over 16 bytes at a time (8 without SSE2, or with BASE_NO_SIMD), and short values without
 * a loop over their bytes.
 */

/*
 * The length of the longest beginning that may be copied as it is: well-formed UTF-8 without
 * control characters, quotes and backslashes.
 */
size_t json_clean_len(struct ez_view v);

#endif
