/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_PROBLEMS_H
#define ENGINE_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct ez_error;

/*
 * What is wrong with a file of settings: a list, so that one run shows everything.
 *
 * Each problem is one line for a person, "shop.conf:12: sink: unknown option ...". The list
 * belongs to whoever declared it and is filled by the readers below cfg.h, options.h
 * and job.h, which go on after a problem as far as that makes sense. Beyond PROBLEMS_MAX
 * the lines are only counted. Values of settings never appear in a line, because any of
 * them may be a misplaced secret. Not thread safe.
 */
enum {
	PROBLEMS_MAX = 100,
};

struct problems {
	char **lines;
	struct problem_place *places; /* of each line */
	size_t n_lines;               /* kept */
	size_t n;                     /* found; at least n_lines */
};

#define PROBLEMS_INIT ((struct problems){ .lines = NULL })

void problems_release(struct problems *p);

static inline bool problems_is_empty(const struct problems *p)
{
	return p->n == 0;
}

/* `file` may be NULL, `line` 0: then they are left out. */
_printf_(4, 5) void problem_add(struct problems *p, const char *file, unsigned line,
				const char *fmt, ...);

/* In the order of the files, as they were first named, and of their lines; at the end. */
void problems_sort(struct problems *p);

/*
 * Fills err with class EZ_E_CONFIG, the first problem and how many more there are; returns
 * the class. The list must not be empty.
 */
_must_check_ int problems_fail(const struct problems *p, struct ez_error *err);

/* What host->fail does, for the files of this folder: fills err and returns rc. */
_printf_(4, 5) int error_fill(struct ez_error *err, int rc, const char *code,
			      const char *fmt, ...);

/*
 * Of names offered one by one, the one that a misspelt word most likely meant: at most two
 * edits away (one for words of up to three letters; swapping neighbours is one edit).
 */
struct nearest {
	const char *word;
	size_t len;
	const char *best; /* NULL: nothing is near */
	size_t distance;
};

struct nearest nearest_init(const char *word, size_t len);
void nearest_offer(struct nearest *n, const char *candidate);

#endif
