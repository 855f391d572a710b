/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/want.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { BASE_DIGITS = 12 };

void want_free(struct want *w)
{
	if (!w)
		return;
	if (w->config)
		explicit_bzero(w->config, w->config_len);
	free(w->config);
	free(w->key);
	free(w->name);
	free(w->path);
	free(w->id);
	free(w->refused);
	free(w);
}

void want_set_add(struct want_set *s, struct want *w)
{
	s->items = xreallocarray(s->items, s->n + 1, sizeof(*s->items));
	s->items[s->n++] = w;
}

void want_set_release(struct want_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		want_free(s->items[i]);
	free(s->items);
	*s = (struct want_set){ .n = 0 };
}

struct want *want_set_find(const struct want_set *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i] && strcmp(s->items[i]->key, key) == 0)
			return s->items[i];
	}
	return NULL;
}

/* FNV-1a. */
uint64_t fingerprint_of(struct ez_view text)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < text.len; i++) {
		hash ^= (unsigned char)text.ptr[i];
		hash *= 0x100000001b3ULL;
	}
	return hash;
}

char *want_base_of(struct ez_view job_id)
{
	char digits[BASE_DIGITS + 1];
	size_t n = 0;

	for (size_t i = 0; i < job_id.len && n < BASE_DIGITS; i++) {
		if (job_id.ptr[i] == '-')
			continue;
		if (!memchr("0123456789abcdef", job_id.ptr[i], 16))
			return NULL;
		digits[n++] = job_id.ptr[i];
	}
	digits[n] = '\0';
	return n == BASE_DIGITS ? xasprintf("ezcdc_%s", digits) : NULL;
}
