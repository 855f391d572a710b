/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/str.h"

#include <stdio.h>

bool str_formatv(char *dst, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(dst, size, fmt, ap);

	if (UNLIKELY(n < 0 && size > 0))
		dst[0] = '\0';
	return n >= 0 && (size_t)n < size;
}

bool str_format(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	bool whole;

	va_start(ap, fmt);
	whole = str_formatv(dst, size, fmt, ap);
	va_end(ap);
	return whole;
}

bool str_copy(char *dst, size_t size, struct ez_view v)
{
	size_t n;

	if (size == 0)
		return false;
	n = MIN(v.len, size - 1);
	if (n > 0)
		memcpy(dst, v.ptr, n);
	dst[n] = '\0';
	return n == v.len;
}
