/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

/*
 * Heap memory, in two families.
 *
 * The x-functions serve small objects whose size the program itself chooses. They never
 * return NULL: when memory is gone they print one line and abort, which is safe because
 * the state on disk is valid at any instant. The try-functions serve sizes that come from
 * input (a row, a message, a file): they return NULL and the caller fails as an error.
 *
 * All memory is released with free(). Every function may be called from any thread.
 */

/* A size of zero gives a unique pointer that may be freed. */
_malloc_ _returns_nonnull_ _alloc_size_(1) void *xmalloc(size_t size);
_malloc_ _returns_nonnull_ _alloc_size_(1, 2) void *xcalloc(size_t n, size_t size);
_returns_nonnull_ _alloc_size_(2) void *xrealloc(void *p, size_t size);

/* xrealloc for `n` elements; aborts when the product overflows. */
_returns_nonnull_ _alloc_size_(2, 3) void *xreallocarray(void *p, size_t n, size_t size);

_malloc_ _returns_nonnull_ char *xstrdup(const char *s);

/* Copies at most `n` bytes up to a NUL; the result is terminated. */
_malloc_ _returns_nonnull_ char *xstrndup(const char *s, size_t n);

_malloc_ _returns_nonnull_ void *xmemdup(const void *p, size_t n);
_malloc_ _returns_nonnull_ _printf_(1, 2) char *xasprintf(const char *fmt, ...);

_must_check_ _malloc_ _alloc_size_(1) void *try_malloc(size_t size);

/* NULL on failure, and `p` is then untouched and still the caller's. */
_must_check_ _alloc_size_(2) void *try_realloc(void *p, size_t size);

/*
 * For tests: the n-th checked allocation from now (1 is the next) fails, once; 0 stops
 * that. Counts try_malloc, try_realloc and new mappings of arenas.
 */
void alloc_fail_nth(long n);

/* Counts one checked allocation; true when it is the one to fail. */
_must_check_ bool alloc_is_failing(void);

/* Prints "out of memory" with the size and aborts. */
_noreturn_ _cold_ void alloc_failed(size_t size);

/* For _cleanup_(freep): frees the pointer that `p` points to. */
static inline void freep(void *p)
{
	void *mem;

	memcpy(&mem, p, sizeof(mem));
	free(mem);
}

#endif
