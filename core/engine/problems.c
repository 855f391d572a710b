/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/problems.h"

#include <ezcdc/plugin.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

enum {
	TEXT_MAX_BYTES = 64 * 1024,
	WORD_MAX = 64,
};

struct problem_place {
	size_t file; /* index of the first line that names the same file */
	size_t file_len;
	unsigned line;
};

void problems_release(struct problems *p)
{
	for (size_t i = 0; i < p->n_lines; i++)
		free(p->lines[i]);
	free(p->lines);
	free(p->places);
	*p = PROBLEMS_INIT;
}

/* The file that a line begins with was named by that line first, or by this one. */
static void note_place(struct problems *p, const char *file, unsigned line)
{
	size_t len = file ? strlen(file) : 0, n = p->n_lines, i = 0;

	while (i < n && (p->places[i].file_len != len ||
			 memcmp(p->lines[i], p->lines[n], len) != 0))
		i++;
	p->places[n] = (struct problem_place){
		.file = i < n ? p->places[i].file : n,
		.file_len = len,
		.line = line,
	};
}

void problem_add(struct problems *p, const char *file, unsigned line, const char *fmt,
		 ...)
{
	struct buf text = BUF_INIT(TEXT_MAX_BYTES);
	va_list ap;

	p->n++;
	if (p->n_lines == PROBLEMS_MAX)
		return;
	if (file && line)
		buf_addf(&text, "%s:%u: ", file, line);
	else if (file)
		buf_addf(&text, "%s: ", file);
	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	if (!p->lines) {
		p->lines = xcalloc(PROBLEMS_MAX, sizeof(*p->lines));
		p->places = xcalloc(PROBLEMS_MAX, sizeof(*p->places));
	}
	p->lines[p->n_lines] = buf_take(&text);
	note_place(p, file, line);
	p->n_lines++;
}

static bool comes_before(const struct problem_place *a, const struct problem_place *b)
{
	return a->file != b->file ? a->file < b->file : a->line < b->line;
}

/* By insertion: there are few, and equal places keep their order. */
void problems_sort(struct problems *p)
{
	for (size_t i = 1; i < p->n_lines; i++) {
		struct problem_place place = p->places[i];
		char *line = p->lines[i];
		size_t j = i;

		for (; j > 0 && comes_before(&place, &p->places[j - 1]); j--) {
			p->places[j] = p->places[j - 1];
			p->lines[j] = p->lines[j - 1];
		}
		p->places[j] = place;
		p->lines[j] = line;
	}
}

int problems_fail(const struct problems *p, struct ez_error *err)
{
	ASSERT(p->n > 0);
	if (p->n == 1)
		return error_fill(err, EZ_E_CONFIG, "", "%s", p->lines[0]);
	return error_fill(err, EZ_E_CONFIG, "", "%s (and %zu more)", p->lines[0],
			  p->n - 1);
}

/* A cut text is better than none, but it shows that it is one. */
static void copy_cut(char *dst, size_t size, struct ez_view v)
{
	if (!str_copy(dst, size, v))
		memcpy(dst + size - 4, "...", 4);
}

int error_fill(struct ez_error *err, int rc, const char *code, const char *fmt, ...)
{
	struct buf text = BUF_INIT(TEXT_MAX_BYTES);
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	err->rc = rc;
	err->retry_after_ms = 0;
	err->batch = 0;
	err->row = EZ_ROW_UNKNOWN;
	err->hint[0] = '\0';
	copy_cut(err->code, sizeof(err->code), view_str(code));
	copy_cut(err->text, sizeof(err->text), buf_view(&text));
	buf_release(&text);
	return rc;
}

/* Optimal string alignment: edits that turn a into b, neighbours swapped being one. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *recycled = before;

		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, MIN(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				best = MIN(best, before[j - 2] + 1);
			now[j] = best;
		}
		before = last;
		last = now;
		now = recycled;
	}
	return last[nb];
}

struct nearest nearest_init(const char *word, size_t len)
{
	return (struct nearest){
		.word = word,
		.len = len,
		.distance = len <= 3 ? 2 : 3, /* one more than is near enough */
	};
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t len = strlen(candidate), distance;

	if (n->len > WORD_MAX || len > WORD_MAX)
		return;
	distance = edit_distance(n->word, n->len, candidate, len);
	if (distance >= n->distance)
		return;
	n->distance = distance;
	n->best = candidate;
}
