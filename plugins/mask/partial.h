/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASK_PARTIAL_H
#define MASK_PARTIAL_H

#include <ezcdc/plugin.h>
#include <stddef.h>

/*
 * Part of a text hidden: "4111111111111111" becomes "************1111".
 *
 * Lengths are in characters; a byte that is not UTF-8 counts as one. The result has as
 * many characters as the value. A value that is no longer than what is to be kept would
 * be shown whole: it is hidden whole instead.
 */
struct partial {
	struct ez_view fill; /* one character */
	size_t keep_first, keep_last;
};

/* How a value is cut: bytes kept at both ends, characters hidden between them. */
struct partial_cut {
	size_t first_bytes, last_bytes, hidden;
};

struct partial_cut partial_measure(const struct partial *p, struct ez_view value);

/* Bytes that partial_write needs. */
static inline size_t partial_bytes(const struct partial *p, const struct partial_cut *cut)
{
	return cut->first_bytes + cut->hidden * p->fill.len + cut->last_bytes;
}

void partial_write(const struct partial *p, const struct partial_cut *cut,
		   struct ez_view value, char *to);

#endif
