/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

/*
 * Compiler attributes and the few macros that every file needs.
 *
 * Each GNU attribute stands behind one name, so that the code reads alike with gcc and
 * clang. There is no name for `nonnull`: it lets the optimiser delete the very check that
 * would have caught the bug. Statement expressions live here and nowhere else.
 *
 * Two kinds of assertion: ASSERT states what a caller promises and is compiled out with
 * NDEBUG; ENSURE states what would lose data if it were wrong and is always there.
 * Neither is for input: input is checked and fails as an error.
 */

#define _cleanup_(f)      __attribute__((cleanup(f)))
#define _must_check_      __attribute__((warn_unused_result))
#define _printf_(a, b)    __attribute__((format(printf, a, b)))
#define _unused_          __attribute__((unused))
#define _malloc_          __attribute__((malloc))
#define _alloc_size_(...) __attribute__((alloc_size(__VA_ARGS__)))
#define _returns_nonnull_ __attribute__((returns_nonnull))
#define _noreturn_        __attribute__((noreturn))
#define _cold_            __attribute__((cold))
#define _export_          __attribute__((visibility("default")))
#define _fallthrough_     __attribute__((fallthrough))

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define ATTR_PASTE_(a, b) a##b
#define ATTR_PASTE(a, b)  ATTR_PASTE_(a, b)

/* clang-format cannot lay out macros of several lines. */
/* clang-format off */

/* MIN and MAX evaluate each argument once and may be nested. */
#undef MIN
#undef MAX
#define MIN(a, b) ATTR_PICK_(a, <, b, __COUNTER__)
#define MAX(a, b) ATTR_PICK_(a, >, b, __COUNTER__)
#define ATTR_PICK_(a, op, b, id) \
	ATTR_PICK_NAMED_(a, op, b, ATTR_PASTE(pick_a_, id), ATTR_PASTE(pick_b_, id))
#define ATTR_PICK_NAMED_(a, op, b, x, y) \
	({ __typeof__(a) x = (a); __typeof__(b) y = (b); x op y ? x : y; })

/* The value of pointer `p`, which becomes NULL: hands ownership over. */
#define TAKE_PTR(p) ATTR_TAKE_(p, ATTR_PASTE(take_, __COUNTER__))
#define ATTR_TAKE_(p, x) ({ __typeof__(p) x = (p); (p) = NULL; x; })

/* What a caller promises. Evaluated only without NDEBUG. */
#ifdef NDEBUG
#define ASSERT(cond) ((void)sizeof((cond) ? 1 : 0))
#else
#define ASSERT(cond) \
	(LIKELY(cond) ? (void)0 : ensure_failed(__FILE__, __LINE__, #cond, "assertion failed"))
#endif

/* What would lose data if it were false. `text` says what that would have been. */
#define ENSURE(cond, text) \
	(LIKELY(cond) ? (void)0 : ensure_failed(__FILE__, __LINE__, #cond, text))

/* clang-format on */

/* Writes one line to stderr and aborts; allocates nothing. */
_noreturn_ _cold_ void ensure_failed(const char *file, int line, const char *cond,
				     const char *text);

#endif
