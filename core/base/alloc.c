/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/str.h"

static _Atomic long fail_countdown;

void alloc_fail_nth(long n)
{
	atomic_store(&fail_countdown, n);
}

bool alloc_is_failing(void)
{
	if (LIKELY(atomic_load_explicit(&fail_countdown, memory_order_relaxed) <= 0))
		return false;
	return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

void alloc_failed(size_t size)
{
	char msg[64];
	bool whole = str_format(msg, sizeof(msg), "out of memory, bytes=%zu\n", size);
	ssize_t n = write(STDERR_FILENO, msg, whole ? strlen(msg) : 0);

	(void)n;
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (UNLIKELY(!p))
		alloc_failed(size);
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (UNLIKELY(!p))
		alloc_failed(n * size);
	return p;
}

void *xrealloc(void *p, size_t size)
{
	void *moved = realloc(p, size ? size : 1);

	if (UNLIKELY(!moved))
		alloc_failed(size);
	return moved;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (UNLIKELY(mul_overflows_size(n, size, &bytes)))
		alloc_failed(SIZE_MAX);
	return xrealloc(p, bytes);
}

void *xmemdup(const void *p, size_t n)
{
	void *copy = xmalloc(n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *xstrdup(const char *s)
{
	return xmemdup(s, strlen(s) + 1);
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = xmalloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (UNLIKELY(n < 0))
		alloc_failed(0);
	return text;
}

void *try_malloc(size_t size)
{
	if (UNLIKELY(alloc_is_failing()))
		return NULL;
	return malloc(size ? size : 1);
}

void *try_realloc(void *p, size_t size)
{
	if (UNLIKELY(alloc_is_failing()))
		return NULL;
	return realloc(p, size ? size : 1);
}
