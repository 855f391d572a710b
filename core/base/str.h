/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * Text in arrays of fixed size: the wrappers that replace snprintf and strlcpy.
 *
 * The destination is always terminated (when its size is not 0). False means that the
 * text did not fit and was cut; nobody may pass over that silently. For text of any
 * length use struct buf.
 */

_must_check_ _printf_(3, 4) bool str_format(char *dst, size_t size, const char *fmt, ...);
_must_check_ _printf_(3, 0) bool str_formatv(char *dst, size_t size, const char *fmt,
					     va_list ap);
_must_check_ bool str_copy(char *dst, size_t size, struct ez_view v);

#endif
