/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/utf8.h"

size_t utf8_valid_len(struct ez_view v)
{
	const uint64_t high_bits = 0x8080808080808080ULL;
	size_t at = 0;

	while (at < v.len) {
		size_t n;

		while (v.len - at >= 16 &&
		       !((view_load64(v.ptr + at) | view_load64(v.ptr + at + 8)) &
			 high_bits))
			at += 16;
		if (at == v.len)
			break;
		n = utf8_char_len(v.ptr + at, v.len - at);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}
