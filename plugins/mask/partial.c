/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "mask/partial.h"

#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"

/* The offset behind the character at `i`. */
static size_t next_character(struct ez_view v, size_t i)
{
	return i + MAX(utf8_char_len(v.ptr + i, v.len - i), (size_t)1);
}

static size_t skip_characters(struct ez_view v, size_t from, size_t n)
{
	while (n-- > 0)
		from = next_character(v, from);
	return from;
}

struct partial_cut partial_measure(const struct partial *p, struct ez_view value)
{
	size_t n = 0, last;
	struct partial_cut cut;

	for (size_t i = 0; i < value.len; n++)
		i = next_character(value, i);
	if (n <= p->keep_first || n - p->keep_first <= p->keep_last)
		return (struct partial_cut){ .hidden = n };
	cut.hidden = n - p->keep_first - p->keep_last;
	cut.first_bytes = skip_characters(value, 0, p->keep_first);
	last = skip_characters(value, cut.first_bytes, cut.hidden);
	cut.last_bytes = value.len - last;
	return cut;
}

void partial_write(const struct partial *p, const struct partial_cut *cut,
		   struct ez_view value, char *to)
{
	if (cut->first_bytes > 0)
		memcpy(to, value.ptr, cut->first_bytes);
	to += cut->first_bytes;
	for (size_t i = 0; i < cut->hidden; i++, to += p->fill.len)
		memcpy(to, p->fill.ptr, p->fill.len);
	if (cut->last_bytes > 0)
		memcpy(to, value.ptr + (value.len - cut->last_bytes), cut->last_bytes);
}
