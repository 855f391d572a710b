/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/view.h"

#include "base/alloc.h"

int view_cmp(struct ez_view a, struct ez_view b)
{
	size_t n = MIN(a.len, b.len);
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct ez_view view_trim(struct ez_view v)
{
	while (v.len > 0 && is_space(v.ptr[0])) {
		v.ptr++;
		v.len--;
	}
	while (v.len > 0 && is_space(v.ptr[v.len - 1]))
		v.len--;
	return v;
}

bool view_split(struct ez_view *rest, char sep, struct ez_view *ret_part)
{
	const char *at;

	if (!rest->ptr)
		return false;
	at = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
	if (!at) {
		*ret_part = *rest;
		*rest = view_of(NULL, 0);
		return true;
	}
	*ret_part = view_of(rest->ptr, (size_t)(at - rest->ptr));
	*rest = view_of(at + 1, rest->len - ret_part->len - 1);
	return true;
}

char *view_dup(struct ez_view v)
{
	char *copy = xmalloc(v.len + 1);

	if (v.len > 0)
		memcpy(copy, v.ptr, v.len);
	copy[v.len] = '\0';
	return copy;
}
