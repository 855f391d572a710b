/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "samples.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/view.h"

static char **place(struct samples *s, uint64_t number)
{
	return &s->ring[number % SAMPLES_MAX];
}

void samples_init(struct samples *s)
{
	*s = (struct samples){ .ring = xcalloc(SAMPLES_MAX, sizeof(char *)), .first = 1,
			       .next = 1 };
}

static void drop_first(struct samples *s)
{
	char **p = place(s, s->first++);

	free(*p);
	*p = NULL;
}

void samples_release(struct samples *s)
{
	while (samples_count(s) > 0)
		drop_first(s);
	free(s->ring);
	s->ring = NULL;
}

void samples_add(struct samples *s, struct ez_view json)
{
	if (samples_count(s) == SAMPLES_MAX) {
		/* One that is under way may have arrived: it does not count as lost. */
		if (s->first >= s->under_way)
			s->dropped++;
		drop_first(s);
	}
	*place(s, s->next++) = view_dup(json);
}

void samples_take(struct samples *s, struct buf *out, size_t most_bytes)
{
	uint64_t at = s->first;
	size_t bytes = 0;

	for (; at < s->next && at - s->first < SAMPLES_PER_REQUEST; at++) {
		const char *text = *place(s, at);
		size_t len = strlen(text);

		if (bytes + len + 1 > most_bytes)
			break;
		if (at > s->first)
			buf_add_char(out, ',');
		buf_add(out, text, len);
		bytes += len + 1;
	}
	s->under_way = at;
	s->told = s->dropped;
}

void samples_sent(struct samples *s)
{
	while (s->first < s->under_way)
		drop_first(s);
	s->dropped -= s->told;
	s->told = 0;
	s->under_way = 0;
}

void samples_again(struct samples *s)
{
	s->told = 0;
	s->under_way = 0;
}
