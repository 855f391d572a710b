/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Arithmetic on numbers from outside: add, subtract and multiply that say whether they
 * overflowed. Each returns true on overflow; `ret_v` then holds the wrapped value and
 * must not be used.
 */

/* clang-format off */
#define CHECKED_DEFINE_(op, suffix, type) \
	_must_check_ static inline bool op##_overflows_##suffix(type a, type b, type *ret_v) \
	{ \
		return __builtin_##op##_overflow(a, b, ret_v); \
	}
/* clang-format on */

CHECKED_DEFINE_(add, size, size_t)
CHECKED_DEFINE_(sub, size, size_t)
CHECKED_DEFINE_(mul, size, size_t)
CHECKED_DEFINE_(add, u64, uint64_t)
CHECKED_DEFINE_(sub, u64, uint64_t)
CHECKED_DEFINE_(mul, u64, uint64_t)
CHECKED_DEFINE_(add, i64, int64_t)
CHECKED_DEFINE_(sub, i64, int64_t)
CHECKED_DEFINE_(mul, i64, int64_t)

#undef CHECKED_DEFINE_

#endif
